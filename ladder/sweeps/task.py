"""One task of a sweep, in the process that computes: continue a run until its end or its rung."""

import gc
import logging
import os
import traceback
from pathlib import Path

from ladder.backends import failures
from ladder.errors import TrainingStopped, UserError
from ladder.runs.lock import Held
from ladder.training.extensions import Extension
from ladder.training.records import Records
from ladder.training.resuming import resume
from ladder.training.upkeep import Upkeep

#: Lines of the traceback that are kept of an unexpected error.
MOST_LINES = 8


class Pause(Extension):
    """Interrupt training after a number of epochs, and report when it begins.

    Parameters
    ----------
    until : int or None
        Epochs; None: training is not interrupted.
    begins : function of nothing
        Called before the first update, when everything has been compiled.
    """

    def __init__(self, until, begins):
        self._until, self._begins, self.reached = until, begins, False

    @property
    def of_pretraining(self):
        """For pre-training: its epochs do not count, but other runs can use what it compiles."""
        return Pause(None, self._begins)

    def before_training(self, loop):
        self._begins()
        self.after_epoch(loop)

    def after_epoch(self, loop):
        # The end of training is not a pause.
        if self._until is not None and self._until <= loop.epochs_done < loop.num_epochs and not loop.ended:
            self.reached = loop.interrupted = True


def go_on(task, say):
    """Train a run as far as a task says.

    Parameters
    ----------
    task : dict
        'folder', 'until' (epochs or None), 'minutes' between checkpoints, 'backend' (options of
        :func:`ladder.backends.configure`), 'records' (fields of Records), all plain values.
    say : function of a dict
        Called with {'state': 'compiled'} when training begins.

    Returns
    -------
    dict
        'state', see :meth:`ladder.sweeps.agenda.Agenda.ended`; for a run that
        failed 'error', and 'traceback' if that was unexpected.
    """
    pause = Pause(task["until"], lambda: say({"state": "compiled"}))
    try:
        with failures.explained():
            upkeep = Upkeep(task["minutes"], Records(**task["records"]), pause)
            _, state, _ = resume(task["folder"], task["backend"], upkeep)
    except Held:
        return {"state": "held"}
    except TrainingStopped as error:
        return {"state": "diverged", "error": str(error)}
    except (UserError, OSError) as error:
        return {"state": "failed", "error": str(error)}
    except MemoryError:
        return {"state": "failed", "error": "there was not enough memory: take fewer --workers."}
    except Exception as error:  # one run must not end the sweep, whatever is wrong with it
        lines = traceback.format_exc().strip().splitlines()[-MOST_LINES:]
        return {"state": "failed", "error": f"{type(error).__name__}: {error}", "traceback": "\n".join(lines)}
    finally:
        gc.collect()  # graphs are full of reference cycles, and the next run needs their memory
    return {"state": "paused" if pause.reached else "interrupted" if state == "interrupted" else "finished"}


def be_quiet():
    """Send the messages of training to the runs' logs only."""
    logger = logging.getLogger("main")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(logging.NullHandler())


def environment():
    """An environment in which a process finds this package, whatever folder it is started in."""
    root = str(Path(__file__).resolve().parents[2])
    # An empty entry would be the folder that the process is started in.
    path = os.pathsep.join(filter(None, [root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]))
    return {**os.environ, "PYTHONPATH": path}
