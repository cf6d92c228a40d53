"""Text files of positions in a data set, which this and other programs can read.

Each line holds one position, counted from 0; anything after a # is a comment.
``--labeled-indices`` reads such files, ``--save-split`` writes them.
"""

import argparse
import io

from ladder.errors import UserError
from ladder.files import open_regular, read_at_most, shown

#: The most positions in a list, and the most bytes of its file.
MOST_POSITIONS, MOST_BYTES = 1_000_000, 2**26


def read_positions(path):
    """The positions in a file, as the command line reads them: tuple of int.

    Raises
    ------
    argparse.ArgumentTypeError
        There is no such file, or a line of it holds something else.
    """
    try:
        with open_regular(path, "give a text file with a position on each line") as file:
            content = read_at_most(file, MOST_BYTES)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if len(content) > MOST_BYTES:
        raise argparse.ArgumentTypeError(
            f"{shown(path)} has more than {MOST_BYTES:,} bytes: give a position on each line, and fewer comments."
        )
    positions = []
    # Windows editors begin a file with a byte order mark, which utf-8-sig drops, and end lines with \r\n.
    lines = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", "replace", newline="\n")
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        if not (text.isascii() and text.isdecimal() and len(text) < 18) or len(positions) == MOST_POSITIONS:
            raise argparse.ArgumentTypeError(
                f"line {number} of {shown(path)} is '{text[:40]}': give one position on each line, a whole number from 0, "
                f"and no more than {MOST_POSITIONS:,}."
            )
        positions.append(int(text))
    if not positions:
        raise argparse.ArgumentTypeError(f"{shown(path)} holds no position: give one on each line.")
    return tuple(positions)


def as_text(positions, comment):
    """Positions (array of int) as the text of such a file, with a comment (str) on its first line."""
    return f"# {comment}\n" + "".join(f"{position}\n" for position in positions)
