"""From a brick's formula to a C++ function and its gradient.

Activations and decoder functions are written once, as bricks.  Here a brick
is applied to scalars, Aesara differentiates the result, and both are printed
as straight-line C++ which the kernels call for every element.  (In JAX the same
scalar graph is applied to arrays, see ``ladder/fused/jax/elementwise.py``.)
"""

from dataclasses import dataclass
from functools import cached_property

import aesara.tensor as at
import numpy as np
from aesara.graph.basic import Constant, io_toposort
from aesara.graph.rewriting.utils import rewrite_graph
from aesara.scalar import Cast

#: Aesara's scalar operations in C++; functions are those of ``c/elementwise.h``.
OPERATIONS = {
    "add": lambda *x: " + ".join(x),
    "mul": lambda *x: " * ".join(x),
    "sub": "{} - {}".format,
    "true_divide": "{} / {}".format,
    "square": "{0} * {0}".format,
    "sqrt": "std::sqrt({})".format,
    "sgn": "({0} > 0.0f ? 1.0f : {0} < 0.0f ? -1.0f : {0})".format,
    "exp": "exp({})".format,
    "expm1": "expm1({})".format,
    "tanh": "tanh({})".format,
    "scalar_softplus": "softplus({})".format,
    "sigmoid": "sigmoid({})".format,
    "maximum": "maximum({}, {})".format,
    "EQ": "({} == {} ? 1.0f : 0.0f)".format,
    "GT": "({} > {} ? 1.0f : 0.0f)".format,
    "Switch": "({} != 0.0f ? {} : {})".format,
}


@dataclass(frozen=True)
class Elementwise:
    """A function of one or two signals, z and u, with parameters per unit, and others that units share.

    Attributes
    ----------
    parameters : tuple of (name, first value, maker)
        ``maker`` is 'w' or 'b', as in ``ladder.bricks.decoder``.
    shared : tuple of (name, first value, maker, shape)
        Parameters that all units share.
    inputs : dict of name -> float32 scalar
        z, u if the brick was given one, the parameters, and every entry of
        the shared ones, in this order.
    value : scalar, the brick's result
    g : scalar, the gradient for ``value``
    gradients : dict of name -> scalar, or None where ``value`` does not depend on that input
    """

    parameters: tuple
    shared: tuple
    inputs: dict
    value: object
    g: object
    gradients: dict

    @property
    def uses_u(self):
        """False for a function of z alone."""
        return self.gradients.get("u") is not None

    @cached_property
    def source(self):
        """A C++ struct ``Function`` with ``P`` parameters, ``S`` shared numbers, ``value`` and ``gradient``."""
        names = [name for name in self.inputs if name not in ("z", "u")]
        inputs = [*self.inputs.values(), self.g]
        return _struct(self.value, self.gradients, names, len(self.parameters), inputs)


def trace(brick, has_u):
    """Apply a brick to scalars, and differentiate it.

    Parameters
    ----------
    brick : function of (z, u, w, b), as in ``ladder.bricks.decoder``
        Elementwise; u is None where ``has_u`` is false.
    has_u : bool

    Returns
    -------
    Elementwise, or None where the brick gives None
    """
    scalars, made, shared = {}, [], {}

    def maker(kind):
        def make(init, name, shape=None):
            if shape is not None:
                shared[name] = (name, init, kind, shape), _scalars(name, shape)
                return shared[name][1]
            if name not in scalars:
                scalars[name] = at.fscalar(name)
                made.append((name, init, kind))
            return scalars[name]

        return make

    z, u = at.fscalar("z"), at.fscalar("u") if has_u else None
    value = brick(z, u, maker("w"), maker("b"))
    if value is None:
        return None
    g = at.fscalar("g")
    scalars.update((x.name, x) for _, entries in shared.values() for x in entries.flat)
    inputs = {"z": z, **({"u": u} if has_u else {}), **scalars}
    gradients = at.grad(
        None, list(inputs.values()), known_grads={value: g}, disconnected_inputs="ignore", return_disconnected="none"
    )
    parameters, together = tuple(made), tuple(description for description, _ in shared.values())
    return Elementwise(parameters, together, inputs, value, g, dict(zip(inputs, gradients)))


def _scalars(name, shape):
    """An array of this shape of scalars called name_i or name_i_j."""
    entries = np.empty(shape, dtype=object)
    for place in np.ndindex(*shape):
        entries[place] = at.fscalar("_".join(map(str, (name, *place))))
    return entries


def _struct(value, gradients, names, n_parameters, inputs):
    """The C++ struct; all ``names`` after the first ``n_parameters`` are shared by units."""
    load = "".join(f"        const float {name} = p[{k}][j];\n" for k, name in enumerate(names))
    into = {**{x: f"d{x} = {{}};" for x in "zu"}, **{name: f"d[{k}][j] += {{}};" for k, name in enumerate(names)}}
    wanted = {name: gradient for name, gradient in gradients.items() if gradient is not None}
    value_body, (result,) = statements(inputs, simplified([value]))
    gradient_body, results = statements(inputs, simplified(list(wanted.values())))
    stores = "".join(f"        {into[name].format(result)}\n" for name, result in zip(wanted, results))
    # Unless told to, g++ does not inline long formulas, and then it does not vectorise the loop around them.
    inline = "LADDER_INLINE" if len(names) > n_parameters else "inline"
    return f"""
struct Function {{
    static const int P = {n_parameters}, S = {len(names) - n_parameters};
    template <class Parameters>
    static {inline} float value(float z, float u, const Parameters& p, int j) {{
{load}{value_body}        return {result};
    }}
    template <class Parameters, class Sums>
    static {inline} void gradient(float z, float u, const Parameters& p, int j, float g, float& dz, float& du, Sums& d) {{
        dz = du = 0.0f;
{load}{gradient_body}{stores}    }}
}};
"""


def simplified(outputs):
    """The same values from formulas that are shorter and numerically more stable."""
    return rewrite_graph(outputs, include=("canonicalize", "stabilize"), clone=False)


def statements(inputs, outputs, order=io_toposort):
    """C++ statements that compute ``outputs`` from ``inputs``, all float32 scalars, and the expression of each output.

    Where two products are added, g++ fuses the first with the addition and
    rounds the other, so ``order`` (function of inputs and outputs -> nodes)
    matters to the last bit.
    """
    names, lines = {x: x.name for x in inputs}, []
    for node in order(inputs, outputs):
        names[node.outputs[0]] = name = f"t{len(lines)}"
        lines.append(f"        const float {name} = {_expression(node, [_name(x, names) for x in node.inputs])};\n")
    return "".join(lines), [_name(x, names) for x in outputs]


def as_written(inputs, outputs):
    """The nodes in the order in which a reader of the formula would compute them, from left to right."""
    nodes = {}

    def visit(variable):
        if variable.owner is not None and variable.owner not in nodes:
            for x in variable.owner.inputs:
                visit(x)
            nodes[variable.owner] = None

    for output in outputs:
        visit(output)
    return list(nodes)


def _name(variable, names):
    if isinstance(variable, Constant):
        return f"{float(variable.data)!r}f"
    return names[variable]


def _expression(node, arguments):
    operation = getattr(node.op, "scalar_op", None)
    kind = getattr(operation, "name", None) or type(operation).__name__
    to_float = isinstance(operation, Cast) and node.outputs[0].dtype == "float32"
    if to_float or type(node.op).__name__ == "DimShuffle":  # everything is a float32 scalar
        return arguments[0]
    if kind not in OPERATIONS:
        raise NotImplementedError(f"ladder.fused.elementwise: no C++ for Aesara's {node.op}: add it to OPERATIONS")
    return OPERATIONS[kind](*arguments)
