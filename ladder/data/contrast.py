"""Contrast normalisation: every image gets mean 0 and the same length.

Source: ``ContrastNorm`` in the original's ``nn.py``.
"""

import numpy

SMALLEST_NORM = numpy.float32(1e-8)


def normalise_contrast(examples, scale):
    """Subtract each example's mean, and divide by its length over ``scale``.

    Parameters
    ----------
    examples : float32 array, shape (N, inputs)
        Not changed.
    scale : number
        The L2 norm of an example afterwards; 55 for CIFAR-10.

    Returns
    -------
    float32 array, shape (N, inputs)
        An example that is constant becomes 0.
    """
    centred = examples - examples.mean(axis=1, keepdims=True)
    norms = numpy.sqrt(numpy.sum(centred**2, axis=1, keepdims=True)) / numpy.float32(scale)
    norms[norms < SMALLEST_NORM] = 1
    centred /= norms
    return centred
