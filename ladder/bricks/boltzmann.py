"""Restricted Boltzmann machines with binary hidden, and binary or Gaussian visible units.

The energy of visible units v and hidden units h is (Hinton 2002, section 2;
Hinton and Salakhutdinov 2006, equation 1)::

    E(v, h) = -v a - v W h' - h b          binary visible units
    E(v, h) = |v - a|^2 / 2 - v W h' - h b  Gaussian ones of variance 1

Throughout v is (examples, visible), h (examples, hidden), W (visible, hidden),
a (visible,) and b (hidden,), all float32.
"""

import aesara.tensor as at
import numpy as np

HALF = np.float32(0.5)


def hidden_probabilities(v_W, b):
    """P(h = 1 | v), given the product v W."""
    return at.sigmoid(v_W + b)


def visible_means(h, W, a, gaussian=False):
    """The mean of v given h: probabilities of binary units, or means of Gaussian ones."""
    total = at.dot(h, W.T) + a
    return total if gaussian else at.sigmoid(total)


def free_energies(v, v_W, a, b, gaussian=False):
    """F(v) of each example: exp(-F(v)) is the sum of exp(-E(v, h)) over all h.

    Hinton (2012), "A Practical Guide to Training Restricted Boltzmann Machines", section 16.1.

    Returns
    -------
    (examples,) float32
    """
    visible = HALF * at.square(v - a).sum(axis=1) if gaussian else -at.dot(v, a)
    return visible - at.softplus(v_W + b).sum(axis=1)


def uniform(normals):
    """Map standard normals to numbers uniform between 0 and 1, by their distribution function."""
    return HALF * at.erfc(normals * np.float32(-np.sqrt(0.5)))


def binary_sample(probabilities, normals):
    """1 with these probabilities, else 0: float32.

    Parameters
    ----------
    probabilities : float32
    normals : shaped like ``probabilities``, standard normals
    """
    return at.cast(at.lt(uniform(normals), probabilities), "float32")


def visible_sample(means, normals, gaussian=False):
    """A sample of v, given its means."""
    return means + normals if gaussian else binary_sample(means, normals)


def gibbs_step(h, W, a, b, noise, package, gaussian=False):
    """Sample v given h, then h given v (Hinton 2002, section 3).

    Parameters
    ----------
    noise : ladder.bricks.noise.NoiseSource
    package : ladder.bricks or ladder.fused
        The package that computes the products.

    Returns
    -------
    v and h
    """
    means = visible_means(h, W, a, gaussian)
    v = visible_sample(means, noise.like(means), gaussian)
    (v_W,) = package.dense([v], W)
    probabilities = hidden_probabilities(v_W, b)
    return v, binary_sample(probabilities, noise.like(probabilities))


def pseudo_likelihoods(v, W, a, b, unit):
    """log P(v_i | all other units) of each example for one unit i, times the number of units.

    Its mean over units is the pseudo-log-likelihood (Besag 1975).  The other value of a binary unit is 1 - v_i, even
    where v_i is a probability, as in scikit-learn's ``BernoulliRBM.score_samples``.

    Parameters
    ----------
    unit : (examples,) int64
        The unit i of each example.

    Returns
    -------
    (examples,) float32
    """
    v_W = at.dot(v, W)
    change = np.float32(1) - np.float32(2) * v[at.arange(v.shape[0]), unit]
    flipped = v_W + change.dimshuffle(0, "x") * W[unit]
    rise = -change * a[unit] + (at.softplus(v_W + b) - at.softplus(flipped + b)).sum(axis=1)
    return at.cast(v.shape[1], "float32") * -at.softplus(-rise)
