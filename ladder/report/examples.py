"""A picture of a data set's examples: a row for each class, with the versions of each example side by side."""

from dataclasses import dataclass

import numpy as np

from ladder.data import NO_LABEL
from ladder.data.images import as_images
from ladder.report.figures.style import GREY, new_figure

#: More classes would not fit onto a page.
MOST_CLASSES = 30

#: Height of an image on the page, in inches, and the gap between two examples as a fraction of an image's width.
SIDE, GAP = 0.42, 0.35

#: Values beyond these quantiles are black or white where a version has no range of its own.
QUANTILES = 0.005, 0.995


@dataclass(frozen=True)
class Version:
    """One version of the examples: as they are, or changed.

    Attributes
    ----------
    name : str
    features : (examples, …) float32
    value_range : (number, number) or None
        The values shown as black and as white; None: determined from the features.
    """

    name: str
    features: np.ndarray
    value_range: tuple = None


def chosen_examples(targets, per_class, seed):
    """Positions of some randomly chosen examples of each class.

    Parameters
    ----------
    targets : (N,) int64
    per_class, seed : int

    Returns
    -------
    dict of class -> (at most per_class,) int64, sorted by class, those without a label last
        The first ``MOST_CLASSES`` classes.
    """
    generator = np.random.RandomState(seed)
    found = {}
    for label in sorted(np.unique(targets).tolist(), key=lambda label: (label == NO_LABEL, label))[:MOST_CLASSES]:
        found[label] = np.sort(generator.permutation(np.flatnonzero(targets == label))[:per_class])
    return found


def examples_figure(chosen, versions, title):
    """Draw examples.

    Parameters
    ----------
    chosen : dict of class -> positions, see :func:`chosen_examples`
    versions : list of Version
        Versions of the chosen examples, class by class; the first shows them as they are.
    title : str

    Returns
    -------
    matplotlib Figure, drawn under :func:`ladder.report.figures.style.styled`
    """
    pictures = [_in_unit_interval(version) for version in versions]
    grid, columns, lines = _grid(chosen, pictures)
    height, width = pictures[0].shape[1:3]
    scale = SIDE / height
    figure = new_figure(grid.shape[1] * scale + 1.1, grid.shape[0] * scale + 0.9, title)
    axes = figure.add_subplot()
    axes.imshow(grid, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_yticks([line + height / 2 - 0.5 for line in lines], [_label(label) for label in chosen])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks([])
    _name_versions(axes, versions, columns, width)
    return figure


def _label(label):
    return "no label" if label == NO_LABEL else str(label)


def _name_versions(axes, versions, columns, width):
    """Label the versions below the first example; those with the same name share one label."""
    if len(versions) == 1:
        return
    names = [version.name for version in versions]
    ticks = [
        (columns[0][names.index(name)] + columns[0][len(names) - 1 - names[::-1].index(name)] + width) / 2 - 0.5
        for name in dict.fromkeys(names)
    ]
    axes.set_xticks(ticks, list(dict.fromkeys(names)), fontsize=8, va="top")
    axes.tick_params(axis="x", labelcolor=GREY)


def _in_unit_interval(version):
    """(examples, height, width) or (examples, height, width, 3), from 0 for black to 1 for white."""
    images = as_images(version.features)
    low, high = version.value_range or np.quantile(images, QUANTILES)
    return np.clip((images - low) / ((high - low) or 1), 0, 1)


def _grid(chosen, pictures):
    """All images in one array, white between them; the left edges of each example's versions; each line's top edge."""
    height, width, *colors = pictures[0].shape[1:]
    n = max(map(len, chosen.values()))
    gap = max(2, round(GAP * width)) if len(pictures) > 1 else 1
    group = len(pictures) * (width + 1) - 1
    columns = [[k * (group + gap) + i * (width + 1) for i in range(len(pictures))] for k in range(n)]
    lines = [i * (height + 1) for i in range(len(chosen))]
    grid = np.ones((lines[-1] + height, columns[-1][-1] + width, *colors))
    k = 0
    for line, positions in zip(lines, chosen.values()):
        for group in columns[: len(positions)]:
            for column, images in zip(group, pictures):
                grid[line : line + height, column : column + width] = images[k]
            k += 1
    return grid, columns, lines
