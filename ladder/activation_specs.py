"""``--act``: parse an activation's name and the number that may follow it."""

import math
from dataclasses import dataclass
from typing import Optional, Union

from ladder.errors import UserError
from ladder.files import shown

ACTIVATIONS = ("relu", "leakyrelu", "linear", "softplus", "sigmoid", "tanh", "elu", "maxout", "softmax")

#: Activations that take a number, and how to write them with one.
SYNTAX = {
    "leakyrelu": "leakyrelu:SLOPE, e.g. leakyrelu:0.01",
    "elu": "elu:ALPHA, e.g. elu:0.5",
    "maxout": "maxout:PIECES, e.g. maxout:2",
}

#: The default number of those that may be written without one.
DEFAULTS = {"leakyrelu": 0.1, "elu": 1.0}

#: Activations f with f(c z) = c f(z) for c above 0: a scale before them is redundant with the weights above.
HOMOGENEOUS = ("relu", "leakyrelu", "linear", "maxout")

#: With more pieces, nearly every z of a layer would be idle.
MOST_PIECES = 100


@dataclass(frozen=True)
class Activation:
    """One entry of ``--act``.

    Attributes
    ----------
    name : str, one of ``ACTIVATIONS``
    number : float, int or None
        ``leakyrelu``'s slope below 0, ``elu``'s alpha, ``maxout``'s number of pieces.
    """

    name: str
    number: Optional[Union[float, int]] = None

    @property
    def pieces(self):
        """How many z a unit takes the maximum of: 1 except for ``maxout``."""
        return self.number if self.name == "maxout" else 1

    @property
    def is_homogeneous(self):
        """Whether scaling z by a positive factor scales h by the same factor."""
        return self.name in HOMOGENEOUS

    def __str__(self):
        return self.name if self.number == DEFAULTS.get(self.name) else f"{self.name}:{self.number!r}"


def parse_activation(text):
    """'relu', 'leakyrelu:0.01', 'maxout:3' … -> Activation; UserError for anything else.

    Examples
    --------
    >>> parse_activation("maxout:3").pieces
    3
    >>> str(parse_activation("leakyrelu:0.1"))
    'leakyrelu'
    """
    name, colon, word = text.partition(":")
    if name not in ACTIVATIONS:
        raise UserError(f"--act: unknown activation '{shown(name)}': choose from {', '.join(ACTIVATIONS)}.")
    if name not in SYNTAX:
        if colon:
            raise UserError(f"--act: '{shown(text)}': {name} takes no number: write {name}.")
        return Activation(name)
    if not colon and name in DEFAULTS:
        return Activation(name, DEFAULTS[name])
    return Activation(name, _READERS[name](text, word))


def _number(text, word):
    # Entries are split at '-', so a number can have neither a minus sign nor a negative exponent.
    try:
        value = float(word) if len(word) < 40 else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _malformed(text)
    return value


def _slope(text, word):
    slope = _number(text, word)
    if slope in (0, 1):
        raise UserError(f"--act: '{text}' is {'linear' if slope else 'relu'}: write that, or a slope between 0 and 1.")
    if not 0 < slope < 1:
        raise UserError(f"--act: '{text}': the slope below 0 must be above 0 and below 1.")
    return slope


def _alpha(text, word):
    alpha = _number(text, word)
    if not 0 < alpha <= 100:
        raise UserError(f"--act: '{text}': alpha, how far elu goes below 0, must be above 0 and at most 100.")
    return alpha


def _pieces(text, word):
    if not (word.isascii() and word.isdecimal() and len(word) < 20):
        raise _malformed(text)
    pieces = int(word)
    if pieces == 1:
        raise UserError(f"--act: '{text}' leaves all as it is: give 2 pieces or more, or write linear.")
    if not 2 <= pieces <= MOST_PIECES:
        raise UserError(f"--act: '{text}': a unit chooses from 2 to {MOST_PIECES} pieces.")
    return pieces


_READERS = {"leakyrelu": _slope, "elu": _alpha, "maxout": _pieces}


def _malformed(text):
    name = text.partition(":")[0]
    alone = f"{name}, or " if name in DEFAULTS else ""
    return UserError(f"--act: '{shown(text)}' is not an activation: write {alone}{SYNTAX[name]}.")
