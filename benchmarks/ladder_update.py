"""Our ladder as a contestant: its update alone, or epochs of its main loop."""

import time

import numpy as np
from network import LARGE, random_batch


def prepare(threads, plain, noise, **options):
    """A contestant's update: a function without arguments.

    Parameters
    ----------
    threads : int
    plain : bool
        The readable graph, or the fused one.
    noise : 'mrg' or 'philox'
    options : more hyper-parameters
    """
    p = hyper_parameters(plain, noise, **options)
    update, _ = compiled(p, threads)
    batch = random_batch(LARGE, np.random.default_rng(0))
    return lambda: update(batch)


def prepare_epoch(threads, updates, plain, noise):
    """A function that runs an epoch and returns what it and its updates took, in seconds."""
    p = hyper_parameters(plain, noise, unlabeled_samples=updates * LARGE.n_unlabeled, num_epochs=1)
    update, shareds = compiled(p, threads)

    from ladder.data.experiment import choose_examples, training_stream
    from ladder.training.extensions.guard import StopOnNotFinite
    from ladder.training.extensions.monitoring import TrainingMonitor
    from ladder.training.main_loop import MainLoop

    examples = random_examples(p)
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
        extensions = [StopOnNotFinite(shareds, lambda: None, len(LARGE.dims)), TrainingMonitor()]
        start = time.perf_counter()
        MainLoop(timed, stream, 1, extensions).run()
        return {"epoch_s": time.perf_counter() - start, "updates_s": list(spent)}

    return epoch


def hyper_parameters(plain, noise, **options):
    """The ladder's own description of the large network."""
    from ladder.hyper import HyperParameters

    return HyperParameters(
        encoder_layers=((LARGE.dims[0],), *map(str, LARGE.dims[1:])),
        denoising_cost_x=LARGE.denoising_costs,
        decoder_spec=("gauss",),
        f_local_noise_std=(LARGE.noise_std,),
        super_noise_std=LARGE.noise_std,
        lr=LARGE.learning_rate,
        labeled_samples=LARGE.n_labeled,
        plain_graph=plain,
        noise=noise,
        **options,
    )


def compiled(p, threads):
    """The update (a function of a batch), and the shared variables by name."""
    from ladder.backends import c

    c.configure(threads)
    from ladder.training import functions

    ladder, inputs = functions.build_training_graph(p)
    update, _ = functions.compile_training(ladder, inputs, p.lr, c.mode())
    return update, ladder.shareds


def random_examples(p):
    """A training set of random images: time does not depend on them."""
    from ladder.data.experiment import Examples

    n = p.unlabeled_samples
    features = np.random.default_rng(0).random((n, LARGE.dims[0]), "float32")
    return Examples("random", features, np.arange(n) % LARGE.dims[-1])
