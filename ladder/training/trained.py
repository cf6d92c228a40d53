"""A trained network, read from the folder of its run."""

import numpy as np

from ladder.backends import c
from ladder.data.experiment import training_stream, validation_stream
from ladder.graph.parameters import ParameterStore
from ladder.training import functions, results
from ladder.training.extensions.monitoring import mean_over_batches
from ladder.training.statistics import averaging


class TrainedClassifier:
    """The clean encoder of a run, ours or the original's.

    Parameters
    ----------
    p : HyperParameters
    folder : Path
    running_statistics : bool
        False normalises every batch with its own statistics.

    Attributes
    ----------
    has_final_statistics : bool
        Whether the run saved statistics estimated with its last parameters;
        the original does not, nor does an interrupted run.
    """

    def __init__(self, p, folder, running_statistics=True):
        self._p, self._shareds = p, ParameterStore()
        self._predict = functions.compile_prediction(p, self._shareds, c.mode(), running_statistics)
        encoder = [name for name in self._shareds if name.startswith("f_")]
        results.load_parameters(folder, self._shareds, encoder)
        self.has_final_statistics = results.load_statistics(folder, self._shareds)

    def estimate_statistics(self, examples, split):
        """Estimate the statistics over one epoch of training batches, as in training."""
        update_averages = functions.compile_statistics(self._p, self._shareds, c.mode())
        with averaging(self._shareds):
            for batch in training_stream(self._p, examples, split).get_epoch_iterator():
                update_averages(batch)

    def probabilities(self, features):
        """Class probabilities: (examples, …) float32 -> (examples, classes) float32."""
        return self._predict(features)


def denoising_costs(p, folder, examples, indices):
    """Denoising costs of a run, over some examples.

    Returns
    -------
    dict of name -> float, ``denois0`` first
    """
    ladder, inputs = functions.build_training_graph(p)
    validate = functions.compile_validation(ladder, inputs, c.mode())
    trained = functions.trained_parameters(ladder)
    results.load_parameters(folder, ladder.shareds, [v.name for v in trained])
    return mean_over_batches(validate, validation_stream(p, examples, np.asarray(indices)).get_epoch_iterator())
