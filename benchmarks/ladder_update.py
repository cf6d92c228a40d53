"""Our ladder as a contestant: its update alone, or epochs of its main loop."""

import time

import numpy as np
from network import random_batch


def prepare(network, threads, plain, noise, **options):
    """A contestant's update: a function without arguments.

    Parameters
    ----------
    network : Network
    threads : int
    plain : bool
        The readable graph, or the fused one.
    noise : 'mrg' or 'philox'
    options : more hyper-parameters
    """
    p = hyper_parameters(network, plain, noise, **options)
    update, _ = compiled(p, threads)
    batch = random_batch(network, np.random.default_rng(0))
    return lambda: update(batch)


def prepare_epoch(network, threads, updates, plain, noise):
    """A function that runs an epoch and returns what it and its updates took, in seconds."""
    p = hyper_parameters(network, plain, noise, unlabeled_samples=updates * network.n_unlabeled, num_epochs=1)
    update, shareds = compiled(p, threads)

    from ladder.data.experiment import choose_examples, training_stream
    from ladder.training.extensions.guard import StopOnNotFinite
    from ladder.training.extensions.monitoring import TrainingMonitor
    from ladder.training.main_loop import MainLoop

    examples = random_examples(network, p.unlabeled_samples)
    stream = training_stream(p, examples, choose_examples(p, examples))
    spent = []

    def timed(batch):
        start = time.perf_counter()
        values = update(batch)
        spent.append(time.perf_counter() - start)
        return values

    def epoch():
        spent.clear()
        # What training does around an update; it also prints, validates and saves, once an epoch.
        extensions = [StopOnNotFinite(shareds, lambda: None, len(network.dims)), TrainingMonitor()]
        start = time.perf_counter()
        MainLoop(timed, stream, 1, extensions).run()
        return {"epoch_s": time.perf_counter() - start, "updates_s": list(spent)}

    return epoch


def hyper_parameters(network, plain, noise, **options):
    """The ladder's own description of a network."""
    from ladder.hyper import HyperParameters

    return HyperParameters(plain_graph=plain, noise=noise, **network.options, **options)


def compiled(p, threads):
    """The update (a function of a batch), and the shared variables by name."""
    from ladder.backends import c

    c.configure(threads)
    from ladder.training import functions

    ladder, inputs = functions.build_training_graph(p)
    update, _ = functions.compile_training(ladder, inputs, p.lr, c.mode())
    return update, ladder.shareds


def random_examples(network, n):
    """A training set of random images: time does not depend on them."""
    from ladder.data.experiment import Examples

    features = np.random.default_rng(0).random((n, *network.layers[0].shape), "float32")
    return Examples("random", features, np.arange(n) % network.dims[-1])
