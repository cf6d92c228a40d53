"""One training run, from options to a folder of results."""

import logging
import subprocess
import time
from pathlib import Path

from ladder import __version__, backends
from ladder.backends import c
from ladder.data.experiment import describe, training_stream, validation_stream
from ladder.training import functions, results
from ladder.training.extensions.guard import StopOnNotFinite
from ladder.training.extensions.lr_decay import LRDecay
from ladder.training.extensions.monitoring import (
    ApproxTestMonitor,
    FinalTestMonitor,
    TrainingMonitor,
    mean_over_batches,
)
from ladder.training.extensions.printing import ProgressBar, ShortPrinting
from ladder.training.extensions.saving import SaveLog, SaveParams, save_json
from ladder.training.main_loop import MainLoop
from ladder.training.statistics import reset_counter

logger = logging.getLogger("main")


def train(p, examples, split, folder):
    """Train one configuration and save it.

    Parameters
    ----------
    p : HyperParameters
    examples : Examples, the training split
    split : Split, what of it trains and validates
    folder : Path, made by :func:`ladder.training.results.make_folder`

    Returns
    -------
    MainLoop
        Whose ``interrupted`` tells whether a signal ended it, and whose
        ``row`` has the final validation costs.
    """
    results.save_options(folder, p)
    results.save_data(folder, describe(examples))
    save_json(folder / "environment.json", environment())

    logger.info("Compiling (the first time on a machine this takes minutes, later a part of one)")
    start = time.time()
    ladder, inputs = functions.build_training_graph(p)
    train_batch, step = functions.compile_training(ladder, inputs, p.lr, c.mode())
    stream = training_stream(p, examples, split)
    validate = _validation(ladder, inputs) if len(split.valid) else None
    estimate = functions.compile_statistics_estimate(p, ladder.shareds, examples, split, c.mode())
    logger.info("Compiled in %.0f s", time.time() - start)

    def save(final_statistics=False):
        results.save_model(folder, step.parameters, ladder.shareds, final_statistics)

    extensions = [
        ProgressBar(stream.num_batches),
        StopOnNotFinite(ladder.shareds, save, len(ladder.layers)),
        TrainingMonitor(),
    ]
    if validate is None:
        logger.info("No examples are left over for validation")
    else:
        approx_stream = validation_stream(p, examples, split.valid)
        extensions.append(ApproxTestMonitor(lambda: validate(approx_stream), lambda: reset_counter(ladder.shareds)))
    extensions += [
        FinalTestMonitor(estimate, validate and (lambda: validate(validation_stream(p, examples, split.valid)))),
        SaveParams(save),
        LRDecay(step.learning_rate, p.lr, p.num_epochs * p.lrate_decay, p.num_epochs),
        SaveLog(folder / "log.jsonl"),
        ShortPrinting(),
    ]
    loop = MainLoop(train_batch, stream, p.num_epochs, extensions)
    loop.run()
    return loop


def _validation(ladder, inputs):
    """A function from a validation stream to costs by name, over one epoch of it."""
    function = functions.compile_validation(ladder, inputs, c.mode())

    def evaluate(stream):
        # Training noise must not depend on how often we look.
        states = ladder.noise.get_states()
        values = mean_over_batches(function, stream.get_epoch_iterator())
        ladder.noise.set_states(states)
        return values

    return evaluate


def environment():
    """Versions, BLAS, compiler, threads, and the commit where there is one."""
    return {"ladder": __version__, "commit": _commit(), **backends.describe()}


def _commit():
    """The commit of this checkout, or None for an installed package."""
    root = Path(__file__).resolve().parent.parent.parent
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
