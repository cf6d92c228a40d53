"""Verdicts as plain aligned text, as readable in a log as in a terminal."""

from ladder.parity.comparison import FAILED, PASSED, SKIPPED
from ladder.parity.tolerances import RULES

HEADER = f"  {'':<20} {'arrays':>6}  {'largest':>8}  {'allowed':<18} {'used':>6}"
FAILURES_SHOWN = 5
MESSAGE_WIDTH = 400


def lines_of(result):
    """The report on one golden file.

    Parameters
    ----------
    result : ladder.parity.comparison.Result

    Returns
    -------
    list of str
    """
    reason = f": {result.reason}" if result.reason else ""
    text = [f"{result.name}: {result.verdict}{reason} ({result.seconds:.0f} s)"]
    if not result.lines and result.verdict == FAILED and not reason:
        text.append("  nothing in it could be compared")
    if result.lines:
        text.append(HEADER)
    for line in sorted(result.lines.values(), key=_order):
        text += _line(line)
    return text + [f"  {_shortened(note)}" for note in result.notes]


def summary(results):
    """One sentence on all files: how many passed, failed or were skipped."""
    verdicts = [result.verdict for result in results]
    counts = [f"{verdicts.count(v)} {v}" for v in (PASSED, FAILED, SKIPPED) if v in verdicts]
    return f"{len(results)} golden files: {', '.join(counts)}"


def as_dict(result):
    """A result as plain values, for --json."""
    return {
        "name": result.name,
        "verdict": result.verdict,
        "reason": result.reason,
        "seconds": round(result.seconds, 1),
        "notes": result.notes,
        "kinds": {
            line.kind: {
                "verdict": FAILED if line.failures else PASSED,
                "arrays": line.count,
                "largest": line.worst.relative,
                "allowed": line.allowed,
                "used": line.worst.share,
                "worst_array": line.worst_name,
                "failures": line.failures,
            }
            for line in sorted(result.lines.values(), key=_order)
        },
    }


def _order(line):
    known = list(RULES)
    return known.index(line.kind) if line.kind in known else len(known)


def _line(line):
    verdict = FAILED if line.failures else "ok"
    worst = f"  {line.worst_name}" if line.worst.share > 0 else ""
    first = f"  {line.kind:<20} {line.count:>6}  {_number(line.worst.relative):>8}  {line.allowed:<18}"
    text = [f"{first} {_percent(line.worst.share):>6}  {verdict}{worst}"]
    text += [f"      {_shortened(failure)}" for failure in line.failures[:FAILURES_SHOWN]]
    more = len(line.failures) - FAILURES_SHOWN
    return text + ([f"      and {more} more"] if more > 0 else [])


def _number(x):
    return "0" if x == 0 else f"{x:.1e}"


def _percent(share):
    if share == 0:
        return "0 %"
    return f"{100 * share:.1f} %" if share < 10 else "> 10 x"


def _shortened(text):
    return text if len(text) <= MESSAGE_WIDTH else text[: MESSAGE_WIDTH - 2] + " …"
