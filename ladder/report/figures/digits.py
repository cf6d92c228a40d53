"""Attacked digits (thesis, figures 23 and 24): a small ladder on scikit-learn's digits, attacked by the package."""

import logging
from contextlib import contextmanager
from functools import lru_cache

import numpy as np

from ladder.report.figures.style import GREY, new_figure

#: The network to train, with all labels, so that it errs by its nature and not for want of labels.
NETWORK = {
    "dataset": "digits",
    "encoder_layers": "30-10",
    "decoder_spec": "gauss",
    "denoising_cost_x": (10, 1, 0.1),
    "num_epochs": 40,
    "seed": 1,
}

#: Power of the attacks on one image of each class.
TAU = 0.25

#: The image under growing noise (position among the test images), and the powers.
FOLLOWED, TAUS = 17, (0.0, 0.1, 0.15, 0.2, 0.3)
KINDS = ("sgn", "kN", "pgd-linf", "gaussian")


@lru_cache(maxsize=1)
def attacked_network():
    """Train the network, once for both figures: test examples, their indices, and what attacks need from it.

    Returns
    -------
    examples, indices, classify, gradient
        See :func:`ladder.attacks.functions.compile_functions` for the last two.
    """
    from ladder.attacks.functions import compile_functions
    from ladder.data.preprocessing import TrainingData
    from ladder.options import Options
    from ladder.training.evaluation import TrainedRun
    from ladder.training.experiment import prepare
    from ladder.training.session import Session

    (experiment,) = prepare([Options.of(**NETWORK)])
    session = Session(experiment)
    with _quiet():
        session.train()
    training = TrainingData(experiment.p, experiment.examples, experiment.split)
    run = TrainedRun.in_memory(experiment, training, session.arrays(final=True))
    classify, gradient = compile_functions(run)
    return *run.labelled_examples("test"), classify, gradient


@contextmanager
def _quiet():
    """While inside, training logs only its warnings, not its epochs."""
    progress = logging.getLogger("main")
    progress.info("Training a small network on the digits")
    level = progress.level
    progress.setLevel(logging.WARNING)
    try:
        yield
    finally:
        progress.setLevel(level)


def draw_classes():
    """One digit of each class, clean and under every kind of attack."""
    from ladder.attacks.figures import attacked_image_figure
    from ladder.attacks.methods import AttackSettings

    settings = AttackSettings()
    title = f"One digit of each class, clean and attacked, tau = {TAU:g}"
    figure = attacked_image_figure(*attacked_network(), settings, TAU, None, "digits")
    figure.suptitle(title)
    return figure


def draw_powers():
    """One digit under growing noise."""
    from ladder.attacks.methods import AttackedBatch, AttackSettings

    examples, indices, classify, gradient = attacked_network()
    chosen = indices[FOLLOWED : FOLLOWED + 1]
    x, y = examples.features[chosen], examples.targets[chosen]
    batch = AttackedBatch(x, y, gradient, AttackSettings())
    figure = new_figure(8.6, 7.8, f"A digit {y[0]} under noise that grows: the class it is taken for, and how surely")
    grid = figure.subplots(len(KINDS), len(TAUS))
    for kind, line in zip(KINDS, grid):
        for tau, axes in zip(TAUS, line):
            attacked = batch.attacked(kind, tau)
            probabilities = classify(attacked)[0]
            _image(axes, attacked.reshape(x.shape[-2:]), probabilities, y[0])
            if kind == KINDS[-1]:
                axes.set_xlabel(f"tau = {tau:g}")
        line[0].set_ylabel(kind, rotation=0, ha="right", va="center")
    figure.supxlabel(
        "tau in units of the network's inputs (1: from black to white); black is 0 or less, white 1 or more.\n"
        "Last row, the control: signs of Gaussian noise. Bold and red: wrong.",
        fontsize=9,
        color=GREY,
    )
    return figure


def _image(axes, image, probabilities, target):
    from ladder.attacks.figures import RIGHT, WRONG

    guess = int(probabilities.argmax())
    axes.imshow(np.clip(image, 0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    right = guess == target
    axes.set_title(
        f"{guess}, p = {probabilities[guess]:.2f}",
        fontsize=10,
        color=RIGHT if right else WRONG,
        fontweight="normal" if right else "bold",
    )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
