"""The idea of adversarial noise: training moves parameters down the cost, noise moves inputs up it (thesis, figure 22).

One example with one input and one weight, as in section 5.4: C = (t - w x)² / 2.
"""

import numpy as np

from ladder.report.figures.style import BLUE, COSTS, GREY, INK, VERMILION, new_figure

TARGET, X, W = 1.0, 0.9, 0.65
RATE, TAU = 0.8, 0.35

EXTENT = (0.0, 2.0)


def gradients(x, w):
    """dC/dw, and u, the direction of ``sgn`` noise at x, by the package's functions.

    Parameters
    ----------
    x, w : float

    Returns
    -------
    dC/dw, u : float
    """
    import aesara
    import aesara.tensor as at

    from ladder.bricks.adversarial import direction
    from ladder.bricks.costs import squared_error
    from ladder.report.figures.interpreted import interpreted

    inputs, weight = aesara.shared(np.full((1, 1), x, "float32")), aesara.shared(np.full((1, 1), w, "float32"))
    target = aesara.shared(np.full((1, 1), TARGET, "float32"))
    cost = squared_error(at.dot(inputs, weight), target) * np.float32(0.5)
    by_weight, by_input = at.grad(cost, [weight, inputs])
    found = interpreted([], [by_weight, direction("sgn", by_input)])()
    return tuple(float(value[0, 0]) for value in found)


def cost(x, w):
    """C, in NumPy."""
    return 0.5 * (TARGET - w * x) ** 2


def draw():
    """The cost over input and weight, and sections along each through one example."""
    by_weight, u = gradients(X, W)
    trained, attacked = W - RATE * by_weight, X + TAU * u
    figure = new_figure(11, 4.3, "Training moves the weight down the cost, adversarial noise moves the input up it")
    plane, along_w, along_x = figure.subplots(1, 3)
    _plane(plane, trained, attacked)
    grid = np.linspace(*EXTENT, 101)
    _cut(along_w, grid, cost(X, grid), (W, cost(X, W)), (trained, cost(X, trained)), BLUE)
    along_w.set(xlabel="weight w", ylabel="cost C", title=f"training at x = {X:g}:\nw - {RATE:g} dC/dw")
    _cut(along_x, grid, cost(grid, W), (X, cost(X, W)), (attacked, cost(attacked, W)), VERMILION)
    along_x.set(xlabel="input x", ylabel="cost C", title=f"noise at w = {W:g}:\nx + {TAU:g} sign(dC/dx)")
    figure.supxlabel(f"C = (t - w x)² / 2 with t = {TARGET:g}. Dot: the example before.", fontsize=9, color=GREY)
    return figure


def _plane(axes, trained, attacked):
    from matplotlib.colors import BoundaryNorm

    x, w = np.meshgrid(np.linspace(*EXTENT, 31), np.linspace(*EXTENT, 31))
    levels = 0.5 * np.array([0, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3]) ** 2
    # One colour per level: otherwise costs far from the valley would take most of them.
    norm = BoundaryNorm(levels, 256)
    drawn = axes.contourf(x, w, cost(x, w), levels=levels, cmap=COSTS, norm=norm)
    axes.figure.colorbar(drawn, ax=axes, label="cost C", location="left", ticks=levels, format="%.2g")
    ends = {"training": ((X, trained), "white"), "noise": ((attacked, W), "#FFB37A")}
    for name, (end, colour) in ends.items():
        axes.annotate(
            "", end, (X, W), arrowprops=dict(arrowstyle="-|>", color=colour, linewidth=2, shrinkA=3, shrinkB=0)
        )
    axes.text(X + 0.05, trained + 0.03, "training", color="white")
    axes.text(attacked - 0.02, W - 0.04, "noise", color="#FFB37A", va="top", ha="center")
    axes.plot(X, W, marker="o", color="white", markeredgecolor=INK)
    axes.set(xlabel="input x", ylabel="weight w", title="both: least cost\nwhere w x = t")


def _cut(axes, grid, values, before, after, colour):
    axes.plot(grid, values, color=GREY)
    axes.annotate("", after, before, arrowprops=dict(arrowstyle="-|>", color=colour, linewidth=2, shrinkA=3, shrinkB=0))
    axes.plot(*before, marker="o", color="white", markeredgecolor=INK, zorder=4)
    axes.plot(*after, marker="D", color=colour, markersize=5, zorder=4)
    axes.set_ylim(-0.02, 0.6)
