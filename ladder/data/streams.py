"""Batches of data: one stream of examples, and the labelled/unlabelled pair.

The labelled stream is repeated with ``picklable_itertools.cycle``, as in the
original.  That package imports ``pkg_resources``, which setuptools 82 took
away and older ones warn about: hence the limit in ``setup.py`` and the silence
below.

Source: ``Whitening``, ``SemiDataStream`` and ``make_datastream`` in the
original's ``run.py``, and ``fuel/streams.py`` of Fuel 0.2.
"""

import warnings

import numpy

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    from picklable_itertools import cycle


class DataStream:
    """Batches of some arrays, picked in the order of a scheme.

    Parameters
    ----------
    sources : dict of str to array
        Name to array of shape (N, ...), the same N for all.  They are not
        copied: streams may share them.
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

    def get_data(self, request):
        """The batch (dict of str to array) at the positions ``request``."""
        return {name: array[request] for name, array in self.sources.items()}

    def get_epoch_iterator(self):
        """Iterate over the batches (dict of str to array) of one epoch."""
        return map(self.get_data, self.scheme.get_request_iterator())


class SemiDataStream:
    """Batches of labelled and unlabelled examples side by side.

    An epoch lasts as long as the unlabelled stream.  The labelled one starts
    an epoch with a new order, and where it is shorter it repeats that same
    order until the epoch ends.  Batch i of both halves need not be equally
    large.

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
        """Both schemes' states, between epochs: a dict of str to state; can be set."""
        return {name: stream.scheme.state for name, stream in self._streams().items()}

    @state.setter
    def state(self, state):
        for name, stream in self._streams().items():
            if stream.scheme.state is not None:  # a sequential order has none
                stream.scheme.state = state[name]

    def _streams(self):
        both = {"labeled": self.labeled, "unlabeled": self.unlabeled}
        return {name: stream for name, stream in both.items() if stream is not None}

    def get_epoch_iterator(self):
        """Iterate over the batches of one epoch.

        Yields
        ------
        dict of str to array
            ``features_labeled`` float32 (batch, ...), ``targets_labeled``
            int64 (batch,), ``features_unlabeled`` float32 (batch, ...).
        """
        if self.unlabeled is None:
            return map(self._labeled_batch, self.labeled.scheme.get_request_iterator())
        unlabeled = self.unlabeled.scheme.get_request_iterator()
        if self.labeled is None:
            return map(self._unlabeled_batch, unlabeled)
        # Positions are repeated, not batches: those would fill the memory.
        labeled = cycle(self.labeled.scheme.get_request_iterator())
        return map(self._pair, labeled, unlabeled)

    def _pair(self, labeled_request, unlabeled_request):
        return {**self._labeled_batch(labeled_request), **self._unlabeled_batch(unlabeled_request)}

    def _labeled_batch(self, request):
        batch = self.labeled.get_data(request)
        return {
            "features_labeled": numpy.asarray(batch["features"], "float32"),
            "targets_labeled": numpy.asarray(batch["targets"], "int64"),
        }

    def _unlabeled_batch(self, request):
        features = self.unlabeled.sources["features"][request]
        return {"features_unlabeled": numpy.asarray(features, "float32")}
