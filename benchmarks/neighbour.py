"""How long an update takes beside a busy process, and how that depends on the way threads wait.

    python benchmarks/neighbour.py
    python benchmarks/neighbour.py --row plain --rounds 5

The update runs alone and beside the neighbour in turn.  A waiting policy says
what threads do between parallel regions: with PASSIVE they sleep; with ACTIVE
they spin; with LIBGOMP'S, the library's default, they spin for milliseconds,
then sleep; with OURS they spin for microseconds, then sleep.
"""

import argparse
import statistics
import subprocess
import sys
from contextlib import contextmanager
from signal import SIGCONT, SIGSTOP

import tables
from contest import Contestant, contest
from rows import LADDERS
from step import add_options

COLUMNS = ["", "alone ms", "worst", "beside ms", "worst", "beside / alone"]

#: Policy -> its variables.  Without any policy, libgomp's threads spin 300,000 times before they sleep.
POLICIES = {
    "OURS": {},
    "PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"},
    "LIBGOMP'S": {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "300000"},
    "ACTIVE": {"OMP_WAIT_POLICY": "ACTIVE"},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--row", choices=LADDERS, default="fused-mrg", metavar="ROW", help=", ".join(LADDERS))
    add_options(parser, rounds=10, updates=10)
    args = parser.parse_args()
    # A single thread never waits.
    choices = [(n, policy) for n in args.threads for policy in POLICIES if n > 1 or policy == "OURS"]
    everybody = {
        f"{n} thread{'s' * (n > 1)}, {policy}": Contestant(args.row, "update", n, args.updates, POLICIES[policy])
        for n, policy in choices
    }
    with contest(everybody.values()) as present, busy_process() as neighbour:
        for _ in range(args.rounds):
            for contestant in present:
                contestant.turn()
                with running(neighbour):
                    contestant.turn()
    rows = [row(label, contestant) for label, contestant in everybody.items() if contestant.turns]
    tables.show("One update, alone and beside a busy process", COLUMNS, rows, tables.notes(everybody.values()))
    if args.json:
        tables.save(args.json, {"contestants": [tables.record(contestant) for contestant in everybody.values()]})


@contextmanager
def busy_process():
    """A process that keeps one core busy; it starts stopped."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    process.send_signal(SIGSTOP)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def running(process):
    process.send_signal(SIGCONT)
    yield
    process.send_signal(SIGSTOP)


def row(label, contestant):
    """Medians and the slowest of all updates; turns alone and beside alternate."""
    halves = [[turn["updates_s"] for turn in contestant.turns[start::2]] for start in (0, 1)]
    ratios = [statistics.median(beside) / statistics.median(alone) for alone, beside in zip(*halves)]
    cells = []
    for half in halves:
        updates = [seconds for turn in half for seconds in turn]
        cells += [tables.milliseconds(statistics.median(updates)), tables.milliseconds(max(updates))]
    return [label, *cells, f"{statistics.median(ratios):.2f}"]


if __name__ == "__main__":
    main()
