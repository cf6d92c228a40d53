"""The process of a row of ``gpu.py``, so that no library disturbs another's memory.

    python gpu_row.py REQUEST

REQUEST is JSON.  With ``probe`` it asks whether a library has such a device,
which one line of JSON answers.  Otherwise it asks for a row, and is answered by
one line when the row is ready, one when its rounds are done, and one with its
profile.  In place of any of them, ``skipped`` says why there is none, and
``failed`` whether that is an error.
"""

import json
import sys
import time
import traceback
from importlib import import_module

import numpy as np
from contestant import take_standard_output
from network import EPOCH, NETWORKS, SMALL_NETWORKS
from unavailable import Unavailable

from ladder.errors import UserError

#: Errors that say that something is missing or does not fit, not that the row is wrong.
EXPECTED = (ImportError, Unavailable, UserError)

MODULES = {"jax": ("gpu_ladder", "Ladders"), "torch": ("gpu_torch", "Rival")}


def main():
    request = json.loads(sys.argv[1])
    answers = take_standard_output()

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    try:
        if request.get("probe"):
            answer(device=import_module(MODULES[request["library"]][0]).probe(request["device"]))
        else:
            run(request, answer)
    except Exception as error:
        # Another row may well run.
        answer(skipped=_reason(error), failed=not isinstance(error, EXPECTED))


def run(request, answer):
    """Get ready, and then time rounds.

    Parameters
    ----------
    request : dict
        ``library``, ``model``, ``small``, ``device``, ``tf32``; ``updates`` per
        round; ``rounds`` and ``seconds``, the minimum of each; ``profile``; and
        whatever the library's class needs.
    """
    module, name = MODULES[request["library"]]
    network = (SMALL_NETWORKS if request["small"] else NETWORKS)[request["model"]]
    row = getattr(import_module(module), name)(network, *random_data(network), request)
    start = time.perf_counter()
    row.build()
    row.round()
    ready = time.perf_counter() - start
    answer(ready_s=ready)
    rounds = timed(row.round, request["rounds"], request["seconds"])
    answer(rounds_s=rounds, ready_s=ready, peak_mb=row.peak_mb(), notes=row.notes)
    answer(profile=_profile(row) if request["profile"] and request["library"] == "jax" else [])


def random_data(network):
    """The examples of an epoch: features and targets."""
    n, rng = EPOCH * network.n_unlabeled, np.random.default_rng(0)
    return rng.random((n, *network.layers[0].shape), "float32"), rng.integers(0, network.dims[-1], n)


def timed(function, rounds, seconds):
    """Seconds of each call: as many calls as asked for, and more until they took long enough together."""
    times = []
    while len(times) < rounds or sum(times) < seconds:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times


def _profile(row):
    from gpu_profile import profile

    return profile(row.round)


def _reason(error):
    """The error in one line; the traceback of an unexpected one goes to standard error."""
    text = str(error).strip().split("\n")[0]
    if isinstance(error, EXPECTED):
        return text
    traceback.print_exception(error)
    return f"{type(error).__name__}: {text}"


if __name__ == "__main__":
    main()
