"""What the sources of normals have in common: a state and sizes go in, the next state and normals come out."""

import aesara.tensor as at
from aesara.graph.basic import Apply, Constant, Variable

from ladder.fused.operation import FusedOperation


class Normals(FusedOperation):
    """(state, size, size, …) -> next state, float32 standard normals of these sizes.

    A subclass has ``state_dtype``, ``state_ndim`` and ``function``, the C++
    function of (state, number of sizes, sizes, next state, normals).
    """

    def make_node(self, state, *sizes):
        state = at.as_tensor_variable(state)
        if (state.dtype, state.ndim) != (self.state_dtype, self.state_ndim):
            raise TypeError(f"{self}: the state is {state.type}, not {self.state_ndim}-D of {self.state_dtype}")
        sizes = [_scalar(size) for size in sizes]
        shape = tuple(int(size.data) if isinstance(size, Constant) else None for size in sizes)
        return Apply(self, [state, *sizes], [state.type(), at.TensorType("float32", shape=shape)()])

    def infer_shape(self, fgraph, node, shapes):
        return [shapes[0], node.inputs[1:]]

    def connection_pattern(self, node):
        """Noise is a constant for gradients."""
        return [[False, False] for _ in node.inputs]

    def c_code(self, node, name, inputs, outputs, sub):
        state, *sizes = inputs
        dims = ", ".join(f"(npy_intp)*(npy_int64*)PyArray_DATA({size})" for size in sizes) or "0"
        results = ", ".join(f"&{output}" for output in outputs)
        return f"""{{
            const npy_intp dims[] = {{{dims}}};
            if (ladder::{self.function}({state}, {len(sizes)}, dims, {results})) {sub["fail"]}
        }}"""


def with_static_shape(normals, node):
    """For JAX, where sizes are known at trace time."""
    return lambda state, *sizes: normals(state, tuple(int(size) for size in sizes))


def _scalar(size):
    """A size as an int64 scalar; a constant if Aesara can tell the number, so that types have static shapes."""
    known = at.extract_constant(size)
    return at.cast(known, "int64") if isinstance(known, Variable) else at.constant(known, dtype="int64")
