"""Tables in which no word and no number is cut, however narrow the terminal."""

import sys

from rich.cells import cell_len
from rich.console import Console

#: Columns assumed for a log file, which has no width of its own.
FILE_WIDTH = 200

#: Characters between the texts of two columns, and those before the first and after the last together.
BETWEEN, AROUND = 3, 4


def print_table(table):
    """Print a rich table of texts, folded to the terminal's width if need be, but wider than that rather than cut."""
    shortest, longest = _widths(table)
    frame = AROUND + BETWEEN * (len(shortest) - 1)
    room, widths = _terminal_width() - frame, list(shortest)
    while sum(widths) < min(room, sum(longest)):
        # Widen the column that lacks most.
        neediest = max(range(len(widths)), key=lambda i: longest[i] - widths[i])
        widths[neediest] += 1
    for column, width in zip(table.columns, widths):
        column.width = width
    Console(width=max(_terminal_width(), sum(widths) + frame)).print(table)


def fits(table):
    """Whether a table can be printed without folding."""
    _, longest = _widths(table)
    return sum(longest) + AROUND + BETWEEN * (len(longest) - 1) <= _terminal_width()


def _widths(table):
    """The widths of each column's longest word and longest line."""
    texts = [[str(column.header), *map(str, column.cells)] for column in table.columns]
    shortest = [max((cell_len(word) for text in column for word in text.split()), default=0) for column in texts]
    longest = [max((cell_len(line) for text in column for line in text.splitlines()), default=0) for column in texts]
    return shortest, longest


def _terminal_width():
    return Console().width if sys.stdout.isatty() else FILE_WIDTH
