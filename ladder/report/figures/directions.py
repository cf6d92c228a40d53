"""Adversarial noise of every kind in a two-input linear model, in data space and feature space (thesis, 25 to 27)."""

import numpy as np

from ladder.report.figures.linear_model import KINDS, directions, fitted
from ladder.report.figures.style import BLUE, GREY, INK, PALE_BLUE, PALE_ORANGE, VERMILION, new_figure

TAU = 0.6

#: One in this many of the model's examples gets an arrow.
EVERY = 4

COLOURS, MARKERS = (BLUE, VERMILION), ("o", "s")


def draw():
    """A column for each kind, with the inputs above and the logits below."""
    model = fitted()
    us = directions(model)
    figure = new_figure(12.5, 6.2, f"Where adversarial noise moves the examples of a linear model, tau = {TAU:g}")
    rows = figure.subplots(2, len(us), sharex="row", sharey="row")
    for (kind, u), data, features in zip(us.items(), *rows):
        noise = tau_u(kind, u)
        _panel(data, model.x, model.x + noise, model.y, (-2.6, 2.6), lambda x: model.logits(x))
        _panel(features, model.logits(model.x), model.logits(model.x + noise), model.y, (-7.5, 7.5), lambda z: z)
        data.set(title=f"{kind}: {KINDS[kind]}", xlabel="input x₁")
        features.set_xlabel("logit of class 0")
    rows[0][0].set_ylabel("data space: input x₂")
    rows[1][0].set_ylabel("feature space:\nlogit of class 1")
    figure.supxlabel(
        "Blue circles: class 0; orange squares: class 1. The line is the decision boundary; the ground has the "
        "colour of the class that the model chooses there.\n"
        "U: gradient of the cost with respect to x. udg: tau times the number of examples, by which the mean cost "
        "divides U. vat: away from the model's own answer.",
        fontsize=9,
        color=GREY,
    )
    return figure


def tau_u(kind, u):
    """The noise that is drawn: tau u; for ``udg``, times the number of examples, by which the mean cost divides U."""
    return np.float32(TAU) * (u * len(u) if kind == "udg" else u)


def _panel(axes, before, after, y, limits, logits):
    _ground(axes, limits, logits)
    for label in (0, 1):
        of_class = y == label
        axes.scatter(*before[of_class].T, s=9, color=COLOURS[label], marker=MARKERS[label], alpha=0.55, linewidths=0)
    start, moved = before[::EVERY], (after - before)[::EVERY]
    axes.quiver(
        *start.T, *moved.T, angles="xy", scale_units="xy", scale=1, color=INK, width=0.008, headwidth=4, zorder=3
    )
    axes.set(xlim=limits, ylim=limits, aspect="equal")


def _ground(axes, limits, logits):
    """Draw each class's region and the boundary between them: a line, for which two points are enough."""
    points = np.stack(np.meshgrid(*[np.linspace(*limits, 2)] * 2), axis=-1)
    zs = logits(points.reshape(-1, 2)).reshape(points.shape)
    difference = zs[..., 1] - zs[..., 0]
    axes.contourf(*points.transpose(2, 0, 1), difference, levels=[-1e9, 0, 1e9], colors=[PALE_BLUE, PALE_ORANGE])
    axes.contour(*points.transpose(2, 0, 1), difference, levels=[0], colors=[INK], linewidths=1)
