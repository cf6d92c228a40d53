"""Conversion of an Aesara graph to a pure function of arrays."""

from dataclasses import dataclass
from typing import Callable

from aesara.compile.mode import optdb
from aesara.compile.sharedvalue import SharedVariable
from aesara.graph.basic import ancestors, clone_replace
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.db import RewriteDatabaseQuery
from aesara.link.utils import fgraph_to_python

from ladder.backends.jax import conversions
from ladder.backends.jax.rewrites import FOR_XLA

#: Rewrites for C code, and those that XLA does better itself.
EXCLUDED_REWRITES = (
    "cxx_only",
    "BlasOpt",
    "fusion",
    "inplace",
    "scan_save_mem_prealloc",
    "conv_gemm",
    "local_conv2d_cpu",
    "local_conv2d_gradweight_cpu",
    "local_conv2d_gradinputs_cpu",
    "AbstractConvCheck",
)


@dataclass(frozen=True)
class PureFunction:
    """A graph as a function without side effects.

    Attributes
    ----------
    changing : list of shared variables that have an update
    constant : list of the other shared variables that it reads
    call : function of (changing, constant, inputs), each a list of arrays
        Returns (outputs, changing), the latter after the updates.
    convolves : bool
    """

    changing: list
    constant: list
    call: Callable
    convolves: bool


def pure_function(inputs, outputs, updates=None, givens=None):
    """The outputs and updates of a graph as a :class:`PureFunction`.

    Parameters
    ----------
    inputs, outputs : list of variables
    updates : dict of shared variable -> new value
        Noise streams bring their own (``default_update``).
    givens : dict of variable -> variable to compute with in its place
    """
    outputs, updates = list(outputs), dict(updates or {})
    results = [*outputs, *updates.values()]
    if givens:
        results = clone_replace(results, givens)
    for variable in _shared(results):
        default = getattr(variable, "default_update", None)
        if default is not None and variable not in updates:
            updates[variable] = default
            results.append(default)
    # All that have an update, and all that the results depend on.
    shared = list(dict.fromkeys([*updates, *_shared(results)]))
    changing, constant = list(updates), [v for v in shared if v not in updates]
    places = {v: v.type(v.name) for v in shared}
    results = clone_replace(results, places)
    graph = FunctionGraph(
        [*(places[v] for v in changing), *(places[v] for v in constant), *inputs], results, clone=True
    )
    optdb.query(RewriteDatabaseQuery(include=("fast_run", "jax"), exclude=EXCLUDED_REWRITES)).rewrite(graph)
    FOR_XLA.rewrite(graph)
    converted = fgraph_to_python(graph, conversions.convert, const_conversion_fn=conversions.constant)

    def call(changing, constant, inputs):
        results = converted(*changing, *constant, *inputs)
        return list(results[: len(outputs)]), list(results[len(outputs) :])

    return PureFunction(
        changing, constant, call, convolves=any("Conv" in type(n.op).__name__ for n in graph.apply_nodes)
    )


def _shared(variables):
    return [v for v in ancestors(variables) if isinstance(v, SharedVariable)]
