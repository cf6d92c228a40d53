"""Time of an epoch in the ladder's main loop, and the part of it that is not updates.

    python benchmarks/epoch.py
    python benchmarks/epoch.py --rows fused-mrg --threads 1 --rounds 1

An epoch is 600 updates of 100 labelled and 100 unlabelled examples, read from
the data stream of training.  The loop's part is the epoch less all its updates.
"""

import argparse
import statistics

import tables
from contest import Contestant, contest, play
from rows import LADDERS
from step import add_options

COLUMNS = ["", "epoch s", "range", "updates s", "loop, ms an update", "loop %", "ready after s", "peak MB"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", nargs="+", choices=LADDERS, default=LADDERS, metavar="ROW", help=", ".join(LADDERS))
    add_options(parser, rounds=3, updates=600)
    args = parser.parse_args()
    results = []
    for threads in args.threads:
        everybody = [Contestant(name, "epoch", threads, args.updates) for name in args.rows]
        with contest(everybody) as present:
            play(present, args.rounds)
        title = f"An epoch of {args.updates} updates, {threads} thread{'s' * (threads > 1)}"
        tables.show(title, COLUMNS, [row(c) for c in present], tables.notes(everybody))
        results += map(tables.record, everybody)
    if args.json:
        tables.save(args.json, {"contestants": results})


def row(contestant):
    """Medians over rounds."""
    turns = contestant.turns
    epochs = [turn["epoch_s"] for turn in turns]
    loops = [turn["epoch_s"] - sum(turn["updates_s"]) for turn in turns]
    return [
        contestant.label,
        f"{statistics.median(epochs):.2f}",
        tables.span(epochs, "{:.2f}".format),
        f"{statistics.median(sum(turn['updates_s']) for turn in turns):.2f}",
        f"{statistics.median(1e3 * loop / len(turn['updates_s']) for loop, turn in zip(loops, turns)):.3f}",
        f"{statistics.median(100 * loop / turn['epoch_s'] for loop, turn in zip(loops, turns)):.2f}",
        f"{contestant.ready_s:.1f}",
        f"{turns[-1]['peak_mb']:.0f}",
    ]


if __name__ == "__main__":
    main()
