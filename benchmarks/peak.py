"""The processor's peak: fused multiply-adds in registers, nothing else.

    python benchmarks/peak.py        # GFLOP/s for each number of threads

Compiled by g++ for this processor, with its widest vectors.  As a row of
``step.py`` it makes as many as the products of the fused update, which is the
least time that those can take.
"""

import ctypes
import subprocess
import tempfile
import time
from functools import lru_cache
from pathlib import Path

from products import flop
from unavailable import Unavailable

SOURCE = Path(__file__).with_name("peak.cpp")
PER_STEP = 12 * 2  # of each lane: 12 vectors, a product and a sum


@lru_cache
def library():
    """The compiled functions; Unavailable if there is no g++."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "peak.so"
        command = ["g++", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", "-o", path, SOURCE]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable("peak.cpp needs g++ with OpenMP") from error
        return ctypes.CDLL(str(path))


def multiply_adds(flop, threads):
    """Make this many, over all threads together."""
    steps = flop / (PER_STEP * library().lanes() * threads)
    library().multiply_add(ctypes.c_int64(round(steps)), ctypes.c_int(threads))


def prepare(network, threads):
    """A contestant's update: a function without arguments."""
    multiply_adds(1, threads)
    return lambda: multiply_adds(flop(network), threads)


def gflops(threads, seconds=0.05):
    """GFLOP/s, the best of some turns, for shares of the peak in the same run."""
    amount, best = 1e9, 0.0
    for _ in range(5):
        start = time.perf_counter()
        multiply_adds(amount, threads)
        rate = amount / (time.perf_counter() - start)
        best, amount = max(best, rate), rate * seconds
    return best * 1e-9


if __name__ == "__main__":
    import os

    for count in sorted({1, len(os.sched_getaffinity(0))}):
        print(f"{count} thread{'s' * (count > 1)}: {gflops(count):.0f} GFLOP/s, {library().lanes()} lanes")
