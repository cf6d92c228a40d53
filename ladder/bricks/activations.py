"""Activation functions of the encoder (``--act``)."""

import aesara.tensor as at
import numpy as np

from ladder.bricks.dense import as_matrix


def softmax(x):
    """Softmax over the last axis, with the maximum subtracted first.

    Written out as in the original (``softmax_n``), so that the cross-entropy of
    it rounds as it does there.
    """
    e_x = at.exp(x - x.max(axis=-1, keepdims=True))
    return e_x / e_x.sum(axis=-1, keepdims=True)


#: name -> function; inputs and outputs have the same shape, float32.
ACTIVATIONS = {
    "relu": lambda x: at.maximum(0, x),
    "leakyrelu": lambda x: at.switch(x > 0, x, np.float32(0.1) * x),
    "linear": lambda x: x,
    "softplus": lambda x: at.log(np.float32(1) + at.exp(x)),
    "sigmoid": at.sigmoid,
    "softmax": lambda x: softmax(as_matrix(x)),
}
