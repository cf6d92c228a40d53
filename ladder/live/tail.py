"""The ends of a run's growing files: rows of ``log.jsonl``, and times in ``log.txt``."""

import math
import os
import re
import statistics
from dataclasses import dataclass
from datetime import datetime
from typing import Optional

from ladder import plain_json
from ladder.files import open_regular
from ladder.runs.log_lines import (
    BEGUN,
    COMPILED,
    COMPILING,
    EPOCH_NUMBER,
    GOES_ON,
    STAGE_COMPILING,
    STAGE_EPOCH_NUMBER,
    is_one,
)

#: Bytes read from the end of a file: about 270 rows of a network of seven layers.
MOST_BYTES = 2**17

#: Larger integers are not counts.
MOST_COUNT = 2**53

#: Number of last epochs over whose durations the median is taken.
EPOCHS = 10

_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) (.*)")


def last_rows(path):
    """The rows at the end of a ``log.jsonl``, oldest first: list of dict of name -> finite number.

    Anything that is not a row, such as one still being written, is skipped.
    """
    rows = []
    for line in _last_lines(path):
        try:
            row = plain_json.check(plain_json.parse(line), dict, "a row")
        except plain_json.NotJSON:
            continue
        row = {name: value for name, value in row.items() if _is_number(value)}
        if type(row.get("epoch")) is int and row["epoch"] >= 0:
            rows.append(row)
    return rows


def _is_number(value):
    return type(value) is float and math.isfinite(value) or type(value) is int and abs(value) < MOST_COUNT


@dataclass(frozen=True)
class Times:
    """The timing information in a ``log.txt``.

    Attributes
    ----------
    epoch_seconds : float or None
        Median over the last epochs; None before the first.
    compiling, pretraining : bool
        Whether the last process to train has yet to compile what it will train, or is pre-training.
    """

    epoch_seconds: Optional[float] = None
    compiling: bool = False
    pretraining: bool = False


def last_times(path):
    """The Times at the end of a ``log.txt``.

    Only epochs that one process trained from start to end count, so the time between two processes does not.
    """
    seconds, before, compiling, pretraining = [], None, False, False
    for line in _last_lines(path):
        found = _LINE.fullmatch(line.decode("utf-8", "replace"))
        try:
            now = datetime.fromisoformat(found[1]).timestamp() + int(found[2]) / 1000
        except (TypeError, ValueError, OverflowError, OSError):
            continue  # not a log line, or not a valid time
        text = found[3]
        if is_one(text, BEGUN):
            before, compiling, pretraining = None, True, False
        elif is_one(text, COMPILING) or is_one(text, STAGE_COMPILING):
            compiling, pretraining = True, False
        elif is_one(text, COMPILED):
            before, compiling = (0, now), False
        elif is_one(text, GOES_ON):
            before = None
        elif epoch := EPOCH_NUMBER.match(text):
            number = int(epoch[1])
            if before and number == before[0] + 1 and now > before[1]:
                seconds.append(now - before[1])
            before = number, now
        elif STAGE_EPOCH_NUMBER.match(text):
            compiling, pretraining = False, True
    return Times(statistics.median(seconds[-EPOCHS:]) if seconds else None, compiling, pretraining)


def _last_lines(path):
    """The complete lines (bytes) within the last ``MOST_BYTES`` of a file; ``UserError`` if there is no file."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - MOST_BYTES))
        lines = file.read(MOST_BYTES).split(b"\n")
    # A line is complete once its newline is written; the first may have begun before the part read.
    return lines[size > MOST_BYTES : -1]
