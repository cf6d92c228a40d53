"""The contestants: names of rows, their labels in tables, and how their processes get ready."""

from dataclasses import dataclass, field
from importlib import import_module

from unavailable import Unavailable


@dataclass(frozen=True)
class Row:
    """A contestant.

    Attributes
    ----------
    label : str, for tables
    module : str
        Has ``prepare(network, threads, **options)``, which returns an update.
    options : dict
    conv_module : str
        The same for convolutional networks; '' if there is none.
    """

    label: str
    module: str
    options: dict = field(default_factory=dict)
    conv_module: str = ""

    def module_for(self, network):
        """The module, imported; Unavailable if there is none for such a network."""
        name = self.conv_module if network.convolutional else self.module
        if not name:
            raise Unavailable("not written for convolutional networks")
        return import_module(name)

    def prepare(self, network, threads):
        """An update: a function without arguments."""
        return self.module_for(network).prepare(network, threads, **self.options)

    def prepare_epoch(self, network, threads, updates):
        """A function that runs an epoch of our main loop; only for our own rows."""
        return self.module_for(network).prepare_epoch(network, threads, updates, **self.options)


#: The noise of the preset ``valn_lvan_lw_100``: at layers 0 to 4, from three power iterations each.
LVAN_LW = {
    "act": ("leakyrelu",),
    "adv_kind_unlabeled": "vat",
    "adv_tau_unlabeled": (0.0731, 0.482, 0.0014, 0.0014, 0.0014),
    "adv_layers": (0, 1, 2, 3, 4),
    "adv_path": "layers",
    "vat_iterations": 3,
    "vat_noise_std": 0.5,
}

ROWS = {
    "peak": Row("the processor's peak", "peak"),
    "products": Row("matrix products alone", "products"),
    "products-mkl": Row("matrix products alone, MKL", "products", {"library": "mkl"}),
    "products-openblas": Row("matrix products alone, OpenBLAS", "products", {"library": "openblas"}),
    "plain": Row("ladder, plain graph", "ladder_update", {"plain": True, "noise": "mrg"}, "ladder_update"),
    "fused-mrg": Row("ladder, fused", "ladder_update", {"plain": False, "noise": "mrg"}, "ladder_update"),
    "fused-philox": Row("ladder, fused, Philox", "ladder_update", {"plain": False, "noise": "philox"}, "ladder_update"),
    "fused-sgn": Row(
        "ladder, fused, Philox, sgn noise", "ladder_update", {"plain": False, "noise": "philox", "adv_tau": (0.1,)}
    ),
    "fused-sgn-both": Row(
        "ladder, fused, Philox, sgn noise on both halves",
        "ladder_update",
        {"plain": False, "noise": "philox", "adv_tau": (0.1,), "adv_tau_unlabeled": (0.1,)},
    ),
    "fused-lvan-lw": Row(
        "ladder, fused, Philox, virtual adversarial noise at five layers",
        "ladder_update",
        {"plain": False, "noise": "philox", **LVAN_LW},
    ),
    "ladder-jax-plain": Row(
        "ladder in JAX, plain graph",
        "ladder_update",
        {"plain": True, "noise": "mrg", "backend": "jax"},
        "ladder_update",
    ),
    "ladder-jax-mrg": Row(
        "ladder in JAX", "ladder_update", {"plain": False, "noise": "mrg", "backend": "jax"}, "ladder_update"
    ),
    "ladder-jax-philox": Row(
        "ladder in JAX, Philox", "ladder_update", {"plain": False, "noise": "philox", "backend": "jax"}, "ladder_update"
    ),
    "torch-joined": Row("PyTorch, as first ported", "rivals_torch_joined", conv_module="rivals_torch_conv_joined"),
    "torch-joined-sgn": Row("PyTorch, as first ported, sgn noise", "rivals_torch_joined", {"adversarial_tau": 0.1}),
    "torch": Row("PyTorch, by hand", "rivals_torch", conv_module="rivals_torch_conv"),
    "torch-sgn": Row("PyTorch, by hand, sgn noise", "rivals_torch", {"adversarial_tau": 0.1}),
    "torch-compiled": Row("PyTorch, compiled", "rivals_torch", {"compiled": True}, "rivals_torch_conv"),
    "jax": Row("JAX", "rivals_jax"),
    "jax-mrg": Row("JAX, our MRG noise", "rivals_jax", {"noise": "mrg"}),
    "jax-philox": Row("JAX, our Philox noise", "rivals_jax", {"noise": "philox"}),
}

#: What is compared with Adam and no regulariser: name -> options of the ladder.
_OPTIONS = {
    **{
        name: {"optimizer": name}
        for name in ("sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "amsgrad")
    },
    "clip": {"clip_norm": 1.0},
    "l1": {"l1": 1e-5},
    "l2": {"l2": 1e-4},
    "max-norm": {"max_norm": 3.0},
    "dropout": {"dropout": (0.1,)},
    "drop-connect": {"drop_connect": (0.1,)},
    "leakyrelu": {"act": ("leakyrelu",)},
    "tanh": {"act": ("tanh",)},
    "elu": {"act": ("elu",)},
    "maxout": {"act": ("maxout:2",)},
    "amlp": {"decoder_spec": ("amlp:2:2:2",)},
}
OPTIONS = {
    f"with-{name}": Row(f"the same, {name}", "ladder_update", {"plain": False, "noise": "philox", **options})
    for name, options in _OPTIONS.items()
}

#: The rows that are compared if none are named.
RIVALS = list(ROWS)
ROWS |= OPTIONS

#: The rows whose graph is ours.
LADDERS = [name for name in RIVALS if ROWS[name].module == "ladder_update"]
