"""Standard normal draws, for Gaussian noise and whatever else is made from normals: masks, directions, samples."""

from contextlib import contextmanager

import aesara.tensor as at

from ladder.bricks.mrg_streams import MRGStreams


class NoiseSource:
    """Standard normal draws, one stream of random numbers per draw.

    The k-th draw takes the k-th stream of a seed, and every call of a compiled
    function advances its streams.  A subclass implements ``_draw(shape)`` and
    ``states()``, which returns the shared variables that hold the streams, in
    the order of the draws.

    Attributes
    ----------
    draws : list of variables, one per stream
    """

    def __init__(self):
        self.draws = []

    def like(self, x):
        """Standard normals of the shape of ``x``, float32."""
        return self.normal(tuple(x.shape[axis] for axis in range(x.ndim)))

    def normal(self, shape):
        """Standard normals, float32; ``shape`` is a tuple of integers, known or symbolic."""
        noise = self._draw(shape)
        self.draws.append(noise)
        return noise

    @contextmanager
    def kept(self):
        """On leaving, put all streams back where they were on entry, so that draws made inside use nothing up."""
        states = self.get_states()
        try:
            yield
        finally:
            self.set_states(states)

    def get_states(self):
        """The state of every stream (list of arrays), for :meth:`set_states`."""
        return [state.get_value() for state in self.states()]

    def set_states(self, states):
        """Put every stream back to where :meth:`get_states` found it."""
        for shared, state in zip(self.states(), states):
            shared.set_value(state)


class GaussianNoise(NoiseSource):
    """MRG31k3p with Box-Muller, bit for bit as in the original.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed):
        super().__init__()
        self._streams = MRGStreams(seed=seed)

    def _draw(self, shape):
        return at.cast(self._streams.normal(size=shape, avg=0.0, std=1.0), "float32")

    def states(self):
        return [entry[0] for entry in self._streams.state_updates]
