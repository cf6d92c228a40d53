"""What passes through a network while it trains: z of every layer, and the reconstruction of its input."""

import copy
from dataclasses import dataclass
from typing import Optional

import numpy as np

from ladder import backends
from ladder.data.examples import sequential_batches
from ladder.network_size import examples_at_once

#: The maximum number of examples looked at.
MOST_EXAMPLES = 100


@dataclass(frozen=True)
class Signals:
    """Signals of some examples, normalised with their own statistics, like those of a training batch.

    Attributes
    ----------
    z : dict of layer number -> (examples, …) float32
        Of the clean path; layer 0 is the input.
    clean, noisy, reconstructed : (examples, …) float32, or None
        The input as it is, with noise, and denoised by the decoder; None where no decoder reaches the input.
    """

    z: dict
    clean: Optional[np.ndarray] = None
    noisy: Optional[np.ndarray] = None
    reconstructed: Optional[np.ndarray] = None


class Looking:
    """A compiled function from a batch to its signals.

    Parameters
    ----------
    ladder : LadderAE, its training graph
    inputs : list of variables
    """

    def __init__(self, ladder, inputs):
        act = ladder.act
        self._layers = sorted(act.clean.unlabeled.z)
        outputs = [act.clean.unlabeled.z[i] for i in self._layers]
        if 0 in act.est.z:
            outputs += [act.corr.unlabeled.z[0], act.est.z[0]]
        self._names = [variable.name for variable in inputs]
        # Between calls it must not hold memory (gigabytes with large maps) that updates need.
        self._compiled = backends.function(inputs, outputs, allow_gc=True)

    def __call__(self, batch, noise):
        """The Signals of a batch (dict of input name -> array); the streams of ``noise`` do not advance."""
        with noise.kept():
            found = self._compiled(*[batch[name] for name in self._names])
        z, others = dict(zip(self._layers, found)), found[len(self._layers) :]
        return Signals(z, z[0], *others) if others else Signals(z)

    def on(self, others):
        """The same with other shared variables (a function from each to its replacement); only for the JAX backend."""
        other = copy.copy(self)
        other._compiled = self._compiled.on(others)
        return other


def batch_to_look_at(experiment, layers):
    """The first validation examples, or else the first training examples, as a batch: the same at every call.

    Parameters
    ----------
    experiment : Experiment, its examples as the network takes them
    layers : tuple of Layer

    Returns
    -------
    dict of input name -> array
    """
    split = experiment.split
    indices = split.valid if len(split.valid) > 1 else split.train
    # At least two: one example has no variance.
    n = max(2, min(MOST_EXAMPLES, examples_at_once(layers)))
    (features, targets), *_ = sequential_batches(experiment.examples, indices[:n], n)
    return {"features_labeled": features, "targets_labeled": targets, "features_unlabeled": features}
