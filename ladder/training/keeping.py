"""How a run is kept and watched while it trains."""

from dataclasses import dataclass, replace
from typing import Optional

from ladder.training.extensions import Extension
from ladder.training.extensions.checkpointing import MINUTES
from ladder.training.records import Records


@dataclass(frozen=True)
class Keeping:
    """What is asked for beside the options: it changes no bit of what is learnt.

    Attributes
    ----------
    minutes : float
        Between checkpoints; 0: only at the ends of epochs.
    records : Records
        What is written beside the log, where there is a folder, beyond what it has.
    deadline : Extension or None
        What interrupts training when its time has come: a Deadline, or a sweep's pause.  Its ``of_pretraining`` (an
        Extension) is told of pre-training's updates.
    progress : bool
        Whether to show a progress bar.
    """

    minutes: float = MINUTES
    records: Records = Records()
    deadline: Optional[Extension] = None
    progress: bool = True

    @property
    def of_pretraining(self):
        """That of a stage before the run."""
        return replace(self, deadline=self.deadline and self.deadline.of_pretraining)
