"""Where the streams of MRG31k3p begin (L'Ecuyer and Touzin 2000).

A stream begins 2^134 numbers after the one before, and its substreams are 2^72
numbers apart.  A jump of any length is a product with a matrix.
"""

import numpy as np
from aesara.sandbox.rng_mrg import M1, M2, A1p72, A1p134, A2p72, A2p134, MRG_RandomStream


class MRGStreams(MRG_RandomStream):
    """Aesara's streams, bit for bit, but with substreams found by doubling.

    Aesara jumps from each substream to the next in a Python loop, which takes four
    times as long, and with ``cxx`` empty a second per stream; a ladder has one per layer.
    """

    def get_substream_rstates(self, n_streams, dtype, inc_rstate=True):
        """The states of the next stream's substreams, (n_streams, 6) int32; ``dtype`` is ignored."""
        found, jumps = np.empty((n_streams, 6), "int64"), (A1p72, A2p72)
        found[0], done = self.rstate, 1
        while done < n_streams:
            more = min(done, n_streams - done)
            found[done : done + more] = _jumped(found[:more], jumps)
            jumps, done = _twice(jumps), done + more
        if inc_rstate:
            self.inc_rstate()
        return found.astype("int32")

    def inc_rstate(self):
        """Go on to the next stream."""
        self.rstate = _jumped(self.rstate[np.newaxis], (A1p134, A2p134))[0].astype("int32")


def _jumped(states, jumps):
    """States, (n, 6) int64, after jumps, which are a (3, 3) matrix for each half."""
    halves = zip(np.split(states.astype("int64"), 2, axis=1), jumps, (M1, M2))
    return np.concatenate([_product(half, jump.T, m) for half, jump, m in halves], axis=1)


def _twice(jumps):
    return tuple(_product(jump, jump, m) for jump, m in zip(jumps, (M1, M2)))


def _product(a, b, m):
    """a @ b modulo m, for numbers below 2^31: each product is below 2^62, and is reduced before the sum."""
    return (a[:, :, np.newaxis] * b[np.newaxis] % m).sum(axis=1) % m
