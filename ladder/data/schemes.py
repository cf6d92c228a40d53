"""Which examples make a batch, and in what order.

A scheme knows only positions, not data.  Both classes have ``batch_size``,
``num_batches``, ``get_request_iterator()``, which yields the positions of one
batch after another for one epoch, and ``state``, which a checkpoint stores.

Source: ``fuel/schemes.py`` of Fuel 0.2.
"""

import numpy as np

from ladder.errors import UserError

FUEL_DEFAULT_SEED = 1


class SequentialScheme:
    """The given order, every epoch.

    Parameters
    ----------
    examples : int, or sequence of int
        The positions to go through; an integer n stands for 0 to n - 1.
    batch_size : int
        At least 1 (else UserError).  The last batch may be smaller.
    """

    state = None  # nothing changes from epoch to epoch

    def __init__(self, examples, batch_size):
        self.indices = _positions(examples)
        self.batch_size = _checked(batch_size)

    @property
    def num_batches(self):
        return _num_batches(self.indices, self.batch_size)

    def get_request_iterator(self):
        """Iterate over int64 arrays of shape (at most batch_size,)."""
        return _cut(self.indices, self.batch_size)


class ShuffledScheme:
    """A new order every epoch, each a shuffle of the given one.

    Two schemes with the same number of examples go through the same orders,
    so the labelled and unlabelled halves of a batch are the same images when
    all labels are used and both have the same size.

    Parameters
    ----------
    examples, batch_size
        As for ``SequentialScheme``.
    seed : int
        Seeds the scheme's own ``RandomState``.
    """

    def __init__(self, examples, batch_size, seed=FUEL_DEFAULT_SEED):
        self.indices = _positions(examples)
        self.batch_size = _checked(batch_size)
        self._rng = np.random.RandomState(seed)

    @property
    def num_batches(self):
        return _num_batches(self.indices, self.batch_size)

    @property
    def state(self):
        """The generator's state, as from ``RandomState.get_state``; can be set."""
        return self._rng.get_state()

    @state.setter
    def state(self, state):
        self._rng.set_state(state)

    def get_request_iterator(self):
        """Shuffle, then iterate over int64 arrays of shape (at most batch_size,)."""
        indices = self.indices.copy()
        self._rng.shuffle(indices)
        return _cut(indices, self.batch_size)


def _positions(examples):
    if isinstance(examples, (int, np.integer)):
        return np.arange(examples, dtype="int64")
    return np.array(examples, dtype="int64")


def _checked(batch_size):
    if batch_size < 1:
        raise UserError(f"a batch of {batch_size} examples is not possible: use a batch size of 1 or more.")
    return batch_size


def _num_batches(indices, batch_size):
    return -(-len(indices) // batch_size)


def _cut(indices, batch_size):
    return (indices[start : start + batch_size] for start in range(0, len(indices), batch_size))
