"""Stop when a cost, or what was learnt, is no longer finite."""

import math

import numpy as np

from ladder.errors import TrainingStopped
from ladder.training.extensions import Extension

#: Updates between two copies of the parameters: a copy costs less than one update.
SNAPSHOT_EVERY = 100


class StopOnNotFinite(Extension):
    """Watch the total cost of every update; keep the last good parameters: the last copy whose own cost was finite.

    Parameters
    ----------
    shareds : dict of name -> shared variable
        Parameters and running statistics.
    save : function without arguments
        Saves ``shareds`` and returns whether it did; called once they are restored.
    n_layers : int
    """

    def __init__(self, shareds, save, n_layers):
        self._shareds, self._save, self._n_layers = shareds, save, n_layers

    def before_training(self, loop):
        # These are finite: parameters from checkpoints and pre-training are checked when they are read.
        self._copy(loop)
        self._good = self._latest

    def after_batch(self, loop, values):
        if not math.isfinite(values["cost_total"]):
            self._stop(loop, values)
        # The cost of an update is that of the parameters before it.
        self._good = self._latest

    def after_updates(self, loop):
        if loop.updates_done - self._looked_after >= SNAPSHOT_EVERY:
            self._copy(loop)

    def after_epoch(self, loop):
        if self._looked_after < loop.updates_done:
            self._copy(loop)

    def after_training(self, loop):
        # No further update has looked at the parameters after the last one.
        if self._latest[1] < loop.updates_done:
            self._restore(f"The parameters after update {loop.updates_done}, the last one, are not finite numbers")

    def _copy(self, loop):
        """Copy the parameters if all are finite (a finite cost does not imply a finite update)."""
        self._looked_after = loop.updates_done
        copies = {name: shared.get_value() for name, shared in self._shareds.items()}
        if all(np.isfinite(copy).all() for copy in copies.values()):
            self._latest = copies, loop.updates_done

    def _stop(self, loop, values):
        where = self._first_bad_place(values)
        self._restore(f"The cost is {values['cost_total']} at update {loop.updates_done}, first not finite in {where}")

    def _restore(self, why):
        """Go back to the last good parameters, save them, and stop."""
        copies, good_after = self._good
        for name, copy in copies.items():
            self._shareds[name].set_value(copy)
        kept = (
            f", and the parameters after update {good_after}, the last that were good, are saved"
            if self._save()
            else ""
        )
        raise TrainingStopped(f"{why}: training stopped{kept}; try a smaller --lr.")

    def _first_bad_place(self, values):
        """The first place in the network's order: clean encoder upwards, then decoder downwards."""
        for i in range(1, self._n_layers):
            for kind in ("mean", "var"):
                average = self._shareds[f"shared_f_{i}_bn_{kind}_clean"].get_value(borrow=True)
                if not np.isfinite(average).all():
                    return f"layer {i} of the encoder"
        for i in reversed(range(self._n_layers)):
            if not math.isfinite(values.get(f"denois{i}", 0.0)):
                return f"layer {i} of the decoder"
            if not math.isfinite(values.get(f"vat{i}", 0.0)):
                return f"the virtual adversarial cost of layer {i}"
        return "the corrupted encoder's output (layer %d)" % (self._n_layers - 1)
