"""A table: published rows, our runs beside them, and what can be said about their differences."""

from dataclasses import dataclass, field
from typing import Optional

from ladder.tables.comparable import have_same_data
from ladder.tables.grouping import group_runs, suiting_two, usable
from ladder.tables.settings import VARIATIONS, differences
from ladder.tables.statistics import LEVEL, PairedTest, Summary, compare_with_baseline, summarize, verdict

MRG_NOTE = (
    "runs with --noise mrg, the original's generator: its noise is not independent between seeds (squared normals of "
    "seeds 1 and 2 correlate by 0.29), so intervals and tests over seeds are not quite what they claim; "
    "--noise philox has no such correlation"
)

#: How far a printed mean may be from the mean of its seeds because of rounding.
PRINTED_WITHIN = 0.005


@dataclass(frozen=True)
class Line:
    """One line of a table.

    Attributes
    ----------
    name : str, the row's
    whose : str
        'published', or 'ours' with what differs from the published settings.
    errors : dict of seed -> float
        Empty where only a mean was published.
    summary : Summary or None
    printed_mean, printed_std : float or None
        As published, if they differ from what the errors give.
    test : PairedTest or None
        Against runs of the baseline that were trained alike.
    tuned : bool
        Whether the row was chosen by the test error of one of these seeds.
    without_seed : int or None
        The seed that this line leaves out.
    folders : tuple of str
    is_baseline : bool
    attacked : dict of attack -> Summary
        Errors under attack, of the seeds that were attacked.
    otherwise : tuple of str
        The settings in which the baseline's runs differ, if none of them was trained alike.
    """

    name: str
    whose: str
    errors: dict
    summary: Optional[Summary]
    printed_mean: Optional[float] = None
    printed_std: Optional[float] = None
    test: Optional[PairedTest] = None
    tuned: bool = False
    without_seed: Optional[int] = None
    folders: tuple = ()
    is_baseline: bool = False
    attacked: dict = field(default_factory=dict)
    otherwise: tuple = ()

    @property
    def label(self):
        """Name and marks, as printed."""
        without = f", without seed {self.without_seed}" if self.without_seed is not None else ""
        return f"{self.name}{' *' if self.tuned else ''}{without}{' (baseline)' if self.is_baseline else ''}"


@dataclass
class Table:
    """Lines, and what a reader must know about them.

    Attributes
    ----------
    name, title, source : str
    lines : list of Line
    findings : list of str, the results of the paired tests
    notes : list of str, about the numbers
    problems : list of str, the runs that are left out, and what to do
    """

    name: str
    title: str
    source: str
    lines: list = field(default_factory=list)
    findings: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    problems: list = field(default_factory=list)


def add_lines(table, rows, runs):
    """Add the lines of these rows, and the problems of runs that are left out.

    Parameters
    ----------
    table : Table
    rows : list of Row, at most one of them the baseline
    runs : list of FoundRun

    Returns
    -------
    list of FoundRun
        The runs that appear in a line.
    """
    groups = group_runs(rows, runs)
    table.problems += suiting_two(groups)
    used = []
    baseline = _published_errors(next((row for row in rows if row.is_baseline), None))
    ours = _baselines(groups)
    for row in rows:
        if row.published:
            table.lines += _lines(row, "published", row.published.errors, baseline, printed=row.published)
        for group in (group for group in groups if group.row is row):
            chosen, problems = usable(group)
            table.problems += problems
            if not chosen:
                continue
            used += chosen.values()
            table.problems += [problem for run in chosen.values() for problem in run.problems]
            errors = _errors(chosen)
            errors_of_baseline, otherwise = _trained_alike(ours, group, chosen)
            table.lines += _lines(row, group.whose, errors, errors_of_baseline, runs=chosen, otherwise=otherwise)
    return used


def conclude(table, used):
    """Add the findings of the lines, and notes on what a reader must know.

    Parameters
    ----------
    table : Table
    used : list of FoundRun, the runs in its lines
    """
    table.findings += findings(table.lines)
    table.notes += notes(table.lines, used)


def _published_errors(row):
    return row.published.errors if row is not None and row.published else {}


def _baselines(groups):
    """Each group of the baseline that has usable runs, with these by seed."""
    return [(group, runs) for group in groups if group.row.is_baseline and (runs := usable(group)[0])]


def _trained_alike(baselines, group, chosen):
    """Errors of the baseline runs that were trained alike, or else differ from the published settings in the same way.

    For the latter, also the names of all settings in which they differ, including those of the row.  Runs on other
    data than the runs chosen from the group are neither.
    """
    of_data = [(other, runs) for other, runs in baselines if _have_same_data(runs, chosen)]
    for other, runs in of_data:
        if _varies_alike(other, group):
            return _errors(runs), ()
    for other, runs in of_data:
        if other.variation == group.variation:
            return _errors(runs), tuple(differences(group.settings, other.settings))
    return {}, ()


def _have_same_data(some, others):
    return all(have_same_data(one, other) for one in some.values() for other in others.values())


def _errors(runs):
    """Test errors by seed."""
    return {seed: run.test_error for seed, run in runs.items()}


def _varies_alike(one, other):
    """Whether the settings that may vary are equal, as far as both have them: a rival has no epochs, for instance."""
    both = [name for name in VARIATIONS if name in one.settings and name in other.settings]
    if not (one.settings.get("pretraining") and other.settings.get("pretraining")):
        both.remove("pretrain-seed")
    return all(one.settings[name] == other.settings[name] for name in both)


def _lines(row, whose, errors, baseline, printed=None, runs=None, otherwise=()):
    """The line for some errors and, if a seed chose the row, one without that seed."""
    tuned = row.tuned_seed is not None and row.tuned_seed in errors
    yield _line(row, whose, errors, baseline, printed, runs, otherwise=otherwise, tuned=tuned)
    rest = {seed: error for seed, error in errors.items() if seed != row.tuned_seed}
    if tuned and rest:
        yield _line(row, whose, rest, baseline, None, runs, otherwise=otherwise, without_seed=row.tuned_seed)


def _line(row, whose, errors, baseline, printed, runs, **marks):
    summary = summarize(list(errors.values())) if errors else None
    printed_mean = printed_std = None
    if printed is not None and printed.mean is not None:
        if summary is None or abs(summary.mean - printed.mean) > PRINTED_WITHIN:
            printed_mean, printed_std = printed.mean, printed.std
    return Line(
        row.name,
        whose,
        errors,
        summary,
        printed_mean,
        printed_std,
        test=None if row.is_baseline else compare_with_baseline(errors, baseline),
        folders=tuple(str(runs[seed].folder) for seed in errors) if runs else (),
        is_baseline=row.is_baseline,
        attacked=_attacked([runs[seed] for seed in errors]) if runs else _printed_attacks(printed),
        **marks,
    )


def _attacked(runs):
    """Attack -> Summary over the runs that were attacked this way."""
    names = dict.fromkeys(name for run in runs for name in run.attacked)
    return {name: summarize([run.attacked[name] for run in runs if name in run.attacked]) for name in names}


def _printed_attacks(printed):
    if printed is None:
        return {}
    return {name: Summary(len(printed.errors), mean, std, None) for name, (mean, std) in printed.attacked.items()}


def findings(lines):
    """A sentence for each test of more than one seed, one for all others, and one for lines that cannot be tested."""
    tested = [line for line in lines if line.test]
    said = [f"{line.label}, {line.whose}: {_compared(line)}" for line in tested if len(line.test.seeds) > 1]
    if len(said) < len(tested):
        said.append("lines of one seed: one seed cannot tell a row from the baseline, and no test is made")
    without = [line for line in lines if line.errors and not line.test and not line.is_baseline]
    if without and any(line.is_baseline for line in lines):
        which = "; ".join(f"{line.label}, {line.whose}" for line in without)
        said.append(f"no test, as the baseline has no run of the same settings, seeds and data: {which}")
    return said


def _compared(line):
    """The result of the line's test, with a remark if the baseline was not trained alike."""
    otherwise = f"; the baseline was trained otherwise ({', '.join(line.otherwise)})" if line.otherwise else ""
    return verdict(line.test) + otherwise


def notes(lines, used):
    """What a reader must know about the numbers."""
    said = []
    if any(line.tuned for line in lines):
        said.append("* chosen by the test error of a seed that is counted again here: see the line without it")
    able = sum(
        line.test is not None and line.without_seed is None and line.test.smallest_possible <= LEVEL for line in lines
    )
    if able > 1:
        said.append(f"{able} comparisons: the p values are not corrected for their number")
    if any(line.summary and 1 < line.summary.n < 6 for line in lines):
        said.append("a bootstrap interval of fewer than six seeds is too narrow")
    if len(used) > 1 and any(run.p.noise == "mrg" and not run.p.rival for run in used):
        said.append(MRG_NOTE)
    made_with = sorted({run.made_with for run in used})
    if len(made_with) > 1:
        said.append(
            "made with different programs or on different processors, which may round differently: "
            + "; ".join(made_with)
        )
    elif made_with:
        said.append(f"ours made with {made_with[0]}")
    return said
