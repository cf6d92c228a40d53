"""Max-pooling, channels last, and its gradient."""

from ladder.backends.jax.pooling import gradient, largest


def max_pool(operation, node):
    """:class:`ladder.fused.pooling.MaxPool`: the largest entry of each window, windows at the edge incomplete."""
    size, stride = operation.size, operation.stride
    to = node.outputs[0].type.shape[1:3]
    return lambda x: largest(x, (size, size), (stride, stride), to)


def max_pool_gradient(operation):
    """:class:`ladder.fused.pooling.MaxPoolGradient`: (x, y, dy) -> the gradient for x."""
    size, stride = operation.size, operation.stride
    return lambda x, y, dy: gradient(x, dy, (size, size), (stride, stride))
