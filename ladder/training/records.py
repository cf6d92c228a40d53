"""What a run writes beside its log for those who watch it.

Records are not settings of the network and change no bit of a run, so runs with and without them belong together, and
``params.json`` does not list them.  A resumed run continues the records that its folder has.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass, replace

from ladder.errors import UserError
from ladder.files import write_ours
from ladder.runs import events
from ladder.runs.folder import SPREADSHEET
from ladder.runs.split_files import save_split
from ladder.training.extensions.csv_log import SaveCSV
from ladder.training.extensions.tensorboard import TensorBoard

logger = logging.getLogger("main")

#: Formats of the log: ``csv`` adds ``log.csv``; ``log.jsonl`` is written in any case.
LOG_FORMATS = ("jsonl", "csv")


@dataclass(frozen=True)
class Records:
    """What is written for people.

    Attributes
    ----------
    tensorboard : bool
        Event files for TensorBoard.
    csv : bool
        The log as a CSV file.
    split : bool
        Which examples are labelled, train and validate, see :mod:`ladder.runs.split_files`.
    """

    tensorboard: bool = False
    csv: bool = False
    split: bool = False

    @classmethod
    def of(cls, tensorboard, log_format, split=False):
        """The records asked for; ``UserError`` if the package that writes them is not installed."""
        if log_format not in LOG_FORMATS:
            raise UserError(f"--log-format is {log_format!r}, but must be one of {', '.join(LOG_FORMATS)}.")
        if tensorboard:
            events.check_installed()
        return cls(bool(tensorboard), log_format == "csv", bool(split))

    def going_on(self, folder):
        """These records, and those that a folder (RunFolder) already has."""
        found = replace(self, csv=self.csv or (folder / SPREADSHEET).exists())
        if found.tensorboard or not any(folder.path.glob(events.NAME)):
            return found
        try:
            events.check_installed()
        except UserError as error:
            logger.warning("Warning: %s has event files, which do not go on: %s", folder, error)
            return found
        return replace(found, tensorboard=True)

    def begin(self, folder):
        """Create missing files without content, so that a run that is killed early is known to keep these records."""
        with suppress(OSError):  # a full disk is reported once there is something to write
            if self.csv and not (folder / SPREADSHEET).exists():
                write_ours(folder / SPREADSHEET, lambda file: None)
            if self.tensorboard and not any(folder.path.glob(events.NAME)):
                events.EventFile(folder.path).write()

    def save_split(self, folder, experiment):
        """Write the split, if asked to or if the labelled examples were given (folder is a RunFolder)."""
        if self.split or experiment.p.labeled_indices:
            save_split(folder, experiment.split, experiment.p)

    def extensions(self, folder, log, look, parameters):
        """The extensions that write them: :class:`~ladder.training.extensions.tensorboard.TensorBoard` has the parameters."""
        found = [SaveCSV(folder / SPREADSHEET, log)] if self.csv else []
        return found + ([TensorBoard(folder.path, log, look, parameters)] if self.tensorboard else [])
