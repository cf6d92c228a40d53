"""A trained network, as a function of examples."""

from dataclasses import replace

import numpy as np

from ladder import backends
from ladder.batches import without_a_batch_of_one
from ladder.data.examples import validation_stream
from ladder.errors import UserError
from ladder.graph import ParameterStore
from ladder.training import functions
from ladder.training.extensions.monitoring import mean_over_batches
from ladder.training.statistics import with_running_statistics


class TrainedClassifier:
    """The clean encoder of a trained network.

    Arrays that do not fit are refused before anything is compiled.

    Parameters
    ----------
    p : Options
    in_dim : tuple of int, shape of one example
    arrays : TrainedArrays

    Attributes
    ----------
    shareds : ParameterStore
    has_final_statistics : bool
        Whether the statistics were estimated with the last parameters.
    """

    def __init__(self, p, in_dim, arrays):
        self.shareds = ParameterStore()
        self._x, self._probabilities = functions.build_prediction_graph(p, in_dim, self.shareds)
        arrays.set_parameters(self.shareds, [name for name in self.shareds if name.startswith("f_")])
        arrays.set_statistics(self.shareds)
        self.has_final_statistics = arrays.final

    def compile(self, running_statistics=True):
        """A function from features (examples, …) to class probabilities (examples, classes).

        With running statistics an example's result does not depend on its
        batch; without them each batch is normalised by itself.
        """
        outputs = [self._probabilities]
        if running_statistics:
            outputs = with_running_statistics(outputs, self.shareds)
        return _finite(backends.function([self._x], outputs[0], allow_gc=True))


def _finite(probabilities):
    """The same function, with ``UserError`` for answers that are not finite: argmax takes a row of nan for class 0."""

    def function(x):
        found = probabilities(x)
        if not np.isfinite(found).all():
            raise UserError(
                "the network's answer to some examples is not a number: their features, or its parameters, are too large."
            )
        return found

    return function


def denoising_costs(p, arrays, examples, indices):
    """A trained network's denoising costs over some examples.

    Parameters
    ----------
    p : Options
    arrays : TrainedArrays
    examples : Examples, as the network takes them
    indices : (N,) int64

    Returns
    -------
    dict of name -> float, ``denois0`` first
    """
    p = replace(p, valid_batch_size=without_a_batch_of_one(p.valid_batch_size, len(indices)))
    ladder, inputs = functions.build_training_graph(p, examples.in_dim)
    arrays.set_parameters(ladder.shareds, [v.name for v in ladder.learnt])
    validate = functions.compile_validation(ladder, inputs)
    return mean_over_batches(validate, validation_stream(p, examples, indices).get_epoch_iterator())
