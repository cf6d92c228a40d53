"""A session: the graph, compiled functions and main loop of one experiment, or of several seeds side by side."""

import logging
import time
from contextlib import nullcontext
from functools import cached_property

import numpy as np

from ladder import backends
from ladder.data.augmentation import Augmentation
from ladder.data.examples import describe, training_stream, validation_stream
from ladder.errors import TrainingStopped
from ladder.optimisation import resolve_schedule
from ladder.runs import checkpoints, log_lines
from ladder.runs.arrays import AVERAGE, TrainedArrays
from ladder.runs.folder import ROWS
from ladder.training import functions, provenance, signals
from ladder.training.extensions.checkpointing import Checkpoint
from ladder.training.extensions.early_stopping import EarlyStopping, KeepBest
from ladder.training.extensions.guard import StopOnNotFinite
from ladder.training.extensions.learning_rate import LearningRate
from ladder.training.extensions.monitoring import (
    ApproxTestMonitor,
    FinalTestMonitor,
    TrainingMonitor,
    mean_over_batches,
)
from ladder.training.extensions.printing import ProgressBar, ShortPrinting
from ladder.training.extensions.saving import Log, SaveLog, SaveParams
from ladder.training.main_loop import MainLoop, run_side_by_side
from ladder.training.records import Records
from ladder.training.run_state import RunState
from ladder.training.schedules import FOLLOWED
from ladder.training.statistics import reset_counter
from ladder.training.step import training_step
from ladder.training.stopping import best_epoch
from ladder.training.upkeep import Upkeep

logger = logging.getLogger("main")


def train_side_by_side(experiments, folders, upkeep=Upkeep(), current=lambda i: nullcontext(), first=None):
    """Train experiments that differ only in their seeds, in one program if the backend can.

    Parameters
    ----------
    experiments : list of Experiment
    folders : list of RunFolder
    upkeep : Upkeep
    current : function of an index -> context manager
        Entered around everything that concerns a single run.
    first : list of dict of name -> array, optional
        One per experiment, see :class:`Session`.

    Returns
    -------
    loops : list of MainLoop
    errors : dict of index -> TrainingStopped or OSError
    """
    sessions = []
    for i, (experiment, folder) in enumerate(zip(experiments, folders)):
        with current(i):
            like = sessions[0] if sessions else None
            together = len(folders)
            values = first[i] if first else None
            sessions.append(Session(experiment, folder, upkeep, like=like, together=together, first=values))

    def make(requests):
        made = backends.make_together([sessions[i].updates for i in requests], list(requests.values()))
        return dict(zip(requests, made))

    loops = [session.loop for session in sessions]
    return loops, run_side_by_side(loops, make, sessions[0].updates.at_once, current)


class Session:
    """The training of one experiment.

    Parameters
    ----------
    experiment : Experiment, its examples as the network takes them
    folder : RunFolder or None
        Where the run is saved, and resumed if there is a checkpoint; None: it is trained in memory.
    upkeep : Upkeep
    callbacks : list of Extension
        Called before anything is saved, so that what they add to a row of the log is saved with it.
    like : Session, optional
        The session of another seed, whose compiled functions this one uses.
    together : int
        The number of runs trained side by side.
    first : dict of parameter name -> array, optional
        Initial values in place of the network's own, see :mod:`ladder.training.pretraining`.

    Attributes
    ----------
    loop : MainLoop
    updates : see :func:`ladder.backends.updates`
    log : Log
        The rows of the epochs done.
    """

    def __init__(self, experiment, folder=None, upkeep=Upkeep(), callbacks=(), like=None, together=1, first=None):
        self.p, self._experiment, self._folder, self._like = experiment.p, experiment, folder, like
        self._records = upkeep.records.going_on(folder) if folder else Records()
        belongs_to = self._begin(callbacks, goes_on=bool(first)) if folder else None
        logger.info(log_lines.COMPILING)
        start = time.time()
        self._ladder, self._inputs = functions.build_training_graph(self.p, experiment.in_dim)
        if first:
            TrainedArrays(parameters=first, statistics=None, final=False, where="what was pre-trained").set_parameters(
                self._ladder.shareds, first
            )
        self._stream = training_stream(self.p, experiment.examples, experiment.split)
        self._augmentation = Augmentation.of(experiment)
        self._compile()
        logger.info(log_lines.COMPILED, time.time() - start)
        # One bar is enough for all runs in step.
        extensions = [ProgressBar(self._stream.num_batches)] if upkeep.progress and like is None else []
        extensions += self._extensions(callbacks)
        extensions += [upkeep.deadline] if upkeep.deadline is not None else []
        if folder:
            extensions.append(Checkpoint(folder.path, self._state, belongs_to, upkeep.minutes, together))
        self.loop = MainLoop(self._stream, self.p.num_epochs, extensions, self._augmentation)
        if folder and self._checkpoint is not None:
            # Checked again, now that there is a network to compare it with.
            provenance.go_on(self._folder.path, self._state, self.loop, belongs_to, self._folder)

    @property
    def learning_rate(self):
        """The rate of the next update, a shared float32 scalar."""
        return self._step.learning_rate

    def train(self):
        """Train to the end, a signal or an error; returns whether it reached the end (or an extension's early one)."""
        self.loop.run(self.updates)
        return self.loop.finished

    def arrays(self, final):
        """The arrays learnt so far (TrainedArrays); ``final``: whether the statistics are those of the whole training set."""
        return TrainedArrays.of(self._step.parameters, self._ladder.shareds, final)

    def best_arrays(self, final):
        """The same for the best epoch so far; None if they are not kept, or no epoch has ended."""
        if self._best is None or not self._best.kept:
            return None
        return TrainedArrays.of_best(self._best.kept, final)

    def _begin(self, callbacks, goes_on):
        """Look for a checkpoint, and write what is known before training; ``goes_on``: after a pre-training."""
        folder, examples = self._folder, self._experiment.examples
        belongs_to = provenance.provenance(self._experiment, callbacks)
        self._checkpoint = checkpoints.newest(folder.path, provenance.check_types)
        if self._checkpoint is not None:
            provenance.check_same(belongs_to, self._checkpoint[0], folder)
        elif (folder / ROWS).exists():
            logger.info("There is no checkpoint in %s: training starts from the beginning", folder)
        folder.remove_leftovers()
        folder.save_options(self.p, self._experiment.in_dim)
        folder.save_data(describe(examples))
        folder.save_fitted(examples.fitted)
        folder.save_environment(belongs_to["environment"], goes_on=goes_on or self._checkpoint is not None)
        self._records.begin(folder)
        self._records.save_split(folder, self._experiment)
        return belongs_to

    def _compile(self):
        p, examples, valid = self.p, self._experiment.examples, self._experiment.split.valid
        data = self._stream.sources if self._augmentation is None else self._augmentation.others(self._stream.sources)
        if self._like is None:
            self.updates, self._step = functions.compile_training(self._ladder, self._inputs, data)
        else:
            self._step = training_step(self._ladder)
        self._streams, self._monitor = {"train": self._stream}, TrainingMonitor()
        self.log = SaveLog(self._folder / ROWS) if self._folder else Log()
        if len(valid):
            self._streams["valid"] = validation_stream(p, examples, valid)
        self._best = self._keeper() if p.keep == "best" else None
        followed = FOLLOWED.get(p.lr_schedule)
        self._state = RunState(self._ladder, self._step, self._streams, self._monitor, self.log, self._best, followed)
        if self._like is not None:
            self.updates = self._like.updates.on(self._counterpart(), data)
        self._validate = self._validation() if len(valid) else None

    def _counterpart(self):
        """A function from the shared variables of the session that compiled to this one's."""
        return self._state.counterpart(self._like._state)

    def _extensions(self, callbacks):
        p = self.p
        shareds, validate = self._ladder.shareds, self._validate
        extensions = [
            StopOnNotFinite(shareds, lambda: self._save(final=False), len(self._ladder.layers)),
            self._monitor,
        ]
        if validate is None:
            logger.info("No examples are left over for validation")
        else:
            extensions.append(
                ApproxTestMonitor(lambda: validate(self._streams["valid"]), lambda: reset_counter(shareds))
            )
        extensions += [
            FinalTestMonitor(self._estimate_finally, validate and self._validate_finally),
            *([self._best] if self._best is not None else []),
            *([EarlyStopping(p.patience, self.log)] if p.patience else []),
            LearningRate(self._step.learning_rate, resolve_schedule(p), self.log),
            *callbacks,
            self.log,
            *self._records.extensions(self._folder, self.log, self._look, self._step.parameters),
            ShortPrinting(),
            # Last, so that everything else is written once there are final statistics.
            SaveParams(self._save),
        ]
        return extensions

    def _save(self, final):
        """Save what was learnt, with its statistics and whether these are final; returns whether there is a folder."""
        if not self._folder:
            return False
        best = self.best_arrays(final)
        if best is not None:
            best.save_best(self._folder, best_epoch(self.log.rows))
        # Last, as final statistics mean that everything is saved.
        self.arrays(final).save(self._folder)
        return True

    def _keeper(self):
        names = [parameter.name for parameter in self._step.parameters]
        names += [name for name in self._ladder.shareds if name.startswith(AVERAGE)]
        return KeepBest(self._ladder.shareds, names, self.log, self._estimate_statistics, self._validate_finally)

    def _estimate_statistics(self):
        """Set the running averages to those of the whole training set."""
        stream = training_stream(self.p, self._experiment.examples, self._experiment.split)
        functions.estimate_statistics(self._update_averages, self._ladder.shareds, stream)

    def _estimate_finally(self):
        """The same for the last parameters, which may be finite but so large that their statistics are not."""
        self._estimate_statistics()
        if not all(np.isfinite(shared.get_value(borrow=True)).all() for shared in self._ladder.shareds.values()):
            raise TrainingStopped(
                "The statistics for test data are not finite numbers, as the parameters are too large: train again with a "
                "smaller --lr."
            )

    def _validate_finally(self):
        """Costs over the validation set, in the order of its first epoch."""
        return self._validate(validation_stream(self.p, self._experiment.examples, self._experiment.split.valid))

    def _validation(self):
        """A function from a validation stream to costs by name, over one epoch of it."""
        self._validate_batch = self._own("_validate_batch", functions.compile_validation, self._ladder, self._inputs)
        noise = self._ladder.noise

        def evaluate(stream):
            # Training noise must not depend on how often validation runs.
            with noise.kept():
                return mean_over_batches(self._validate_batch, stream.get_epoch_iterator())

        return evaluate

    def _look(self):
        """The signals of some examples, the same ones at every call."""
        return self._looking(signals.batch_to_look_at(self._experiment, self._ladder.layers), self._ladder.noise)

    @cached_property
    def _looking(self):
        """Compiled on first use, so never in a run that nobody watches."""
        return self._own("_looking", signals.Looking, self._ladder, self._inputs)

    @cached_property
    def _update_averages(self):
        """Compiled on first use, so that training need not wait for it."""
        arguments = self.p, self._experiment.in_dim, self._ladder.shareds
        return self._own("_update_averages", functions.compile_statistics, *arguments)

    def _own(self, name, make, *arguments):
        """What ``make`` compiles, or the attribute ``name`` of the session that compiled, with this one's variables."""
        return make(*arguments) if self._like is None else getattr(self._like, name).on(self._counterpart())
