"""Choose a row by its validation error, so that its test error plays no part in the choice."""

from dataclasses import dataclass
from typing import Tuple

from ladder.tables.comparable import have_same_data, one_of_each_seed
from ladder.tables.grouping import Row, group_runs
from ladder.tables.settings import as_options
from ladder.tables.statistics import mean_error

#: Settings that distinguish a run with a validation set from one that trains on everything.
DATA = ("unlabeled-samples", "valid-set-size")


@dataclass(frozen=True)
class Choice:
    """The row with the lowest mean validation error.

    Attributes
    ----------
    row : Row
    variation : dict
        How the runs that chose it differ from the published settings.
    seeds : tuple of int
        The seeds averaged over: those that all candidates have.
    errors : dict of row name -> float
        Mean validation errors of all candidates, lowest first.
    """

    row: Row
    variation: dict
    seeds: Tuple[int, ...]
    errors: dict

    def covers(self, variation):
        """Whether runs of this variation belong to the choice, with or without a validation set."""
        return _but_data(variation) == _but_data(self.variation)

    def sentence(self):
        """The choice in words."""
        ranked = ", ".join(f"'{name}' {error:.3f}" for name, error in self.errors.items())
        first, second = (list(self.errors.values()) + [None])[:2]
        tie = " (a tie: the first of the table is taken)" if first == second else ""
        seeds = " ".join(map(str, self.seeds))
        where = as_options(self.variation, self.variation)
        where = f"{where}, seeds" if where else "seeds"
        return (
            f"chosen by validation error, {where} {seeds}: '{self.row.name}'{tie}; all candidates, per cent: {ranked}"
        )


def choose(rows, runs):
    """One choice for each way in which runs with a validation set differ from the published settings.

    Parameters
    ----------
    rows : list of Row, the candidates
    runs : list of FoundRun

    Returns
    -------
    choices : list of Choice
    problems : list of str
    """
    choices, problems, seen = [], [], []
    validated = [(group, found) for group in group_runs(rows, runs) if (found := _validated(group))]
    for variation in (group.variation for group, _ in validated):
        if variation in seen:
            continue
        seen.append(variation)
        candidates = {group.row.name: (group.row, found) for group, found in validated if group.variation == variation}
        choice, problem = _choose(candidates, variation, len(rows))
        choices += [choice] if choice else []
        problems += [problem] if problem else []
    return choices, problems


def _validated(group):
    """Finished runs with a validation error, by seed."""
    return one_of_each_seed(run for run in group.runs if run.finished and run.valid_error is not None)[0]


def _choose(candidates, variation, n_rows):
    """(Choice or None, problem or None); candidates are (Row, dict of seed -> FoundRun) by the row's name."""
    where = as_options(variation, variation) or "validation"
    validated = {name: runs for name, (_, runs) in candidates.items()}
    if len(candidates) < 2:
        return (
            None,
            f"{where}: only '{next(iter(candidates))}' has validation errors, which leaves no choice: train other rows",
        )
    seeds = sorted(set.intersection(*map(set, validated.values())))
    if not seeds:
        return (
            None,
            f"{where}: no seed has validation errors of all of {', '.join(validated)}: train the same seeds of each",
        )
    runs = [found[seed] for found in validated.values() for seed in seeds]
    if other := next((run for run in runs if not have_same_data(run, runs[0])), None):
        return (
            None,
            f"{where}: {other.folder} had other examples or labels than {runs[0].folder}, so their errors cannot be "
            "compared: train all candidates on the same data",
        )
    means = {name: float(mean_error([found[seed].valid_error for seed in seeds])) for name, found in validated.items()}
    best, _ = candidates[min(means, key=means.get)]
    ranked = dict(sorted(means.items(), key=lambda item: item[1]))
    missing = n_rows - len(candidates)
    problem = (
        f"{where}: {missing} of {n_rows} candidates have no validation error and were not considered"
        if missing
        else None
    )
    return Choice(best, variation, tuple(seeds), ranked), problem


def _but_data(variation):
    return {name: value for name, value in variation.items() if name not in DATA}
