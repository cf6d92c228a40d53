"""Cost as a function of two weights, without and with adversarial noise (thesis, figures 28 to 32).

The model has two inputs, two weights and no bias: the logits are 0 and w x.  Labelled examples have the cost of their
true class, unlabelled ones that of the model's own answer (the virtual label); training minimises the sum.
"""

import numpy as np

from ladder.report.figures.linear_model import examples
from ladder.report.figures.style import COSTS, GREY, INK, new_figure

TAU = 0.3

#: Largest weight on the axes, and number of weights along each.
EXTENT, GRID = 6.0, 41

#: Contour levels, in nats; closer where costs are low.
LEVELS = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.25, 1.5, 2, 3, 5)


def data():
    """Labelled x (8, 2) and y (8,), one of them on the wrong side, and unlabelled x (40, 2)."""
    x, y = examples(8, seed=3)
    x[0] = (0.35, 0.25)  # there is a minimum only if no line gets all examples right
    unlabelled, _ = examples(40, seed=11)
    return x, y, unlabelled


def cost_functions(tau):
    """The two costs as functions of the weights, with noise of kind ``sgn`` and this tau.

    Parameters
    ----------
    tau : float, 0 for no noise

    Returns
    -------
    function (2,) float32 -> [labelled cost, unlabelled cost]
    """
    import aesara
    import aesara.tensor as at

    from ladder.bricks.adversarial import direction, virtual_label
    from ladder.bricks.costs import crossentropy_of_logits
    from ladder.report.figures.interpreted import interpreted

    w, costs = at.fvector("w"), []
    x_labelled, y, x_unlabelled = (aesara.shared(value) for value in data())

    def logits(x):
        z = at.dot(x, w)
        return at.stack([at.zeros_like(z), z], axis=1)

    for x, label in ((x_labelled, y), (x_unlabelled, virtual_label(logits(x_unlabelled)))):
        u = direction("sgn", at.grad(crossentropy_of_logits(label, logits(x)), x))
        costs.append(crossentropy_of_logits(label, logits(x + np.float32(tau) * u if tau else x)))
    return interpreted([w], costs)


def surfaces(tau, n):
    """Both costs on a grid of weights.

    Returns
    -------
    w : (n,) float32, the values of either weight
    labelled, unlabelled : (n, n) float32; rows are values of the second weight
    """
    w, costs = np.linspace(-EXTENT, EXTENT, n, dtype="float32"), cost_functions(tau)
    values = np.array([costs(np.array([w1, w2], "float32")) for w2 in w for w1 in w], "float32")
    return w, values[:, 0].reshape(n, n), values[:, 1].reshape(n, n)


def draw():
    """Labelled cost, unlabelled cost and their sum, without noise above and with it below."""
    from matplotlib.colors import BoundaryNorm

    figure = new_figure(11, 7.4, "The cost of a model of two weights, without and with adversarial noise")
    names = ("labelled, true labels", "unlabelled, virtual labels", "their sum")
    norm = BoundaryNorm(LEVELS, 256, extend="max")
    for line, tau in zip(figure.subplots(2, 3, sharex=True, sharey=True), (0.0, TAU)):
        w, labelled, unlabelled = surfaces(tau, GRID)
        for axes, name, cost in zip(line, names, (labelled, unlabelled, labelled + unlabelled)):
            drawn = axes.contourf(w, w, cost, levels=LEVELS, cmap=COSTS, norm=norm, extend="max")
            noise = f"noise sgn, tau = {tau:g}" if tau else "no noise"
            axes.set_title(f"{name}\n{noise}{_least(axes, w, cost)}")
            axes.set_aspect("equal")
        line[0].set_ylabel("weight w₂")
    for axes in figure.axes[3:6]:
        axes.set_xlabel("weight w₁")
    figure.colorbar(drawn, ax=figure.axes, label="cost, nats", shrink=0.7, ticks=LEVELS, format="%g")
    figure.supxlabel("Star: the least cost, where it is not at the edge.", fontsize=9, color=GREY)
    return figure


def _least(axes, w, cost):
    """Mark the least cost, and return it in words; '' if it lies at the edge, beyond which it would fall further."""
    row, column = np.unravel_index(cost.argmin(), cost.shape)
    if {row, column} & {0, len(w) - 1}:
        return ""
    axes.plot(w[column], w[row], marker="*", markersize=13, color="white", markeredgecolor=INK)
    return f", least {cost.min():.2f}"
