"""Training of one stage: a layer, or all at once, on the examples or on what the layers below make of them."""

import logging
import math
from dataclasses import dataclass

import numpy as np

from ladder import backends
from ladder.batches import unlabeled_batch_size
from ladder.data.schemes import ShuffledScheme
from ladder.data.streams import DataStream, SemiDataStream
from ladder.errors import TrainingStopped
from ladder.optimisation import SCHEDULES, Schedule
from ladder.runs import log_lines
from ladder.training import provenance
from ladder.training.extensions import Extension
from ladder.training.extensions.checkpointing import Checkpoint
from ladder.training.extensions.learning_rate import LearningRate
from ladder.training.extensions.monitoring import TrainingMonitor
from ladder.training.extensions.printing import ProgressBar
from ladder.training.extensions.saving import Log, SaveLog
from ladder.training.main_loop import MainLoop
from ladder.training.run_state import RunState

logger = logging.getLogger("main")


@dataclass(frozen=True)
class StageGraph:
    """The symbolic update of a stage.

    Attributes
    ----------
    input : (examples, …) float32 variable
    monitored : dict of name -> scalar, ``cost_total`` among them
    updates : dict of shared variable -> new value
    learning_rate : shared float32 scalar
    shareds : ParameterStore
        Everything kept from update to update besides the optimiser's buffers.
    noise : ladder.bricks.noise.NoiseSource
    learnt : list of str, names in ``shareds``
    """

    input: object
    monitored: dict
    updates: dict
    learning_rate: object
    shareds: dict
    noise: object
    learnt: list

    def values(self):
        """What was learnt so far: dict of name -> array."""
        return {name: np.array(self.shareds[name].get_value(borrow=True)) for name in self.learnt}


def train_stage(graph, stage, features, positions, setting, evaluate=None):
    """Train one stage to its end, from the start or from its checkpoint.

    Parameters
    ----------
    graph : StageGraph
    stage : ladder.training.pretraining.stages.Stage
    features : (N, …) float32
        The data from which its input is picked.
    positions : (n,) int64
        Of the training examples.
    setting : ladder.training.pretraining.stages.Setting
    evaluate : function of the number of epochs done -> dict of name -> float, optional
        More entries for the row of an epoch.

    Returns
    -------
    dict of name -> array, what was learnt; None after an interrupt

    Raises
    ------
    TrainingStopped
        The cost is not a finite number.
    """
    p, path = setting.experiment.p, setting.path_of(stage)
    size = unlabeled_batch_size(p, len(positions))
    stream = SemiDataStream(None, DataStream({"features": features}, ShuffledScheme(positions, size, stage.seed)))
    updates = backends.updates([graph.input], graph.monitored, graph.updates, stream.sources)
    log = Log() if path is None else SaveLog(path / ROWS)
    monitor = TrainingMonitor()
    state = RunState(graph, graph, {"train": stream}, monitor, log)
    schedule = Schedule("linear", setting.pretraining.lr, stage.epochs, dict(SCHEDULES["linear"]), 0)
    extensions = [ProgressBar(stream.num_batches)] if setting.upkeep.progress else []
    extensions += [
        Guard(stage.title, graph),
        monitor,
        *([] if evaluate is None else [Evaluation(evaluate)]),
        LearningRate(graph.learning_rate, schedule, log),
        log,
        Printing(stage.title),
        *([] if setting.upkeep.deadline is None else [setting.upkeep.deadline]),
    ]
    if path is not None:
        extensions.append(SaveLearnt(setting.folder, stage, graph))
        extensions.append(Checkpoint(path, state, setting.about, setting.upkeep.minutes))
    loop = MainLoop(stream, stage.epochs, extensions)
    if path is not None:
        provenance.go_on(path, state, loop, setting.about, setting.folder)
    loop.run(updates)
    # The caller must also hear of a signal that came while the stage's end was being written.
    return None if loop.interrupted else graph.values()


#: A stage's rows: a JSON object per epoch.
ROWS = "epochs.jsonl"


class SaveLearnt(Extension):
    """Saves what a stage has learnt; comes before ``Checkpoint``, which then removes its files.

    Parameters
    ----------
    folder : PretrainingFolder
    stage : ladder.training.pretraining.stages.Stage
    graph : StageGraph
    """

    def __init__(self, folder, stage, graph):
        self._folder, self._stage, self._graph = folder, stage, graph

    def after_training(self, loop):
        self._folder.save_stage(self._stage.name, self._graph.values())


class Guard(Extension):
    """Stops a stage if its cost, or what it has learnt in the end, is not finite.

    Parameters
    ----------
    title : str, what messages call the stage
    graph : StageGraph
    """

    def __init__(self, title, graph):
        self._title, self._graph = title, graph

    def after_batch(self, loop, values):
        if not math.isfinite(values["cost_total"]):
            self._stop(f"the cost is {values['cost_total']} at update {loop.updates_done}")

    def after_training(self, loop):
        if not all(np.isfinite(value).all() for value in self._graph.values().values()):
            self._stop(f"the parameters after update {loop.updates_done}, the last one, are not finite numbers")

    def _stop(self, why):
        raise TrainingStopped(f"Pre-training of {self._title}: {why}, so it stopped; try a smaller --pretrain-lr.")


class Evaluation(Extension):
    """Adds the results of a function of the number of epochs done to the row of an epoch."""

    def __init__(self, evaluate):
        self._evaluate = evaluate

    def after_epoch(self, loop):
        loop.row.update(self._evaluate(loop.epochs_done))


class Printing(Extension):
    """One line per epoch: the mean squared error of an example's reconstruction, and the pseudo-log-likelihood."""

    def __init__(self, title):
        self._title = title

    def after_epoch(self, loop):
        text = f"reconstruction {loop.row['train_cost_reconstruction']:.4g}"
        if "pseudo_likelihood" in loop.row:
            text += f", pseudo-likelihood {loop.row['pseudo_likelihood']:.4g}"
        logger.info(log_lines.STAGE_EPOCH, self._title, loop.epochs_done, loop.updates_done, text)
