"""Every seed's test error by setting, and learning curves over seeds, of runs that ``ladder.tables`` finds."""

import itertools
from dataclasses import dataclass

import numpy as np

from ladder.errors import UserError
from ladder.report.figures.style import GREY, INK, new_figure
from ladder.report.palette import LIGHT, N_SERIES
from ladder.runs.log_rows import ERROR, by_epoch
from ladder.tables.found_runs import find_runs
from ladder.tables.grouping import group_runs, usable
from ladder.tables.preset import load_preset
from ladder.tables.rows import rows_of_several
from ladder.tables.table import Table, add_lines

COLOURS = [LIGHT[f"series-{i}"] for i in range(N_SERIES)]

DASHES = ("-", "--", "-.", ":")

#: Series of ``log.jsonl`` -> title and label of its panel, drawn where runs have them.
CURVES = {
    "train_cost_class_corr": ("cross-entropy of the corrupted path, training", "nats"),
    "train_denois0": ("denoising cost of layer 0, training", "squared error a unit"),
    ERROR: ("validation error", "%"),
}


@dataclass(frozen=True)
class Runs:
    """What both figures are drawn from.

    Attributes
    ----------
    rows : list of ladder.tables.grouping.Row
    runs : list of ladder.tables.found_runs.FoundRun
    title : str
    problems : list of str
        The runs that are left out, and what to do.
    """

    rows: list
    runs: list
    title: str
    problems: list


def read(presets, results):
    """The rows of some presets, and the runs in a folder.

    Parameters
    ----------
    presets : list of str
    results : Path

    Returns
    -------
    Runs

    Raises
    ------
    UserError
        There is no such preset, or no finished run of any row.
    """
    loaded = [load_preset(name) for name in presets]
    rows, (runs, problems) = rows_of_several(loaded), find_runs(results)
    kept = [usable(group) for group in group_runs(rows, runs)]
    if not any(chosen for chosen, _ in kept):
        raise UserError(
            f"--results {results} has no finished and evaluated run of {', '.join(presets)}: "
            f"train one with run.py train --preset {presets[0]}, then run.py evaluate FOLDER."
        )
    left_out = [problem for _, problems_of_group in kept for problem in problems_of_group]
    return Runs(rows, runs, "\n".join(dict.fromkeys(preset.title for preset in loaded)), left_out + problems)


def draw_errors(found):
    """Points for seeds, a diamond for their mean and a bar for its bootstrap interval; published lines in grey.

    Parameters
    ----------
    found : Runs
    """
    table = Table("", "", "")
    add_lines(table, found.rows, found.runs)
    lines = [line for line in table.lines if line.errors or line.printed_mean is not None]
    figure = new_figure(9, 1.6 + 0.62 * len(lines), "Test error of every seed")
    axes = figure.add_subplot()
    colours = _colours(line.name for line in lines if line.whose != "published")
    for place, line in enumerate(lines):
        colour = GREY if line.whose == "published" else colours[line.name]
        _errors(axes, len(lines) - 1 - place, line, colour)
    axes.set_yticks(range(len(lines) - 1, -1, -1), [_named(line) for line in lines], parse_math=False)
    axes.set_title(found.title, parse_math=False)
    axes.set(xlabel="test error, %", ylim=(-0.6, len(lines) - 0.4))
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    axes.set_axisbelow(True)
    figure.supxlabel(_explained(lines), fontsize=9, color=GREY)
    return figure


def _colours(names):
    """Dict of row's name -> colour, the same in both figures."""
    return dict(zip(dict.fromkeys(names), itertools.cycle(COLOURS)))


def _explained(lines):
    said = ["Dots: seeds. Diamond: mean, with its 95 % bootstrap interval (too narrow below six seeds)."]
    if any(not line.errors for line in lines):
        said.append("Without dots: a published mean, with a bar of ± its standard deviation where that was published.")
    if any(line.tuned for line in lines):
        said.append("*: chosen by the test error of a seed that is counted again here.")
    return "\n".join(said)


def _named(line):
    n = len(line.errors)
    return f"{line.label}\n{line.whose}" + (f", {n} seed{'s' if n > 1 else ''}" if n else "")


def _errors(axes, y, line, colour):
    errors = np.array(list(line.errors.values()))
    if len(errors):
        # Spread vertically, in order, so that equal errors do not hide each other.
        apart = 0.16 * np.linspace(-1, 1, len(errors)) if len(errors) > 1 else np.zeros(1)
        axes.scatter(errors, y + apart, s=22, color=colour, alpha=0.6, linewidths=0)
        mean, ends = line.summary.mean, line.summary.interval
    else:
        mean, std = line.printed_mean, line.printed_std
        ends = (mean - std, mean + std) if std is not None else None
    if ends is not None:
        axes.plot(ends, (y, y), color=colour, linewidth=2)
    axes.plot(mean, y, marker="D", markersize=7, color=colour, markeredgecolor=INK, markeredgewidth=0.8)
    axes.annotate(f"{mean:.2f}", (mean, y), (0, 10), textcoords="offset points", ha="center", fontsize=9, color=INK)


def draw_curves(found):
    """The mean over the seeds of each group of runs, and their range.

    Parameters
    ----------
    found : Runs
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    groups = [group for group in group_runs(found.rows, found.runs) if usable(group)[0]]
    series = [[_series(run.folder.rows()) for run in usable(group)[0].values()] for group in groups]
    shown = [name for name in CURVES if any(name in one for several in series for one in several)]
    if not shown:
        raise UserError("no run of these presets has a log.jsonl with costs: restore it, or choose other runs.")
    figure = new_figure(5.4 * len(shown), 4.6, "Learning curves over all seeds")
    colours = _colours(group.row.name for group in groups)
    for name, axes in zip(shown, np.atleast_1d(figure.subplots(1, len(shown)))):
        for place, (group, several) in enumerate(zip(groups, series)):
            # Dashes as well, as lines may coincide, and those of one row share a colour.
            style = dict(color=colours[group.row.name], linestyle=DASHES[place % len(DASHES)])
            having = [one[name] for one in several if name in one]
            _curve(axes, having, style, _legend(group, len(having)))
        title, unit = CURVES[name]
        axes.set(title=title, ylabel=unit, xlabel="epoch", yscale="log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(True)
    _add_legends(figure)
    figure.supxlabel(
        "Lines: means; areas: from the lowest to the highest seed. Costs with the noise of each setting.",
        fontsize=9,
        color=GREY,
    )
    return figure


def _add_legends(figure):
    """A legend in the first panel, and in each whose lines or numbers of seeds differ from those of the one before."""
    before = []
    for axes in figure.axes:
        labels = axes.get_legend_handles_labels()[1]
        if labels != before:
            for text in axes.legend(fontsize=9).get_texts():
                text.set_parse_math(False)  # names, in which $ starts no formula
        before = labels


def _legend(group, n):
    return f"{group.row.name}{', ' * bool(group.label)}{group.label}, {n} seed{'s' if n > 1 else ''}"


def _series(rows):
    """Name -> {epoch: value} of the entries of ``CURVES`` that are numbers."""
    return {name: values for name in CURVES if (values := by_epoch(rows, name))}


def _curve(axes, several, style, label):
    """Mean and range over the epochs that all runs have."""
    epochs = sorted(set.intersection(*(set(one) for one in several))) if several else []
    if not epochs:
        return
    values = np.array([[one[epoch] for epoch in epochs] for one in several])
    axes.plot(epochs, values.mean(axis=0), linewidth=1.6, label=label, **style)
    if len(several) > 1:
        lowest, highest = values.min(axis=0), values.max(axis=0)
        axes.fill_between(epochs, lowest, highest, color=style["color"], alpha=0.2, linewidth=0)
