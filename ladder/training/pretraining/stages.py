"""What a stage of pre-training is, and what all of them share."""

import logging
from dataclasses import dataclass, replace
from typing import Any, Optional

import numpy as np

from ladder.fused.noise import noise_source
from ladder.layers import resolve_layers
from ladder.model import LadderAE
from ladder.option_types import MOST_NOISE_SEED
from ladder.runs import checkpoints, log_lines
from ladder.training.pretraining.folder import encoder_shapes
from ladder.training.pretraining.stage import train_stage
from ladder.training.upkeep import Upkeep

logger = logging.getLogger("main")


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes
    ----------
    name : str, of its folder
    title : str, what messages call it
    epochs : int
    seed : int
        Of its noise and its order of the data: each stage has random numbers of its own.
    """

    name: str
    title: str
    epochs: int
    seed: int

    @classmethod
    def kth(cls, k, pretraining, name, title, epochs):
        """The k-th stage, counted from 1."""
        # Seeding with the list of two gives every stage a RandomState of its own.
        return cls(
            name, title, epochs, int(np.random.RandomState([pretraining.seed, k]).randint(1, MOST_NOISE_SEED + 1))
        )


@dataclass(frozen=True)
class Setting:
    """What all stages of a pre-training share.

    Attributes
    ----------
    experiment : Experiment, its examples as the network takes them
    pretraining : Pretraining
    folder : PretrainingFolder or None
    about : dict, see :func:`ladder.training.provenance.provenance`
    upkeep : Upkeep
    """

    experiment: Any
    pretraining: Any
    folder: Optional[Any]
    about: dict
    upkeep: Upkeep

    def path_of(self, stage):
        """The folder of a stage (Path), created if missing; None if nothing is kept."""
        if self.folder is None:
            return None
        path = self.folder / stage.name
        path.mkdir(exist_ok=True)
        return path

    def encoder_shapes(self):
        """The shapes of all that is pre-trained, by name."""
        return encoder_shapes(resolve_layers(self.experiment.p, self.experiment.in_dim))

    def ladder(self, stage, values):
        """The network with these values (name -> array), and the stage's noise in place of its own."""
        p = replace(self.experiment.p, seed=self.pretraining.seed)
        ladder = LadderAE(p, self.experiment.in_dim)
        ladder.noise = noise_source(p.noise, stage.seed, p.plain_graph)
        ladder.encoder_parameters()
        for name, value in values.items():
            ladder.shareds.get_or_make(name, value).set_value(np.asarray(value, "float32"))
        return ladder

    def train(self, stage, make, features, positions, shapes):
        """What a stage learnt, trained now if it is not yet; None after an interrupt.

        ``make`` is a function without arguments -> StageGraph, and a function with more to report about an epoch (or
        None); ``shapes`` has the shapes, by name, of the learnt arrays that will be used.
        """
        learnt = self.folder and self.folder.load_stage(stage.name, shapes)
        if learnt:
            logger.info("Pre-training of %s is done already", stage.title)
            checkpoints.remove(self.path_of(stage))  # in case the process was killed just before it could
            return learnt
        logger.info(log_lines.STAGE_COMPILING, stage.title)
        graph, evaluate = make()
        return train_stage(graph, stage, features, positions, self, evaluate)
