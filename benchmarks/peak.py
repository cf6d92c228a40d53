"""The machine's limits: fused multiply-adds in registers, and memory that is read, or read and written back.

    python benchmarks/peak.py        # GFLOP/s and GB/s for each number of threads

``peak.cpp`` is compiled by g++ for this processor, with its widest vectors.  As
a row of ``step.py`` it makes as many multiply-adds as the products of the fused
update, and so takes the least time that those can take.
"""

import ctypes
import os
import subprocess
import tempfile
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
from products import flop
from unavailable import Unavailable

SOURCE = Path(__file__).with_name("peak.cpp")
LINE = 16  # floats in a cache line
PER_STEP = 12 * 2  # operations of each lane: 12 vectors, a product and a sum


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
    """Do this many operations as multiply-adds, over all threads together."""
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


def aligned(count):
    """Floats of 1.0, aligned to a cache line."""
    array = np.ones(count + LINE, "float32")
    return array[-array.ctypes.data % (4 * LINE) // 4 :][:count]


def gigabytes(threads, megabytes, seconds=0.05):
    """GB/s for an array of this many MB: read, and read and written back, where both count; the best of some turns."""
    x = aligned(int(megabytes * 2**20) // 4)
    pointer, n = ctypes.c_void_p(x.ctypes.data), ctypes.c_int64(x.size)
    calls = {
        x.nbytes: lambda: library().read(pointer, n, ctypes.c_int(threads)),
        2 * x.nbytes: lambda: library().read_and_write(pointer, n, ctypes.c_float(1), ctypes.c_int(threads)),
    }
    return [1e-9 * amount / least_time(call, seconds) for amount, call in calls.items()]


def least_time(call, seconds):
    """The least time of a call, among as many calls as these seconds allow."""
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def report(threads):
    """Print one number of threads' limits."""
    name = f"{threads} thread{'s' * (threads > 1)}"
    print(f"{name}: {gflops(threads):.0f} GFLOP/s, {library().lanes()} lanes")
    for megabytes, where in ((0.5, "the second-level cache"), (8, "the third-level cache"), (256, "memory")):
        read, both = gigabytes(threads, megabytes)
        print(f"{name}: {read:.0f} GB/s read, {both:.0f} read and written back, {megabytes} MB ({where})")


if __name__ == "__main__":
    for count in sorted({1, len(os.sched_getaffinity(0))}):
        report(count)
