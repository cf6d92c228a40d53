"""Every figure once: its name, what it shows, and what draws it.

``run.py figures --list``, the descriptions inside the files and docs/figures.md all take their texts from here.
"""

import importlib
from dataclasses import dataclass

from ladder.errors import UserError

PLACE = "ladder.report.figures"


@dataclass(frozen=True)
class Entry:
    """A figure.

    Attributes
    ----------
    title : str
    thesis : str
        The figures of "Adversarial Learning with Ladder Networks" (2016) that it corresponds to; '' for none.
    what : str
        Two sentences on what it shows.
    drawn_by : str
        Module in this folder and function, 'module:function'.
    of_runs : bool
        Whether it is drawn from runs, which have to be named (:class:`ladder.report.figures.seeds.Runs`).
    """

    title: str
    thesis: str
    what: str
    drawn_by: str
    of_runs: bool = False

    def draw(self, *arguments):
        """The figure (matplotlib), to be drawn under ``styled``; a figure of runs takes its ``Runs``."""
        module, function = self.drawn_by.split(":")
        return getattr(importlib.import_module(f"{PLACE}.{module}"), function)(*arguments)


FIGURES = {
    "ladder": Entry(
        "A ladder network",
        "14",
        "Every example goes up the encoder twice, once clean and once with noise at every layer, and the decoder "
        "comes down again and estimates each layer's clean z from the noisy one. Labels are needed at the top alone, "
        "for the cross-entropy of the noisy path; the denoising costs at the layers need none.",
        "whole:draw",
    ),
    "encoder-layer": Entry(
        "One layer of the encoder",
        "15",
        "Both paths multiply by the same weights and normalise each unit over their own half of the batch; Gaussian "
        "and adversarial noise are added after that, to the corrupted path's z alone. The decoder gets the noisy z, "
        "the denoising cost compares with the clean one, whose means and variances are kept for test data.",
        "layer:draw_encoder",
    ),
    "decoder-layer": Entry(
        "One layer of the decoder",
        "19",
        "The estimate of the layer above comes down as u, and the decoder function makes z_est of u and the noisy z. "
        "Normalised with the clean path's mean and variance, z_est is compared with the clean z.",
        "layer:draw_decoder",
    ),
    "descent": Entry(
        "Gradient descent, momentum and Adam on a stretched bowl",
        "3 and 4",
        "Plain descent zigzags across the steep direction at a rate of 0.1 and creeps along the flat one at 0.03; "
        "momentum gathers speed along the flat direction and overshoots. Adam, with which ladders "
        "are trained unless told otherwise, moves about one learning rate a step in each direction, however steep it is.",
        "descent:draw",
    ),
    "denoising": Entry(
        "Optimal denoising of a signal with two modes",
        "18",
        "The best estimate of z pulls a noisy value towards the nearer mode, and its curve has the shape of an S. "
        "What each decoder function can learn of it without a signal from above (dashed) differs from what it learns "
        "when u is the noisy z itself (solid).",
        "denoising:draw",
    ),
    "denoising-by-mode": Entry(
        "Denoising when the layer above knows the mode",
        "18",
        "When u says which mode a value comes from, the best estimate is one straight line for each mode. Functions "
        "that add a multiple of u to a multiple of z, or shift z by a mean that depends on u, find both lines; "
        "functions of z or of u alone cannot.",
        "denoising:draw_by_mode",
    ),
    "adversarial-idea": Entry(
        "The idea of adversarial noise",
        "22",
        "Training moves a weight against the gradient of the cost, down into the valley; adversarial noise moves the "
        "input along its gradient, up the slope. Both gradients come from the same cost, taken once with respect to "
        "the weight and once with respect to the input.",
        "idea:draw",
    ),
    "attacked-digits": Entry(
        "Attacked digits",
        "23 and 24",
        "A small ladder reads nearly every clean digit rightly, and hardly any that sgn, kN or pgd-linf has moved, "
        "though people would still read most of them. Gaussian noise of the same power (last row) does much less harm, "
        "and so do 1N and pgd-l2, whose tau is the norm of the noise in the whole image.",
        "digits:draw_classes",
    ),
    "attacked-digit": Entry(
        "One digit under noise that grows",
        "23 and 24",
        "From left to right the same digit is moved further along each attack's direction; above each image stand "
        "the class that the network takes it for and that class's probability. Attacks soon change the answer, which "
        "Gaussian noise of the same power leaves alone.",
        "digits:draw_powers",
    ),
    "linear-model": Entry(
        "Adversarial noise in data space and feature space",
        "25 to 27",
        "In a linear model the gradient has the same direction for all examples of a class: 1N, kN and udg point "
        "straight at the decision boundary (udg is long where the model is unsure), sgn along a diagonal. Noise of "
        "kind vat, which knows no labels, points to where the model's answer changes fastest, which is towards the "
        "boundary or away from it.",
        "directions:draw",
    ),
    "error-surfaces": Entry(
        "Cost over two weights, without and with adversarial noise",
        "28 to 32",
        "True labels make a bowl; virtual labels make a hump, low wherever the model is sure of its own answers, "
        "right or wrong. Adversarial noise raises the cost of large weights most, and so moves the least sum towards "
        "the origin.",
        "surfaces:draw",
    ),
    "seeds": Entry(
        "Test error of every seed",
        "",
        "Each row is one setting, with a dot for every seed, their mean and its bootstrap interval, and the published "
        "values beside it. The tests of run.py table are paired over the seeds: intervals that overlap do not say that "
        "settings are alike.",
        "seeds:draw_errors",
        of_runs=True,
    ),
    "learning-curves": Entry(
        "Learning curves over all seeds",
        "",
        "Lines are means over the seeds of one setting, and the areas around them reach from the lowest seed to the "
        "highest. Costs are measured as each network was trained, with the noise of its setting, adversarial noise "
        "included, and the vertical axes are logarithmic.",
        "seeds:draw_curves",
        of_runs=True,
    ),
}


def chosen(names):
    """The entries of some names, in their order; 'all' stands for every figure that needs no runs.

    Parameters
    ----------
    names : sequence of str

    Returns
    -------
    dict of name -> Entry

    Raises
    ------
    UserError
        There is no such figure.

    Examples
    --------
    >>> list(chosen(["descent", "ladder"]))
    ['descent', 'ladder']
    """
    found = {}
    for name in names:
        if name == "all":
            found |= {each: entry for each, entry in FIGURES.items() if not entry.of_runs}
        elif name in FIGURES:
            found[name] = FIGURES[name]
        else:
            raise UserError(f"there is no figure '{name}': choose from all, {', '.join(FIGURES)}.")
    return found
