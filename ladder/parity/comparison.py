"""The outcome of comparing one golden file."""

from dataclasses import dataclass, field

import numpy as np

from ladder.parity.tolerances import Difference, difference

PASSED, FAILED, SKIPPED = "passed", "FAILED", "skipped"


@dataclass
class KindCompared:
    """The outcome for all arrays of one kind.

    Attributes
    ----------
    kind : str
    allowed : str
        The rule, as printed.
    count : int
        Number of arrays compared.
    worst : Difference
        The difference of the array that uses most of its allowance.
    worst_name : str
    failures : list of str
        A line for each array out of tolerance or not comparable.
    """

    kind: str
    allowed: str = ""
    count: int = 0
    worst: Difference = Difference(0.0, 0.0)
    worst_name: str = ""
    failures: list = field(default_factory=list)


@dataclass
class Result:
    """The verdict on one golden file.

    Attributes
    ----------
    name : str
    lines : dict of str to KindCompared
    notes : list of str
        What was left out, and by which rule.
    reason : str
        Why the file could not be checked, if it could not.
    status : str
        The verdict, if it does not follow from the lines.
    seconds : float
    """

    name: str
    lines: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    reason: str = ""
    status: str = ""
    seconds: float = 0.0

    @property
    def verdict(self):
        """'passed', 'FAILED' or 'skipped'."""
        if self.status:
            return self.status
        failed = any(line.failures for line in self.lines.values())
        compared = sum(line.count for line in self.lines.values())
        return FAILED if failed or not compared else PASSED

    def compare(self, kind, name, ours, golden, rule):
        """Compare one of our arrays with the golden one, and record the outcome."""
        ours, golden = np.asarray(ours), np.asarray(golden)
        if ours.shape != golden.shape:
            self.fail(kind, f"{name} has shape {ours.shape}, the original's {golden.shape}", rule)
            return
        line = self._line(kind, rule)
        line.count += 1
        found = difference(ours, golden, rule)
        if not line.worst_name or found.share > line.worst.share:
            line.worst, line.worst_name = found, name
        if not found.share <= 1:
            line.failures.append(f"{name} differs by {found.relative:.1e}")

    def fail(self, kind, message, rule=None):
        """Record something that could not even be compared."""
        self._line(kind, rule).failures.append(message)

    def _line(self, kind, rule):
        line = self.lines.setdefault(kind, KindCompared(kind))
        if rule is not None and not line.allowed:
            line.allowed = _in_words(rule)
        return line


def _in_words(rule):
    if rule.absolute:
        return f"{rule.floor:g} more or less"
    if rule.relative == 0:
        return "same bits"
    return f"{rule.relative:.0e}" + (f", then {rule.later:.0e}" if rule.later else "")
