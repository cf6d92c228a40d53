"""What there is to do in a sweep: which run is trained next, and how far."""

import math
import time
from dataclasses import dataclass, field
from typing import Optional

from ladder.sweeps.configurations import graph_of
from ladder.sweeps.halving import survivors
from ladder.sweeps.swept import Seen, SweptRun, by_configuration, forget_failure, look, note_failure
from ladder.tables.statistics import mean_error

#: A run's possible places in the agenda.  ``ELSEWHERE``: another process is training it.
WAITING, ACTIVE, ELSEWHERE = "waiting", "active", "elsewhere"
REACHED, FINISHED, FAILED, DROPPED = "reached", "finished", "failed", "dropped"

#: How many times a run is tried if it fails for a reason that may be temporary.
ATTEMPTS = 2

#: Seconds between two looks at runs that other processes train.
BETWEEN_LOOKS = 2.0

#: The most seconds by which machines' clocks may differ.
CLOCKS = 60.0


@dataclass
class Item:
    """A run of the agenda.

    Attributes
    ----------
    run : SweptRun
    place : str, one of the above
    look : Seen
    attempts : int
        How many times it was tried.
    error : str or None
        Why its last attempt here failed.
    shows_it : bool
        Once it has failed for good: whether its folder says so; False if nothing can be written there.
    """

    run: SweptRun
    place: str
    look: Seen = Seen()
    attempts: int = 0
    error: Optional[str] = None
    shows_it: bool = True
    graph: tuple = field(default=(), repr=False)


class Agenda:
    """The runs of a sweep with their places.

    Everything except attempts and who trains what is read from the runs' folders, so that a restart, or another process
    alongside this one, comes to the same decisions.

    Parameters
    ----------
    runs : list of SweptRun
    halving : Halving or None
    began : float, optional
        Earlier failures are ignored, as failed runs are tried again (seconds, as of ``time.time()``; default: now).

    Attributes
    ----------
    items : list of Item
    configurations : list of list of Item
        The items of an inner list differ only in their seeds.
    until : int or None
        Epochs of the current rung; None: to the end.
    """

    def __init__(self, runs, halving=None, began=None):
        self._began, self._looked = time.time() if began is None else began, 0.0
        self._halving = halving
        self.items = [Item(run, WAITING, graph=graph_of(run.p)) for run in runs]
        self._by_run = {item.run: item for item in self.items}
        # Graph -> the run that is compiling it; the graphs whose C++ has been compiled.
        self._compiling, self._compiled = {}, set()
        self.configurations = [[self._by_run[run] for run in alike] for alike in by_configuration(runs)]
        # The configurations that have not been dropped.
        self._alive = self.configurations
        epochs = max((run.p.num_epochs for run in runs), default=1)
        rungs = halving.rungs(len(self._alive), epochs) if halving else [epochs]
        self._rungs = [*rungs[:-1], None]
        self._begin_rung()

    @property
    def is_done(self):
        return not any(item.place in (WAITING, ACTIVE, ELSEWHERE) for item in self.items)

    @property
    def settled(self):
        """The items that have nothing left to train."""
        return [item for item in self.items if item.place in (FINISHED, DROPPED)]

    @property
    def active(self):
        """The items that are being trained here."""
        return [item for item in self.items if item.place == ACTIVE]

    @property
    def not_noted(self):
        """The failed items whose folders do not show it."""
        return [item for item in self.items if item.place == FAILED and not item.shows_it]

    @property
    def compiling(self):
        """Whether runs are waiting for another one to compile the graph they share."""
        return any(item.place == WAITING and item.graph in self._compiling for item in self.items)

    @property
    def some_trained(self):
        """Whether any run got as far as training."""
        return bool(self._compiled) or any(item.look.epochs for item in self.items)

    def item(self, run):
        """The Item of a run."""
        return self._by_run[run]

    def next(self):
        """The run to train next (its Item, which is then ``ACTIVE``); None if there is none at the moment."""
        for item in self.items:
            if item.place != WAITING or item.graph in self._compiling:
                continue
            self._look_again(item)
            if item.place != WAITING:
                continue
            item.place, item.attempts = ACTIVE, item.attempts + 1
            if item.graph not in self._compiled:
                self._compiling[item.graph] = item
            return item
        self._decide()  # other processes may have brought the last runs to the rung
        return None

    def compiled(self, run):
        """Note that a run's C++ has been compiled: others with the same graph may begin."""
        item = self._by_run[run]
        self._compiled.add(item.graph)
        self._release(item)

    def ended(self, run, state, error=None):
        """Note that an active run has ended.

        Parameters
        ----------
        run : SweptRun
        state : str
            'finished', 'paused' (at the rung), 'interrupted', 'held' (by another process), 'diverged', 'failed'.
        error : str, for the last two

        Returns
        -------
        bool
            Whether it will be tried again.
        """
        item = self._by_run[run]
        self._release(item)
        item.place, item.error = WAITING, error
        if state == "held":
            item.place, item.attempts = ELSEWHERE, item.attempts - 1
        elif state == "interrupted":
            item.attempts, item.look = item.attempts - 1, look(run)
        elif state in ("diverged", "failed"):
            # The same numbers would diverge again.
            again = state == "failed" and item.attempts < ATTEMPTS
            if not again:  # other processes take a recorded failure as final
                self._fail(item)
            self._decide()
            return again
        else:
            self._compiled.add(item.graph)
            forget_failure(run)
            self._look_again(item)
            if item.place == WAITING:  # it says that it ended, but its folder does not show it
                item.error = "it ended without a result"
                self._fail(item)
        self._decide()
        return False

    @staticmethod
    def _fail(item):
        item.look = look(item.run)
        if item.look.finished:  # by another process, meanwhile
            item.place = FINISHED
            return
        item.place = FAILED
        item.shows_it = note_failure(item.run, item.error, item.attempts)
        item.look = look(item.run)

    def look_elsewhere(self):
        """See what became of the runs that other processes are training."""
        if time.monotonic() - self._looked < BETWEEN_LOOKS:
            return
        self._looked = time.monotonic()
        for item in self.items:
            if item.place == ELSEWHERE:
                item.place = WAITING
                self._look_again(item)
        self._decide()

    def _look_again(self, item):
        """Update the place of a waiting run from its folder."""
        item.look = found = look(item.run)
        if found.finished:
            item.place = FINISHED
        elif self.until is not None and found.epochs >= self.until:
            item.place = REACHED  # whether or not another process has gone on with it
        elif found.held:
            item.place = ELSEWHERE
        elif found.failure and self._began <= found.failure["time"] <= time.time() + CLOCKS:
            # Another process has tried it in the meantime, and given up.
            item.place = FAILED

    def _release(self, item):
        if self._compiling.get(item.graph) is item:
            del self._compiling[item.graph]

    # Rungs

    def _begin_rung(self):
        self.until = self._rungs.pop(0)
        for item in self.items:
            if item.place in (WAITING, REACHED):
                item.place = WAITING
                self._look_again(item)
        self._decide()

    def _decide(self):
        """Once all runs have reached the rung, drop those that do not go on to the next."""
        if not self._rungs or not self.is_done:
            return
        for item in self.items:
            if item.place == FAILED:
                seen = look(item.run)
                if seen.held or not seen.failure:  # another process has tried it again
                    self._look_again(item)
        if not self.is_done:
            return
        going_on = survivors([self._error(items) for items in self._alive], self._halving.factor)
        for i, items in enumerate(self._alive):
            for item in items:
                if i not in going_on and item.place == REACHED:
                    item.place = DROPPED
        self._alive = [self._alive[i] for i in going_on]
        self._begin_rung()

    def _error(self, items):
        """The mean validation error over a configuration's seeds, at the rung."""
        if any(item.place == FAILED for item in items):
            return math.inf
        return float(mean_error([item.look.error_after(self.until) for item in items]))
