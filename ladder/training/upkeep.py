"""How a run is kept and watched while it trains."""

from dataclasses import dataclass, replace
from typing import Optional

from ladder.training.extensions import Extension
from ladder.training.extensions.checkpointing import MINUTES
from ladder.training.records import Records


@dataclass(frozen=True)
class Upkeep:
    """What is asked for in addition to the options: it changes no bit of what is learnt.

    Attributes
    ----------
    minutes : float
        Between checkpoints; 0: only at the ends of epochs.
    records : Records
        What is written beside the log, where there is a folder, beyond what it has.
    deadline : Deadline, a sweep's Pause, or None
        Interrupts training when its time has come.
    progress : bool
        Whether to show a progress bar.
    """

    minutes: float = MINUTES
    records: Records = Records()
    deadline: Optional[Extension] = None
    progress: bool = True

    @property
    def of_pretraining(self):
        """The same for the stages of pre-training, of whose updates the deadline has a view of its own."""
        return replace(self, deadline=self.deadline and self.deadline.of_pretraining)
