"""Any data that fits into two numpy arrays.

The input is a ``.npz`` file, as ``numpy.savez`` writes it, with ``features``
and ``targets``, and optionally ``features_test`` and ``targets_test``.
"""

import re
from pathlib import Path

import numpy

from ladder.data import NO_LABEL
from ladder.data.fuel_file import write_fuel_file
from ladder.data.npz import load_arrays
from ladder.errors import UserError

DEFAULT_TEST_FRACTION = 0.2
RESERVED_NAMES = ("mnist", "digits", "cifar10")  # they mean particular data
TRAIN_ARRAYS = {"features", "targets"}
TEST_ARRAYS = {"features_test", "targets_test"}


def convert_arrays(input_path, output_path, test_fraction=None, seed=1):
    """Write the arrays of a ``.npz`` file with the splits ``train`` and ``test``.

    Parameters
    ----------
    input_path : str or Path
        Holds ``features`` (N, ...), uint8 or any float, and ``targets`` (N,)
        or (N, 1), integers: classes from 0 on without a gap, -1 for "no
        label".  ``features_test`` and ``targets_test`` likewise, each with a
        label.
    output_path : str or Path
        The file to write.
    test_fraction : float or None
        Where the file has no test arrays: the part of each class that is
        drawn as test examples, 0.2 if None.  0 writes no test split.
        Examples without a label are never drawn.
    seed : int
        Of that draw (``RandomState``).

    Returns
    -------
    Path
        ``output_path``.  uint8 features stay so and are divided by 255 when
        read; floats become float32.  Targets are int64 of shape (N, 1).

    Raises
    ------
    UserError
        If an array is missing, unknown, of the wrong type or shape, not
        finite, or has other classes.
    """
    input_path = Path(input_path)
    arrays = load_arrays(input_path)
    _check_names(arrays, input_path)
    train = _checked_split(arrays, "", input_path)
    _check_classes(train["targets"], input_path)
    if TEST_ARRAYS <= arrays.keys():
        if test_fraction is not None:
            raise UserError(f"{input_path} has test arrays of its own: leave out --test-fraction")
        test = _checked_split(arrays, "_test", input_path)
        _check_same_kind(train, test, input_path)
        splits = {"train": train, "test": test}
    else:
        fraction = DEFAULT_TEST_FRACTION if test_fraction is None else test_fraction
        splits = _draw_test_set(train, fraction, seed, input_path)
    return write_fuel_file(output_path, splits, _axis_labels(train["features"].ndim))


def dataset_name(input_path, name=None):
    """The data set's name: ``name``, or else the input file's without ``.npz``.

    Raises ``UserError`` if it cannot be a file's name or is one that the
    program gives a meaning.
    """
    name = Path(input_path).stem if name is None else name
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", name):
        raise UserError(f"{name!r} cannot name a data set: give letters, digits, '_' and '-' with --name")
    if name in RESERVED_NAMES:
        raise UserError(f"the name {name!r} is reserved for the data set known by it: give another with --name")
    return name


def _check_names(names, path):
    unknown = sorted(set(names) - TRAIN_ARRAYS - TEST_ARRAYS)
    if unknown:
        raise UserError(
            f"{path} holds the unknown {', '.join(unknown)}: use only the names "
            "features, targets, features_test and targets_test"
        )
    wanted = TRAIN_ARRAYS | (TEST_ARRAYS if TEST_ARRAYS & set(names) else set())
    missing = sorted(wanted - set(names))
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}: add it with numpy.savez")


def _checked_split(arrays, suffix, path):
    features = _checked_features(arrays["features" + suffix], "features" + suffix, path)
    targets = _checked_targets(arrays["targets" + suffix], "targets" + suffix, path)
    if len(features) != len(targets):
        raise UserError(
            f"{path} has {len(features)} features{suffix} but {len(targets)} targets{suffix}: give one target an example"
        )
    if len(features) == 0:
        raise UserError(f"{path} has no examples in features{suffix}: give at least one")
    return {"features": features, "targets": targets}


def _checked_features(features, name, path):
    if features.ndim < 2 or 0 in features.shape[1:]:
        raise UserError(
            f"{path} has {name} of shape {features.shape}: give one row of numbers or one image an example"
        )
    if features.dtype == numpy.uint8:
        return features
    if features.dtype.kind != "f":
        raise UserError(
            f"{path} has {name} of type {features.dtype}: save them as uint8 (0 to 255, read as 0 to 1) or as float32"
        )
    with numpy.errstate(over="ignore"):  # an overflow is reported just below
        features = features.astype("float32", copy=False)
    if not numpy.isfinite(features).all():
        raise UserError(f"{path} has {name} that are not finite numbers (NaN or infinity): replace them")
    return features


def _checked_targets(targets, name, path):
    if targets.dtype.kind not in "ui":
        raise UserError(f"{path} has {name} of type {targets.dtype}: give whole numbers, one class an example")
    if targets.ndim not in (1, 2) or targets.size != len(targets):
        raise UserError(f"{path} has {name} of shape {targets.shape}: give one class number an example")
    return targets.reshape(-1, 1).astype("int64")


def _check_classes(targets, path):
    """Classes must be 0, 1, ... without a gap; -1 is no class."""
    classes = numpy.unique(targets)
    classes = classes[classes != NO_LABEL]
    if len(classes) == 0:
        raise UserError(f"{path} has no labels at all: give some examples a class from 0 on")
    if classes[0] < 0 or classes[-1] != len(classes) - 1:
        raise UserError(
            f"{path} has {len(classes)} classes, from {classes[0]} to {classes[-1]}: number them "
            f"from 0 to {len(classes) - 1}, and mark examples without a label with -1"
        )


def _check_same_kind(train, test, path):
    if train["features"].shape[1:] != test["features"].shape[1:]:
        raise UserError(
            f"{path} has training examples of shape {train['features'].shape[1:]} but test examples of shape "
            f"{test['features'].shape[1:]}: give both the same shape"
        )
    if train["features"].dtype != test["features"].dtype:
        raise UserError(
            f"{path} has {train['features'].dtype} features but {test['features'].dtype} features_test: "
            "give both the same type"
        )
    n_classes = train["targets"].max() + 1
    if test["targets"].min() < 0 or test["targets"].max() >= n_classes:
        raise UserError(
            f"{path} has targets_test from {test['targets'].min()} to {test['targets'].max()}: "
            f"give each test example one of the classes 0 to {n_classes - 1}"
        )


def _draw_test_set(examples, fraction, seed, path):
    if not 0 <= fraction < 1:
        raise UserError(f"--test-fraction {fraction:g} is not possible: use at least 0 and less than 1")
    if not 0 <= seed < 2**32:
        raise UserError(f"--seed {seed} cannot seed the draw: use a number from 0 to {2**32 - 1}")
    if fraction == 0:
        return {"train": examples}
    test = _stratified(examples["targets"].ravel(), fraction, numpy.random.RandomState(seed))
    if len(test) == 0:
        raise UserError(
            f"--test-fraction {fraction:g} of {path} is less than one example of each class: "
            "use a larger one, or 0 for no test set"
        )
    train = numpy.setdiff1d(numpy.arange(len(examples["targets"])), test)
    return {
        name: {source: array[chosen] for source, array in examples.items()}
        for name, chosen in (("train", train), ("test", test))
    }


def _stratified(targets, fraction, rng):
    """Ascending positions of about ``fraction`` of each class, never all of one."""
    chosen = []
    for label in range(targets.max() + 1):
        members = rng.permutation(numpy.flatnonzero(targets == label))
        chosen.append(members[: min(round(fraction * len(members)), len(members) - 1)])
    return numpy.sort(numpy.concatenate(chosen))


def _axis_labels(ndim):
    axes = {2: ("batch", "feature"), 4: ("batch", "channel", "height", "width")}.get(
        ndim, ("batch", *(f"axis{axis}" for axis in range(1, ndim)))
    )
    return {"features": axes, "targets": ("batch", "index")}
