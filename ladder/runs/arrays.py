"""The arrays that training produces: parameters, and the statistics that go with them.

``trained_params.npz``
    Parameters by the original's names (``f_1_W``, ``g_0_a1`` …); the original
    writes the same file.
``running_statistics.npz``
    ``shared_f_1_bn_mean_clean`` …, and ``final``: whether they were estimated
    over the whole training set after the last update.
``best_params.npz``
    With ``--keep best``, both of these for the epoch with the lowest validation
    error, and its number, ``epoch``: one file, so that parts of two cannot be
    mixed.
"""

from dataclasses import dataclass, replace
from typing import Optional

import numpy as np

from ladder.data.npz import load_arrays
from ladder.errors import UserError
from ladder.files import save_arrays

PARAMETERS, STATISTICS, BEST = "trained_params.npz", "running_statistics.npz", "best_params.npz"

#: Prefix of the names of running averages.
AVERAGE = "shared_"


@dataclass(frozen=True)
class TrainedArrays:
    """The numbers of a trained network.

    Attributes
    ----------
    parameters : dict of name -> float32 array
    statistics : dict of name -> float32 array, or None if none were saved
        Running averages.
    final : bool
        Whether the statistics were estimated with the last parameters; neither
        the original's folders nor interrupted runs have such statistics.
    where : str
        The origin of the arrays, as messages name it.
    files : (str, str)
        The names of the files there that hold parameters and statistics.
    epoch : int or None
        For arrays of the best epoch that were read from a file: its number.
    """

    parameters: dict
    statistics: dict
    final: bool
    where: str = "the network"
    files: tuple = (PARAMETERS, STATISTICS)
    epoch: Optional[int] = None

    @classmethod
    def of(cls, parameters, shareds, final):
        """Copy shared variables.

        Parameters
        ----------
        parameters : list of shared variables
        shareds : ParameterStore
        final : bool
        """
        # Some backends hold arrays of their own type, which only they can unpickle.
        return cls({v.name: np.array(v.get_value(borrow=True)) for v in parameters}, _averages(shareds), final)

    def with_statistics(self, shareds):
        """A copy with the running averages of a ParameterStore, which were estimated with these parameters."""
        return replace(self, statistics=_averages(shareds), final=True)

    @classmethod
    def load(cls, folder):
        """Read the folder of a run (RunFolder), ours or the original's."""
        parameters, path = load_arrays(folder / PARAMETERS), folder / STATISTICS
        statistics = load_arrays(path) if path.exists() else None
        final = is_final(statistics or {}, path)
        (statistics or {}).pop("final", None)
        return cls(parameters, statistics, final, str(folder))

    @classmethod
    def of_best(cls, arrays, final, where="the network"):
        """The arrays of the best epoch, from a dict of name -> array that has parameters and statistics together."""
        statistics = {name: array for name, array in arrays.items() if name.startswith(AVERAGE)}
        parameters = {name: array for name, array in arrays.items() if name not in statistics}
        return cls(parameters, statistics, final, where, (BEST, BEST))

    @classmethod
    def load_best(cls, folder):
        """Read the arrays of the best epoch from the folder of a run (RunFolder) that has them."""
        arrays = load_arrays(folder / BEST)
        final = is_final(arrays, folder / BEST)
        arrays.pop("final", None)
        epoch = arrays.pop("epoch", None)
        if epoch is not None and (epoch.size != 1 or epoch.dtype.kind not in "iu"):
            raise UserError(f"{folder / BEST} is damaged, as its 'epoch' is no number: restore it, or train again.")
        found = cls.of_best(arrays, final, str(folder))
        return found if epoch is None else replace(found, epoch=int(epoch.item()))

    def save_best(self, folder, epoch):
        """Write the arrays of the best epoch to the folder of a run (RunFolder)."""
        about = {"final": np.asarray(self.final), "epoch": np.asarray(epoch)}
        save_arrays(folder / BEST, {**self.parameters, **self.statistics, **about})

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
            _set(shareds[name], name, self.parameters, f"{self.where}/{self.files[0]}")

    def set_statistics(self, shareds):
        """Set all running statistics, if there are any."""
        if self.statistics is not None:
            for name, shared in shareds.items():
                if name.startswith(AVERAGE):
                    _set(shared, name, self.statistics, f"{self.where}/{self.files[1]}")


def _averages(shareds):
    return {name: np.array(v.get_value(borrow=True)) for name, v in shareds.items() if name.startswith(AVERAGE)}


def is_final(arrays, path):
    """Whether arrays (dict), read from a file, say that their statistics were estimated with the last parameters."""
    final = arrays.get("final", np.asarray(False))
    if final.size != 1 or final.dtype.kind not in "bui":
        raise UserError(f"{path} is damaged, as its 'final' is neither true nor false: restore it, or train again.")
    return bool(final.all())


def _set(shared, name, arrays, path):
    if name not in arrays:
        raise UserError(f"{path} has no '{name}': the options do not describe the network it was saved from.")
    expected, found = shared.get_value(borrow=True).shape, arrays[name].shape
    if expected != found:
        raise UserError(
            f"{path}: '{name}' has shape {found}, but the options ask for {expected}: check --encoder-layers."
        )
    with np.errstate(over="ignore"):
        values = arrays[name].astype("float32") if arrays[name].dtype.kind == "f" else None
    if values is None or not np.isfinite(values).all():
        raise UserError(f"{path}: '{name}' holds values that are not finite numbers: train again.")
    shared.set_value(values)
