"""A trained network, read from the folder of its run."""

from ladder import backends
from ladder.data.experiment import validation_stream
from ladder.graph.parameters import ParameterStore
from ladder.training import functions, results
from ladder.training.extensions.monitoring import mean_over_batches
from ladder.training.statistics import with_running_statistics
from ladder.training.step import trained_parameters


class TrainedClassifier:
    """The clean encoder of a run, ours or the original's.

    Files are read, and found wanting, before anything is compiled.

    Parameters
    ----------
    p : HyperParameters
    folder : Path

    Attributes
    ----------
    shareds : ParameterStore
    has_final_statistics : bool
        Whether the run saved statistics estimated with its last parameters;
        the original does not, nor does an interrupted run.
    """

    def __init__(self, p, folder):
        self.shareds = ParameterStore()
        self._x, self._probabilities = functions.build_prediction_graph(p, self.shareds)
        encoder = [name for name in self.shareds if name.startswith("f_")]
        results.load_parameters(folder, self.shareds, encoder)
        self.has_final_statistics = results.load_statistics(folder, self.shareds)

    def compile(self, running_statistics=True):
        """A function from features (examples, …) to class probabilities (examples, classes).

        With running statistics an example's result does not depend on its
        batch; without them each batch is normalised by itself.
        """
        outputs = [self._probabilities]
        if running_statistics:
            outputs = with_running_statistics(outputs, self.shareds)
        return backends.function([self._x], outputs[0], allow_gc=True)


def denoising_costs(p, folder, examples, indices):
    """Denoising costs of a run, over some examples.

    Returns
    -------
    dict of name -> float, ``denois0`` first
    """
    ladder, inputs = functions.build_training_graph(p)
    results.load_parameters(folder, ladder.shareds, [v.name for v in trained_parameters(ladder)])
    validate = functions.compile_validation(ladder, inputs)
    return mean_over_batches(validate, validation_stream(p, examples, indices).get_epoch_iterator())
