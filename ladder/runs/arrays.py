"""What training finds, as arrays: parameters, and the statistics that go with them.

``trained_params.npz``
    Parameters by the original's names (``f_1_W``, ``g_0_a1`` …); the original
    writes the same file.
``running_statistics.npz``
    ``shared_f_1_bn_mean_clean`` …, and ``final``: whether they were estimated
    over the whole training set after the last update.
"""

from dataclasses import dataclass

import numpy as np

from ladder.data.npz import load_arrays
from ladder.errors import UserError
from ladder.files import save_arrays

PARAMETERS, STATISTICS = "trained_params.npz", "running_statistics.npz"


@dataclass(frozen=True)
class TrainedArrays:
    """The numbers of a trained network.

    Attributes
    ----------
    parameters : dict of name -> float32 array
    statistics : dict of name -> float32 array, or None if none were saved
        Running averages.
    final : bool
        Whether the statistics were estimated with the last parameters, as
        neither the original's folders nor interrupted runs have them.
    where : str
        What messages call the origin of the arrays.
    """

    parameters: dict
    statistics: dict
    final: bool
    where: str = "the network"

    @classmethod
    def of(cls, parameters, shareds, final):
        """Copy shared variables.

        Parameters
        ----------
        parameters : list of shared variables
        shareds : ParameterStore
        final : bool
        """
        statistics = {name: v.get_value() for name, v in shareds.items() if name.startswith("shared_")}
        return cls({v.name: v.get_value() for v in parameters}, statistics, final)

    @classmethod
    def load(cls, folder):
        """Read the folder of a run (RunFolder), ours or the original's."""
        parameters, path = load_arrays(folder / PARAMETERS), folder / STATISTICS
        statistics = load_arrays(path) if path.exists() else None
        final = bool((statistics or {}).pop("final", False))
        return cls(parameters, statistics, final, str(folder))

    def save(self, folder):
        """Write both files to the folder of a run (RunFolder)."""
        save_arrays(folder / PARAMETERS, self.parameters)
        save_arrays(folder / STATISTICS, {**self.statistics, "final": np.asarray(self.final)})

    def set_parameters(self, shareds, names):
        """Set shared variables of these names; others are left unchanged.

        Parameters
        ----------
        shareds : ParameterStore
        names : iterable of str
        """
        for name in names:
            _set(shareds[name], name, self.parameters, f"{self.where}/{PARAMETERS}")

    def set_statistics(self, shareds):
        """Set all running statistics, where there are any."""
        if self.statistics is not None:
            for name, shared in shareds.items():
                if name.startswith("shared_"):
                    _set(shared, name, self.statistics, f"{self.where}/{STATISTICS}")


def _set(shared, name, arrays, path):
    if name not in arrays:
        raise UserError(f"{path} has no '{name}': the options do not describe the network it was saved from.")
    expected, found = shared.get_value(borrow=True).shape, arrays[name].shape
    if expected != found:
        raise UserError(
            f"{path}: '{name}' has shape {found}, but the options ask for {expected}: check --encoder-layers."
        )
    if arrays[name].dtype.kind != "f" or not np.isfinite(arrays[name]).all():
        raise UserError(f"{path}: '{name}' holds values that are not finite numbers: train again.")
    shared.set_value(arrays[name].astype("float32"))
