"""A picture of a search: the validation error against each option that varies, and as a grid of two of them."""

import itertools
import math

import numpy as np

from ladder.errors import UserError
from ladder.option_names import dashed
from ladder.output_files import write_text
from ladder.report.figures.style import BLUE, COSTS, GREY, INK, VERMILION, new_figure
from ladder.sweeps.configurations import value_in_words
from ladder.sweeps.standing import DONE, DROPPED, state_of

#: Values this many times apart are drawn on a logarithmic axis.
WIDE = 20

#: Panels side by side.
COLUMNS = 3

#: The most cells along either side of a grid that leave room for their numbers.
MOST_CELLS = 16

LABEL = "validation error, %"


def write_picture(found, path, folder):
    """Draw a sweep into an SVG file.

    Parameters
    ----------
    found : ladder.sweeps.standing.Standing
    path : str, ends in '.svg'
    folder : SweepFolder
    """
    from ladder.report.figures.style import styled
    from ladder.report.figures.svg import as_svg

    with styled():
        text = as_svg(draw(found, str(folder)), f"Sweep {folder}", described(found))
    write_text(path, text, "--plot")


def described(found):
    """What the picture shows, in words."""
    best = found.best
    words = f"The validation error against {', '.join(dashed(name) for name in found.varied) or 'nothing'}."
    return words + (f" The best configuration is {best.words or 'the only one'}, {best.error:.2f} %." if best else "")


def draw(found, title):
    """The figure (matplotlib): a panel for each option that varies, after a grid of two numeric ones if there are two.

    Parameters
    ----------
    found : Standing
    title : str
    """
    points = _points(found)
    if not points or not found.varied:
        raise UserError(
            "--plot: there is nothing to draw yet: no run has a validation error, or they differ in their seeds alone."
        )
    pair = _pair(found, points)
    n = len(found.varied) + (pair is not None)
    columns = min(n, COLUMNS)
    rows = math.ceil(n / columns)
    figure = new_figure(1.2 + 5.0 * columns, 0.6 + 4.2 * rows, f"{title}: {LABEL}")
    axes = iter(np.atleast_1d(figure.subplots(rows, columns)).ravel())
    if pair is not None:
        _grid(next(axes), figure, pair, points, found.best)
    for name in found.varied:
        _panel(next(axes), name, points, found.best)
    for empty in axes:
        empty.set_axis_off()
    figure.supxlabel(_explained(points, found, pair), fontsize=9, color=GREY)
    return figure


def _points(found):
    """(Options, validation error, whether it is final), of every finished or dropped run that has one."""
    points = []
    for item in found.items:
        state, shown = state_of(item), item.look
        if state == DONE and shown.final_error is not None:
            points.append((item.run.p, shown.final_error, True))
        elif state == DROPPED and shown.errors:
            points.append((item.run.p, shown.error_after(shown.epochs), False))
    return points


def _explained(points, found, pair):
    said = ["Dots: runs; line: means."]
    if any(not final for _, _, final in points):
        said.append("Rings: dropped by halving, with the error at which they were.")
    if found.best is not None:
        said.append(f"Star: the configuration with the lowest mean of its seeds, {found.best.error:.2f} %.")
    if pair is not None:
        said.append("In the grid: means of finished runs.")
    return " ".join(said)


def _panel(axes, name, points, best):
    """Error against one option."""
    places, ticks, scale = _axis(name, [getattr(p, name) for p, _, _ in points])
    for final, style in ((True, {"color": BLUE}), (False, {"facecolors": "none", "edgecolors": BLUE})):
        chosen = [(places[getattr(p, name)], error) for p, error, is_final in points if is_final == final]
        if chosen:
            axes.scatter(*zip(*chosen), s=22, alpha=0.7, **style)
    means = {}
    for p, error, final in points:
        if final:
            means.setdefault(places[getattr(p, name)], []).append(error)
    axes.plot(sorted(means), [np.mean(means[x]) for x in sorted(means)], color=GREY, linewidth=1, zorder=0)
    if best is not None:
        _star(axes, places[getattr(best.p, name)], best.error)
    _set_axis(axes, "x", ticks, scale)
    errors = [error for _, error, _ in points]
    if min(errors) > 0 and max(errors) > WIDE * min(errors):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    axes.set(xlabel=dashed(name), ylabel=LABEL)
    axes.grid(axis="y")
    axes.set_axisbelow(True)


def _star(axes, x, y):
    axes.plot(x, y, marker="*", markersize=14, color=VERMILION, markeredgecolor=INK, linestyle="none")


def _axis(name, values):
    """Where an option's values go on an axis.

    Returns
    -------
    places : dict of value -> float
    ticks : list of (place, text); empty: numbers are written as they come
    scale : str
    """
    distinct = sorted(set(values), key=lambda value: (_number(value) is None, _number(value) or 0, str(value)))
    numbers = [_number(value) for value in distinct]
    is_wide = None not in numbers and max(map(abs, numbers)) > WIDE * min(map(abs, numbers))
    if None in numbers or is_wide and min(numbers) <= 0:
        return (
            {value: float(i) for i, value in enumerate(distinct)},
            [(i, value_in_words(name, value)) for i, value in enumerate(distinct)],
            "linear",
        )
    return dict(zip(distinct, numbers)), [], "log" if is_wide else "linear"


def _set_axis(axes, which, ticks, scale):
    axis = getattr(axes, f"{which}axis")
    if ticks:
        axis.set_ticks([place for place, _ in ticks], [text for _, text in ticks], parse_math=False)
    else:
        getattr(axes, f"set_{which}scale")(scale)


def _number(value):
    """The value as a float, also if it is a single number for all layers; None for anything else."""
    if isinstance(value, tuple) and len(value) == 1:
        (value,) = value
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _pair(found, points):
    """The two options of a grid: both are numbers, and more than half of their combinations have been trained."""
    finished = [p for p, _, final in points if final]
    several = []
    for name in found.varied:
        values = {getattr(p, name) for p in finished}
        if 2 <= len(values) <= MOST_CELLS and None not in map(_number, values):
            several.append(name)
    for pair in itertools.combinations(several, 2):
        sides = [{getattr(p, name) for p in finished} for name in pair]
        cells = {tuple(getattr(p, name) for name in pair) for p in finished}
        if 2 * len(cells) > len(sides[0]) * len(sides[1]):
            return pair
    return None


def _grid(axes, figure, pair, points, best):
    """The mean error of every combination of two options, as in the thesis's tables 13 to 16."""
    rows, columns = (sorted({getattr(p, name) for p, _, final in points if final}, key=_number) for name in pair)
    cells = {}
    for p, error, final in points:
        if final:
            cells.setdefault((rows.index(getattr(p, pair[0])), columns.index(getattr(p, pair[1]))), []).append(error)
    means = np.full((len(rows), len(columns)), np.nan)
    for cell, errors in cells.items():
        means[cell] = np.mean(errors)
    drawn = axes.imshow(means, cmap=COSTS, aspect="auto")
    middle = (np.nanmin(means) + np.nanmax(means)) / 2
    for i, j in cells:
        colour = INK if means[i, j] > middle else "white"
        axes.text(j, i, f"{means[i, j]:.2f}", ha="center", va="center", fontsize=9, color=colour)
    if best is not None:
        i, j = rows.index(getattr(best.p, pair[0])), columns.index(getattr(best.p, pair[1]))
        _star(axes, j + 0.36, i - 0.32)
    for which, values in (("y", rows), ("x", columns)):
        _set_axis(axes, which, [(k, f"{_number(value):g}") for k, value in enumerate(values)], "linear")
    axes.tick_params(axis="x", rotation=45)
    axes.set(ylabel=dashed(pair[0]), xlabel=dashed(pair[1]))
    axes.spines[:].set_visible(False)
    figure.colorbar(drawn, ax=axes, label=LABEL)
