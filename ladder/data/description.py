"""The description in a data set's file: the names of its classes, and how its images were read.

It is JSON in a byte array at the root of the HDF5 file.  No split names this
array, so Fuel ignores it; and as it is an array, the reader of HDF5 files
needs no other kind of entry.
"""

import json
from collections import Counter
from dataclasses import replace
from typing import Optional

import numpy as np

from ladder import plain_json
from ladder.data import NO_LABEL
from ladder.data.image_files import FITS, MOST_SIDE, ImageReading
from ladder.errors import UserError

#: The name of the array.
DESCRIPTION = "ladder_description"

#: Its maximum size in bytes: enough for a million classes with short names.
MOST_BYTES = 2**24

TYPES = {"classes": Optional[list], "images": Optional[dict]}
IMAGE_TYPES = {"height": int, "width": int, "channels": int, "fit": str}


def as_bytes(description):
    """A description (dict) as a uint8 array, shape (bytes,)."""
    return np.frombuffer(json.dumps(description).encode(), "uint8")


def read_description(h5file):
    """The description in an open :class:`~ladder.data.hdf5_file.HDF5File`.

    Returns
    -------
    dict
        ``classes`` (list of str) and ``images`` (entries of an ImageReading), whichever are known.

    Raises
    ------
    UserError
        The description is damaged.
    """
    stored = h5file.arrays.get(DESCRIPTION)
    if stored is None:
        return {}
    try:
        if stored.refused or stored.dtype != np.uint8 or len(stored.shape) != 1 or len(stored) > MOST_BYTES:
            raise plain_json.NotJSON("it is no text")
        return check_description(plain_json.parse(stored.read(0, len(stored)).tobytes()))
    except plain_json.NotJSON as error:
        raise UserError(
            f"{h5file.path} has a damaged {DESCRIPTION!r} ({error}): convert the data set again with `run.py convert`."
        ) from None


def is_label(value):
    """Whether a class can have this label: a number or a printable name."""
    return isinstance(value, (str, int, float)) and str(value).isprintable()


def check_description(values):
    """Check a description and return its known entries; ``plain_json.NotJSON`` says what is wrong with one."""
    checked = plain_json.check(values, TYPES, "the whole")
    for name in checked["classes"] or ():
        if not plain_json.check(name, str, "a class").isprintable():
            raise plain_json.NotJSON("a class has a name that cannot be printed")
    if checked["images"] is not None:
        checked["images"] = check_image_reading(checked["images"])
    return {name: value for name, value in checked.items() if value is not None}


def check_image_reading(values):
    """Check the entries of an ImageReading (dict) in the same way, and return them."""
    images = plain_json.check(values, IMAGE_TYPES, "'images'")
    if not all(0 < images[side] <= MOST_SIDE for side in ("height", "width")):
        raise plain_json.NotJSON("'images' has sides that no image has")
    if images["channels"] not in (1, 3) or images["fit"] not in FITS:
        raise plain_json.NotJSON("'images' has channels or a fit that are not known")
    return images


def class_name(description, i):
    """The name (str) of class number ``i``; '' if it has none.

    Parameters
    ----------
    description : dict
        Of a data set, or the ``data.json`` of a run; ``classes`` may be missing.
    i : int
    """
    classes = description.get("classes") or ()
    return str(classes[i]) if i < len(classes) else ""


def numbered_name(description, i):
    """Number and name of a class, '3 cat', or the number alone."""
    return f"{i} {class_name(description, i)}".strip()


def labels_of_units(classes, n):
    """The labels (list) of a top layer's ``n`` units: those of the classes, then numbers for units beyond them."""
    beyond = range(len(classes), n)
    return [*classes, *(map(str, beyond) if classes and isinstance(classes[0], str) else beyond)]


def with_known_classes(examples, description):
    """Renumber the labels of examples to match the data set that a network was trained on.

    Parameters
    ----------
    examples : Examples
        Of that data set, or of another that may number its classes differently.
    description : dict
        Of the data set that it was trained on.

    Returns
    -------
    Examples
        ``examples`` itself if either has no class names, or if both number the classes alike.

    Raises
    ------
    UserError
        A class is not one of the network's.
    """
    known, named = description.get("classes"), examples.description.get("classes")
    if not known or not named or known[: len(named)] == named:
        return examples
    numbers, counts = {name: number for number, name in enumerate(known)}, Counter(known)
    strangers = [name for name in named if counts[name] != 1]
    if strangers or examples.n_classes > len(named):
        stranger = f"'{strangers[0]}'" if strangers else "without a name"
        raise UserError(
            f"{examples.name} has a class {stranger}, and the network's are {', '.join(map(str, known))}: "
            "give a data set of these classes."
        )
    lowest = examples.targets.min(initial=NO_LABEL)
    if lowest < NO_LABEL:
        raise UserError(
            f"{examples.name} has the label {lowest}, which is no class: convert it with --no-label {lowest}."
        )
    positions = np.array([*(numbers[name] for name in named), NO_LABEL])  # NO_LABEL, -1, picks the last entry
    return replace(examples, targets=positions[examples.targets])


def image_reading(description, in_dim):
    """The ImageReading that turns images into examples of a network; None if there is none.

    Parameters
    ----------
    description : dict
        Of the data set that the network was trained on.
    in_dim : tuple of int, shape of one example
    """
    if "images" in description:
        reading = ImageReading(**description["images"])
        return reading if reading.shape == tuple(in_dim) else None
    return ImageReading.for_shape(tuple(in_dim))
