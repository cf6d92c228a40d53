"""Who takes part: names of rows, what they are called in tables, how their processes get ready."""

from dataclasses import dataclass, field
from importlib import import_module


@dataclass(frozen=True)
class Row:
    """A contestant.

    Attributes
    ----------
    label : str, for tables
    module : str
        Has ``prepare(threads, **options)``, which returns an update.
    options : dict
    """

    label: str
    module: str
    options: dict = field(default_factory=dict)

    def prepare(self, threads):
        """An update: a function without arguments."""
        return import_module(self.module).prepare(threads, **self.options)

    def prepare_epoch(self, threads, updates):
        """A function that runs an epoch of our main loop; for rows of our own alone."""
        return import_module(self.module).prepare_epoch(threads, updates, **self.options)


ROWS = {
    "products": Row("matrix products alone", "products"),
    "plain": Row("ladder, plain graph", "ladder_update", {"plain": True, "noise": "mrg"}),
    "fused-mrg": Row("ladder, fused", "ladder_update", {"plain": False, "noise": "mrg"}),
    "fused-philox": Row("ladder, fused, Philox", "ladder_update", {"plain": False, "noise": "philox"}),
    "torch": Row("PyTorch", "rivals_torch"),
    "torch-compiled": Row("PyTorch, compiled", "rivals_torch", {"compiled": True}),
    "jax": Row("JAX", "rivals_jax"),
}

#: The rows whose graph is ours.
LADDERS = [name for name, row in ROWS.items() if row.module == "ladder_update"]
