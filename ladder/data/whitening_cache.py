"""A cache of whitenings: kept beside the data set, in files named after the examples they were fitted to."""

import hashlib
import logging
import os

import numpy as np

from ladder.data.hdf5 import user_cache
from ladder.data.npz import load_arrays
from ladder.data.whitening import BIAS, Whitening, fit_whitening
from ladder.errors import UserError
from ladder.files import save_arrays

logger = logging.getLogger("main.data")

#: To be incremented when the same examples would give another whitening.
VERSION = 1


def cached_whitening(dataset, parts):
    """The whitening of some examples: from the cache, or else fitted and cached.

    A damaged file is replaced, with a warning.  If the data set's folder is
    not writable, the cache is ``$XDG_CACHE_HOME/ladder`` (``~/.cache/ladder``);
    if neither is, the whitening is fitted every time.

    Parameters
    ----------
    dataset : Path
        The data set's file, which gives the cache its folder and name.
    parts : function without arguments -> iterator over float32 arrays, shape (n, inputs)
        As for :func:`ladder.data.whitening.fit_whitening`.

    Returns
    -------
    Whitening
    """
    name = f"{dataset.stem}.zca-{_digest(parts)}.npz"
    candidates = [folder / name for folder in (dataset.parent, user_cache()) if folder]
    n_inputs = next(parts()).shape[1]
    for path in candidates:
        if os.path.isfile(path):  # False in a folder that may not be searched, where Path.is_file raises
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
    """A digest of the examples themselves, so that nothing the whitening depends on is missed."""
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
    """Write the whitening to the first folder that is writable."""
    for path in candidates:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_arrays(path, vars(whitening), compressed=False)
            logger.info("Wrote the whitening to %s", path)
            return
        except OSError as error:
            logger.info("The whitening cannot be kept in %s (%s)", path.parent, error.strerror or error)
