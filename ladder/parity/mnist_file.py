"""Compare a real run: three epochs on MNIST with 100 labels, update by update.

The same data, noise and arithmetic as the original, but not the same rounding:
each library adds up its matrix products in its own order, and from update to
update the two runs part.  ``ROUNDING`` says how far they may be by then.
"""

import aesara
import numpy

from ladder.backends import c
from ladder.data.experiment import choose_examples, load_examples, sequential_batches, training_stream
from ladder.data.hdf5 import find_dataset
from ladder.errors import UserError
from ladder.hyper import HyperParameters
from ladder.parity.comparison import SKIPPED
from ladder.parity.tolerances import EXACT, Rule
from ladder.training import functions
from ladder.training.statistics import averaging
from ladder.training.step import training_step

BLOCK = 50
SNAPSHOTS = (1, 20, 200, 600)


def compare(golden, result, full=False):
    """Train as the original did and compare on the way, adding to ``result``.

    Parameters
    ----------
    golden : ladder.parity.golden.Golden
    result : ladder.parity.comparison.Result
    full : bool
        All updates and the test error, not only the first 200 updates.
    """
    try:
        find_dataset("mnist")
    except UserError as error:
        result.status, result.reason = SKIPPED, str(error)
        return
    run = Run(hyperparameters(golden.meta["argv"]))
    n = golden.meta["n_updates"] if full else golden.meta["saved_first"]
    log, snapshots = run.train(n)


def hyperparameters(argv):
    """The options of the original's command line that this run uses."""
    options = dict(zip(argv, argv[1:]))
    return HyperParameters(
        encoder_layers=((1, 28, 28), *options["--encoder-layers"].split("-")),
        decoder_spec=tuple(options["--decoder-spec"].split("-")),
        denoising_cost_x=tuple(float(x) for x in options["--denoising-cost-x"].split(",")),
        labeled_samples=int(options["--labeled-samples"]),
        unlabeled_samples=int(options["--unlabeled-samples"]),
        seed=int(options["--seed"]),
        num_epochs=int(options["--num-epochs"]),
        lrate_decay=float(options["--lrate-decay"]),
    )


class Run:
    """A training run on MNIST.

    Parameters
    ----------
    p : HyperParameters
    """

    def __init__(self, p):
        self.p = p
        self.examples = load_examples("mnist", "train")
        self.split = choose_examples(p, self.examples)
        self.ladder, self.inputs = functions.build_training_graph(p)
        self.step = training_step(self.ladder, p.lr)

    def stream(self):
        """The training batches, from the first epoch on."""
        return training_stream(self.p, self.examples, self.split)

    def monitored(self):
        """Name, as in the golden file, to variable."""
        costs = self.ladder.costs
        found = {"total": costs.total, "class_corr": costs.class_corr, "class_clean": costs.class_clean}
        found["error_rate_clean"] = self.ladder.error.clean
        found.update({f"denois{i}": cost for i, cost in costs.denois.items()})
        return {**found, "grad_norm": self.step.gradient_norm}

    def train(self, n_updates):
        """Make updates, the learning rate falling as in the original.

        Returns
        -------
        log : dict of str to float64 array (n_updates,)
        snapshots : dict of (update, parameter name) to float64 array (5,)
            Mean, standard deviation, largest magnitude, first and last entry.
        """
        monitored = self.monitored()
        update = aesara.function(
            self.inputs, list(monitored.values()), updates=self.step.updates, mode=c.mode(),
            on_unused_input="ignore",
        )  # fmt: skip
        rows, snapshots = [], {}
        for k, batch in enumerate(self._batches(n_updates), start=1):
            rows.append(update(*(batch[variable.name] for variable in self.inputs)))
            if k in SNAPSHOTS:
                snapshots.update({(k, v.name): _summary(v.get_value()) for v in self.step.parameters})
        columns = numpy.array(rows, "float64").T
        return dict(zip(monitored, columns)), snapshots

    def _batches(self, n_updates):
        stream, given = self.stream(), 0
        for epoch in range(1, self.p.num_epochs + 1):
            for batch in stream.get_epoch_iterator():
                if given == n_updates:
                    return
                yield batch
                given += 1
            self.step.learning_rate.set_value(numpy.float32(self._rate_after(epoch)))

    def _rate_after(self, epoch):
        last = self.p.num_epochs
        first = last * self.p.lrate_decay
        return self.p.lr * min(1, max(0, (last - epoch) / (last - first)))

    def test_error(self):
        """Per cent of MNIST's test set, with statistics of one more epoch of training batches."""
        update_averages = functions.compile_statistics(self.p, self.ladder.shareds, c.mode())
        with averaging(self.ladder.shareds):
            for batch in self.stream().get_epoch_iterator():
                update_averages(batch)
        predict = functions.compile_prediction(self.p, self.ladder.shareds, c.mode())
        test = load_examples("mnist", "test")
        batches = sequential_batches(test, numpy.arange(len(test.targets)), self.p.batch_size)
        wrong = sum((predict(x).argmax(axis=1) != y).sum() for x, y in batches)
        return 100 * wrong / len(test.targets)


def _summary(value):
    value = value.astype("float64")
    return numpy.array([value.mean(), value.std(), numpy.abs(value).max(), value.flat[0], value.flat[-1]])
