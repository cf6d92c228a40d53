"""How a sweep stands: what is done, running, left and failed, and which configuration is the best so far.

Configurations are compared by their validation errors alone.
"""

from dataclasses import dataclass
from typing import Optional

from ladder.options import Options
from ladder.sweeps import agenda as places
from ladder.sweeps.agenda import Agenda
from ladder.sweeps.configurations import in_words, varied
from ladder.tables.statistics import mean_error

#: The states of a run, in the order in which they are reported.
DONE, RUNNING, BEGUN, TO_COME, DROPPED, FAILED = "finished", "running", "begun", "to come", "dropped", "failed"
STATES = (DONE, RUNNING, BEGUN, TO_COME, DROPPED, FAILED)


@dataclass(frozen=True)
class Standing:
    """A sweep at one moment.

    Attributes
    ----------
    items : list of ladder.sweeps.agenda.Item
        Its runs, each with what its folder shows.
    varied : list of str
        The options other than seeds in which they differ.
    configurations : list of Configuration
        In the order in which they were begun.
    """

    items: list
    varied: list
    configurations: list

    @property
    def best(self):
        """The Configuration with the lowest mean validation error among those whose runs are all finished; or None."""
        ranked = self.ranked
        return ranked[0] if ranked else None

    @property
    def ranked(self):
        """The configurations whose runs are all finished and validated, best first."""
        done = [each for each in self.configurations if each.error is not None]
        return sorted(done, key=lambda each: each.error)

    def of(self, state):
        """The items in a state, one of ``STATES``."""
        return [item for item in self.items if state_of(item) == state]


@dataclass(frozen=True)
class Configuration:
    """The runs of one configuration, which differ in their seeds.

    Attributes
    ----------
    p : Options
        Options of the first seed.
    folders : list of RunFolder
    errors : list of float
        Validation errors of the finished runs, per cent.
    words : str
        The options in which it differs from others.
    """

    p: Options
    folders: list
    errors: list
    words: str

    @property
    def error(self) -> Optional[float]:
        """The mean error over all seeds; None unless all have one."""
        return float(mean_error(self.errors)) if len(self.errors) == len(self.folders) else None


def standing(folder, runs=None):
    """How a sweep stands.

    Parameters
    ----------
    folder : SweepFolder
    runs : list of SweptRun, optional
        Some of its runs; default: all.

    Returns
    -------
    Standing
    """
    agenda = Agenda(folder.runs() if runs is None else runs, folder.halving(), began=0.0)
    names = varied(item.run.p for item in agenda.items)
    return Standing(agenda.items, names, [_configuration(items, names) for items in agenda.configurations])


def _configuration(items, names):
    errors = [item.look.final_error for item in items if item.look.final_error is not None]
    return Configuration(items[0].run.p, [item.run.folder for item in items], errors, in_words(items[0].run.p, names))


def state_of(item):
    """The state of an item, one of ``STATES``."""
    if item.place in (places.FINISHED, places.DROPPED):
        return DONE if item.place == places.FINISHED else DROPPED
    if item.look.held:
        return RUNNING
    if item.look.failure:
        return FAILED
    return BEGUN if item.look.epochs else TO_COME
