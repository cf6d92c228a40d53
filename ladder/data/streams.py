"""Batches of data: one stream of examples, and the labelled/unlabelled pair.

The labelled stream is repeated with ``picklable_itertools.cycle``, as in the
original.  That package imports ``pkg_resources``, which setuptools 82 removed
and older versions warn about: hence the limit in ``setup.py`` and the filter
below.

Source: ``SemiDataStream`` and ``make_datastream`` in the
original's ``run.py``, and ``fuel/streams.py`` of Fuel 0.2.
"""

import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    from picklable_itertools import cycle


class DataStream:
    """Batches of some arrays, in the order of a scheme.

    Parameters
    ----------
    sources : dict of str to array
        Name to array of shape (N, ...), the same N for all.  Arrays are not
        copied, so streams may share them.
    scheme : SequentialScheme or ShuffledScheme
        Over positions below N.
    """

    def __init__(self, sources, scheme):
        self.sources = sources
        self.scheme = scheme

    @property
    def num_batches(self):
        return self.scheme.num_batches

    @property
    def num_examples(self):
        """The number of examples of an epoch."""
        return len(self.scheme.indices)


class SemiDataStream:
    """Batches of labelled and unlabelled examples side by side.

    An epoch lasts as long as the unlabelled stream.  The labelled one starts
    each epoch with a new order and, if it is shorter, repeats that same order
    until the epoch ends.  The two halves of a batch may differ in size.

    Parameters
    ----------
    labeled : DataStream or None
        With the sources ``features`` and ``targets``.  None: batches have
        only the unlabelled half.
    unlabeled : DataStream or None
        With the source ``features``; others are ignored.  None: one pass
        over the labelled half.

    Raises
    ------
    ValueError
        If both streams are None, or the labelled one has no examples to
        repeat.
    """

    def __init__(self, labeled, unlabeled):
        if labeled is None and unlabeled is None:
            raise ValueError("SemiDataStream needs a labelled or an unlabelled stream")
        if labeled is not None and labeled.num_examples == 0:
            raise ValueError("the labelled stream has no examples: pass None instead")
        self.labeled = labeled
        self.unlabeled = unlabeled

    @property
    def num_batches(self):
        """The number of batches of an epoch."""
        return (self.labeled if self.unlabeled is None else self.unlabeled).num_batches

    @property
    def state(self):
        """Both schemes' states between epochs, as a dict of str to state; can be set."""
        return {name: stream.scheme.state for name, stream in self._streams().items()}

    @state.setter
    def state(self, state):
        for name, stream in self._streams().items():
            if stream.scheme.state is not None:  # a sequential order has none
                stream.scheme.state = state[name]

    def _streams(self):
        both = {"labeled": self.labeled, "unlabeled": self.unlabeled}
        return {name: stream for name, stream in both.items() if stream is not None}

    @property
    def sources(self):
        """What batches are picked from: dict of str to array (N, ...), float32 features and int64 targets."""
        found = {}
        if self.labeled is not None:
            found["features_labeled"] = np.asarray(self.labeled.sources["features"], "float32")
            found["targets_labeled"] = np.asarray(self.labeled.sources["targets"], "int64")
        if self.unlabeled is not None:
            found["features_unlabeled"] = np.asarray(self.unlabeled.sources["features"], "float32")
        return found

    def get_request_iterator(self):
        """Iterate over the positions that make up each batch of one epoch.

        Yields
        ------
        dict of str to int64 array (batch,)
            The position in each of the ``sources``.
        """
        if self.unlabeled is None:
            return map(self._request, self.labeled.scheme.get_request_iterator())
        unlabeled = self.unlabeled.scheme.get_request_iterator()
        if self.labeled is None:
            return ({"features_unlabeled": positions} for positions in unlabeled)
        # Positions are repeated, not batches, which would fill the memory.
        labeled = cycle(self.labeled.scheme.get_request_iterator())
        return map(self._request, labeled, unlabeled)

    @staticmethod
    def _request(labeled, unlabeled=None):
        both = {"features_labeled": labeled, "targets_labeled": labeled}
        return both if unlabeled is None else {**both, "features_unlabeled": unlabeled}

    def get_epoch_iterator(self):
        """Iterate over the batches of one epoch.

        Yields
        ------
        dict of str to array
            ``features_labeled`` float32 (batch, ...), ``targets_labeled``
            int64 (batch,), ``features_unlabeled`` float32 (batch, ...).
        """
        return map(self._batch, self.get_request_iterator())

    def _batch(self, request):
        return {name: self._pick(name, positions) for name, positions in request.items()}

    def _pick(self, name, positions):
        source, half = name.split("_")
        array = (self.labeled if half == "labeled" else self.unlabeled).sources[source]
        return np.asarray(array[positions], "int64" if source == "targets" else "float32")
