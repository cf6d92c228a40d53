"""Pictures of attacks: error against tau, and attacked images.

Figures 23 and 24 of "Adversarial Learning with Ladder Networks" (2016) are of
the second kind.  Figures are made without pyplot, which keeps global state and
may look for a display.
"""

import logging

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ladder.attacks.methods import AttackedBatch
from ladder.attacks.report import written
from ladder.data.images import as_images
from ladder.files import printable, write_ours

logger = logging.getLogger("main")

ERRORS, IMAGES = "attack_errors.png", "attack_images.png"

#: Kind of attack -> colour and marker, safe for the colour-blind (Okabe and Ito); the control is grey.
STYLES = {
    "sgn": ("#D55E00", "o"),
    "1N": ("#56B4E9", "v"),
    "kN": ("#0072B2", "^"),
    "pgd-linf": ("#CC79A7", "s"),
    "pgd-l2": ("#009E73", "D"),
    "gaussian": ("#777777", "x"),
}

RIGHT, WRONG = "#333333", "#CC0000"

#: The most columns in the grid of images.
MOST_IMAGES = 10


def write_figures(folder, name, report, examples, indices, classify, gradient, settings, tau, show):
    """Write both figures into a folder (Path); parameters as for the functions that make them."""
    _write(error_figure(report, name), folder / ERRORS)
    if as_images(examples.features[:1]) is None:
        logger.info("No %s: examples of shape %s are not images", IMAGES, examples.in_dim)
        return
    figure = attacked_image_figure(
        examples, indices, classify, gradient, settings, tau, show, name, report["batch_size"]
    )
    _write(figure, folder / IMAGES)


def _write(figure, path):
    written(path, lambda path: write_ours(path, lambda file: write_png(figure, file)))


def error_figure(report, title):
    """Error against tau, one line per kind.

    Parameters
    ----------
    report : dict
        From :func:`ladder.attacks.robustness.count_errors`; may also have the
        ``units`` of tau.
    title : str

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    before = 100 * report["n_wrong_before"] / report["n"]
    axes.axhline(before, color="#333333", linewidth=1, linestyle=":", label=f"no attack ({before:.2f} %)")
    for kind, (color, marker) in STYLES.items():
        points = sorted((a["tau"], a["error_percent"]) for a in report["attacks"] if a["kind"] == kind)
        if points:
            style = "--" if kind == "gaussian" else "-"
            axes.plot(*zip(*points), color=color, marker=marker, markersize=5, linestyle=style, label=kind)
    axes.set(
        xlabel=f"tau, in units of the {report.get('units', 'inputs')}", ylabel=f"error, % of {report['n']:,} examples"
    )
    if report.get("batch_size"):
        title = f"{title}: gradients through statistics of batches of {report['batch_size']:,}"
    axes.set_title(printable(title), parse_math=False)  # it contains names, in which $ begins no formula
    axes.set_ylim(bottom=0)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def image_figure(rows, targets, value_range, title):
    """A grid of images, one column per example; above each image is its predicted class.

    Parameters
    ----------
    rows : list of (name, images, guesses)
        Images from :func:`ladder.data.images.as_images`, guesses (examples,) int.
    targets : (examples,) int, the true classes
    value_range : (float, float)
        The values of black and white; values beyond them are clipped.
    title : str

    Returns
    -------
    Figure
    """
    # The text needs some width, however few the images are.
    size = max(4.5, 0.8 + 0.85 * len(targets)), 1.1 + 1.08 * len(rows)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(rows), len(targets), squeeze=False)
    low, high = value_range
    for (name, images, guesses), line in zip(rows, grid):
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for image, guess, target, axes in zip(images, guesses, targets, line):
            shown = np.clip((image - low) / (high - low), 0, 1)
            axes.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set_title(
                str(guess),
                fontsize=10,
                pad=3,
                color=RIGHT if guess == target else WRONG,
                fontweight="normal" if guess == target else "bold",
            )
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
    for target, axes in zip(targets, grid[-1]):
        axes.set_xlabel(f"true {target}", fontsize=9, color="#777777")
    figure.suptitle(printable(title), fontsize=11, parse_math=False)
    figure.supxlabel(
        f"Above each image the class it is taken for, red where wrong.\n"
        f"Black is {low:g} or less, white {high:g} or more.",
        fontsize=9,
    )
    return figure


def write_png(figure, file):
    """Write a figure to an open binary file."""
    FigureCanvasAgg(figure)
    figure.savefig(file, format="png", dpi=150)


def attacked_image_figure(examples, indices, classify, gradient, settings, tau, show, name, batch_size=None):
    """One image of each class, clean and under every attack.

    Parameters
    ----------
    examples : Examples, as attacks take them
    indices : (N,) int64, positions to choose from
    classify, gradient : as in :class:`ladder.attacks.methods.AttackedBatch`
    settings : AttackSettings
    tau : float
    show : function of inputs -> images, or None if inputs are images
    name : str, for the title
    batch_size : int, optional
        Where the gradient depends on the batch: choose from the first batch, and attack all of it.
    """
    together = indices[:batch_size]
    places = _one_of_each_class(examples.targets[together])
    if batch_size is None:
        together, places = together[places], slice(None)
    x, y = examples.features[together], examples.targets[together]
    batch = AttackedBatch(x, y, gradient, settings)
    rows = [("clean", x[places])] + [(kind, batch.attacked(kind, tau)[places]) for kind in settings.kinds]
    rows = [(kind, show(image) if show else image, classify(image).argmax(axis=1)) for kind, image in rows]
    # A few normalised images do not span the range of all; pixels have a fixed black and white.
    clean = rows[0][1] if show else examples.features
    rows = [(kind, as_images(image), guesses) for kind, image, guesses in rows]
    value_range = float(clean.min()), float(clean.max())
    return image_figure(rows, y[places], value_range, f"{name}, tau = {tau:g}")


def _one_of_each_class(targets):
    """The position of each class's first example, at most as many as the grid has columns."""
    _, first = np.unique(targets, return_index=True)
    return first[:MOST_IMAGES]
