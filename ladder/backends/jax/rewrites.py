"""Rewrites of Aesara's graphs that XLA needs."""

import aesara.tensor as at
from aesara.graph.rewriting.basic import in2out, node_rewriter
from aesara.tensor.elemwise import Elemwise


@node_rewriter([Elemwise])
def compare_what_was_compared(fgraph, node):
    """Replace ``max(a, b) == a``, which gradients of a maximum contain, by ``a >= b``.

    XLA may compute a and the maximum separately, with different rounding: then
    they are not equal where they should be, and a rectifier has no gradient.
    """
    if _kind(node) != "EQ":
        return None
    for largest, one in (node.inputs, node.inputs[::-1]):
        if largest.owner and _kind(largest.owner) == "ScalarMaximum" and one in largest.owner.inputs:
            a, b = largest.owner.inputs
            return [at.ge(one, b if one is a else a)]
    return None


def _kind(node):
    return type(getattr(node.op, "scalar_op", None)).__name__


FOR_XLA = in2out(compare_what_was_compared, name="for_xla")
