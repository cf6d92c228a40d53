"""PyTorch's ladder as a row of ``gpu.py``: eager, compiled, or as one CUDA graph.

Costs and statistics are those of ``rivals_torch`` and ``rivals_torch_conv``.
For speed on a GPU, the examples are on the device and picked there, and an
update never waits for the device: the costs are summed there and read once per
round.  The share of the running averages and Adam's epsilon are constants, as
they are after the first updates, so that a CUDA graph can hold all of an update.
"""

import math
from functools import partial

import numpy as np
import rivals_torch
import rivals_torch_conv
import torch
from network import first_parameters, random_positions
from unavailable import Unavailable

#: The modes in which an update is compiled for one CUDA graph: PyTorch's own CUDA graphs would get in its way.
WITHOUT_GRAPHS = {"reduce-overhead": "default", "max-autotune": "max-autotune-no-cudagraphs"}


def probe(device):
    """The device's name; Unavailable if there is none of this kind."""
    if device == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        why = "" if torch.version.cuda else ", it was built without CUDA"
        raise Unavailable(f"PyTorch {torch.__version__} sees no GPU{why}")
    return torch.cuda.get_device_name()


class Rival:
    """A ladder in PyTorch, and rounds of its updates.

    Parameters
    ----------
    network : Network
    features, targets : arrays, all examples
    request : dict, see ``gpu_row.py``
        ``way`` is 'eager', 'compiled' or 'graph', ``maps_last`` whether images
        have channels last in memory.
    """

    def __init__(self, network, features, targets, request):
        probe(request["device"])
        self._device = {"gpu": "cuda", "cpu": "cpu"}[request["device"]]
        self._network, self._way, self._mode = network, request["way"], request["mode"]
        if self._way == "graph" and self._device == "cpu":
            raise Unavailable("CUDA graphs need a GPU")
        _settings(request["tf32"])
        self._maps_last = network.convolutional and request["maps_last"]
        self._features, self._targets = (torch.from_numpy(array).to(self._device) for array in (features, targets))
        both = random_positions(network, len(features), request["updates"], seed=1)
        self._positions = torch.from_numpy(np.concatenate(both, axis=1)).to(self._device)

    def build(self):
        """Make parameters and Adam; PyTorch compiles in the first round, a CUDA graph is recorded here."""
        module, layout = _rival(self._network, self._maps_last)
        arrays = first_parameters(self._network, np.random.default_rng(0))
        self._parameters, averages = module.first_tensors(self._network, arrays, self._device, **layout)
        self._names, self._averages = list(averages), list(averages.values())
        self._adam = torch.optim.Adam(
            self._parameters.values(), lr=self._network.learning_rate, fused=True, capturable=self._way == "graph"
        )
        self._sum = torch.zeros((), device=self._device)
        self._forward = forward_pass(self._network, self._maps_last)
        if self._way != "eager":
            self._compile()
        self._make = self._recorded() if self._way == "graph" else self._update

    def _compile(self):
        # Otherwise PyTorch's CUDA graphs would copy these in every update, including all examples.
        for tensor in (*self._parameters.values(), self._features, self._targets):
            torch._dynamo.mark_static_address(tensor)
        mode = WITHOUT_GRAPHS[self._mode] if self._way == "graph" else self._mode
        self._forward = torch.compile(self._forward, mode=mode, dynamic=False)

    def _update(self, positions):
        """One update; nothing here waits for the device."""
        if self._way == "compiled":
            torch.compiler.cudagraph_mark_step_begin()
        self._adam.zero_grad()
        total, statistics = self._forward(self._parameters, self._features, self._targets, positions)
        total.backward()
        self._adam.step()
        news = [statistics[name] for name in self._names]
        torch._foreach_lerp_(self._averages, news, 1 / rivals_torch.RUNNING_UPDATES)
        self._sum.add_(total.detach())

    def _recorded(self):
        """An update as one CUDA graph."""
        positions = self._positions[0].clone()
        # Compile, and allocate all of Adam's memory, on a side stream, as PyTorch's manual requires.
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(3):
                self._update(positions)
        torch.cuda.current_stream().wait_stream(beside)
        self._adam.zero_grad()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._update(positions)

        def update(chosen):
            positions.copy_(chosen)
            graph.replay()

        return update

    def round(self):
        """Make all updates; they are done when it returns."""
        self._sum.zero_()
        for positions in self._positions:
            self._make(positions)
        if not math.isfinite(self._sum.item()):
            raise RuntimeError("the cost is not finite")

    @property
    def notes(self):
        """What a reader should know about how it ran."""
        if self._way != "compiled" or self._device == "cpu":
            return []
        skipped = torch._dynamo.utils.counters["inductor"]["cudagraph_skips"]
        return [f"PyTorch left out CUDA graphs for {skipped} of its programs"] if skipped else []

    def peak_mb(self):
        """The most memory that tensors took on the device, or None."""
        return torch.cuda.max_memory_allocated() / 2**20 if self._device == "cuda" else None


def _settings(tf32):
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    # Try all of cuDNN's algorithms once, as XLA does.
    torch.backends.cudnn.benchmark = True


def _rival(network, maps_last):
    """The module with costs and statistics, and the options of its tensors."""
    if network.convolutional:
        return rivals_torch_conv, {"maps_last": maps_last}
    return rivals_torch, {}


def forward_pass(network, maps_last):
    """A function of (parameters, features, targets, positions): total cost, and the clean statistics by name."""
    module, layout = _rival(network, maps_last)
    n = network.n_labeled

    def forward(parameters, features, targets, positions):
        labeled, unlabeled = features[positions[:n]], features[positions[n:]]
        if maps_last:
            labeled, unlabeled = map(rivals_torch_conv.channels_last, (labeled, unlabeled))
        batch = {
            "features_labeled": labeled,
            "features_unlabeled": unlabeled,
            "targets_labeled": targets[positions[:n]],
        }
        if network.convolutional:
            noise = partial(module.fresh_noise, network, device=features.device, **layout)
        else:
            noise = module.fresh_noise(network, features.device)
        total = module.costs(parameters, network, batch, noise)["cost_total"]
        return total, module.clean_statistics(parameters, network, labeled)

    return forward
