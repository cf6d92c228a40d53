"""Small pictures inside a page: PNG files as data URIs, one pixel per value; the page enlarges them."""

import base64
import io

import numpy as np

from ladder.report.palette import LIGHT
from ladder.report.svg import inline_svg

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: Confusion matrices of more classes have no numbers in their cells.
MOST_NUMBERED = 20

#: Standard deviations at which the colours of a heat map saturate.
HEAT_RANGE = 3.0


def as_data_uri(png):
    """The bytes of a PNG file as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def picture(image, value_range):
    """An image as a data URI.

    Parameters
    ----------
    image : (height, width), grey, or (height, width, 3)
    value_range : (float, float)
        The values shown as black and as white; values beyond are clipped.

    Returns
    -------
    str
    """
    low, high = value_range
    shown = np.clip((np.asarray(image, "float64") - low) / ((high - low) or 1), 0, 1)
    return _png(shown, cmap="gray", vmin=0, vmax=1)


def heat_map(values):
    """(rows, columns) as a data URI: blue below 0, red above, white at 0."""
    return _png(np.clip(values, -HEAT_RANGE, HEAT_RANGE), cmap="RdBu_r", vmin=-HEAT_RANGE, vmax=HEAT_RANGE)


def grid_of_filters(filters, columns=12):
    """:func:`filter_grid` as a data URI."""
    return _png(filter_grid(filters, columns), cmap="gray", vmin=0, vmax=1)


def filter_grid(filters, columns=12):
    """Filters in a grid, one background pixel apart, each scaled by its largest absolute value.

    Parameters
    ----------
    filters : (filters, height, width) or (filters, height, width, 3)
    columns : int

    Returns
    -------
    (height, width) or (height, width, 3) float64, from 0 to 1
        Grey is 0; in pictures without colours, black is negative and white positive.
    """
    n, height, width, *channels = filters.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    grid = np.ones((rows * (height + 1) - 1, columns * (width + 1) - 1, *channels))
    for k, one in enumerate(filters):
        top, left = k // columns * (height + 1), k % columns * (width + 1)
        grid[top : top + height, left : left + width] = 0.5 + 0.5 * one / (np.abs(one).max() or 1)
    return grid


def _png(array, **style):
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(file, array, format="png", metadata={"Software": None}, **style)
    return as_data_uri(file.getvalue())


def confusion_picture(confusion, label, names):
    """A confusion matrix as an ``<svg>`` element: rows are the true classes, columns the guesses.

    The shade of an off-diagonal cell shows its share of the row.

    Parameters
    ----------
    confusion : (classes, classes) list of list of int
    label : str, for those who cannot see it
    names : list of str or int, of the classes

    Returns
    -------
    markupsafe.Markup
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    counts = np.array(confusion)
    n = len(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    wrong = np.where(np.eye(n, dtype=bool), 0, shares)
    side = min(6.5, max(2.8, 0.9 + 0.42 * n))
    figure = Figure(figsize=(side, side), layout="constrained", facecolor="none")
    axes = figure.add_subplot(facecolor="none")
    shades = LinearSegmentedColormap.from_list("wrong", ["#ffffff00", LIGHT["noise"]])
    axes.imshow(wrong, cmap=shades, vmin=0, vmax=max(wrong.max() * 1.6, 1e-9), interpolation="nearest")
    if n <= MOST_NUMBERED:
        _number(axes, counts)
        axes.set(xticks=range(n), yticks=range(n))
        slant = {"rotation": 45, "ha": "right"} if any(len(str(name)) > 2 for name in names) else {}
        axes.set_xticklabels(names, parse_math=False, **slant)
        axes.set_yticklabels(names, parse_math=False)
    axes.set_xlabel("guess", color=LIGHT["quiet"])
    axes.set_ylabel("true class", color=LIGHT["quiet"])
    axes.tick_params(color=LIGHT["line"], labelcolor=LIGHT["quiet"], length=0)
    axes.spines[:].set_color(LIGHT["line"])
    return inline_svg(figure, label)


def _number(axes, counts):
    """Write the counts into the cells; those on the diagonal, which are right, are bold."""
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            if count:
                weight, color = ("bold", LIGHT["clean"]) if i == j else ("normal", LIGHT["ink"])
                axes.text(j, i, str(count), ha="center", va="center", fontsize=8, color=color, fontweight=weight)
