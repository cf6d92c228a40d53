"""What a sweep costs besides training: ``python benchmarks/sweep.py --runs 1000 --workers 8 --epoch-seconds 0.2``.

Processes, folders, locks and files are real; only training is replaced by waiting (``stand_in_training.py``).  Prints
the time that was lost, and the memory of the process that hands out the runs.
"""

import argparse
import logging
import resource
import sys
import tempfile
import time
from pathlib import Path

from ladder.options import Options
from ladder.sweeps.agenda import Agenda
from ladder.sweeps.carrying_out import Wish, carry_out
from ladder.sweeps.halving import Halving
from ladder.sweeps.local import LocalPool
from ladder.sweeps.swept import SweepFolder

WORKER = Path(__file__).with_name("stand_in_training.py")


def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--epoch-seconds", type=float, default=0.2)
    parser.add_argument("--halving", action="store_true")
    args = parser.parse_args()
    logging.getLogger("main").setLevel(logging.WARNING)
    network = dict(dataset="digits", encoder_layers=("10",), denoising_cost_x=(0.0, 0.0), num_epochs=args.epochs)
    configurations = [Options(**network, lr=1e-4 * 1.005**i) for i in range(args.runs)]
    halving = Halving(3) if args.halving else None
    with tempfile.TemporaryDirectory() as path:
        before, start = megabytes(), time.monotonic()
        runs = SweepFolder(Path(path) / "sweep").begin(configurations, [(1, 8, 8)] * args.runs, halving=halving)
        begun = time.monotonic() - start
        agenda = Agenda(runs, halving)
        looked = time.monotonic() - start - begun
        cpu = time.process_time()
        pool = LocalPool(args.workers, {}, (sys.executable, str(WORKER), str(args.epoch_seconds)))
        carry_out(agenda, pool, Wish({}))
        took = time.monotonic() - start - begun - looked
        epochs = sum(item.look.epochs for item in agenda.items)
        ideal = epochs * args.epoch_seconds / args.workers
    print(f"{args.runs} runs, {epochs} epochs of {args.epoch_seconds:g} s, {args.workers} workers")
    print(f"beginning all runs: {begun:.1f} s; looking at their folders: {looked:.1f} s")
    print(
        f"carrying out: {took:.1f} s, of which training at least {ideal:.1f} s: {100 * (took / ideal - 1):.1f} % lost"
    )
    print(f"with beginning and looking: {100 * ((took + begun + looked) / ideal - 1):.1f} % lost")
    print(f"CPU of the scheduler: {time.process_time() - cpu:.1f} s")
    print(f"memory of the scheduler: {megabytes():.0f} MB at most, {before:.0f} MB before it began")


if __name__ == "__main__":
    main()
