"""``--augment``: parse its entries.  ``ladder/data/augmentation.py`` applies them to images."""

import argparse
import math
from dataclasses import dataclass

from ladder.errors import UserError

HALVES = ("labeled", "unlabeled")

#: Transformation -> its syntax and effect, in the order in which they are applied.
SYNTAX = {
    "flip": "flip, mirror left and right",
    "crop": "crop:PIXELS, widen by so many mirrored pixels on each side and cut the size out anywhere",
    "shift": "shift:PIXELS, move by up to so many whole pixels",
    "rotate": "rotate:DEGREES",
    "scale": "scale:PART, e.g. scale:0.1 for up to a tenth larger or smaller",
    "shear": "shear:DEGREES",
    "translate": "translate:PIXELS, parts of pixels, too",
    "erode": "erode:SIDE, the darkest pixel of a square window",
    "dilate": "dilate:SIDE, the brightest",
    "open": "open:SIDE, erode, then dilate",
    "close": "close:SIDE, dilate, then erode",
}

#: Combined into one affine transformation, so that pixels are interpolated only once.
AFFINE = ("rotate", "scale", "shear", "translate")

#: Operations of greyscale morphology, over a window.
WINDOWS = ("erode", "dilate", "open", "close")

#: The default probability that an image is changed.
PROBABILITY = {name: 0.5 if name == "flip" or name in WINDOWS else 1.0 for name in SYNTAX}

#: The largest amounts; pixels and windows are also checked against the size of the images.
_MOST = {"rotate": 180.0, "scale": 1.0, "shear": 60.0, **dict.fromkeys(("crop", "shift", "translate"), 1000.0)}
_MOST.update(dict.fromkeys(WINDOWS, 1000.0))


@dataclass(frozen=True)
class Transformation:
    """One entry of ``--augment``.

    Attributes
    ----------
    name : str
    amount : int or float
        0 for ``flip``.
    probability : float
        Probability that an image is changed.
    """

    name: str
    amount: float
    probability: float


@dataclass(frozen=True)
class Augmenting:
    """The augmentation of training images.

    Attributes
    ----------
    transformations : tuple of Transformation, in the order in which they are applied
    halves : tuple of str
        The halves of a batch whose images are transformed: ``labeled``, ``unlabeled``.
    """

    transformations: tuple
    halves: tuple

    def __str__(self):
        entries = (f"{t.name}{f':{t.amount:g}' * (t.name != 'flip')}:{t.probability:g}" for t in self.transformations)
        return f"{','.join(entries)} of {' and '.join(self.halves).replace('labeled', 'labelled')} examples"


def read(text):
    """'flip,shift:2' -> ('flip', 'shift:2'), 'none' -> ()."""
    entries = () if text == "none" else tuple(text.split(","))
    if "" in entries:
        raise argparse.ArgumentTypeError(f"'{text}' has an empty entry: write entries split by ','.")
    return entries


def problem(entry):
    """What is wrong with an entry, in words that follow the option's name, or None."""
    try:
        parse(entry)
    except UserError as error:
        return f": {error}"


def parse(entry):
    """'shift:2:0.9' -> Transformation('shift', 2, 0.9); ``UserError`` says what is wrong.

    Examples
    --------
    >>> parse("rotate:10"), parse("flip:0.2")
    (Transformation(name='rotate', amount=10.0, probability=1.0), Transformation(name='flip', amount=0, probability=0.2))
    """
    name, *numbers = entry.split(":")
    if name not in SYNTAX:
        raise UserError(f"unknown transformation '{entry}': choose from {', '.join(SYNTAX)}.")
    has_amount = name != "flip"
    if not has_amount <= len(numbers) <= 1 + has_amount:
        raise UserError(f"'{entry}' must be {_form(name)}.")
    values = [_number(text, entry) for text in numbers]
    amount = _amount(name, values[0], entry) if has_amount else 0
    probability = values[has_amount] if len(values) > has_amount else PROBABILITY[name]
    if not 0 < probability <= 1:
        raise UserError(f"'{entry}' has the probability {probability:g}, which must be above 0 and at most 1.")
    return Transformation(name, amount, probability)


def _form(name):
    return SYNTAX[name].split(",")[0] + ", then perhaps :PROBABILITY"


def _number(text, entry):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"'{entry}': '{text}' is not a number.")
    return value


def _amount(name, value, entry):
    if name in ("crop", "shift", *WINDOWS):
        least = 2 if name in WINDOWS else 1
        if value != int(value) or not least <= value <= _MOST[name]:
            raise UserError(f"'{entry}': {value:g} must be a whole number from {least} to {_MOST[name]:g}.")
        return int(value)
    if not 0 < value <= _MOST[name]:
        raise UserError(f"'{entry}': {value:g} must be above 0 and at most {_MOST[name]:g}.")
    return value


def resolve_augmentation(p):
    """The Augmenting that the options ask for, or None; ``UserError`` if they conflict."""
    if not p.augment:
        if p.augment_halves != "both":
            raise UserError("--augment-halves is of no use without --augment: give both, or neither.")
        return None
    found = [parse(entry) for entry in p.augment]
    names = [transformation.name for transformation in found]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"--augment has {name} twice: give it once.")
    if p.unsupervised and p.augment_halves == "labeled":
        raise UserError("--augment-halves labeled is of no use to --unsupervised, which has no labelled examples.")
    halves = HALVES if p.augment_halves == "both" else (p.augment_halves,)
    halves = ("unlabeled",) if p.unsupervised else halves
    order = list(SYNTAX)
    return Augmenting(tuple(sorted(found, key=lambda t: order.index(t.name))), halves)
