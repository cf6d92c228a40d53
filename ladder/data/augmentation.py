"""Random augmentation of training images, drawn anew for each batch (``--augment``).

Images are augmented as read, then preprocessed like all others, so that a
shift brings in black and not the mean of a whitened pixel.  The random numbers
of a batch come from a counter-based generator (Philox) whose key and counter
are the data seed, the half, the epoch, the batch and the transformation: a
batch is the same whoever makes it and whatever was made before.
"""

from functools import partial

import numpy as np

from ladder.augmentation_specs import AFFINE, SYNTAX, WINDOWS, resolve_augmentation
from ladder.data import transformations
from ladder.data.preprocessing import TrainingData
from ladder.errors import UserError

#: Images that are augmented together: few enough for intermediate results to stay in a core's own cache.
CHUNK = 32

#: Random numbers per transformation and image: one decides whether it is applied, and up to two are parameters.
DRAWS = 3

_MORPHOLOGY = {
    "erode": transformations.eroded,
    "dilate": transformations.dilated,
    "open": transformations.opened,
    "close": transformations.closed,
}


class Augmentation:
    """Augments and preprocesses the features of a run's training batches.

    Parameters
    ----------
    p : Options, with ``augment``
    features : float32 array, (N, …)
        The training examples as read.
    fitted : Fitted or None
        The fitted preprocessing to apply.
    """

    def __init__(self, p, features, fitted=None):
        self._augmenting, self._dseed = resolve_augmentation(p), p.dseed
        self._names = {f"features_{half}": half for half in self._augmenting.halves}
        self._features = features
        self._range = features.min(), features.max()
        self._preprocess = TrainingData(p, fitted=fitted).preprocess_features

    @classmethod
    def of(cls, experiment):
        """The augmentation of an experiment whose examples are already preprocessed; None if it has none."""
        if resolve_augmentation(experiment.p) is None:
            return None
        as_read = experiment.as_read or experiment.examples
        return cls(experiment.p, as_read.features, experiment.examples.fitted)

    def others(self, sources):
        """The sources (dict of input name -> array) from which batches are still picked by position."""
        return {name: array for name, array in sources.items() if name not in self._names}

    def __call__(self, request, epoch, batch):
        """Replace positions in a request with augmented features.

        Parameters
        ----------
        request : dict of input name -> positions (batch,)
        epoch, batch : int
            Both count from 0, the batch within its epoch.

        Returns
        -------
        dict of input name -> positions (batch,), or float32 features (batch, …)
        """
        made = {name: self._batch(request[name], half, epoch, batch) for name, half in self._names.items()}
        return {**request, **made}

    def _batch(self, positions, half, epoch, batch):
        chosen = self._augmenting.transformations
        draws = random_numbers(self._dseed, half, epoch, batch, len(positions), [t.name for t in chosen])
        changed = augmented(self._features[positions], chosen, draws, *self._range)
        return self._preprocess(changed)


def random_numbers(dseed, half, epoch, batch, n, names=tuple(SYNTAX)):
    """Draw the random numbers for the images of a batch.

    Parameters
    ----------
    dseed : int
    half : 'labeled' or 'unlabeled'
    epoch, batch : int
    n : int, images
    names : iterable of str
        The transformations to draw for.

    Returns
    -------
    dict of transformation -> float64 array (n, 3), at least 0 and below 1
        An image's numbers depend neither on later images nor on other transformations.
    """
    return {name: _generator(dseed, half, epoch, batch, name).random((n, DRAWS)) for name in names}


def _generator(dseed, half, epoch, batch, name):
    # The counter's lowest word counts the numbers drawn.
    place = [0, list(SYNTAX).index(name), batch, epoch]
    return np.random.Generator(np.random.Philox(key=[dseed, int(half == "labeled")], counter=place))


def augmented(images, chosen, draws, lowest, highest):
    """Apply transformations to images.

    Parameters
    ----------
    images : float32 array, (n, height, width) or (n, maps, height, width)
    chosen : iterable of Transformation, in the order of ``SYNTAX``
    draws : dict, see :func:`random_numbers`
    lowest, highest : numbers
        The range of all images: the lowest value comes in at the edges, and no result leaves the range.

    Returns
    -------
    float32 array, like ``images``
    """
    n, parts = len(images), {t.name: t for t in chosen}
    result = images.reshape(n, -1, *images.shape[-2:]).copy()
    for start in range(0, n, CHUNK):
        some = slice(start, start + CHUNK)
        result[some] = _augmented(result[some], parts, {name: u[some] for name, u in draws.items()}, lowest, highest)
    return result.reshape(images.shape)


def _augmented(images, parts, draws, lowest, highest):
    for name in SYNTAX:
        if name in parts and name not in AFFINE:
            hit = draws[name][:, 0] < parts[name].probability
            images = _where(hit, images, partial(_changed, t=parts[name], u=draws[name][hit], lowest=lowest))
        if name == AFFINE[0] and not parts.keys().isdisjoint(AFFINE):
            hit, motions = _motions(parts, draws)
            images = _where(hit, images, partial(_moved, motions=motions[hit], lowest=lowest, highest=highest))
    return images


def _where(hit, images, change):
    """Apply a function to the images that a mask, (n,) bool, selects; the others stay as they are."""
    if hit.all():
        return change(images)
    if hit.any():
        images[hit] = change(images[hit])
    return images


def _changed(images, t, u, lowest):
    if t.name == "flip":
        return transformations.flipped(images)
    if t.name == "crop":
        return transformations.cropped(images, t.amount, *_whole(u, t.amount))
    if t.name == "shift":
        down, right = _whole(u, t.amount)
        return transformations.shifted(images, down - t.amount, right - t.amount, lowest)
    return _MORPHOLOGY[t.name](images, t.amount)


def _whole(u, most):
    """Two integers per image, uniform from 0 to ``2 * most`` inclusive."""
    return np.floor(u[:, 1:].T * (2 * most + 1)).astype("intp")


def _motions(parts, draws):
    """All affine transformations as one, so that pixels are interpolated once: which images move, and how."""
    n = len(next(iter(draws.values())))
    numbers, hit = {name: np.zeros((n, 2)) for name in AFFINE}, np.zeros(n, bool)
    for name in parts.keys() & set(AFFINE):
        moves = draws[name][:, 0] < parts[name].probability
        # From -amount to amount, and 0 where the image does not move.
        numbers[name] = np.where(moves, parts[name].amount, 0.0)[:, None] * (2 * draws[name][:, 1:] - 1)
        hit |= moves
    # From 1 / (1 + amount) to 1 + amount, smaller as often as larger.
    factor = np.abs(numbers["scale"][:, 0])
    magnification = np.where(numbers["scale"][:, 0] < 0, 1 / (1 + factor), 1 + factor)
    motions = transformations.affine(
        numbers["rotate"][:, 0], magnification, numbers["shear"][:, 0], *numbers["translate"].T
    )
    return hit, motions


def _moved(images, motions, lowest, highest):
    result = transformations.moved(images, motions, lowest)
    # Rounding may take values slightly out of the range.
    return np.clip(result, lowest, highest, out=result)


def check_images(p, in_dim):
    """Refuse examples that cannot be augmented: not images, or images that are too small.

    Parameters
    ----------
    p : Options
    in_dim : tuple of int, shape of one example
    """
    augmenting = resolve_augmentation(p)
    if augmenting is None:
        return
    if len(in_dim) not in (2, 3):
        raise UserError(
            f"--augment changes images, and an example of {p.dataset} is "
            + (f"a row of {in_dim[0]} numbers" if len(in_dim) == 1 else " x ".join(map(str, in_dim)))
            + ": leave it out, or give images, of shape (examples, height, width) or (examples, channels, height, width)."
        )
    for t in augmenting.transformations:
        most = {"crop": min(in_dim[-2:]) - 1, "shift": min(in_dim[-2:]) - 1, **dict.fromkeys(WINDOWS, min(in_dim[-2:]))}
        if t.amount > most.get(t.name, t.amount):
            raise UserError(
                f"--augment {t.name}:{t.amount} is too much for images of {in_dim[-2]} x {in_dim[-1]} pixels: give at most "
                f"{most[t.name]}."
            )
