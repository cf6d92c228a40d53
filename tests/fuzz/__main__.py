"""``python -m tests.fuzz --minutes 20``: tries as much as it can in that time, and counts."""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

from tests.fuzz import trial


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--trials", type=int, default=10**9, help="no more than so many")
    parser.add_argument("--seed", type=int, default=1, help="of the first trial; the next has the next")
    parser.add_argument("--only", nargs="+", help="kinds of input")
    args = parser.parse_args()
    counts, wrong = fuzz(args.seed, args.trials, 60 * args.minutes, args.only, partial(print, flush=True))
    print(
        f"{sum(counts.values())} trials ({', '.join(f'{kind} {n}' for kind, n in counts.items())}): {len(wrong)} violations"
    )
    return 1 if wrong else 0


def fuzz(seed, trials, seconds, only=None, tell=lambda text: None):
    """Try inputs of all kinds in turn.

    Parameters
    ----------
    seed : int, of the first trial
    trials : int
    seconds : float, after which no trial is begun
    only : list of kinds, or None for all
    tell : function of a text, called for each violation, and now and then

    Returns
    -------
    counts : Counter of kind -> trials
    wrong : list of str
    """
    from tests.fuzz.kinds import KINDS
    from tests.fuzz.material import Material

    root = Path(tempfile.mkdtemp(prefix="fuzz-"))
    counts, wrong, end = Counter(), [], time.monotonic() + seconds
    try:
        (root / "good").mkdir()
        material = Material(root / "good")
        for number in range(seed, seed + trials):
            if time.monotonic() > end:
                break
            kind = (only or list(KINDS))[number % len(only or KINDS)]
            folder = root / "trial"
            folder.mkdir()
            action = KINDS[kind](material, random.Random(f"{kind} {number}"), folder)
            error = trial.run(action, folder)
            counts[kind] += 1
            if error:
                wrong.append(f"--only {kind}, seed {number}: {error}")
                tell(wrong[-1])
            shutil.rmtree(folder)
            if sum(counts.values()) % 250 == 0:
                tell(f"{sum(counts.values())} trials, {len(wrong)} violations")
    finally:
        shutil.rmtree(root)
    return counts, wrong


if __name__ == "__main__":
    sys.exit(main())
