"""Batch-normalisation statistics for examples that have no batch.

During training, running averages follow the clean path's statistics.  With the
final weights the statistics are estimated once more, over one epoch of equally
weighted training batches; the test error is computed with those.
"""

from contextlib import contextmanager

import numpy as np

from ladder.graph import BNPARAM, ComputationGraph, has_role
from ladder.model import RUNNING_UPDATES


def with_running_statistics(outputs, shareds):
    """``outputs`` computed with running averages in place of the batch's statistics.

    Parameters
    ----------
    outputs : list of variables
        From a plain graph: fused operations compute their statistics themselves.
    shareds : ParameterStore that holds the averages

    Returns
    -------
    list of variables
    """
    graph = ComputationGraph(outputs)
    marked = [v for v in graph.with_role(BNPARAM) if v.owner is not None]
    made = {x for v in graph.variables if v.owner is not None for x in v.owner.outputs if has_role(x, BNPARAM)}
    if made - set(marked):
        raise ValueError("a fused operation computes its statistics itself: build the graph with plain_graph=True")
    return graph.replace({v: shareds["shared_" + v.name].dimshuffle("x", 0, *"xx"[: v.ndim - 2]) for v in marked})


@contextmanager
def averaging(shareds):
    """While inside, the running averages give every batch the same weight.

    On entry they forget all earlier batches; on exit they work as before, and
    the next updates start them anew.

    Parameters
    ----------
    shareds : ParameterStore
    """
    counter_max = shareds["counter_max"]
    reset_counter(shareds)
    counter_max.set_value(np.float32(np.inf))
    try:
        yield
    finally:
        counter_max.set_value(np.float32(RUNNING_UPDATES))
        reset_counter(shareds)


def reset_counter(shareds):
    """Make the running averages forget all earlier batches."""
    shareds["counter"].set_value(np.float32(1))
