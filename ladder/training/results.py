"""The folder of a run: what is in it, written and read.

``params.json``
    The options, and the shape of one example.
``data.json``
    Shape, number of classes and range of the data it was trained on, how they
    were read, and what tells whether they have changed.
``preprocessing.npz``
    Where features are standardised, rescaled or whitened: what was fitted to
    the examples that trained.
``environment.json``
    Versions, BLAS, threads and commit.
``log.txt``, ``log.jsonl``
    Lines for people, and one JSON object an epoch for programs.
``trained_params.npz``
    Parameters by the original's names.
``running_statistics.npz``
    ``shared_f_1_bn_mean_clean`` …, and ``final``: whether they were estimated
    over the whole training set after the last update.
``evaluation.json``
    What ``run.py evaluate`` found (ladder/training/evaluation.py).
``checkpoint-….npz``
    While it is not finished: see :mod:`ladder.training.checkpoints`.
"""

import os
from pathlib import Path
from typing import Optional, Tuple

import numpy as np

from ladder import plain_json
from ladder.data.feature_scale import FeatureScale
from ladder.data.npz import load_arrays
from ladder.data.preprocessing import Fitted
from ladder.data.whitening import Whitening
from ladder.errors import UserError
from ladder.files import remove_partials, save_arrays, save_json
from ladder.hyper import HyperParameters

PARAMETERS, STATISTICS = "trained_params.npz", "running_statistics.npz"
OPTIONS, DATA, ENVIRONMENT = "params.json", "data.json", "environment.json"
PREPROCESSING = "preprocessing.npz"

#: The parts of what was fitted, and the arrays of each.
FITTED = {"scale": (FeatureScale, ("shift", "divisor")), "whitening": (Whitening, ("mean", "matrix", "inverse"))}

DATA_TYPES = {
    "in_dim": Tuple[int, ...],
    "n_classes": int,
    "feature_range": Tuple[float, float],
    "divided_by": Optional[float],
    "read_range": Optional[Tuple[float, float]],
    "splits": Optional[dict],
}
FINGERPRINT_TYPES = {"examples": int, "targets": str, "features": str}


def make_folder(save_to):
    """Make the folder of a new run.

    Parameters
    ----------
    save_to : str
        A name (the folder is ``results/NAME0``, or the first free number), or
        a path (``PATH0``).

    Returns
    -------
    Path
    """
    base = save_to if os.path.dirname(save_to) else os.path.join("results", save_to)
    i = 0
    while True:
        folder = Path(f"{base}{i}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError as error:
            # Something on the way to the folder may be a file: no number will help then.
            if not folder.exists():
                raise UserError(f"cannot make the folder {folder}: {error.filename} is a file.") from None
            i += 1
        except OSError as error:
            raise UserError(f"cannot make the folder {folder} ({error.strerror}): give another save_to.") from None


def begin(save_to, p):
    """Make the folder of a new run, and write its options there.

    Returns
    -------
    Path
        From now on the run is known: it can be resumed, and is not begun again.

    Raises
    ------
    UserError
        It cannot be written; then there is no folder.
    """
    folder = make_folder(save_to)
    try:
        save_options(folder, p)
    except OSError as error:
        folder.rmdir()
        raise UserError(f"cannot write into {folder} ({error.strerror}): make room, or give another save_to.") from None
    return folder


def abandon(folder):
    """Remove a run that was begun, and in which nothing was done."""
    (folder / OPTIONS).unlink()
    folder.rmdir()


def remove_leftovers(folder):
    """Remove what a killed process left half written in the folder of a run that this process holds."""
    for name in (OPTIONS, DATA, PREPROCESSING, ENVIRONMENT, PARAMETERS, STATISTICS):
        remove_partials(folder, name)


def save_model(folder, parameters, shareds, final_statistics):
    """Save the trained parameters, and the statistics to use them with.

    Parameters
    ----------
    folder : Path
    parameters : list of shared variables
    shareds : ParameterStore
    final_statistics : bool
    """
    save_arrays(folder / PARAMETERS, {v.name: v.get_value() for v in parameters})
    statistics = {n: v.get_value() for n, v in shareds.items() if n.startswith("shared_")}
    save_arrays(folder / STATISTICS, {**statistics, "final": np.asarray(final_statistics)})


def is_finished(folder):
    """Whether training came to its end, and everything was saved."""
    path = folder / STATISTICS
    return path.exists() and bool(load_arrays(path).get("final", False))


def save_options(folder, p):
    """Write ``params.json``."""
    save_json(folder / OPTIONS, p.as_dict())


def save_data(folder, description):
    """Write ``data.json``: what :func:`ladder.data.experiment.describe` returns."""
    save_json(folder / DATA, description)


def load_data(folder):
    """What :func:`save_data` wrote, or None where it is missing."""
    path = folder / DATA
    if not path.exists():
        return None
    try:
        data = plain_json.check(plain_json.read(path), DATA_TYPES, "the whole")
        if not all(0 < side < 2**31 for side in data["in_dim"]) or not 0 <= data["n_classes"] <= 2**63:
            raise plain_json.NotJSON("sizes are positive numbers")
        if data["divided_by"] is not None and (data["divided_by"] <= 0 or data["read_range"] is None):
            raise plain_json.NotJSON("'divided_by' is above 0, and 'read_range' beside it")
        for split, was in (data["splits"] or {}).items():
            plain_json.check(was, FINGERPRINT_TYPES, f"'{split}'")
        # Older runs have no record of their data.
        return {name: value for name, value in data.items() if value is not None}
    except plain_json.NotJSON as error:
        raise UserError(f"{path} is damaged ({error}): restore it, or train again.") from None


def save_fitted(folder, fitted):
    """Write ``preprocessing.npz`` where anything was fitted (Fitted or None)."""
    parts = {part: getattr(fitted, part, None) for part in FITTED}
    arrays = {
        f"{part}_{name}": getattr(values, name)
        for part, values in parts.items()
        if values is not None
        for name in FITTED[part][1]
    }
    if arrays:
        save_arrays(folder / PREPROCESSING, arrays, compressed=False)


def load_fitted(folder, p):
    """What :func:`save_fitted` wrote.

    Parameters
    ----------
    folder : Path
    p : HyperParameters

    Returns
    -------
    Fitted or None
        None where it is missing, as in older runs.
    """
    path = folder / PREPROCESSING
    asked = {"scale": p.standardize or p.rescale, "whitening": bool(p.whiten_zca)}
    if not any(asked.values()) or not path.exists():
        return None
    arrays, n_inputs = load_arrays(path), int(np.prod(p.encoder_layers[0], dtype=int))
    found = {}
    for part, (kind, names) in FITTED.items():
        if asked[part]:
            found[part] = kind(*(_fitted_array(arrays, f"{part}_{name}", n_inputs, path) for name in names))
    return Fitted(**found)


def _fitted_array(arrays, name, n_inputs, path):
    array = arrays.get(name)
    shape = (n_inputs, n_inputs) if name.endswith(("matrix", "inverse")) else (n_inputs,)
    if array is None or array.shape != shape or array.dtype != np.float32 or not np.isfinite(array.sum()):
        raise UserError(
            f"{path} has no array '{name}' of {' x '.join(map(str, shape))} numbers: restore it, or train again."
        )
    return array


def load_options(folder):
    """The options of a run of ours, as typed; None where there is no ``params.json``.

    Returns
    -------
    dict of option name -> value
    """
    path = folder / OPTIONS
    if not path.exists():
        return None
    try:
        options = plain_json.check_fields(plain_json.read(path), HyperParameters, encoder_layers=list)
        in_dim, *layers = options.get("encoder_layers", [])
        layers = plain_json.check(layers, Tuple[str, ...], "'encoder_layers'")
        in_dim = plain_json.check(in_dim, Tuple[int, ...], "the shape in 'encoder_layers'")
        return {
            **HyperParameters(**{**options, "encoder_layers": (in_dim, *layers)}).as_dict(),
            "encoder_layers": layers,
        }
    except (plain_json.NotJSON, UserError, ValueError) as error:
        raise UserError(f"{path} is damaged ({str(error).rstrip('.')}): restore it, or train again.") from None


def load_parameters(folder, shareds, parameters):
    """Set parameters to a run's, ours or the original's.

    Parameters
    ----------
    folder : Path
    shareds : ParameterStore
    parameters : iterable of str
        Names that the file must have; others in it are left alone.
    """
    path = folder / PARAMETERS
    arrays = load_arrays(path)
    for name in parameters:
        _set(shareds[name], name, arrays, path)


def load_statistics(folder, shareds):
    """Set running statistics to a run's.

    Returns
    -------
    bool
        Whether there are any, and they are final ones.
    """
    path = folder / STATISTICS
    if not path.exists():
        return False
    arrays = load_arrays(path)
    for name, shared in shareds.items():
        if name.startswith("shared_"):
            _set(shared, name, arrays, path)
    return bool(arrays.get("final", False))


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
