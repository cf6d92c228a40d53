"""Gradient descent, momentum and Adam on a stretched bowl (thesis, figures 3 and 4)."""

from functools import partial

import numpy as np

from ladder.optimisation import OPTIMISERS
from ladder.report.figures.style import BLUE, COSTS, GREEN, GREY, INK, VERMILION, new_figure

#: The bowl: half the sum of curvature times square; the second direction is 72 times as steep as the first.
CURVATURES = (0.25, 18.0)
START = (-4.0, 1.0)
RATES, STEPS = (0.1, 0.03), 40


def path(optimiser, rate, steps=STEPS):
    """The points that an optimiser visits on the bowl.

    Parameters
    ----------
    optimiser : function (gradients, parameters, learning rate) -> updates, as in :mod:`ladder.training.optimisers`
    rate : float
    steps : int

    Returns
    -------
    (steps + 1, 2) float32, from the start

    Examples
    --------
    >>> from ladder.training.optimisers import sgd
    >>> path(sgd, 0.1, steps=1).astype("float64").round(3).tolist()
    [[-4.0, 1.0], [-3.9, -0.8]]
    """
    import aesara
    import aesara.tensor as at

    from ladder.report.figures.interpreted import interpreted

    parameter = aesara.shared(np.array(START, "float32"), name="x")
    cost = (np.array(CURVATURES, "float32") * at.square(parameter)).sum() * np.float32(0.5)
    updates = optimiser([at.grad(cost, parameter)], [parameter], np.float32(rate))
    step, points = interpreted([], [], updates), [parameter.get_value()]
    for _ in range(steps):
        step()
        points.append(parameter.get_value())
    return np.array(points)


def draw():
    """Three optimisers at two learning rates."""
    from ladder.training.optimisers import adam, momentum, sgd

    constants = OPTIMISERS["momentum"]
    optimisers = {
        "gradient descent": (sgd, BLUE),
        f"momentum, m = {constants['momentum']:g}": (partial(momentum, **constants), VERMILION),
        "Adam": (adam, GREEN),
    }
    figure = new_figure(11, 5.6, f"{STEPS} steps of three optimisers on a stretched bowl, from the same start")
    grid = figure.subplots(len(RATES), len(optimisers), sharex=True, sharey=True)
    for rate, line in zip(RATES, grid):
        for (name, (optimiser, colour)), axes in zip(optimisers.items(), line):
            points = path(optimiser, rate)
            _contours(axes)
            axes.plot(*points.T, color=colour, marker="o", markersize=2.6, linewidth=1.3)
            axes.plot(*points[0], marker="s", color=INK, markersize=6)
            axes.plot(0, 0, marker="+", color=INK, markersize=10, markeredgewidth=1.6)
            axes.set_title(f"{name}\nrate {rate:g}: cost {_cost(*points[0]):.3g} → {_cost(*points[-1]):.2g}")
        line[0].set_ylabel("parameter x₂")
    for axes in grid[-1]:
        axes.set_xlabel("parameter x₁")
    figure.supxlabel(
        f"Cost C(x) = ({CURVATURES[0]:g} x₁² + {CURVATURES[1]:g} x₂²) / 2; contours at equal ratios. "
        "Square: start; cross: minimum.",
        fontsize=9,
        color=GREY,
    )
    return figure


def _cost(x1, x2):
    return (CURVATURES[0] * x1**2 + CURVATURES[1] * x2**2) / 2


def _contours(axes):
    x1, x2 = np.meshgrid(np.linspace(-4.6, 3.6, 42), np.linspace(-1.7, 1.7, 52))
    levels = 11.0 * 2.0 ** np.arange(-7, 2)
    axes.contour(x1, x2, _cost(x1, x2), levels=levels, cmap=COSTS, linewidths=0.8, alpha=0.7, norm="log")
