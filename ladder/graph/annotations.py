"""Updates that travel with a variable.

A batch-normalisation mean knows how its running average changes with every
batch.  That update is written on the variable where it is made, and collected
by whoever compiles a function from a graph that contains the variable
(:attr:`ladder.graph.computation.ComputationGraph.updates`).
"""


def annotate_update(variable, updates):
    """Attach ``updates`` (shared variable -> new value) to ``variable``."""
    variable.tag.updates = {**getattr(variable.tag, "updates", {}), **updates}


def annotated_updates(variable):
    """The updates attached to ``variable`` (shared variable -> new value)."""
    return getattr(variable.tag, "updates", {})
