"""Whitening computed once: kept beside the data set, in a file named after what it was fitted to."""

import hashlib
import logging

import numpy as np

from ladder.data.hdf5 import user_cache
from ladder.data.npz import load_arrays
from ladder.data.whitening import BIAS, Whitening, fit_whitening
from ladder.errors import UserError
from ladder.files import replacing

logger = logging.getLogger("main.data")

#: Another number when the same examples would give another whitening.
VERSION = 1


def cached_whitening(dataset, parts):
    """The whitening of some examples, from the cache if it is there, else fitted and kept.

    A cache that is damaged is made again, with a warning.  Where the data
    set's folder cannot be written to, it goes to ``$XDG_CACHE_HOME/ladder``
    (``~/.cache/ladder``); where neither can, it is fitted every time.

    Parameters
    ----------
    dataset : Path
        The data set's file, which gives folder and name.
    parts : function without arguments -> iterator over float32 arrays, shape (n, inputs)
        As for :func:`ladder.data.whitening.fit_whitening`.

    Returns
    -------
    Whitening
    """
    name = f"{dataset.stem}.zca-{_digest(parts)}.npz"
    candidates = [folder / name for folder in (dataset.parent, user_cache())]
    n_inputs = next(parts()).shape[1]
    for path in candidates:
        if path.is_file():
            try:
                return _load(path, n_inputs)
            # What a damaged file raises depends on where the damage is.
            except Exception:
                logger.warning("%s is damaged: the whitening is computed again", path)
    logger.info("Computing the ZCA whitening of %d inputs", n_inputs)
    whitening = fit_whitening(parts)
    _save(candidates, whitening)
    return whitening


def _digest(parts):
    """Of the examples themselves, so nothing that the whitening depends on can be forgotten."""
    digest = hashlib.blake2b(f"{VERSION} {BIAS}".encode(), digest_size=10)
    for part in parts():
        digest.update(str(part.shape).encode())
        digest.update(np.ascontiguousarray(part))
    return digest.hexdigest()


def _load(path, n_inputs):
    arrays = load_arrays(path)
    whitening = Whitening(arrays["mean"], arrays["matrix"], arrays["inverse"])
    shapes = {"mean": (n_inputs,), "matrix": (n_inputs, n_inputs), "inverse": (n_inputs, n_inputs)}
    for name, shape in shapes.items():
        array = getattr(whitening, name)
        if array.dtype != np.float32 or array.shape != shape or not np.isfinite(array.sum()):
            raise UserError(f"{path} holds another {name}.")
    return whitening


def _save(candidates, whitening):
    """Into the first folder that takes it."""
    for path in candidates:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as unfinished, unfinished.open("wb") as file:
                np.savez(file, mean=whitening.mean, matrix=whitening.matrix, inverse=whitening.inverse)
            logger.info("Wrote the whitening to %s", path)
            return
        except OSError as error:
            logger.info("The whitening cannot be kept in %s (%s)", path.parent, error.strerror or error)
