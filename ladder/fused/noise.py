"""Sources of Gaussian noise that draw a layer in one operation, in place of ``ladder.bricks.noise.GaussianNoise``."""

import aesara
import numpy as np
from aesara.sandbox.rng_mrg import guess_n_streams

from ladder.bricks.mrg_streams import MRGStreams
from ladder.bricks.noise import GaussianNoise, NoiseSource
from ladder.fused.layout import channels_second
from ladder.fused.mrg import MRGNormal
from ladder.fused.philox import PhiloxNormal


def noise_source(name, seed, plain=False):
    """The source called ``name``, one of ``ladder.options.NOISES``; ``plain``: of Aesara's operations, if they can."""
    if name == "philox":
        return PhiloxNoise(seed)
    return GaussianNoise(seed) if plain else FastMRGNoise(seed)


class _OperationNoise(NoiseSource):
    """Noise with one ``operation`` per draw; a subclass also has ``_first_state()``, that of the next stream."""

    def __init__(self):
        super().__init__()
        self._shared = []

    def _draw(self, shape):
        first = self._first_state()
        state = aesara.shared(first, shape=first.shape, borrow=True)
        next_state, noise = self.operation(state, *shape)
        state.default_update = next_state
        self._shared.append(state)
        return noise

    def states(self):
        return self._shared


class FastMRGNoise(_OperationNoise):
    """The same numbers and states as ``GaussianNoise``: each can go on where the other stopped.

    Parameters
    ----------
    seed : int
    """

    operation = MRGNormal()

    def __init__(self, seed):
        super().__init__()
        self._streams = MRGStreams(seed=seed)

    def _first_state(self):
        # As many substreams as Aesara takes if it does not know the size.
        return self._streams.get_substream_rstates(guess_n_streams(None), "float32")


class PhiloxNoise(_OperationNoise):
    """Numbers from Philox4x32-10: not the original's, and with a state of three integers per stream.

    Parameters
    ----------
    seed : int, of 64 bits
    """

    operation = PhiloxNormal()

    def __init__(self, seed):
        super().__init__()
        self._seed = seed

    def _draw(self, shape):
        # Numbered in the memory order of fused layers, so that none need be moved.
        if len(shape) == 4:
            n, maps, height, width = shape
            return channels_second(super()._draw((n, height, width, maps)))
        return super()._draw(shape)

    def _first_state(self):
        return np.array([self._seed, len(self._shared), 0], dtype="int64")
