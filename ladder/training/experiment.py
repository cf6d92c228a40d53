"""One training run, from options to a folder of results."""

import json
import logging
import subprocess
import time
from pathlib import Path

from ladder import __version__, backends
from ladder.backends import c
from ladder.data.experiment import describe, training_stream, validation_stream
from ladder.errors import UserError
from ladder.training import checkpoints, functions, results
from ladder.training.extensions.checkpointing import MINUTES, Checkpoint
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
from ladder.training.run_state import RunState
from ladder.training.statistics import reset_counter

logger = logging.getLogger("main")


def train(p, examples, split, folder, minutes=MINUTES):
    """Train one configuration and save it, going on where a checkpoint in the folder ends.

    Parameters
    ----------
    p : HyperParameters
    examples : Examples, the training split
    split : Split, what of it trains and validates
    folder : Path, made by :func:`ladder.training.results.make_folder`
    minutes : float
        Between checkpoints; 0: at the ends of epochs alone.

    Returns
    -------
    MainLoop
        Whose ``interrupted`` tells whether a signal ended it, and whose
        ``row`` has the final validation costs.
    """
    about = _about(p, examples, split)
    checkpoint = checkpoints.newest(folder)
    if checkpoint is not None:
        _compare(about, checkpoint[0], folder)
    elif (folder / "log.jsonl").exists():
        logger.info("There is no checkpoint in %s: training starts from the beginning", folder)
    results.save_options(folder, p)
    results.save_data(folder, describe(examples))
    save_json(folder / results.ENVIRONMENT, about["environment"])

    logger.info("Compiling (the first time on a machine this takes minutes, later a part of one)")
    start = time.time()
    ladder, inputs = functions.build_training_graph(p)
    train_batch, step = functions.compile_training(ladder, inputs, p.lr, c.mode())
    stream = training_stream(p, examples, split)
    validate = _validation(ladder, inputs) if len(split.valid) else None
    estimate = functions.compile_statistics_estimate(p, ladder.shareds, examples, split, c.mode(allow_gc=True))
    logger.info("Compiled in %.0f s", time.time() - start)

    def save(final_statistics=False):
        results.save_model(folder, step.parameters, ladder.shareds, final_statistics)

    streams, monitor, log = {"train": stream}, TrainingMonitor(), SaveLog(folder / "log.jsonl")
    extensions = [
        ProgressBar(stream.num_batches),
        StopOnNotFinite(ladder.shareds, save, len(ladder.layers)),
        monitor,
    ]
    if validate is None:
        logger.info("No examples are left over for validation")
    else:
        streams["valid"] = approx_stream = validation_stream(p, examples, split.valid)
        extensions.append(ApproxTestMonitor(lambda: validate(approx_stream), lambda: reset_counter(ladder.shareds)))
    state = RunState(ladder, step, streams, monitor, log)
    extensions += [
        FinalTestMonitor(estimate, validate and (lambda: validate(validation_stream(p, examples, split.valid)))),
        LRDecay(step.learning_rate, p.lr, p.num_epochs * p.lrate_decay, p.num_epochs),
        log,
        ShortPrinting(),
        # In this order: where there are final statistics, everything else is written.
        SaveParams(save),
        Checkpoint(folder, state, about, minutes),
    ]
    loop = MainLoop(train_batch, stream, p.num_epochs, extensions)
    if checkpoint is not None:
        state.set(loop, *checkpoint)
        logger.info("Going on after update %d (%d epochs done)", loop.updates_done, loop.epochs_done)
    loop.run()
    return loop


def _validation(ladder, inputs):
    """A function from a validation stream to costs by name, over one epoch of it."""
    # Called once an epoch: it need not keep its memory, gigabytes with large maps, while the updates need theirs.
    function = functions.compile_validation(ladder, inputs, c.mode(allow_gc=True))

    def evaluate(stream):
        # Training noise must not depend on how often we look.
        states = ladder.noise.get_states()
        values = mean_over_batches(function, stream.get_epoch_iterator())
        ladder.noise.set_states(states)
        return values

    return evaluate


def _about(p, examples, split):
    """What a checkpoint belongs to: plain values, as JSON has them."""
    chosen = {"targets": examples.targets, **vars(split)}
    values = {
        "options": p.as_dict(),
        "examples": checkpoints.sha256(chosen),
        # By itself: a whitening that was fitted again may differ in the last bits.
        "features": checkpoints.sha256({"features": examples.features}),
        "environment": environment(),
    }
    return json.loads(json.dumps(values))


def _compare(about, stored, folder):
    """Refuse a checkpoint of other options or data; warn where rounding may differ."""
    options = [name for name, value in about["options"].items() if value != stored["options"].get(name)]
    if options:
        raise UserError(
            f"{folder / results.OPTIONS} and the checkpoint differ in {', '.join(options)}: put back what the run "
            "was started with, or start another one."
        )
    if about["examples"] != stored["examples"]:
        raise UserError(
            f"{about['options']['dataset']} has other labels or another number of examples than when {folder} was "
            "begun: put the data set back, or start another run."
        )
    now, then = about["environment"], stored["environment"]
    changed = [f"{name} was {then.get(name)} and is {value}" for name, value in now.items() if value != then.get(name)]
    if about["features"] != stored["features"]:
        if not about["options"]["whiten_zca"]:
            raise UserError(
                f"{about['options']['dataset']} has other values than when {folder} was begun: put the data set back, "
                "or start another run."
            )
        changed.append("the whitened examples have other values")
    if changed:
        logger.warning(
            "Warning: the result will not be bit for bit that of an uninterrupted run: %s", "; ".join(changed)
        )


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
