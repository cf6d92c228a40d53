"""Gaussian noise of the corrupted encoder."""

import aesara.tensor as at
from aesara.sandbox.rng_mrg import MRG_RandomStream


class GaussianNoise:
    """Standard normal draws, one stream of random numbers a layer.

    MRG31k3p with Box-Muller, bit for bit the original's: the k-th call of
    :meth:`like` takes the k-th stream of the seed, and every update of the
    network moves each stream on.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed):
        self._streams = MRG_RandomStream(seed=seed)
        self.draws = []

    def like(self, x):
        """Standard normals of the shape of ``x``, float32."""
        return self.normal(tuple(x.shape))

    def normal(self, shape):
        """Standard normals, float32; ``shape`` is a tuple of int or symbolic sizes."""
        noise = at.cast(self._streams.normal(size=shape, avg=0.0, std=1.0), "float32")
        self.draws.append(noise)
        return noise

    def get_states(self):
        """State of every stream (list of int32 arrays), to be set again later."""
        return [state.get_value() for state in self._states()]

    def set_states(self, states):
        """Put every stream where :meth:`get_states` found it."""
        for shared, state in zip(self._states(), states):
            shared.set_value(state)

    def _states(self):
        """The shared variables that hold the streams, in the order of :meth:`like`."""
        return [entry[0] for entry in self._streams.state_updates]
