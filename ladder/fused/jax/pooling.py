"""Max-pooling and mean-pooling, channels last, and their gradients."""

from ladder.backends.jax.pooling import gradient, largest, mean, mean_gradient


def max_pool(operation, node):
    """:class:`ladder.fused.pooling.MaxPool`: the largest entry of each window, windows at the edge incomplete."""
    size, stride = operation.size, operation.stride
    to = node.outputs[0].type.shape[1:3]
    return lambda x: largest(x, (size, size), (stride, stride), to)


def max_pool_gradient(operation):
    """:class:`ladder.fused.pooling.MaxPoolGradient`: (x, y, dy) -> the gradient for x."""
    size, stride = operation.size, operation.stride
    return lambda x, y, dy: gradient(x, dy, (size, size), (stride, stride))


def mean_pool(operation, node):
    """:class:`ladder.fused.pooling.MeanPool`: the mean of each window, of an incomplete one of what it has."""
    size, stride = operation.size, operation.stride
    to = node.outputs[0].type.shape[1:3]
    return lambda x: mean(x, (size, size), (stride, stride), to)


def mean_pool_gradient(operation):
    """:class:`ladder.fused.pooling.MeanPoolGradient`: dy -> the gradient for x."""
    size, stride, sides = operation.size, operation.stride, (operation.height, operation.width)
    return lambda dy: mean_gradient(dy, (size, size), (stride, stride), sides)
