"""Training runs, from options to folders of results: one, or several seeds side by side."""

import json
import logging
import subprocess
import time
from contextlib import nullcontext
from dataclasses import MISSING, fields
from functools import cached_property
from pathlib import Path

from ladder import __version__, backends, plain_json
from ladder.data.experiment import describe, training_stream, validation_stream
from ladder.errors import UserError
from ladder.files import save_json
from ladder.hyper import HyperParameters
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
from ladder.training.extensions.saving import SaveLog, SaveParams
from ladder.training.main_loop import MainLoop, run_side_by_side
from ladder.training.run_state import RunState, check_values
from ladder.training.statistics import reset_counter
from ladder.training.step import training_step

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
    run = Run(p, examples, split, folder, minutes)
    run.loop.run(run.updates)
    return run.loop


def train_side_by_side(experiments, folders, minutes=MINUTES, current=lambda i: nullcontext()):
    """Train configurations that differ in their seeds alone, all in one program where the backend can.

    Parameters
    ----------
    experiments : list of (HyperParameters, Examples, Split)
    folders : list of Path
    minutes : float, as for :func:`train`
    current : function of an index -> context manager
        Entered around everything that concerns one run alone.

    Returns
    -------
    loops : list of MainLoop
    errors : dict of index -> TrainingStopped or OSError
    """
    runs = []
    for i, (experiment, folder) in enumerate(zip(experiments, folders)):
        with current(i):
            runs.append(Run(*experiment, folder, minutes, runs[0] if runs else None, len(folders)))

    def make(requests):
        made = backends.make_together([runs[i].updates for i in requests], list(requests.values()))
        return dict(zip(requests, made))

    loops = [run.loop for run in runs]
    return loops, run_side_by_side(loops, make, runs[0].updates.at_once, current)


class Run:
    """One configuration: its graph, compiled functions and main loop.

    Parameters
    ----------
    p, examples, split, folder, minutes : as for :func:`train`
    like : Run, optional
        Of another seed, whose compiled functions serve this run, too.
    together : int
        How many runs are trained side by side.

    Attributes
    ----------
    loop : MainLoop
    updates : see :func:`ladder.backends.updates`
    """

    def __init__(self, p, examples, split, folder, minutes, like=None, together=1):
        about = _about(p, examples, split)
        checkpoint = checkpoints.newest(folder, _check_about)
        if checkpoint is not None:
            _compare(about, checkpoint[0], folder)
        elif (folder / "log.jsonl").exists():
            logger.info("There is no checkpoint in %s: training starts from the beginning", folder)
        results.remove_leftovers(folder)
        results.save_options(folder, p)
        results.save_data(folder, describe(examples))
        results.save_fitted(folder, examples.fitted)
        save_json(folder / results.ENVIRONMENT, about["environment"])

        logger.info("Compiling (the first time on a machine this takes minutes, later a part of one)")
        start = time.time()
        self.p, self._like = p, like
        self._ladder, inputs = functions.build_training_graph(p)
        stream = training_stream(p, examples, split)
        if like is None:
            self.updates, step = functions.compile_training(self._ladder, inputs, p.lr, stream.sources)
        else:
            step = training_step(self._ladder, p.lr)
        streams, monitor, log = {"train": stream}, TrainingMonitor(), SaveLog(folder / "log.jsonl")
        if len(split.valid):
            streams["valid"] = validation_stream(p, examples, split.valid)
        self._state = RunState(self._ladder, step, streams, monitor, log)
        if like is not None:
            self.updates = like.updates.on(self._state.counterpart(like._state), stream.sources)
        validate = self._validation(inputs) if len(split.valid) else None
        logger.info("Compiled in %.0f s", time.time() - start)

        shareds = self._ladder.shareds

        def save(final_statistics=False):
            results.save_model(folder, step.parameters, shareds, final_statistics)

        # One bar is enough for runs in step.
        extensions = [ProgressBar(stream.num_batches)] if like is None else []
        extensions += [StopOnNotFinite(shareds, save, len(self._ladder.layers)), monitor]
        if validate is None:
            logger.info("No examples are left over for validation")
        else:
            extensions.append(ApproxTestMonitor(lambda: validate(streams["valid"]), lambda: reset_counter(shareds)))
        extensions += [
            FinalTestMonitor(
                lambda: functions.estimate_statistics(
                    self._update_averages, shareds, training_stream(p, examples, split)
                ),
                validate and (lambda: validate(validation_stream(p, examples, split.valid))),
            ),
            LRDecay(step.learning_rate, p.lr, p.num_epochs * p.lrate_decay, p.num_epochs),
            log,
            ShortPrinting(),
            # In this order: where there are final statistics, everything else is written.
            SaveParams(save),
            Checkpoint(folder, self._state, about, minutes, together),
        ]
        self.loop = MainLoop(stream, p.num_epochs, extensions)
        if checkpoint is not None:
            # Now that there is a network, one that does not fit it gives way to the one before.
            checkpoint = checkpoints.newest(folder, self._check)
            _compare(about, checkpoint[0], folder)
            self._state.set(self.loop, *checkpoint)
            logger.info("Going on after update %d (%d epochs done)", self.loop.updates_done, self.loop.epochs_done)

    def _check(self, values, arrays):
        _check_about(values, arrays)
        self._state.check(self.loop, values, arrays)

    def _validation(self, inputs):
        """A function from a validation stream to costs by name, over one epoch of it."""
        if self._like is None:
            self._validate = functions.compile_validation(self._ladder, inputs)
        else:
            self._validate = self._like._validate.on(self._state.counterpart(self._like._state))
        noise = self._ladder.noise

        def evaluate(stream):
            # Training noise must not depend on how often we look.
            states = noise.get_states()
            values = mean_over_batches(self._validate, stream.get_epoch_iterator())
            noise.set_states(states)
            return values

        return evaluate

    @cached_property
    def _update_averages(self):
        """Compiled when first called: training need not wait for what it needs at its end."""
        if self._like is None:
            return functions.compile_statistics(self.p, self._ladder.shareds)
        return self._like._update_averages.on(self._state.counterpart(self._like._state))


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


#: What a checkpoint means that was written before an option was known: the default, which keeps to what was done then.
_OPTIONS_OF_OLDER_RUNS = json.loads(
    json.dumps({field.name: field.default for field in fields(HyperParameters) if field.default is not MISSING})
)


def _check_about(values, arrays):
    """Refuse a checkpoint whose plain values have other types than :class:`Run` writes, with a ValueError."""
    check_values(values)
    try:
        plain_json.check(values, {"options": dict, "examples": str, "features": str, "environment": dict}, "the whole")
    except plain_json.NotJSON as error:
        raise ValueError(f"damaged ({error})") from None


def _compare(about, stored, folder):
    """Refuse a checkpoint of other options or data; warn where rounding may differ."""
    then = {**_OPTIONS_OF_OLDER_RUNS, **stored["options"]}
    options = [name for name, value in about["options"].items() if value != then.get(name)]
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
    then.setdefault("backend", "c")  # written before there was another
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
