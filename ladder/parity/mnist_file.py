"""Compare a real run: three epochs on MNIST with 100 labels, update by update.

Data, noise and arithmetic are the original's, but not the rounding: each
library adds up its matrix products in its own order.  Adam turns the smallest
gradients, which are rounding, into steps as large as any, so the two runs
diverge from update to update.  The largest relative difference of any of the
eleven costs and norms, measured here with MKL on one thread: 1e-7 at the
first update, 1e-4 by the fifth, 2e-3 by the 20th, 4e-3 by the 100th, 2e-2
by the 200th; of 50-update means, 1e-3 up to the 200th and 2e-2 up to the 1800th.
Of parameters, as a fraction of the largest entry: 6e-6, 3e-2, 7e-2 and 1e-1
after 1, 20, 200 and 600 updates; of their means and deviations, 6e-6, 1e-3,
1e-2 and 3e-2.  The limits below are about four times as large, to allow for
other libraries' rounding.
"""

import re

import numpy as np

from ladder import backends
from ladder.data.examples import choose_examples, load_examples, sequential_batches, training_stream
from ladder.data.hdf5 import find_dataset
from ladder.errors import UserError
from ladder.optimisation import resolve_schedule
from ladder.options import Options
from ladder.parity.comparison import SKIPPED
from ladder.parity.tolerances import EXACT, Rule, within
from ladder.training import functions
from ladder.training.schedules import rate_after
from ladder.training.statistics import with_running_statistics
from ladder.training.step import training_step

BLOCK = 50

#: (Last update, how far costs may be from the original's up to there.)
COSTS = ((1, 1e-5), (5, 5e-4), (20, 1e-2), (100, 2e-2), (200, 1e-1))
#: The same for means over 50 updates.
MEANS = ((200, 5e-3), (1800, 1e-1))
#: Update -> how far a parameter's largest, first and last entry may then be
#: from the original's, as a fraction of the largest.
ENTRIES = {1: 1e-4, 20: 1e-1, 200: 3e-1, 600: 5e-1}
#: The same for mean and standard deviation.
MOMENTS = {1: 1e-4, 20: 5e-3, 200: 5e-2, 600: 1e-1}
#: Per cent of a batch of 100: one example may be classified differently.
ERROR_RATE = within(1.0)
ERROR_RATE_MEANS = within(0.2)
#: Per cent of the test set, after three epochs at the first learning rate: the
#: effect of different rounding (measured: 5.51 against the original's 5.14).
TEST_ERROR = within(1.0)
PIXEL_SUMS = Rule(1e-6, per_entry=True)


def compare(golden, result, full=False, plain_graph=False):
    """Train as the original did and compare along the way, adding to ``result``.

    Parameters
    ----------
    golden : ladder.parity.golden.Golden
    result : ladder.parity.comparison.Result
    full : bool
        Run all updates and the test error, not just the first 200 updates.
    plain_graph : bool
    """
    try:
        find_dataset("mnist")
    except UserError as error:
        result.status, result.reason = SKIPPED, str(error)
        return
    run = MnistRun(options_of(golden.meta["argv"], plain_graph))
    _compare_first_batch(golden, run, result)
    n = golden.meta["n_updates"] if full else golden.meta["saved_first"]
    log, snapshots = run.train(n)
    for name in golden.meta["names"]:
        _compare_log(golden, name, log[name], result)
    _compare_parameters(golden, snapshots, result)
    if full:
        error = golden.meta["test_error_percent_after_3_epochs"]
        result.compare("test error", "test_error", run.test_error(), error, TEST_ERROR)
    else:
        result.notes.append(f"the first {n} of {golden.meta['n_updates']} updates; --full runs all of them")


def _compare_first_batch(golden, run, result):
    batch, arrays = next(iter(run.stream().get_epoch_iterator())), golden.arrays
    targets = arrays["first_batch_labeled_targets"]
    result.compare("first batch", "first_batch_labeled_targets", batch["targets_labeled"], targets, EXACT)
    for half in ("labeled", "unlabeled"):
        pixels = batch[f"features_{half}"].reshape(len(batch[f"features_{half}"]), -1)
        name = f"first_batch_{half}_xsum"
        result.compare("pixel sums", name, pixels.sum(axis=1, dtype="float64"), arrays[name], PIXEL_SUMS)


def _compare_log(golden, name, ours, result):
    """Compare one cost, update by update and as means over blocks of updates."""
    theirs, is_rate = golden.arrays[name], name.startswith("error_rate")
    for start, stop, relative in _spans(COSTS, len(theirs)):
        rule = ERROR_RATE if is_rate else Rule(relative, per_entry=True)
        kind = "error rates" if is_rate else f"costs, update {stop}"
        result.compare(kind, f"{name}[{start}:{stop}]", ours[start:stop], theirs[start:stop], rule)
    means = ours.reshape(-1, BLOCK).mean(axis=1)
    theirs = golden.arrays[f"{name}_mean50_all"]
    for start, stop, relative in _spans(MEANS, len(ours)):
        rule = ERROR_RATE_MEANS if is_rate else Rule(relative, per_entry=True)
        kind = "error rate means" if is_rate else f"means, update {stop}"
        blocks = slice(start // BLOCK, stop // BLOCK)
        result.compare(kind, f"{name}_mean50_all[{blocks.start}:{blocks.stop}]", means[blocks], theirs[blocks], rule)


def _spans(limits, n):
    """(start, stop, limit) of consecutive spans of updates, up to update n."""
    start = 0
    for stop, limit in limits:
        if start < n:
            yield start, min(stop, n), limit
        start = stop


def _compare_parameters(golden, snapshots, result):
    """Compare each parameter's mean, deviation, largest, first and last entry after some updates."""
    for name, theirs in golden.arrays.items():
        match = re.fullmatch(r"pstat_after_(\d+)__(.*)", name)
        if match is None:
            continue
        k, ours = int(match.group(1)), snapshots.get((int(match.group(1)), match.group(2)))
        if ours is not None:
            largest = theirs[2]
            for what, some, limits in (("moments", slice(2), MOMENTS), ("entries", slice(2, 5), ENTRIES)):
                rule = Rule(limits[k], floor=max(1e-7, limits[k] * largest))
                result.compare(f"{what}, update {k}", name, ours[some], theirs[some], rule)
        elif any(k == done for done, _ in snapshots):
            result.fail("parameters", f"{name} is not computed here")


def options_of(argv, plain_graph):
    """The options of the original's command line that this run uses."""
    options = dict(zip(argv, argv[1:]))
    return Options(
        encoder_layers=tuple(options["--encoder-layers"].split("-")),
        decoder_spec=tuple(options["--decoder-spec"].split("-")),
        denoising_cost_x=tuple(float(x) for x in options["--denoising-cost-x"].split(",")),
        labeled_samples=int(options["--labeled-samples"]),
        unlabeled_samples=int(options["--unlabeled-samples"]),
        seed=int(options["--seed"]),
        num_epochs=int(options["--num-epochs"]),
        lrate_decay=float(options["--lrate-decay"]),
        plain_graph=plain_graph,
    )


class MnistRun:
    """A training run on MNIST.

    Parameters
    ----------
    p : Options
    """

    def __init__(self, p):
        self.p = p
        self.examples = load_examples("mnist", "train")
        self.split = choose_examples(p, self.examples)
        self.ladder, self.inputs = functions.build_training_graph(p, self.examples.in_dim)
        self.step = training_step(self.ladder)

    def stream(self):
        """The training batches, from the first epoch on."""
        return training_stream(self.p, self.examples, self.split)

    def monitored(self):
        """The monitored variables, by their names in the golden file."""
        costs = self.ladder.costs
        found = {"total": costs.total, "class_corr": costs.class_corr, "class_clean": costs.class_clean}
        found["error_rate_clean"] = self.ladder.error.clean
        found.update({f"denois{i}": cost for i, cost in costs.denois.items()})
        return {**found, "grad_norm": self.step.gradient_norm}

    def train(self, n_updates):
        """Make updates, with the original's learning rates.

        Returns
        -------
        log : dict of str to float64 array (n_updates,)
        snapshots : dict of (update, parameter name) to float64 array (5,)
            Mean, standard deviation, largest magnitude, first and last entry.
        """
        monitored = self.monitored()
        update = backends.function(self.inputs, list(monitored.values()), self.step.updates)
        rows, snapshots = [], {}
        for k, batch in enumerate(self._batches(n_updates), start=1):
            rows.append(update(*(batch[variable.name] for variable in self.inputs)))
            if k in ENTRIES:
                snapshots.update({(k, v.name): _summary(v.get_value()) for v in self.step.parameters})
        columns = np.array(rows, "float64").T
        return dict(zip(monitored, columns)), snapshots

    def _batches(self, n_updates):
        stream, given = self.stream(), 0
        for epoch in range(1, self.p.num_epochs + 1):
            for batch in stream.get_epoch_iterator():
                if given == n_updates:
                    return
                yield batch
                given += 1
            rate = rate_after(resolve_schedule(self.p), [{}] * epoch)
            self.step.learning_rate.set_value(np.float32(rate))

    def test_error(self):
        """Error on MNIST's test set, per cent, with statistics from one more epoch of training batches."""
        update_averages = functions.compile_statistics(self.p, self.examples.in_dim, self.ladder.shareds)
        functions.estimate_statistics(update_averages, self.ladder.shareds, self.stream())
        x, probabilities = functions.build_prediction_graph(self.p, self.examples.in_dim, self.ladder.shareds)
        probabilities = with_running_statistics([probabilities], self.ladder.shareds)
        predict = backends.function([x], probabilities[0])
        test = load_examples("mnist", "test")
        batches = sequential_batches(test, np.arange(len(test.targets)), self.p.batch_size)
        wrong = sum((predict(x).argmax(axis=1) != y).sum() for x, y in batches)
        return 100 * wrong / len(test.targets)


def _summary(value):
    value = np.asarray(value, "float64")
    return np.array([value.mean(), value.std(), np.abs(value).max(), value.flat[0], value.flat[-1]])
