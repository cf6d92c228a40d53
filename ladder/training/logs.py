"""The log files of runs that are trained side by side: each gets the messages about its own run."""

import logging
import sys
from contextlib import ExitStack, contextmanager

from tqdm.contrib.logging import logging_redirect_tqdm

from ladder.files import ours
from ladder.runs.folder import LOG

logger = logging.getLogger("main")


class Speaker:
    """Which of several runs is speaking.

    Parameters
    ----------
    prefixes : list of str
        Printed before a run's lines, one per run.
    """

    def __init__(self, prefixes):
        self._prefixes, self._now = prefixes, None

    @contextmanager
    def says(self, i):
        """While inside, log messages belong to run i."""
        before, self._now = self._now, i
        try:
            yield
        finally:
            self._now = before

    @contextmanager
    def heard(self, folders):
        """While inside, a run's messages go to its own log and, with its prefix, past progress bars to the terminal."""
        with self.logged(folders), logging_redirect_tqdm([logger]):
            yield

    @contextmanager
    def logged(self, folders):
        """While inside, a run's messages go to its own log.

        Parameters
        ----------
        folders : list of RunFolder, one per run
        """

        def mark(record):
            record.prefix = "" if self._now is None else self._prefixes[self._now]
            return True

        with ExitStack() as stack:
            logger.addFilter(mark)
            stack.callback(logger.removeFilter, mark)
            for i, folder in enumerate(folders):
                stack.enter_context(self._logging_to(folder / LOG, i))
            yield

    @contextmanager
    def _logging_to(self, path, i):
        handler = _LogFile(path, encoding="utf-8", errors="backslashreplace")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handler.addFilter(lambda record: self._now in (None, i))
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            handler.close()


class _LogFile(logging.FileHandler):
    """A log file: a full disk costs it lines, with one warning, but does not end the run."""

    _failed = False

    def _open(self):
        return open(self.baseFilename, self.mode, encoding=self.encoding, errors=self.errors, opener=ours)

    def handleError(self, record):
        if not self._failed:
            self._failed = True
            print(f"Warning: cannot write {self.baseFilename} ({sys.exc_info()[1]})", file=sys.stderr)

    def close(self):
        try:
            super().close()
        except OSError:
            pass  # about lines that could not be written before either
