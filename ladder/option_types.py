"""Types of option values: readers, which turn text into values, and checks of values.

Readers raise ``argparse.ArgumentTypeError`` with a sentence about the text;
checks return the problem, in words that follow the option's name, or None.
"""

import argparse
import math

#: Larger whole numbers could wrap around in int64.
MOST_WHOLE = 2**62

#: The largest noise seed: MRG31k3p refuses 0 and anything from its second modulus on.
MOST_NOISE_SEED = 2147462578

#: The largest seed of a ``RandomState``; the smallest is 0.
MOST_DATA_SEED = 2**32 - 1


def whole_number(text):
    """'12' -> 12."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number.") from None


def whole_number_from(low, high):
    """A reader of whole numbers from ``low`` to ``high``, neither of them negative."""

    def read(text):
        if not (text.isascii() and text.isdecimal()) or len(text) > 19 or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"'{text}' must be a whole number from {low} to {high}.")
        return int(text)

    return read


def number_that(good, wanted):
    """A reader of numbers for which ``good`` (function of a float -> bool) holds, as ``wanted`` says in words."""

    def read(text):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not good(value):
            raise argparse.ArgumentTypeError(f"'{text}' must be a number {wanted}.")
        return value

    return read


def number(text):
    """'0.5' -> 0.5."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number.") from None


def numbers(text):
    """'1000,10,0.1' -> (1000.0, 10.0, 0.1)."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of numbers split by ','.") from None


def whole_numbers(text):
    """'0,2,4' -> (0, 2, 4)."""
    if not all(part.isascii() and part.isdecimal() and len(part) < 20 for part in text.split(",")):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of whole numbers split by ','.")
    return tuple(int(part) for part in text.split(","))


def truth(text):
    """'True' or 'f', as the original reads them -> bool."""
    if text.lower() not in ("true", "t", "false", "f"):
        raise argparse.ArgumentTypeError(f"'{text}' is neither True nor False.")
    return text.lower() in ("true", "t")


def names(separator):
    """A reader of texts split by ``separator`` (or by ','): 'relu-softmax' -> ('relu', 'softmax')."""

    def read(text):
        parts = tuple(text.replace(separator, ",").split(","))
        if "" in parts:
            raise argparse.ArgumentTypeError(f"'{text}' has an empty entry: write entries split by '{separator}'.")
        return parts

    return read


def folder_name(text):
    """The text itself, unless it is empty, as an unset shell variable would leave it."""
    if not text:
        raise argparse.ArgumentTypeError("'' names no folder: give one, or leave the option out.")
    return text


def must_be(good, wanted):
    """A check that ``good`` (function of a value -> bool) holds, as ``wanted`` says in words."""
    return lambda value: None if good(value) else f" is {value}, but must be {wanted}."


def all_hold(*checks):
    """A check that returns the problem of the first of several checks that fails."""
    return lambda value: next(filter(None, (check(value) for check in checks)), None)


def at_least(low):
    return must_be(lambda value: value >= low, f"at least {low}")


def one_of(known):
    return must_be(lambda value: value in known, "one of " + ", ".join(known))


def known_name(known, what):
    """A check for names that are too many to declare as a choice."""
    return lambda name: None if name in known else f": unknown {what} '{name}': choose from {', '.join(known)}."


not_negative = must_be(lambda value: value >= 0, "0 or more")
finite_and_not_negative = must_be(lambda value: math.isfinite(value) and value >= 0, "0 or more")
two_or_more = must_be(lambda n: n >= 2, "at least 2: one example has no variance")
none_alone = must_be(
    lambda n: n == 0 or n >= 2,
    "at least 2, or 0 for all: one example has no variance, and batch normalisation would make every z 0",
)
between_0_and_1 = must_be(lambda value: 0 <= value <= 1, "between 0 and 1")
inside_0_and_1 = must_be(lambda value: 0 < value < 1, "above 0 and below 1")
# Nearer to 1, single precision leaves too little of 1 - value, or nothing.
decay_of_a_mean = must_be(lambda value: 0 <= value <= 1 - 1e-6, "from 0 to 0.999999")
# Numbers are read in double precision and used in single.
finite_and_above_0 = all_hold(
    must_be(lambda value: math.isfinite(value) and value > 0, "above 0"),
    must_be(lambda value: value >= 2**-126, "1.2e-38 or more, as less is 0 in single precision"),
)
largest_norm = all_hold(
    finite_and_not_negative,
    must_be(lambda value: value == 0 or value >= 2**-126, "0, or at least 1.2e-38, as less is 0 in single precision"),
)
below_1 = all_hold(
    must_be(lambda value: 0 <= value < 1, "at least 0 and below 1"),
    must_be(lambda value: value <= 1 - 2**-24, "0.9999999 or less, as more is 1 in single precision"),
)
seed_of_noise = must_be(lambda seed: 1 <= seed <= MOST_NOISE_SEED, f"between 1 and {MOST_NOISE_SEED}")
seed_of_data = must_be(lambda seed: 0 <= seed <= MOST_DATA_SEED, f"between 0 and {MOST_DATA_SEED}")


def source_entry(entry, known=("features", "targets")):
    """What is wrong with an entry of ``--sources``, whose names are those of ``known``, or None."""
    source, _, name = entry.partition("=")
    if source in known and name:
        return None
    return f": '{entry}' is none of {', '.join(f'{source}=NAME' for source in known)}: split such entries by ','."
