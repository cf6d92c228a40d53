"""Contrast normalisation: every image gets mean 0 and the same L2 norm.

Source: ``ContrastNorm`` in the original's ``nn.py``.
"""

import numpy as np

SMALLEST_NORM = np.float32(1e-8)


def normalise_contrast(examples, scale):
    """Subtract each example's mean, and divide by its L2 norm over ``scale``.

    Parameters
    ----------
    examples : float32 array, shape (N, inputs)
        Not changed.
    scale : number
        The L2 norm of an example afterwards; 55 for CIFAR-10.

    Returns
    -------
    float32 array, shape (N, inputs)
        A constant example becomes 0 if its mean is exact, as with integers; if
        not, the rounding error is scaled up, as in the original.
    """
    centred, norms = _centred_and_norms(examples, scale)
    centred /= norms
    return centred


def gradient_by_examples(examples, scale, gradient):
    """The gradient of a cost with respect to the examples, given the gradient with respect to the normalised ones.

    Parameters
    ----------
    examples, scale : as for :func:`normalise_contrast`
    gradient : float32 array, shape (N, inputs)
        With respect to the result of :func:`normalise_contrast`.

    Returns
    -------
    float32 array, shape (N, inputs)
    """
    centred, norms = _centred_and_norms(examples, scale)
    normalised = centred / norms
    # An example's norm has no effect, so the gradient's component along the example vanishes.
    along = (normalised * gradient).sum(axis=1, keepdims=True) / np.float32(scale) ** 2
    by_centred = (gradient - along * normalised) / norms
    return by_centred - by_centred.mean(axis=1, keepdims=True)


def _centred_and_norms(examples, scale):
    centred = examples - examples.mean(axis=1, keepdims=True)
    norms = np.sqrt(np.sum(centred**2, axis=1, keepdims=True)) / np.float32(scale)
    norms[norms < SMALLEST_NORM] = 1
    return centred, norms
