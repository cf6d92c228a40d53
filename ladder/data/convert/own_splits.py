"""Splits of a user's own examples: how a test set is drawn, and what is stored."""

import numpy as np

from ladder.data import NO_LABEL
from ladder.errors import UserError
from ladder.option_types import MOST_DATA_SEED

#: The fraction of each class that is drawn as test examples by default.
DEFAULT_TEST_FRACTION = 0.2


def draw_test_set(examples, fraction, seed, path):
    """Divide examples into the splits ``train`` and ``test``.

    Parameters
    ----------
    examples : dict of source -> array, shape (N, ...), with 'targets', (N,) int64
    fraction, seed : as for :func:`draw_test_positions`
    path : str or Path, for messages

    Returns
    -------
    dict of split -> dict of source -> array
        Without ``test`` where the fraction is 0.
    """
    test = draw_test_positions(examples["targets"], fraction, seed, path)
    if len(test) == 0:
        return {"train": examples}
    train = np.setdiff1d(np.arange(len(examples["targets"])), test)
    return {
        name: {source: array[chosen] for source, array in examples.items()}
        for name, chosen in (("train", train), ("test", test))
    }


def draw_test_positions(targets, fraction, seed, path):
    """Draw the test examples: the same fraction of each class, but never all of it.

    Parameters
    ----------
    targets : int64 array, shape (N,)
        -1 for no label; such examples are drawn only if none has a label.
    fraction : float or None
        At least 0 and less than 1; None is 0.2.
    seed : int, of ``RandomState``
    path : str or Path, for messages

    Returns
    -------
    int64 array, shape (n,)
        Ascending; empty for a fraction of 0.

    Raises
    ------
    UserError
        The fraction or the seed is not possible, or no class has enough examples.
    """
    fraction = DEFAULT_TEST_FRACTION if fraction is None else fraction
    if not 0 <= fraction < 1:
        raise UserError(f"--test-fraction {fraction:g} is not possible: use at least 0 and less than 1.")
    check_seed(seed)
    if fraction == 0:
        return np.empty(0, "int64")
    test = _stratified(targets, fraction, np.random.RandomState(seed))
    if len(test) == 0:
        raise UserError(
            f"--test-fraction {fraction:g} of {path} is less than one example of each class: "
            "use a larger one, or 0 for no test set."
        )
    return test


def _stratified(targets, fraction, rng):
    """Ascending positions of about ``fraction`` of each class, but never all of it; without labels all are one class."""
    chosen, labels = [], np.arange(targets.max() + 1) if targets.max() >= 0 else [NO_LABEL]
    by_label = np.argsort(targets, kind="stable")
    starts, stops = (np.searchsorted(targets[by_label], labels, side) for side in ("left", "right"))
    for start, stop in zip(starts, stops):
        members = rng.permutation(by_label[start:stop])
        chosen.append(members[: min(round(fraction * len(members)), len(members) - 1)])
    return np.sort(np.concatenate(chosen))


def shuffled_positions(n_examples, seed):
    """The positions 0 to n_examples - 1, int64, in an order drawn with ``RandomState(seed)``."""
    check_seed(seed)
    return np.random.RandomState(seed).permutation(n_examples)


def check_seed(seed):
    """Raise ``UserError`` if this number cannot seed a ``RandomState``."""
    if not 0 <= seed <= MOST_DATA_SEED:
        raise UserError(f"--seed {seed} cannot seed the draw: use a number from 0 to {MOST_DATA_SEED}.")


def as_stored(splits):
    """Splits and axis labels as ``write_fuel_file`` takes them, without targets if there are none.

    Parameters
    ----------
    splits : dict of split -> dict of 'features', shape (N, ...), and 'targets', (N,) int64
    """
    axis_labels = _axis_labels(splits["train"]["features"].ndim)
    has_targets = any((split["targets"] != NO_LABEL).any() for split in splits.values())
    stored = {name: {"features": split["features"]} for name, split in splits.items()}
    if not has_targets:
        return stored, {"features": axis_labels["features"]}
    for name, split in splits.items():
        stored[name]["targets"] = split["targets"].reshape(-1, 1)
    return stored, axis_labels


def _axis_labels(ndim):
    axes = {2: ("batch", "feature"), 4: ("batch", "channel", "height", "width")}.get(
        ndim, ("batch", *(f"axis{axis}" for axis in range(1, ndim)))
    )
    return {"features": axes, "targets": ("batch", "index")}
