"""Our ladder as a contestant: single updates, or epochs of its main loop."""

import time

import numpy as np
from network import random_batch


def prepare(network, threads, plain, noise, backend="c", **options):
    """A contestant's update: a function without arguments.

    Parameters
    ----------
    network : Network
    threads : int
    plain : bool
        Whether to build the readable graph rather than the fused one.
    noise : 'mrg' or 'philox'
    backend : 'c' or 'jax'
    options : more options of the ladder
    """
    p = options_of(network, plain, noise, **options)
    batch = random_batch(network, np.random.default_rng(0))
    updates, _ = compiled(p, threads, batch, backend)
    request = {name: np.arange(len(array)) for name, array in batch.items()}
    return lambda: updates.make([request])


def prepare_epoch(network, threads, updates, plain, noise, backend="c", **options):
    """A function that runs an epoch and returns the seconds that it and its updates took; see :func:`prepare`."""
    p = options_of(network, plain, noise, **options, unlabeled_samples=updates * network.n_unlabeled, num_epochs=1)
    examples = random_examples(network, p.unlabeled_samples)

    from ladder.data.examples import choose_examples, training_stream
    from ladder.training.extensions.guard import StopOnNotFinite
    from ladder.training.extensions.monitoring import TrainingMonitor
    from ladder.training.main_loop import MainLoop

    stream = training_stream(p, examples, choose_examples(p, examples))
    made, shareds = compiled(p, threads, stream.sources, backend)
    timed = Timed(made)

    def epoch():
        timed.spent.clear()
        # What training does around an update; once per epoch, it also prints, validates and saves.
        extensions = [StopOnNotFinite(shareds, lambda: None, len(network.dims)), TrainingMonitor()]
        start = time.perf_counter()
        MainLoop(stream, 1, extensions).run(timed)
        return {"epoch_s": time.perf_counter() - start, "updates_s": list(timed.spent)}

    return epoch


class Timed:
    """Updates, and how long each took: those made at once share their time."""

    def __init__(self, updates):
        self._updates, self.at_once, self.spent = updates, updates.at_once, []

    def make(self, requests):
        start = time.perf_counter()
        values = self._updates.make(requests)
        self.spent += [(time.perf_counter() - start) / len(requests)] * len(requests)
        return values


def options_of(network, plain, noise, **options):
    """The options of the ladder for a network."""
    from ladder.options import Options

    return Options(**{"plain_graph": plain, "noise": noise, **network.options, **options})


def compiled(p, threads, data, backend="c"):
    """What makes updates with examples of ``data``, and the shared variables by name."""
    from ladder import backends

    backends.configure(backend, threads)
    from ladder.training import functions

    ladder, inputs = functions.build_training_graph(p, data["features_unlabeled"].shape[1:])
    updates, _ = functions.compile_training(ladder, inputs, data)
    return updates, ladder.shareds


def random_examples(network, n):
    """A training set of random images: time does not depend on them."""
    from ladder.data.examples import Examples

    features = np.random.default_rng(0).random((n, *network.layers[0].shape), "float32")
    return Examples("random", features, np.arange(n) % network.dims[-1])
