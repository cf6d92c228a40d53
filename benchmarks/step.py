"""Time of one update of a ladder: ours, PyTorch's, JAX's.

    python benchmarks/step.py                          # one thread and all cores
    python benchmarks/step.py --rows plain torch --rounds 5 --threads 1
    python benchmarks/step.py --cold                   # compile with empty caches
    python benchmarks/step.py --model conv_small       # convolutional ones; conv_large takes long
    python benchmarks/step.py --options                # optimisers, regularisers … beside plain Adam

``mnist`` is 784-1000-500-250-250-250-10; ``conv_small``, ``conv_large`` and
``conv_fc`` are the convolutional networks of ``network.py``.  Every update takes
100 labelled and 100 unlabelled examples, draws its noise anew and uses Adam.
``products`` is just the update's matrix products, ``peak`` the time they would
take if the processor did nothing but multiply and add; both are for ``mnist``.
Threads wait as they do in each library by default (ours spin 1,000 times, then
sleep), unless ``--waiting`` sets a policy for all.  The images are random: time
does not depend on them.
"""

import argparse
import os
import statistics
from contextlib import nullcontext

import tables
from contest import Contestant, contest, empty_caches, play
from network import NETWORKS
from rows import OPTIONS, RIVALS, ROWS

#: Rows with which the others are compared, and the column with the ratio.
REFERENCES = {"products": "x products", "products-mkl": "x MKL", "torch": "x PyTorch", "fused-philox": "x Philox"}


def main():
    args = arguments()
    results = []
    for threads in args.threads:
        with empty_caches() if args.cold else nullcontext(lambda name: {}) as settings_of:
            everybody = [
                Contestant(
                    name, "update", threads, args.updates, {**settings_of(name), **waiting(args.waiting)}, args.model
                )
                for name in args.rows
            ]
            with contest(everybody) as present:
                play(present, args.rounds)
        report(args.model, threads, everybody, args.cold)
        results += map(tables.record, everybody)
    if args.json:
        tables.save(args.json, {"model": args.model, "contestants": results})


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=RIVALS, metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--model", choices=NETWORKS, default="mnist", help="default: mnist")
    parser.add_argument("--options", action="store_true", help="rows of optimisers, regularisers and other options")
    add_options(parser, rounds=20, updates=10)
    parser.add_argument("--waiting", choices=("PASSIVE", "ACTIVE"), help="OMP_WAIT_POLICY for all")
    parser.add_argument("--cold", action="store_true", help="compile with empty caches (minutes)")
    args = parser.parse_args()
    if args.options:
        args.rows = ["fused-philox", *OPTIONS]
    return args


def add_options(parser, rounds, updates):
    """The options that all benchmarks share."""
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cores}), help="default: 1 and all cores")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"turns of each (default: {rounds})")
    parser.add_argument("--updates", type=int, default=updates, help=f"updates in a turn (default: {updates})")
    parser.add_argument("--json", metavar="FILE", help="write all times to a file")


def waiting(policy):
    return {"OMP_WAIT_POLICY": policy} if policy else {}


def report(model, threads, everybody, cold):
    """Print the table for one number of threads."""
    present = [contestant for contestant in everybody if contestant.turns]
    by_name = {contestant.name: contestant for contestant in present}
    references = {column: by_name[name] for name, column in REFERENCES.items() if name in by_name}
    columns = ["", "ms", "range of rounds", *references, "cores", "ready after s", "peak MB"]
    title = f"One update of {model}, {threads} thread{'s' * (threads > 1)}{', compiled with empty caches' * cold}"
    tables.show(title, columns, [row(c, references.values()) for c in present], tables.notes(everybody))


def row(contestant, references):
    """Median over all updates, lowest and highest round, ratios by rounds."""
    all_updates = [seconds for turn in contestant.turns for seconds in turn["updates_s"]]
    return [
        contestant.label,
        tables.milliseconds(statistics.median(all_updates)),
        tables.span(tables.round_medians(contestant), tables.milliseconds),
        *(tables.ratio(contestant, reference) for reference in references),
        f"{statistics.median(turn['cores'] for turn in contestant.turns):.2f}",
        f"{contestant.ready_s:.1f}",
        f"{contestant.turns[-1]['peak_mb']:.0f}",
    ]


if __name__ == "__main__":
    main()
