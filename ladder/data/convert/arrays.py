"""Any data that fits into two NumPy arrays.

The input is a ``.npz`` file, as ``numpy.savez`` writes it, with ``features``
and ``targets``, and optionally ``features_test`` and ``targets_test``; or an
HDF5 file in any of Fuel's layouts whose labels or images need fixing.
"""

import logging
import re
from pathlib import Path

import numpy as np

from ladder.data import NO_LABEL, rounding
from ladder.data.channels import channels_first
from ladder.data.convert.own_splits import as_stored, draw_test_set, shuffled_positions
from ladder.data.fuel_file import write_fuel_file
from ladder.data.hdf5 import HDF5Dataset, split_names
from ladder.data.labels import MOST_LISTED, as_class_numbers, check_labels, check_minus_one, mark_unlabelled, renumbered
from ladder.data.npz import load_arrays
from ladder.data.registry import KNOWN, SUFFIXES
from ladder.errors import UserError
from ladder.option_types import source_entry
from ladder.options import source_names

logger = logging.getLogger("main.data")

#: The most classes whose new numbers are logged; if there are more, the labels are likely to be identifiers.
MOST_RENUMBERED = 1000

NAMES = ("features", "targets", "features_test", "targets_test")


def convert_arrays(
    input_path,
    output_path,
    test_fraction=None,
    seed=1,
    sources=(),
    splits=(),
    no_label=NO_LABEL,
    renumber=False,
    channels=None,
    shuffle=False,
):
    """Write the arrays of a file with the splits ``train`` and ``test``.

    Parameters
    ----------
    input_path : str or Path
        A ``.npz`` file with ``features`` (N, ...), numbers or booleans, and
        ``targets`` (N,) or (N, 1), whole numbers: classes from 0 on without a
        gap, -1 for "no label"; without ``targets`` nothing has a label.
        ``features_test`` and ``targets_test`` likewise.  Or an HDF5 file in
        Fuel's layout, with the splits ``train`` and ``test``, or a single one.
    output_path : str or Path
        The file to write.
    test_fraction : float or None
        If the file has no test arrays: the fraction of each class that is
        drawn as test examples, 0.2 if None; 0 writes no test split.
        Examples without a label are drawn only if no example has one.
    seed : int
        Seeds that draw and the order of ``shuffle`` (``RandomState``).
    sources : tuple of str
        What the file calls features and targets: 'targets=NAME'; for a
        ``.npz`` file also 'features_test=NAME'.
    splits : tuple of str
        What an HDF5 file calls its splits: 'train=NAME', 'test=NAME'.
    no_label : int or None
        The target that means "no label", in addition to -1; None: every target is a class, even -1.
    renumber : bool
        Renumber the classes from 0, in their order.
    channels : 'first', 'last' or None
        Where images have their channels; None: decided by the axis labels or the shape.
    shuffle : bool
        Write the examples of each split in an order drawn with ``seed``: in a file sorted by class, the first
        examples, which validate, would be of few classes.

    Returns
    -------
    Path
        ``output_path``.  Features of an integer type (or booleans) that go
        from 0 to 255 at most in all splits are stored as uint8, others as float32.  Targets are int64 of shape (N, 1),
        left out where there are none.

    Raises
    ------
    UserError
        If an array is missing, unknown, of the wrong type or shape, not
        finite, or has other classes, or a source is called by another name.
    """
    input_path = Path(input_path)
    is_hdf5 = input_path.suffix.lower() in SUFFIXES
    _check_sources(sources, NAMES[:2] if is_hdf5 else NAMES)
    given = _as_typed(test_fraction, seed, sources, splits, no_label, renumber, channels, shuffle)
    load = _load_hdf5 if is_hdf5 else _load_npz
    splits, description = load(input_path, _names(sources), splits, channels, given)
    as_uint8 = _are_8_bits([split["features"] for split in splits.values()])
    splits = {name: _checked_split(split, suffix, input_path, as_uint8) for (name, suffix), split in splits.items()}
    old_numbers = _settle_labels(splits, no_label, renumber, input_path)
    train = splits["train"]
    check_labels(train["targets"], input_path, given)
    if "test" in splits:
        if test_fraction is not None:
            raise UserError(f"{input_path} has test examples of its own: leave out --test-fraction.")
        _check_same_kind(train, splits["test"], input_path)
    else:
        splits = draw_test_set(train, test_fraction, seed, input_path)
    if shuffle:
        splits = {name: _shuffled(split, seed) for name, split in splits.items()}
    return write_fuel_file(output_path, *as_stored(splits), _renamed(description, old_numbers))


def _shuffled(split, seed):
    positions = shuffled_positions(len(split["targets"]), seed)
    return {source: array[positions] for source, array in split.items()}


def _check_sources(sources, known):
    wrong = next(filter(None, (source_entry(entry, known) for entry in sources)), None)
    if wrong:
        raise UserError(f"--sources{wrong}")


def _as_typed(test_fraction, seed, sources, splits, no_label, renumber, channels, shuffle):
    """Dict of the options that differ from the defaults, for the commands that messages suggest."""
    options = {
        "--sources": ",".join(sources),
        "--splits": ",".join(splits),
        "--no-label": "none" if no_label is None else no_label,
        "--renumber-labels": "" if renumber else None,
        "--channels": channels,
        "--test-fraction": test_fraction,
        "--seed": seed,
        "--shuffle": "" if shuffle else None,
    }
    defaults = {"--sources": "", "--splits": "", "--no-label": NO_LABEL, "--seed": 1}
    return {option: value for option, value in options.items() if value != defaults.get(option)}


def _load_npz(path, called, splits, channels, given):
    """Dict of (split, suffix of its arrays) -> features and, where there are any, targets; and the file's description."""
    if splits:
        raise UserError(f"--splits is for HDF5 files: choose arrays of {path} with --sources features_test=NAME.")
    arrays = load_arrays(path)
    _check_names(arrays, called, path)
    found = {}
    for split, suffix in (("train", ""), ("test", "_test")):
        if called[f"features{suffix}"] in arrays:
            features = _turned(arrays[called[f"features{suffix}"]], path, channels, given)
            found[split, suffix] = {"features": features, "targets": arrays.get(called.get(f"targets{suffix}"))}
    return found, {}


def _names(sources):
    """What the file calls each of the four arrays; the test arrays are 'NAME_test' unless given."""
    of_test = [entry for entry in sources if entry.partition("=")[0] in NAMES[2:]]
    names = source_names([entry for entry in sources if entry not in of_test])
    names.update({f"{source}_test": f"{name}_test" for source, name in list(names.items())})
    return {**names, **dict(entry.split("=", 1) for entry in of_test)}


def _check_names(arrays, called, path):
    if {"data", "indices", "indptr", "format", "shape"} <= set(arrays):
        raise UserError(
            f"{path} holds a sparse matrix: save it with numpy.savez(FILE, features=matrix.toarray(), targets=…)."
        )
    wanted = {called["features"], *_asked_for(called)}
    if {called["features_test"], called.get("targets_test")} & set(arrays):
        wanted |= {called["features_test"], *([called["targets_test"]] if called.get("targets") in arrays else [])}
    missing = sorted(wanted - set(arrays))
    if missing:
        raise UserError(
            f"{path} lacks {', '.join(missing)}, and holds {', '.join(sorted(arrays)) or 'nothing'}: add it with "
            "numpy.savez, or say what the file calls them with --sources features=NAME,targets=NAME,features_test=NAME,"
            "targets_test=NAME."
        )
    unknown = sorted(set(arrays) - set(called.values()))
    if unknown and set(called.values()) == set(NAMES):
        raise UserError(
            f"{path} holds the unknown {', '.join(unknown)}: use only the names {', '.join(NAMES)}, or choose with "
            "--sources features=NAME,targets=NAME."
        )
    if unknown:
        logger.info("%s: left out %s", path, ", ".join(unknown))


def _asked_for(called):
    """The names given with ``--sources``, which must be there."""
    usual = {
        "targets": "targets",
        **{f"{source}_test": f"{called.get(source)}_test" for source in ("features", "targets")},
    }
    return [called[source] for source, name in usual.items() if called.get(source, name) != name]


def _turned(features, path, channels, given):
    turned = channels_first(features, (), path, channels, given)
    if turned is not features:
        logger.info("%s: images of shape %s have their channels last, and are turned", path, features.shape[1:])
    return turned


def _load_hdf5(path, called, splits, channels, given):
    """The same for an HDF5 file."""
    names, there = {source: called[source] for source in ("features", "targets") if source in called}, split_names(path)
    asked = dict(entry.partition("=")[::2] for entry in splits)
    if not asked:
        asked = {split: split for split in ("train", "test") if split in there}
        asked = asked if "train" in asked or len(there) > 1 else {"train": there[0]}
    if "train" not in asked or not set(asked) <= {"train", "test"} or not set(asked.values()) <= set(there):
        raise UserError(
            f"{path} has the splits {', '.join(there)}: say which one trains, and which one tests if any does, with "
            "--splits train=NAME,test=NAME."
        )
    left = sorted(set(there) - set(asked.values()))
    if left:
        logger.info("%s: left out the split %s", path, ", ".join(left))
    chosen = {(split, "" if split == "train" else "_test"): name for split, name in asked.items()}
    loaded = {key: HDF5Dataset(path, split, names, channels, given) for key, split in chosen.items()}
    others = [source for source in loaded["train", ""].sources if source not in names.values()]
    if others and "targets" in names and names["targets"] not in loaded["train", ""].sources:
        raise UserError(
            f"{path} has no source 'targets', but {' and '.join(others)}: say which are the labels, e.g. with --sources "
            f"targets={others[-1]} (or targets=none)."
        )
    arrays = {key: {"features": data.features, "targets": _targets_of(data, names)} for key, data in loaded.items()}
    description = loaded["train", ""].description
    if names.get("targets") != "targets":  # other labels have other names
        description = {entry: value for entry, value in description.items() if entry != "classes"}
    return arrays, description


def _targets_of(data, names):
    return data.targets if names.get("targets") in data.sources else None


def dataset_name(input_path, name=None):
    """The data set's name: ``name``, or else the input file's without its suffix.

    Raises ``UserError`` if it cannot be a file's name or is reserved.
    """
    name = Path(input_path).stem if name is None else name
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", name):
        raise UserError(f"{name!r} cannot name a data set: give letters, digits, '_' and '-' with --name.")
    if name in KNOWN:
        raise UserError(f"the name {name!r} is reserved for the data set known by it: give another with --name.")
    return name


def _are_8_bits(several):
    """Whether the integer features of all splits are from 0 to 255, so that one type holds them."""
    whole = [features for features in several if features.dtype.kind in "bui" and features.size]
    return all(features.min() >= 0 and features.max() <= 255 for features in whole)


def _checked_split(arrays, suffix, path, as_uint8):
    features = _checked_features(arrays["features"], "features" + suffix, path, as_uint8)
    targets = arrays["targets"]
    if targets is not None:
        targets = as_class_numbers(targets, f"the targets{suffix} of {path}")
    if targets is not None and len(features) != len(targets):
        raise UserError(
            f"{path} has {len(features)} features{suffix} but {len(targets)} targets{suffix}: give one target per example."
        )
    if len(features) == 0:
        raise UserError(f"{path} has no examples in features{suffix}: give at least one.")
    return {"features": features, "targets": targets}


def _checked_features(features, name, path, as_uint8):
    if features.ndim < 2 or 0 in features.shape[1:]:
        raise UserError(
            f"{path} has {name} of shape {features.shape}: give one row of numbers or one image per example."
        )
    if features.dtype.kind not in "buif":
        raise UserError(f"{path} has {name} of type {features.dtype}: save them as numbers, e.g. as float32.")
    if features.dtype.kind != "f" and as_uint8:
        return features.astype("uint8", copy=False)
    with np.errstate(over="ignore"):  # an overflow is reported just below
        rounded = features.astype("float32", copy=False)
    if not np.isfinite(rounded).all():
        raise UserError(f"{path} has {name} that are not finite (NaN or infinity): replace them.")
    if name == "features" and (lost := rounding.warning(features, rounded, str(path))):  # the others do not train
        logger.warning(lost)
    return rounded


def _settle_labels(splits, no_label, renumber, path):
    """Make -1 the only target that means "no label", and number the classes from 0 if asked to.

    Returns the number that each class had before (sequence of int).
    """
    several = [split["targets"] for split in splits.values() if split["targets"] is not None]
    if several:
        check_minus_one(several, no_label, renumber, path)
    if several and renumber:
        several, classes = renumbered(several, no_label)
        _check_all_train(several, classes, path)
        renumbering = [f"{old} is {new}" for new, old in enumerate(classes[:MOST_RENUMBERED])]
        logger.info("Classes: %s%s", ", ".join(renumbering), " …" * (len(classes) > MOST_RENUMBERED))
    else:
        several = [mark_unlabelled(targets, no_label) for targets in several]
        classes = range(max((int(targets.max()) for targets in several), default=NO_LABEL) + 1)
    settled = iter(several)
    for split in splits.values():
        # Only now, because a -1 in the file's own targets may be a class.
        without = np.full(len(split["features"]), NO_LABEL, "int64")
        split["targets"] = without if split["targets"] is None else next(settled)
    return classes


def _check_all_train(several, classes, path):
    """Refuse a class that only the test set has: among the new numbers it would look like a gap."""
    if len(several) < 2:
        return  # at most one split has targets
    train, test = (np.unique(targets) for targets in several)
    alone = [int(classes[new]) for new in np.setdiff1d(test, train) if new != NO_LABEL]
    if alone:
        raise UserError(
            f"{path} has the class {', '.join(map(str, alone[:MOST_LISTED]))}{' …' * (len(alone) > MOST_LISTED)} in its test "
            "set alone, so that nothing trains it: leave these examples out, or add some to those that train."
        )


def _renamed(description, old_numbers):
    """A file's description with the class names in their new order; a class without a name gets its old number."""
    names = description.get("classes")
    if not names:
        return description
    others = {entry: value for entry, value in description.items() if entry != "classes"}
    renamed = [names[old] if 0 <= old < len(names) else str(old) for old in old_numbers]
    return {**others, "classes": renamed} if renamed else others


def _check_same_kind(train, test, path):
    if train["features"].shape[1:] != test["features"].shape[1:]:
        raise UserError(
            f"{path} has training examples of shape {train['features'].shape[1:]} but test examples of shape "
            f"{test['features'].shape[1:]}: give both the same shape."
        )
    if train["features"].dtype != test["features"].dtype:
        raise UserError(
            f"{path} has {train['features'].dtype} features but {test['features'].dtype} features_test: "
            "give both the same type."
        )
    n_classes = train["targets"].max() + 1
    if test["targets"].min() < min(0, n_classes - 1) or test["targets"].max() >= n_classes:
        raise UserError(
            f"{path} has targets_test from {test['targets'].min()} to {test['targets'].max()}: "
            + (
                f"give each test example one of the classes 0 to {n_classes - 1}"
                if n_classes
                else "leave them out, as none train"
            )
            + "."
        )
