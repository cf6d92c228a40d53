"""Convolutional layers: the encoder's convolution, and the decoder's inverse of it."""

import aesara.tensor as at
import numpy as np
from aesara.tensor.nnet import conv2d

#: A layer's border -> that of its inverse.
OPPOSITE = {"valid": "full", "full": "valid"}


def conv_init(rng, shape, fan=None):
    """Initial filters: uniform in ±sqrt(3 / fan), which has standard deviation 1 / sqrt(fan).

    Parameters
    ----------
    rng : numpy RandomState
    shape : tuple of int, (filters, maps below, size, size)
    fan : int, optional
        1 over the variance; None: the number of weights into one unit.

    Returns
    -------
    ``shape`` float64
    """
    # In float64, whatever NumPy's promotion rules for scalars: the last bits depend on it.
    bound = np.sqrt(3.0 / max(1.0, float(np.prod(shape[1:]) if fan is None else fan)))
    return rng.uniform(-bound, bound, shape)


def convolve(x, W, border, stride):
    """The encoder's convolution.

    With stride 1 the filters are flipped (true convolution); with a larger
    stride they are not, as in the original, so that saved parameters keep their
    meaning.

    Parameters
    ----------
    x : (examples, maps below, height, width) float32
    W : (maps, maps below, size, size) float32
    border : 'valid', or 'full': as if x were surrounded by size - 1 zeros
    stride : int

    Returns
    -------
    (examples, maps, height', width') float32
    """
    return conv2d(x, W, border_mode=border, subsample=(stride, stride), filter_flip=stride == 1)


def deconvolve(z, W, border, stride, shape):
    """The decoder's inverse of a layer ``convolve(…, border, stride)``: a true convolution with the opposite border.

    Parameters
    ----------
    z : (examples, maps, height, width) float32, the estimate of the layer's output
    W : (maps below, maps, size, size) float32
    border : 'valid' or 'full', of the layer that is inverted
    stride : int, of that layer; z is spread out with zeros between its entries
    shape : (height', width') of the result, which is cropped to it

    Returns
    -------
    (examples, maps below, height', width') float32
    """
    if stride > 1:
        z = spread(z, stride)
    u = conv2d(z, W, border_mode=OPPOSITE[border], filter_flip=True)
    return u[:, :, : shape[0], : shape[1]]


def spread(z, stride):
    """Insert zeros between entries: (n, maps, h, w) -> (n, maps, h stride, w stride)."""
    n, maps, height, width = z.shape
    zeros = at.zeros((n, maps, height * stride, width * stride), dtype="float32")
    return at.set_subtensor(zeros[:, :, ::stride, ::stride], z)
