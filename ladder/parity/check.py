"""Check golden files, one after the other or spread over processes."""

import time

from ladder.errors import UserError
from ladder.parity import configuration, golden
from ladder.parity.comparison import FAILED, Result

STREAMS, MNIST_RUN, WHITENING = "streams", "mnist_fc100_seed1_traj", "zca_cnorm"


def check(directory, name, full=False, plain_graph=False):
    """Compare one golden file; whatever is wrong with it or with our numbers becomes a verdict, not an exception.

    Parameters
    ----------
    directory : str or Path
    name : str
    full : bool
        Run all updates of the MNIST file, not just the first 200.
    plain_graph : bool
        Build the readable graph instead of the fused one.

    Returns
    -------
    Result
    """
    start = time.time()
    result = Result(name)
    try:
        _compare(golden.read(directory, name), result, full, plain_graph)
    except (golden.Unreadable, UserError) as error:
        result.status, result.reason = FAILED, str(error)
    # A bug must be reported beside the other files' verdicts, not end the comparison.
    except Exception as error:
        result.status, result.reason = FAILED, f"stopped by {type(error).__name__}: {error}"
    result.seconds = time.time() - start
    return result


def _compare(file, result, full, plain_graph):
    """Choose how to compare a file, by its name or by its .json."""
    # Imported here, because some import Aesara, which not all files need.
    if file.name == WHITENING:
        from ladder.parity import whitening_file

        whitening_file.compare(file, result)
    elif file.name == STREAMS:
        from ladder.parity import streams_file

        streams_file.compare(file, result)
    elif file.name == MNIST_RUN:
        from ladder.parity import mnist_file

        mnist_file.compare(file, result, full, plain_graph)
    elif not configuration.is_model(file.meta):
        result.status, result.reason = FAILED, "its .json has no encoder_layers, so it is unknown what to compare"
    else:
        from ladder.parity import model_file

        model_file.compare(file, result, plain_graph)
