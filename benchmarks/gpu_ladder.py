"""Our ladder as a row of ``gpu.py``: one seed, or several side by side."""

import math

from network import random_positions

from ladder import backends


def probe(device):
    """The device's name; UserError if there is none of this kind."""
    return backends.configure("jax", device=device).device


class Ladders:
    """Ladders of several seeds, and rounds of their updates.

    Parameters
    ----------
    network : Network
    features, targets : arrays, all examples
    request : dict, see ``gpu_row.py``
    """

    def __init__(self, network, features, targets, request):
        precision = "tf32" if request["tf32"] else "float32"
        backends.configure("jax", device=request["device"], matmul_precision=precision)
        self._network, self._noise, self._count = network, request["noise"], request["updates"]
        self._seeds = range(1, request["seeds"] + 1)
        self._data = {"features_labeled": features, "targets_labeled": targets, "features_unlabeled": features}
        self._requests = [_requests(network, len(features), self._count, seed) for seed in self._seeds]
        self.notes = []

    def build(self):
        """Build graphs and parameters of all seeds, and one program for all; XLA compiles it in the first round."""
        first, self._runs = None, []
        for seed in self._seeds:
            updates, state = self._run(seed, first)
            first = first or (updates, state)
            self._runs.append(updates)

    def _run(self, seed, first):
        """One seed's updates and state; others reuse the first one's, as in ``ladder.training.session.Session``."""
        # These import Aesara, so not before JAX is configured.
        from ladder.options import Options
        from ladder.training import functions
        from ladder.training.run_state import RunState
        from ladder.training.step import training_step

        p = Options(seed=seed, noise=self._noise, **self._network.options)
        ladder, inputs = functions.build_training_graph(p, self._network.in_dim)
        if first is None:
            updates, step = functions.compile_training(ladder, inputs, self._data)
        else:
            step = training_step(ladder)
        # No data streams, monitor or log: only shared variables are asked for.
        state = RunState(ladder, step, {}, None, None)
        if first is not None:
            updates = first[0].on(state.counterpart(first[1]), self._data)
        return updates, state

    def round(self):
        """Make all updates of all seeds; they are done when it returns."""
        at_once = self._runs[0].at_once
        for start in range(0, self._count, at_once):
            requests = [each[start : start + at_once] for each in self._requests]
            made = backends.make_together(self._runs, requests)
            _check(made, len(requests[0]))

    def peak_mb(self):
        """The most memory that arrays took on the device, or None."""
        import jax

        peak = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
        return peak and peak / 2**20


def _requests(network, n, updates, seed):
    """Requests for updates like those of data streams: positions by name."""
    labeled, unlabeled = random_positions(network, n, updates, seed)
    return [
        {"features_labeled": own, "targets_labeled": own, "features_unlabeled": others}
        for own, others in zip(labeled, unlabeled)
    ]


def _check(made, count):
    """Check that all updates were made: a cost that is not finite stops them, and times would mean nothing."""
    for rows in made:
        if len(rows) < count or not math.isfinite(rows[-1]["cost_total"]):
            raise RuntimeError("the cost is not finite")
