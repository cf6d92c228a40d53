"""The logs of runs as lines to draw: one for each run, or the mean and range of several seeds.

They are drawn by :mod:`ladder.report.static_charts` and
:mod:`ladder.report.interactive_charts`.
"""

import re
from dataclasses import dataclass

import numpy as np

from ladder.runs.log_rows import ERROR

#: A line with more points than this is thinned: a screen shows no more.
MOST_POINTS = 600


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes
    ----------
    label : str
    number : int
        Selects its colour and, beyond the number of colours, its dashes.
    x, y : (n,) float64
    low, high : (n,) float64, or None
        The range of several seeds, around their mean ``y``.
    """

    label: str
    number: int
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray = None
    high: np.ndarray = None


@dataclass(frozen=True)
class Chart:
    """Lines that share their axes.

    Attributes
    ----------
    title, x_label, y_label : str
    series : list of Series
    is_log : bool
        Whether y has a logarithmic scale.
    from_zero : bool
        Whether y begins at 0.
    markers : bool
        Whether points are marked, where they are few.
    """

    title: str
    x_label: str
    y_label: str
    series: list
    is_log: bool = False
    from_zero: bool = False
    markers: bool = False

    def description(self):
        """The last value of every line, in words, for those who cannot see them."""
        last = [f"{s.label} ends at {s.y[-1]:.4g}" for s in self.series]
        return f"{self.title}, against {self.x_label}: " + "; ".join(last) + "."


def learning_curves(groups):
    """Charts of costs and errors over the epochs, without the denoising costs.

    Parameters
    ----------
    groups : list of RunGroup

    Returns
    -------
    list of Chart
        Those for which any run has logged something.
    """
    wanted = [
        ("Supervised cost, training", "cross-entropy, nats", "train_cost_class_corr", True),
        ("Supervised cost, validation", "cross-entropy, nats", "valid_approx_cost_class_clean", True),
        ("Validation error", "error, per cent", ERROR, False),
        ("Total cost, training", "cost", "train_cost_total", True),
        ("L1 penalty, training", "sum of |w|", "train_l1", True),
        ("L2 penalty, training", "half the sum of w²", "train_l2", True),
    ]
    return _charts(groups, wanted)


def curves_in_words(groups):
    """A sentence for each group whose lines are not the mean of all its runs and epochs: list of str."""
    sentences = []
    for group in groups:
        runs = group.in_curves
        others = [run.name for run in group.runs if run not in runs]
        if runs and others:
            sentences.append(
                f"{group.label}: the lines are of {', '.join(run.name for run in runs)}; left out, as not finished, "
                f"without costs in its log, of a seed that counts already, or of other data: {', '.join(others)}."
            )
        epochs = [run.epochs for run in runs]
        if len(set(epochs)) > 1:
            sentences.append(
                f"{group.label}: the lines end at epoch {min(epochs)}, the last that all of its runs have."
            )
    return sentences


def cost_curves(groups, prefix, title):
    """Charts of the costs that every layer has: one chart for a single group, or one per layer for several.

    Parameters
    ----------
    groups : list of RunGroup
    prefix : str
        E.g. 'train_denois'.
    title : str

    Returns
    -------
    list of Chart
    """
    names = dict.fromkeys(name for group in groups for run in group.runs for name in run.logged(prefix))
    numbers = sorted(int(name[len(prefix) :]) for name in names if re.fullmatch("[0-9]{1,4}", name[len(prefix) :]))
    top = max(len(run.p.encoder_layers) for group in groups for run in group.runs)
    numbers = [i for i in numbers if i <= top]  # a log from elsewhere may have any numbers
    if len(groups) > 1:
        return _charts(groups, [(f"{title}, layer {i}", "cost", f"{prefix}{i}", True) for i in numbers])
    series = [found for i in numbers for found in _series(f"layer {i}", i, groups[0], f"{prefix}{i}")]
    return [_chart(title, "cost", series, True)] if series else []


def robustness_curves(report):
    """Error against tau, a line for each kind of attack.

    Parameters
    ----------
    report : dict, from :func:`ladder.attacks.report.load_report`

    Returns
    -------
    Chart
    """
    points = {}
    for attack in report["attacks"]:
        points.setdefault(attack["kind"], []).append((attack["tau"], attack["error_percent"]))
    series = [
        Series(kind, number, *np.array(sorted(found), float).T) for number, (kind, found) in enumerate(points.items())
    ]
    return Chart(
        "Error under attack",
        f"tau, in units of the {report['units']}",
        f"error, per cent of {report['n']:,} examples",
        series,
        from_zero=True,
        markers=True,
    )


def _charts(groups, wanted):
    found = []
    for title, y_label, name, is_log in wanted:
        series = [line for i, group in enumerate(groups) for line in _series(group.label, i, group, name)]
        if series:
            found.append(_chart(title, y_label, series, is_log))
    return found


def _chart(title, y_label, series, is_log):
    # A logarithmic axis needs values above 0, and a cost may round to 0.
    is_log = is_log and all((line.y > 0).all() for line in series)
    return Chart(title, "epoch", y_label, series, is_log, from_zero=not is_log and "error" in y_label)


def _series(label, number, group, name):
    """The line of a group, as a list of one or none: the mean over the epochs that all its runs have."""
    logged = [values for run in group.in_curves if (values := run.values(name))]
    epochs = sorted(set.intersection(*map(set, logged))) if logged else []
    if not epochs:
        return []
    epochs = sorted({*epochs[:: -(-len(epochs) // MOST_POINTS)], epochs[-1]})
    values = np.array([[of_run[epoch] for epoch in epochs] for of_run in logged])
    spread = (values.min(axis=0), values.max(axis=0)) if len(logged) > 1 else (None, None)
    return [Series(label, number, np.array(epochs, float), values.mean(axis=0), *spread)]
