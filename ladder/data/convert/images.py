"""A user's own images, from a folder with one folder for each class."""

import logging
from collections import Counter
from pathlib import Path

import numpy as np

from ladder.data.convert.own_splits import as_stored, draw_test_positions, shuffled_positions
from ladder.data.fuel_file import write_fuel_file
from ladder.data.image_files import FITS, MOST_SIDE, ImageReading, check_installed, is_grey, read_images
from ladder.data.image_folders import find_images
from ladder.errors import UserError

logger = logging.getLogger("main.data")


def convert_images(directory, output_path, size, channels=None, fit=FITS[0], test_fraction=None, seed=1, shuffle=False):
    """Write the images of a folder with the splits ``train`` and ``test``.

    Parameters
    ----------
    directory : str or Path
        It holds a folder of images for each class, named after the class, and ``unlabeled`` if some have no label;
        or ``train`` and ``test``, which hold such folders.
    output_path : str or Path
        The file to write.
    size : (int, int)
        Height and width that all images are resized to, in pixels.
    channels : 1, 3 or None
        1 makes all images grey, 3 makes them RGB; None: 1 if all are grey, else 3.
    fit : {'crop', 'pad', 'stretch'}
        How an image of another aspect ratio is fitted, see :class:`~ladder.data.image_files.ImageReading`.
    test_fraction, seed, shuffle : as for :func:`~ladder.data.convert.arrays.convert_arrays`

    Returns
    -------
    Path
        ``output_path``.  Features are uint8 (N, channels, height, width), class after class unless shuffled; targets
        are int64 (N, 1), the positions of the folders' names in sorted order.  The file also holds the names, and how
        images were read.

    Raises
    ------
    UserError
        If the folder is laid out differently, or an image cannot be read.
    """
    check_installed()
    height, width = size
    if not (0 < height <= MOST_SIDE and 0 < width <= MOST_SIDE):
        raise UserError(f"--size {height}x{width} is not possible: each side has 1 to {MOST_SIDE} pixels.")
    directory = Path(directory)
    classes, files = find_images(directory)
    targets = {split: np.array(found.targets, "int64") for split, found in files.items()}
    paths = {split: found.paths for split, found in files.items()}
    if "test" not in files:
        paths, targets = _with_test_set(paths["train"], targets["train"], test_fraction, seed, directory)
    elif test_fraction is not None:
        raise UserError(f"{directory} has test images of its own: leave out --test-fraction.")
    if shuffle:
        orders = {split: shuffled_positions(len(targets[split]), seed) for split in paths}
        paths, targets = _in_order(paths, targets, orders)
    every = [path for split in paths.values() for path in split]
    reading = ImageReading(height, width, channels or (1 if all(map(is_grey, every)) else 3), fit)
    pixels = read_images(every, reading)
    splits, start = {}, 0
    for split in paths:
        stop = start + len(paths[split])
        splits[split] = {"features": pixels[start:stop], "targets": targets[split]}
        start = stop
    _report(classes, splits)
    description = {"classes": classes, "images": reading.as_dict()} if classes else {"images": reading.as_dict()}
    return write_fuel_file(output_path, *as_stored(splits), description)


def _with_test_set(paths, targets, fraction, seed, directory):
    """Paths and targets by split, with a test set drawn as for arrays."""
    test = draw_test_positions(targets, fraction, seed, directory)
    chosen = {"train": np.setdiff1d(np.arange(len(targets)), test), **({"test": test} if len(test) else {})}
    return _in_order(dict.fromkeys(chosen, paths), dict.fromkeys(chosen, targets), chosen)


def _in_order(paths, targets, positions):
    """The paths and targets of each split at the given positions, in that order."""
    return (
        {split: [paths[split][i] for i in chosen] for split, chosen in positions.items()},
        {split: targets[split][chosen] for split, chosen in positions.items()},
    )


def _report(classes, splits):
    counts = Counter(splits["train"]["targets"].tolist())
    words = [f"{i} is {name} ({counts[i]} to train on)" for i, name in enumerate(classes)]
    if words:
        logger.info("Classes: %s", ", ".join(words[:20]) + " …" * (len(words) > 20))
