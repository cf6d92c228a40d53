"""``--encoder-layers``: parse the string of one layer, and compute the resulting shape."""

from dataclasses import dataclass

from ladder.errors import UserError
from ladder.files import shown

#: A layer with more units is a typing mistake, and would not fit into memory.
MOST_UNITS = 1_000_000

CONVOLUTIONS = ("convv", "convf")
#: Pooling over windows, which the decoder can invert if the windows lie side by side; and all pooling.
WINDOWED = ("maxpool", "meanpool")
POOLINGS = (*WINDOWED, "globalmeanpool")

SYNTAX = {
    "fc": "fc:UNITS, e.g. fc:1000",
    "convv": "convv:MAPS:SIZE:STRIDE:STRIDE, e.g. convv:64:3:1:1",
    "convf": "convf:MAPS:SIZE:STRIDE:STRIDE, e.g. convf:64:3:1:1",
    "maxpool": "maxpool:STRIDE:SIZE, e.g. maxpool:2:2",
    "meanpool": "meanpool:STRIDE:SIZE, e.g. meanpool:2:2",
    "globalmeanpool": "globalmeanpool:0",
}


@dataclass(frozen=True)
class LayerSpec:
    """One entry of ``--encoder-layers``.

    Attributes
    ----------
    text : str, as it was given
    kind : str
        ``fc``; ``convv``, ``convf``: valid and full convolution; ``maxpool``;
        ``meanpool``: the mean of each window; ``globalmeanpool``: of each map.
    units : int
        Units of ``fc``, maps of a convolution.
    size : int
        Side of a convolution's filters, or of a pooling window.
    stride : int
    """

    text: str
    kind: str
    units: int = 0
    size: int = 0
    stride: int = 1

    def out_dim(self, below):
        """Shape of one example's output.

        Parameters
        ----------
        below : tuple of int
            Shape of the layer below, (maps, height, width) or (units,); () if it is not yet known.

        Returns
        -------
        tuple of int, () if it is not yet known
        """
        if self.kind == "fc":
            return (self.units,)
        if not below:
            return ()
        if len(below) != 3:
            raise _refused(
                self.text,
                f"needs maps below, but gets {' x '.join(map(str, below))} units: convolution and pooling are for "
                "images (maps x height x width), below all fully connected layers",
            )
        maps, *sides = below
        if self.kind == "globalmeanpool":
            return maps, 1, 1
        if self.kind == "convv" and self.size > min(sides):
            raise _refused(
                self.text,
                f"has filters of {self.size} x {self.size} for maps of {sides[0]} x {sides[1]}: "
                "give a smaller SIZE, or a full convolution (convf)",
            )
        dim = (self.units or maps, *map(self._out_side, sides))
        if dim[0] * dim[1] * dim[2] > MOST_UNITS:
            raise _refused(
                self.text,
                f"gives {' x '.join(map(str, dim))} units, more than {MOST_UNITS:,}: give fewer or smaller maps",
            )
        return dim

    def _out_side(self, side):
        if self.kind == "convv":
            return (side - self.size) // self.stride + 1
        if self.kind == "convf":
            return (side + self.size - 2) // self.stride + 1
        return pooled_side(side, self.size, self.stride)


def pooled_side(side, size, stride):
    """The number of windows along a side, including incomplete ones at the edge (Theano's ignore_border=False)."""
    if stride >= size:
        return (side - 1) // stride + 1
    return max(0, (side - 1 - size + stride) // stride) + 1


def parse_layer(text):
    """'1000', 'fc:1000', 'convv:64:3:1:1' … -> LayerSpec; UserError for anything else."""
    text = str(text)
    kind, *words = text.split(":") if ":" in text or text in SYNTAX else ("fc", text)
    if kind not in SYNTAX:
        raise UserError(
            f"--encoder-layers: unknown layer type '{shown(kind)}' in '{shown(text)}': "
            f"write a number of units, or one of {', '.join(SYNTAX)} as in {SYNTAX['convv'].split('e.g. ')[1]}."
        )
    # Python refuses to read very long numbers, and a valid one is never that long.
    numbers = [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 20]
    if len(numbers) != len(words):
        raise _malformed(text, kind)
    return _PARSERS[kind](text, kind, numbers)


def _parse_fc(text, kind, numbers):
    if len(numbers) != 1 or not 1 <= numbers[0] <= MOST_UNITS:
        raise _malformed(text, kind)
    return LayerSpec(text, kind, units=numbers[0])


def _parse_convolution(text, kind, numbers):
    # As in the original, one stride serves both directions.
    if len(numbers) not in (3, 4) or not all(1 <= n <= MOST_UNITS for n in numbers):
        raise _malformed(text, kind)
    if len(set(numbers[2:])) > 1:
        raise _refused(text, "has two strides, but both directions have the same: give one of them twice")
    return LayerSpec(text, kind, *numbers[:3])


def _parse_windows(text, kind, numbers):
    if len(numbers) != 2 or not all(1 <= n <= MOST_UNITS for n in numbers):
        raise _malformed(text, kind)
    stride, size = numbers
    if stride == size == 1:
        raise _refused(text, "leaves all as it is: give a window larger than 1")
    return LayerSpec(text, kind, size=size, stride=stride)


def _parse_globalmeanpool(text, kind, numbers):
    # The original's commands give 0 or the size of the maps, but its code ignores both.
    if len(numbers) not in (1, 2):
        raise _malformed(text, kind)
    return LayerSpec(text, kind)


_PARSERS = {
    "fc": _parse_fc,
    "convv": _parse_convolution,
    "convf": _parse_convolution,
    "maxpool": _parse_windows,
    "meanpool": _parse_windows,
    "globalmeanpool": _parse_globalmeanpool,
}


def _malformed(text, kind):
    what = "write a number of units, e.g. 1000 or fc:1000" if kind == "fc" else f"write {SYNTAX[kind]}"
    return UserError(f"--encoder-layers: '{shown(text)}' is not a layer: {what}.")


def _refused(text, why):
    return UserError(f"--encoder-layers: '{text}' {why}.")
