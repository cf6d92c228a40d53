"""How a run is saved and watched while it trains."""

from dataclasses import dataclass, replace
from typing import Optional

from ladder.training.extensions import Extension
from ladder.training.extensions.checkpointing import MINUTES
from ladder.training.records import Records


@dataclass(frozen=True)
class Upkeep:
    """Settings in addition to the options, which change no bit of what is learnt.

    Attributes
    ----------
    minutes : float
        Between checkpoints; 0: only at the ends of epochs.
    records : Records
        What to write beside the log, if there is a folder, in addition to what it already has.
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
        """The same for the stages of pre-training, which the deadline may treat differently."""
        return replace(self, deadline=self.deadline and self.deadline.of_pretraining)
