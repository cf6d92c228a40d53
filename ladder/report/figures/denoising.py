"""What the decoder functions learn where the signal has two modes (thesis, figure 18).

z is drawn from two Gaussians of equal weight and has mean 0 and variance 1, as every layer's z does; z_corr is z with
Gaussian noise.  The best estimate is the posterior mean, here in closed form.  Each function is trained as in a ladder,
with Adam and the fused ``denoise``, which computes the same as ``ladder.bricks.decoder.denoise``.
"""

from dataclasses import dataclass

import numpy as np

from ladder.report.figures.style import BLUE, GREY, INK, PALE_BLUE, VERMILION, new_figure

MODE = 0.9
WIDTH = float(np.sqrt(1 - MODE**2))  # so that the variance is 1
NOISE = 0.6

SAMPLES, STEPS, RATE, SEED = 4000, 3000, 0.02, 1

#: Decoder functions with a formula of their own, except ``comparison_g5``, which is ``gauss``.
FUNCTIONS = ("i", "lin", "relu", "sigmoid", "sig") + (
    "comparison_g2",
    "comparison_g3",
    "comparison_g4",
    "gauss",
    "gauss_stable_v",
)

#: The first see only u, and cannot be built without it; the second ignore it.
NEED_U, IGNORE_U = ("relu", "sigmoid"), ("i", "lin")

#: How the best estimate is drawn.
BEST = dict(color=GREY, linewidth=4, alpha=0.45)

#: Largest absolute z_corr on the axes, in standard deviations of z.
SHOWN = 2.6


@dataclass(frozen=True)
class Learned:
    """What one function learned.

    Attributes
    ----------
    z_est : (examples,) float32, at the examples that it was trained on
    cost : float, its mean squared error there
    """

    z_est: np.ndarray
    cost: float


def posterior_mean(z_corr, mode=None):
    """E[z | z_corr], or E[z | z_corr, mode] if it is known which Gaussian z is from.

    Parameters
    ----------
    z_corr : array
    mode : array of -1 and 1, or None

    Examples
    --------
    >>> posterior_mean(np.array([0.0])).tolist()
    [0.0]
    >>> bool(posterior_mean(np.array([0.0]), 1)[0] > 0.5)
    True
    """
    shrink = WIDTH**2 / (WIDTH**2 + NOISE**2)
    if mode is None:
        # The posterior mean of the mode, from -1 to 1, stands in for it.
        mode = np.tanh(MODE * z_corr / (WIDTH**2 + NOISE**2))
    return shrink * z_corr + (1 - shrink) * mode * MODE


def density(x, noise=0.0):
    """The density of z, or of z with Gaussian noise of this standard deviation."""
    width = np.hypot(WIDTH, noise)
    peaks = [np.exp(-0.5 * ((x - centre) / width) ** 2) for centre in (-MODE, MODE)]
    return sum(peaks) / (2 * width * np.sqrt(2 * np.pi))


def draw_samples(n=SAMPLES, seed=SEED):
    """z, z_corr and the mode (-1 or 1) of n examples: (n,) float32 each, the same on every call."""
    rng = np.random.default_rng(seed)
    mode = rng.permutation(np.repeat([-1.0, 1.0], [n - n // 2, n // 2]))
    z = mode * MODE + WIDTH * rng.standard_normal(n)
    return tuple(x.astype("float32") for x in (z, z + NOISE * rng.standard_normal(n), mode))


def learn(names, z, z_corr, u, steps):
    """Train decoder functions, all at once: they share no parameter, so each learns as it would alone.

    Parameters
    ----------
    names : sequence of str, as ``ladder.bricks.decoder.decoder_function`` takes them
    z, z_corr, u : (examples,) float32
        u is None for functions without a signal from above.
    steps : int, updates of Adam on all examples

    Returns
    -------
    dict of name -> Learned
    """
    import aesara
    import aesara.tensor as at

    from ladder import backends, fused
    from ladder.graph import ParameterStore, parameter_makers
    from ladder.training.optimisers import adam

    signals = [None if x is None else aesara.shared(x.reshape(-1, 1)) for x in (u, z_corr, z)]
    # The clean path's mean and variance, with which a ladder normalises z_est: approximately those of z.
    statistics = [aesara.shared(np.full((1, 1), value, "float32")) for value in (0, 1)]
    built, parameters, gradients = {}, [], []
    for name in names:
        own = ParameterStore()
        built[name] = fused.denoise(name, *signals, *statistics, **parameter_makers(own, name + "_", 1, SEED))
        parameters += own.values()
        gradients += at.grad(built[name][1], list(own.values()))
    rate = aesara.shared(np.float32(RATE), name="rate")
    step = backends.function([], [], adam(gradients, parameters, rate, step=fused.optimiser_step))
    for done in range(steps):
        # Linear decay to 0 over the last third, as in training.
        rate.set_value(np.float32(RATE * min(1, 3 * (1 - done / steps))))
        step()
    values = backends.function([], [x for pair in built.values() for x in pair])()
    return {name: Learned(np.ravel(z_est), float(cost)) for name, z_est, cost in zip(built, values[::2], values[1::2])}


def least_error(knows_mode):
    """The mean squared error of the posterior mean, a lower bound for every function."""
    if knows_mode:
        return WIDTH**2 * NOISE**2 / (WIDTH**2 + NOISE**2)
    x = np.linspace(-8, 8, 2001)
    # z has variance 1; the error is the part that the estimate does not explain.
    return float(1 - np.sum(posterior_mean(x) ** 2 * density(x, NOISE)) * (x[1] - x[0]))


def error(z_est, best, least):
    """The mean squared error of an estimate: the least error plus its mean squared distance from the best estimate."""
    return least + float(np.mean((z_est - best) ** 2))


def draw():
    """What is learned without a signal from above, and with z_corr itself as that signal, as at the top of a ladder."""
    z, z_corr, _ = draw_samples()
    # Dashed lines come last, as lines may coincide.
    found = {
        "with u": learn([name for name in FUNCTIONS if name not in IGNORE_U], z, z_corr, z_corr, STEPS),
        "without": learn([name for name in FUNCTIONS if name not in NEED_U], z, z_corr, None, STEPS),
    }
    styles = {
        "with u": dict(color=VERMILION, linewidth=2.2),
        "without": dict(color=BLUE, linewidth=1.6, linestyle="--"),
    }
    best, least = posterior_mean(z_corr), least_error(False)
    figure, grid = _grid("What each decoder function learns where the signal has two modes")
    order = _shown(z_corr)
    for name, axes in zip(FUNCTIONS, grid):
        x = np.linspace(-SHOWN, SHOWN, 101)
        axes.plot(x, posterior_mean(x), **BEST)
        errors = []
        for how, learned in found.items():
            if name in learned:
                z_est = learned[name].z_est
                axes.plot(z_corr[order], z_est[order], **styles[how])
                errors.append(f"{error(z_est, best, least):.3f} {how}")
        axes.set_title(f"{name}\n{', '.join(errors)}", fontsize=10)
    learned = {"learned with u = z_corr": styles["with u"], "learned without u": styles["without"]}
    _legend(figure, {f"best: E[z | z_corr], {least:.3f}": BEST, **learned})
    return figure


def draw_by_mode():
    """What is learned when the signal from above is the mode."""
    z, z_corr, mode = draw_samples()
    learned = learn(FUNCTIONS, z, z_corr, mode, STEPS)
    best, least = posterior_mean(z_corr, mode), least_error(True)
    figure, grid = _grid("What each decoder function learns where u says which mode it is")
    ends = np.array([-SHOWN, SHOWN])
    for name, axes in zip(FUNCTIONS, grid):
        for side, colour in ((-1, BLUE), (1, VERMILION)):
            of_side = np.flatnonzero(mode == side)
            order = of_side[_shown(z_corr[of_side])]
            axes.plot(ends, posterior_mean(ends, side), **BEST)
            axes.plot(z_corr[order], learned[name].z_est[order], color=colour, linewidth=1.6)
        axes.set_title(f"{name}\n{error(learned[name].z_est, best, least):.3f}", fontsize=10)
    sides = {"learned, lower mode": BLUE, "learned, upper mode": VERMILION}
    styles = {label: dict(color=colour, linewidth=1.6) for label, colour in sides.items()}
    _legend(figure, {f"best: E[z | z_corr, u], {least:.3f}": BEST, **styles})
    return figure


def _grid(title):
    """A figure, and the axes for the functions; the figure's first axes show the densities."""
    figure = new_figure(11, 7.6, title)
    first, *grid = figure.subplots(3, 4).ravel()
    x = np.linspace(-SHOWN, SHOWN, 201)
    first.fill_between(x, density(x), color=PALE_BLUE, linewidth=0)
    first.plot(x, density(x), color=BLUE, linewidth=1.4, label="z")
    first.plot(x, density(x, NOISE), color=INK, linewidth=1.4, linestyle=":", label=f"z_corr: noise {NOISE:g}")
    first.set(xlabel="z or z_corr", ylabel="density", title="the signal and\nthe noisy signal", xlim=(-SHOWN, SHOWN))
    first.set_ylim(0, 0.75)
    first.legend(fontsize=9, loc="upper center", ncols=2, columnspacing=1, handlelength=1.4)
    for axes in grid[: len(FUNCTIONS)]:
        axes.set(xlim=(-SHOWN, SHOWN), ylim=(-2.1, 2.1), xlabel="z_corr", ylabel="z_est")
        axes.grid(True)
    grid[-1].set_axis_off()
    return figure, grid


def _shown(z_corr):
    """Positions of about 120 examples spread over the axis, in ascending order: enough for a smooth line."""
    order = np.argsort(z_corr)
    order = order[np.abs(z_corr[order]) <= SHOWN]
    wanted = np.linspace(-SHOWN, SHOWN, 121)
    near = np.clip(np.searchsorted(z_corr[order], wanted), 0, len(order) - 1)
    return order[np.unique(near)]


def _legend(figure, styles):
    from matplotlib.lines import Line2D

    axes = figure.axes[-1]
    handles = [Line2D([], [], label=label, **style) for label, style in styles.items()]
    axes.legend(handles=handles, loc="center left", fontsize=9, title="numbers: mean of (z_est - z)²", title_fontsize=9)
