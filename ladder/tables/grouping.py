"""Which runs belong to which row of a table; runs with different settings never share a mean."""

from dataclasses import dataclass, field
from itertools import permutations
from typing import Optional

from ladder.data.registry import name_of
from ladder.runs import lock
from ladder.tables.comparable import one_of_each_seed
from ladder.tables.published import PublishedRow
from ladder.tables.settings import AS_THE_SEED, OTHER_SEEDS, VARIATIONS, as_options, differences, settings_of_all


@dataclass(frozen=True)
class Row:
    """A row of a table, before any runs are in it.

    Attributes
    ----------
    name : str
    settings : dict, see :func:`ladder.tables.settings.settings_of`
        None for a published row that cannot be trained here.
    published : PublishedRow or None
    tuned_seed : int or None
        The seed whose test error chose the row.
    is_baseline : bool
    preset : str
        The preset that contains the row, as given to ``--preset``.
    """

    name: str
    settings: Optional[dict]
    published: Optional[PublishedRow] = None
    tuned_seed: Optional[int] = None
    is_baseline: bool = False
    preset: str = ""


@dataclass
class Group:
    """Runs of one row that share their settings.

    Attributes
    ----------
    row : Row
    variation : dict of setting -> value
        The settings that differ from the row's; empty for runs as published.
    runs : list of FoundRun
    settings : dict, see :func:`ladder.tables.settings.settings_of_all`
    """

    row: Row
    variation: dict
    runs: list = field(default_factory=list)
    settings: dict = field(default_factory=dict)

    @property
    def label(self):
        """The variation in words, '' for none."""
        return as_options(self.variation, self.variation)

    @property
    def whose(self):
        """Whose runs these are, as shown in a table: 'ours', or 'ours, dseed 1'."""
        return f"ours, {self.label}" if self.label else "ours"


def group_runs(rows, runs):
    """Sort runs into groups; runs that belong to no row are left out.

    A run that differs from every row goes to the one from which it differs
    least, the first if several tie.

    Parameters
    ----------
    rows : list of Row
    runs : list of FoundRun

    Returns
    -------
    list of Group
        In the order of the rows, runs as published first.
    """
    groups = []
    for run, settings in zip(runs, settings_of_all([run.p for run in runs])):
        found = _nearest(rows, settings)
        if found is None:
            continue
        i, names = found
        variation = {name: settings[name] for name in names}
        for j, group in groups:
            if i == j and group.variation == variation:
                group.runs.append(run)
                break
        else:
            groups.append((i, Group(rows[i], variation, [run], settings)))
    groups.sort(key=lambda entry: (entry[0], len(entry[1].variation)))
    return [group for _, group in groups]


def _nearest(rows, settings):
    """(position of the row, names of the settings that differ), or None."""
    near = []
    for i, row in enumerate(rows):
        if row.settings is None:
            continue
        names = differences(settings, row.settings)
        if all(name in VARIATIONS for name in names):
            near.append((len(names), i, names))
    if not near:
        return None
    _, i, names = min(near)
    return i, names


def suiting_two(groups):
    """A line for each run that would also suit another group of its row, one that has no run of its seed.

    A run of seed 1 with data of seed 1 suits both the runs whose data have their own seed and those whose data have
    seed 1.
    """
    said = []
    for group, other in permutations(groups, 2):
        names = differences(group.settings, other.settings)
        if other.row is not group.row or len(names) != 1 or names[0] not in OTHER_SEEDS:
            continue
        both = {group.settings[names[0]], other.settings[names[0]]}
        said += [
            f"{run.folder} counts for '{group.row.name}, {group.whose}' alone, though it would suit '{other.whose}', too"
            for run in group.runs
            if both == {AS_THE_SEED, run.seed} and run.seed not in {one.seed for one in other.runs}
        ]
    return said


def _why_not_finished(run):
    if run.p.rival:
        return "it was begun and has no result; run.py rivals begins it again"
    if run.ended_early:
        return f"an extension ended it at epoch {run.epochs} of {run.p.num_epochs}"
    if lock.is_held(run.folder):
        return f"it is being trained, and has done {run.epochs} of {run.p.num_epochs} epochs"
    return f"it ended at epoch {run.epochs} of {run.p.num_epochs}; go on with: run.py train --resume {run.folder.typed}"


def usable(group):
    """One finished, evaluated run per seed.

    Returns
    -------
    runs : dict of seed -> FoundRun, in order of the seeds
        See :func:`ladder.tables.comparable.one_of_each_seed`.
    problems : list of str
        A line for each run that is left out.
    """
    reasons = [(run, _why_no_error(run)) for run in group.runs]
    chosen, left_out = one_of_each_seed(run for run, reason in reasons if not reason)
    problems = [f"{run.folder} is left out: {reason}" for run, reason in reasons if reason]
    problems += [
        f"{run.folder} ({run.test_error:.2f} %) is left out: {_why_other_counts(run, other)}" for run, other in left_out
    ]
    return chosen, problems


def _why_no_error(run):
    """Why a run has no error for a table, in words; None if it has one."""
    if not run.finished:
        return _why_not_finished(run)
    if not run.has_parameters:
        return "it kept its last parameters alone; train with --keep best"
    if run.test_error is None:
        which = " --parameters best" if run.parameters == "best" else ""
        return f"it has no test error yet; find it with: run.py evaluate {run.folder.typed}{which}"
    return None


def _why_other_counts(run, other):
    if run.seed == other.seed:
        return f"seed {run.seed} is counted once, as in {other.folder} ({other.test_error:.2f} %)"
    return (
        f"its data set {name_of(run.p.dataset)} had other examples or labels than that of {other.folder}; "
        f"convert changed data under another name, and train on that"
    )
