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
    "fused-sgn": Row(
        "ladder, fused, Philox, sgn noise", "ladder_update", {"plain": False, "noise": "philox", "adv_tau": (0.1,)}
    ),
    "fused-sgn-both": Row(
        "ladder, fused, Philox, sgn noise on both halves", "ladder_update",
        {"plain": False, "noise": "philox", "adv_tau": (0.1,), "adv_tau_unlabeled": (0.1,)},
    ),
    "torch-joined": Row("PyTorch, as first ported", "rivals_torch_joined"),
    "torch-joined-sgn": Row("PyTorch, as first ported, sgn noise", "rivals_torch_joined", {"adversarial_tau": 0.1}),
    "torch": Row("PyTorch, by hand", "rivals_torch"),
    "torch-sgn": Row("PyTorch, by hand, sgn noise", "rivals_torch", {"adversarial_tau": 0.1}),
    "torch-compiled": Row("PyTorch, compiled", "rivals_torch", {"compiled": True}),
    "jax": Row("JAX", "rivals_jax"),
}

#: The rows whose graph is ours.
LADDERS = [name for name, row in ROWS.items() if row.module == "ladder_update"]
