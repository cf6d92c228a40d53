"""Batch-normalisation statistics for examples that have no batch.

While training, running averages follow the clean path's statistics.  With the
final weights they are estimated once more, over one epoch of training batches
of equal weight; test error is computed with those.
"""

import aesara
import numpy as np

from ladder.graph.computation import ComputationGraph
from ladder.graph.roles import BNPARAM
from ladder.model import RUNNING_UPDATES


def with_running_statistics(outputs, shareds):
    """``outputs`` computed with running averages in place of the batch's statistics.

    Parameters
    ----------
    outputs : list of variables
    shareds : ParameterStore that holds the averages

    Returns
    -------
    list of variables
    """
    graph = ComputationGraph(outputs)
    marked = [v for v in graph.with_role(BNPARAM) if v.owner is not None]
    return graph.replace({v: shareds["shared_" + v.name] for v in marked})


def compile_statistics_pass(ladder, inputs, mode=None):
    """A function of one training batch that updates the averages and nothing else."""
    updates = ComputationGraph(ladder.clean_outputs()).updates
    return aesara.function(inputs, [], updates=updates, mode=mode, on_unused_input="ignore")


def estimate_statistics(update_averages, batches, shareds):
    """Average the clean statistics over ``batches``, all with the same weight.

    Parameters
    ----------
    update_averages : from :func:`compile_statistics_pass`
    batches : iterable of tuples of arrays, its arguments
    shareds : ParameterStore
    """
    counter, counter_max = shareds["counter"], shareds["counter_max"]
    reset_counter(shareds)
    counter_max.set_value(np.float32(np.inf))
    for batch in batches:
        update_averages(*batch)
    counter_max.set_value(np.float32(RUNNING_UPDATES))
    reset_counter(shareds)


def reset_counter(shareds):
    """Let the running averages forget what they have seen."""
    shareds["counter"].set_value(np.float32(1))
