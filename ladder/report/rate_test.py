"""The picture of a learning-rate range test."""

import numpy as np
from matplotlib.figure import Figure

from ladder.files import printable


def rate_figure(found, title):
    """The cost against the learning rate.

    Parameters
    ----------
    found : ladder.training.rate_test.RateTest
    title : str

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(found.rates, found.costs, color="#BBBBBB", linewidth=0.8, label="of each update")
    axes.plot(found.rates, found.smoothed, color="#0072B2", linewidth=1.8, label="smoothed")
    axes.axvline(found.lowest, color="#777777", linestyle=":", label=f"lowest at {found.lowest:.2g}")
    if found.suggested is not None:
        axes.axvline(found.suggested, color="#D55E00", linestyle="--", label=f"falls fastest at {found.suggested:.2g}")
    axes.set(xlabel="learning rate", ylabel="total cost", xscale="log")
    axes.set_title(printable(title), parse_math=False)  # it contains a data set's name, in which $ starts no formula
    # Costs after training diverged would flatten the rest.
    low, high = found.costs.min(), found.costs[0] if found.suggested is not None else np.median(found.costs)
    axes.set_ylim(low - 0.1 * (high - low), high + 0.5 * max(high - low, 1e-9))
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure
