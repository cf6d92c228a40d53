"""Compare contrast normalisation and ZCA whitening: a few hundred small images.

The original fitted its whitening to images whose contrast was normalised to 55
(``zca_*``), and to flat raw data, the first inputs of the same images
(``zca_flat_*``).  Eigenvectors may differ in sign; results may not.
"""

import re

import numpy as np

from ladder.data.contrast import normalise_contrast
from ladder.data.whitening import fit_whitening
from ladder.parity.tolerances import RULES

RULE = RULES["activations"]

#: Arrays of the file that are given, not compared.
INPUTS = ("X", "X_constant_row")


def compare(golden, result):
    """Compare all arrays of ``golden`` except its inputs, adding to ``result``.

    Parameters
    ----------
    golden : ladder.parity.golden.Golden
    result : ladder.parity.comparison.Result
    """
    ours = _Ours(golden.arrays)
    for name, theirs in golden.arrays.items():
        if name in INPUTS:
            continue
        kind, array = ours.array(name)
        if array is None:
            result.fail(kind, f"{name} is not computed here")
        else:
            result.compare(
                kind, name, array.reshape(theirs.shape) if array.size == theirs.size else array, theirs, RULE
            )


class _Ours:
    """What we compute from the file's inputs."""

    def __init__(self, arrays):
        self.arrays, self.images = arrays, _flat(arrays["X"])
        self.normalised = normalise_contrast(self.images, 55)
        self.whitening = fit_whitening(lambda: iter([self.normalised]))
        n_flat = arrays["zca_flat_out"].shape[1] if "zca_flat_out" in arrays else 1
        self.flat = self.images[:, :n_flat]
        self.flat_whitening = fit_whitening(lambda: iter([self.flat]))

    def array(self, name):
        """(kind, our array) for an array's name; the array is None for an unknown one."""
        match = re.fullmatch(r"cnorm_(\d+)(_constant_row)?", name)
        if match:
            return "contrast", self._contrast(int(match.group(1)), bool(match.group(2)))
        for prefix, whitening, examples in (
            ("zca_flat_", self.flat_whitening, self.flat),
            ("zca_", self.whitening, self.normalised),
        ):
            if name.startswith(prefix):
                return "whitening", _of_whitening(name[len(prefix) :], whitening, examples)
        return "unknown arrays", None

    def _contrast(self, scale, constant_rows):
        return normalise_contrast(_flat(self.arrays["X_constant_row"]) if constant_rows else self.images, scale)


def _of_whitening(what, whitening, examples):
    if what in ("out", "inv"):
        whitened = whitening.apply(examples)
        return whitened if what == "out" else whitening.undo(whitened)
    return {"mean": whitening.mean, "P": whitening.matrix, "P_inv": whitening.inverse}.get(what)


def _flat(images):
    return np.ascontiguousarray(images.reshape(len(images), -1))
