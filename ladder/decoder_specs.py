"""``--decoder-spec``: parse the string of one decoder function."""

from ladder.errors import UserError
from ladder.files import shown

#: Decoder functions with a formula of their own.
DECODERS = (
    "gauss",
    "gauss_stable_v",
    "sig",
    "lin",
    "relu",
    "sigmoid",
    "i",
    "comparison_g2",
    "comparison_g3",
    "comparison_g4",
    "comparison_g5",
)

#: Decoder functions that need a signal from the layer above.
DECODERS_OF_U = ("relu", "sigmoid")

#: Decoder functions that are small networks (Pezeshki et al. 2016); the sizes of their hidden layers follow the name.
PERCEPTRONS = ("mlp", "amlp")

MOST_HIDDEN_LAYERS, MOST_HIDDEN_UNITS = 4, 32


def parse_decoder(text):
    """'gauss', 'gauss0', '0', 'amlp:2:2', 'amlp:2:2:0' … -> (function, whether it is to get u); UserError for others.

    A trailing 0 cuts the signal from above.  After the sizes of hidden layers it is
    a separate entry, because ``amlp:10`` means one hidden layer of 10 units.

    Returns
    -------
    name : str
        '' for no decoder, one of :data:`DECODERS`, or e.g. 'amlp:2:2'.
    takes_u : bool

    Examples
    --------
    >>> parse_decoder("gauss0"), parse_decoder("amlp:10"), parse_decoder("amlp:10:0")
    (('gauss', False), ('amlp:10', True), ('amlp:10', False))
    """
    kind, *sizes = text.split(":")
    if kind in PERCEPTRONS:
        return _parse_perceptron(text, kind, sizes)
    name, takes_u = (text[:-1], False) if text.endswith("0") else (text, True)
    if kind.removesuffix("0") in PERCEPTRONS:
        raise _malformed(text, kind.removesuffix("0"))
    if name and name not in DECODERS:
        known = ", ".join((*DECODERS, *(f"{perceptron}:UNITS" for perceptron in PERCEPTRONS)))
        raise UserError(f"--decoder-spec: unknown decoder function '{shown(name)}': choose from {known}.")
    return name, takes_u


def _parse_perceptron(text, kind, words):
    takes_u = words[-1:] != ["0"]
    sizes = words if takes_u else words[:-1]
    if not 1 <= len(sizes) <= MOST_HIDDEN_LAYERS:
        raise _malformed(text, kind)
    if not all(word.isascii() and word.isdecimal() and len(word) < 5 for word in sizes):
        raise _malformed(text, kind)
    numbers = [int(word) for word in sizes]
    if not all(1 <= n <= MOST_HIDDEN_UNITS for n in numbers):
        raise _malformed(text, kind)
    return ":".join([kind, *map(str, numbers)]), takes_u


def hidden_sizes(name):
    """'amlp:2:2' -> ('amlp', (2, 2)); 'gauss' -> ('gauss', ())."""
    kind, *sizes = name.split(":")
    return kind, tuple(map(int, sizes))


def _malformed(text, kind):
    return UserError(
        f"--decoder-spec: '{shown(text)}' is not a decoder function: write {kind}:UNITS:UNITS… with 1 to "
        f"{MOST_HIDDEN_LAYERS} hidden layers of 1 to {MOST_HIDDEN_UNITS} units, e.g. {kind}:2:2:2, "
        f"or {kind}:2:2:2:0 to cut the signal from above."
    )
