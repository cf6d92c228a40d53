"""The updates of one restricted Boltzmann machine, by contrastive divergence or persistent chains."""

import aesara.tensor as at
import numpy as np
from aesara.gradient import disconnected_grad

from ladder import backends
from ladder.bricks import boltzmann
from ladder.bricks.costs import squared_error
from ladder.graph import BIAS, MAPPING, ParameterStore
from ladder.training.pretraining.stage import StageGraph
from ladder.training.step import descent

#: Standard deviation of the initial weights (Hinton 2012, section 8).
FIRST_WEIGHTS = 0.01

#: A binary visible unit's initial bias is that of its mean, kept this far from 0 and 1 (Hinton 2012, section 8.1).
EDGE = 0.01

#: Examples used to estimate the pseudo-log-likelihood, and units of each: few of either make a noisy estimate.
LOOKED_AT, UNITS_EACH = 1000, 10


def machine(p, pretraining, n_hidden, means, gaussian, n_chains, noise, package, rng):
    """The updates of one machine.

    Parameters
    ----------
    p : Options
    pretraining : ladder.pretraining.Pretraining
    n_hidden : int
    means : (visible,) float
        Of the visible units over the training examples.
    gaussian : bool
        Whether the visible units are Gaussian.
    n_chains : int
        The number of persistent chains, if there are any.
    noise : ladder.bricks.noise.NoiseSource
    package : ladder.bricks or ladder.fused
    rng : RandomState
        For the initial weights, and the initial states of the chains.

    Returns
    -------
    StageGraph
        Its input is v, (examples, visible) float32.  Its parameters are ``W`` (visible, hidden), ``a`` and ``b``, the biases
        of visible and hidden units; beside them there are ``chains`` (chains, hidden), if they persist.
    """
    shareds = ParameterStore()
    W = shareds.get_or_make("W", FIRST_WEIGHTS * rng.standard_normal((len(means), n_hidden)), MAPPING)
    a = shareds.get_or_make("a", means if gaussian else _bias_of(means), BIAS)
    b = shareds.get_or_make("b", np.zeros(n_hidden), BIAS)
    v = at.TensorType("float32", shape=(None, len(means)))("features_unlabeled")
    (v_W,) = package.dense([v], W)
    probabilities = boltzmann.hidden_probabilities(v_W, b)
    chains = None
    if pretraining.persistent:
        h = chains = shareds.get_or_make("chains", rng.randint(2, size=(n_chains, n_hidden)))
    else:
        h = boltzmann.binary_sample(probabilities, noise.like(probabilities))
    for _ in range(pretraining.cd_steps):
        fantasy, h = boltzmann.gibbs_step(h, W, a, b, noise, package, gaussian)
    cost = contrast(v, v_W, disconnected_grad(fantasy), W, a, b, package, gaussian)
    learnt = [W, a, b]
    norm, learning_rate, updates = descent(p, pretraining.lr, at.grad(cost, learnt), learnt, package)
    if chains is not None:
        updates[chains] = h
    error = squared_error(boltzmann.visible_means(probabilities, W, a, gaussian), v)
    # The contrast itself is never computed: its softplus would take a fifth of an update, and its value says nothing.
    monitored = {"cost_total": error, "cost_reconstruction": error, "total_gradient_norm": norm}
    return StageGraph(v, monitored, updates, learning_rate, shareds, noise, [v.name for v in learnt])


def contrast(v, v_W, fantasy, W, a, b, package, gaussian):
    """Mean free energy of the data minus that of the chains' ends: its gradient is contrastive divergence's update.

    The gradient of F with respect to W is -v' P(h | v), so this one's is <v' P(h | v)> at the chains' ends minus that
    of the data (Hinton 2002, equation 5; with persistent chains Tieleman 2008).
    """
    (fantasy_W,) = package.dense([fantasy], W)
    of_data = boltzmann.free_energies(v, v_W, a, b, gaussian)
    return of_data.mean() - boltzmann.free_energies(fantasy, fantasy_W, a, b, gaussian).mean()


def pseudo_likelihood(graph, v, positions):
    """A function of the number of epochs done that estimates the pseudo-log-likelihood of binary visible units.

    It draws units of some examples anew in each epoch; scikit-learn's ``BernoulliRBM.score_samples`` draws one each.

    Parameters
    ----------
    graph : StageGraph
    v : (N, visible) float32
    positions : (n,) int64

    Returns
    -------
    function of int -> dict of 'pseudo_likelihood' -> float
    """
    unit = at.lvector()
    W, a, b = (graph.shareds[name] for name in ("W", "a", "b"))
    mean = boltzmann.pseudo_likelihoods(graph.input, W, a, b, unit).mean()
    compiled = backends.function([graph.input, unit], mean, allow_gc=True)
    some = v[positions[:LOOKED_AT]]

    def evaluate(epochs_done):
        units = np.random.RandomState(epochs_done).randint(v.shape[1], size=(UNITS_EACH, len(some)))
        return {"pseudo_likelihood": float(np.mean([compiled(some, each) for each in units]))}

    return evaluate


def _bias_of(means):
    """log(p / (1 - p)) of the units' means."""
    inside = np.clip(np.asarray(means, "float64"), EDGE, 1 - EDGE)
    return np.log(inside / (1 - inside))
