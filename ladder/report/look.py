"""What only the trained network and its data can show: mistakes, reconstructions, filters."""

from dataclasses import dataclass, replace

import numpy as np

from ladder import backends
from ladder.data.images import as_images
from ladder.data.preprocessing import preprocesses
from ladder.layers import resolve_layers
from ladder.training.evaluation import error_report

#: Number of test examples whose signals are looked at: one batch, so that its statistics are like those in training.
MOST_EXAMPLES = 200

#: Maximum numbers of mistakes, filters and reconstructed inputs shown.
MOST_MISTAKES, MOST_FILTERS, MOST_INPUTS = 24, 48, 10


@dataclass(frozen=True)
class Mistake:
    """A wrong guess: the number of the test example, its class, the guess, its probability, and the picture or None."""

    number: int
    true: int
    guess: int
    probability: float
    image: np.ndarray


@dataclass(frozen=True)
class Guesses:
    """A network's guesses on the test set.

    Attributes
    ----------
    report : dict, from :func:`ladder.training.evaluation.error_report`
    mistakes : list of Mistake, the most confident first
    value_range : (float, float)
        The features' lowest and highest value.
    """

    report: dict
    mistakes: list
    value_range: tuple


@dataclass(frozen=True)
class LayerSignals:
    """One layer's z of some examples: clean, corrupted and, where there is a decoder, denoised.

    Attributes
    ----------
    layer : ladder.layers.Layer
    clean, noisy : (examples, units) float32
    denoised : (examples, units) float32, or None
        As the cost compares it: normalised with the clean statistics where the options ask for that.
    """

    layer: object
    clean: np.ndarray
    noisy: np.ndarray
    denoised: np.ndarray

    def r2(self, estimate):
        """The fraction of the clean z's variance that an estimate explains: 1 is perfect, 0 no better than the mean."""
        error = np.square(self.clean - estimate, dtype="float64").sum()
        variance = np.square(self.clean - self.clean.mean(axis=0), dtype="float64").sum()
        return float(1 - error / variance) if variance > 0 else None

    def correlation(self, estimate):
        """The correlation of an estimate with the clean z, over all units and examples."""
        if np.ptp(estimate) == 0 or np.ptp(self.clean) == 0:
            return None
        return float(np.corrcoef(self.clean.ravel(), estimate.ravel())[0, 1])

    def cost(self):
        """The denoising cost: the mean squared difference between the clean and the denoised z."""
        return float(np.square(self.clean - self.denoised, dtype="float64").mean())


@dataclass(frozen=True)
class Look:
    """Everything that the network and its data show; what is not available is None.

    Attributes
    ----------
    split : ladder.data.splits.Split
    n_test : int
    guesses : Guesses
    signals : list of LayerSignals
        Of ``MOST_EXAMPLES`` test examples at most, the first one of each class in front.
    inputs : list of (str, images)
        Clean, corrupted and reconstructed inputs as pictures.
    input_range : (float, float), their black and white
    filters : images, or None
    n_filters : int
        Number of filters that layer 1 has.
    """

    split: object
    n_test: int
    guesses: Guesses
    signals: list
    inputs: list
    input_range: tuple
    filters: np.ndarray
    n_filters: int


def look_into(run, backend=None):
    """Look into a trained run.

    Parameters
    ----------
    run : ladder.training.evaluation.TrainedRun
    backend : dict or None
        Arguments for :func:`ladder.backends.configure`, called once the data are checked; None: it has been called.

    Returns
    -------
    Look

    Raises
    ------
    UserError
        Its data are missing or have changed, or its arrays do not fit.
    """
    # This comes first, so that a missing data set is found before anything is compiled.
    examples, indices = run.examples("test") if run.p.unsupervised else run.labelled_examples("test")
    split = run.training.split
    if backend is not None:
        backends.configure(**backend)
    guesses = None if run.p.unsupervised else _guesses(run, examples, indices)
    n = max(2, min(MOST_EXAMPLES, run.at_once))
    signals = _signals(run, examples, _one_of_each_class_first(examples.targets, indices)[:n])
    inputs, input_range = _inputs(run, signals)
    n_filters = resolve_layers(run.p, run.in_dim)[1].dim[0]
    return Look(split, len(indices), guesses, signals, inputs, input_range, first_filters(run), n_filters)


def _guesses(run, examples, indices):
    probabilities = run.probabilities(run.training.preprocess(examples).features, indices)
    guesses, targets = probabilities.argmax(axis=1), examples.targets[indices]
    wrong = np.flatnonzero(guesses != targets)
    surest = wrong[np.argsort(-probabilities[wrong, guesses[wrong]], kind="stable")][:MOST_MISTAKES]
    images = as_images(examples.features[indices[surest]])
    mistakes = [
        Mistake(
            int(indices[k]),
            int(targets[k]),
            int(guesses[k]),
            float(probabilities[k, guesses[k]]),
            None if images is None else images[j],
        )
        for j, k in enumerate(surest)
    ]
    value_range = float(examples.features.min()), float(examples.features.max())
    return Guesses(error_report(targets, guesses), mistakes, value_range)


def _one_of_each_class_first(targets, indices):
    """The positions, with the first example of each class in front."""
    _, first = np.unique(targets[indices], return_index=True)
    rest = np.setdiff1d(np.arange(len(indices)), first)
    return indices[np.concatenate([first, rest])]


def _signals(run, examples, indices):
    """z of every layer on both paths and from the decoder, on a batch of examples, bottom first."""
    x = run.training.preprocess(replace(examples, features=examples.features[indices])).features
    layers, compute = compile_signals(run)
    found = [None if value is None else np.asarray(value).reshape(len(x), -1) for value in compute(x)]
    return [LayerSignals(layer, *found[3 * k : 3 * k + 3]) for k, layer in enumerate(layers)]


def compile_signals(run):
    """The layers of a run, and a function from a batch to z of each: clean, corrupted, denoised (None without decoder).

    The corrupted path has its Gaussian noise, but no adversarial noise.
    """
    from ladder.bricks.normalization import normalize
    from ladder.model import LadderAE
    from ladder.training.step import input_variables

    none = (0.0,)
    p = replace(run.p, adv_tau=none, adv_tau_unlabeled=none, vat_cost=none, vat_noise_std=0.0)
    ladder, (_, _, x) = LadderAE(p, run.in_dim), input_variables(run.in_dim)
    ladder.apply(input_unlabeled=x)
    arrays = run.load_arrays()
    # A decoder that no cost trains has no saved parameters, and keeps its initial ones, as in training.
    arrays.set_parameters(ladder.shareds, [name for name in ladder.shareds if name in arrays.parameters])
    clean, corr, est = ladder.act.clean.unlabeled, ladder.act.corr.unlabeled, ladder.act.est
    wanted = []
    for layer in ladder.layers:
        i, denoised = layer.number, est.z.get(layer.number)
        if denoised is not None and i > 0 and p.zestbn == "bugfix":
            denoised = normalize(denoised, clean.m[i], clean.s[i])
        wanted += [clean.z[i], corr.z[i], denoised]
    function = backends.function([x], [v for v in wanted if v is not None], allow_gc=True)

    def compute(x):
        values = iter(function(x))
        return [None if v is None else next(values) for v in wanted]

    return ladder.layers, compute


def _inputs(run, signals):
    """The first inputs as pictures, clean, corrupted and reconstructed; None if they are not images."""
    bottom = signals[0]
    rows = [("x, clean", bottom.clean), ("z̃, corrupted", bottom.noisy), ("ẑ, denoised", bottom.denoised)]
    shaped = {
        name: values[:MOST_INPUTS].reshape(-1, *run.in_dim).astype("float32")
        for name, values in rows
        if values is not None
    }
    if preprocesses(run.p):
        shaped = {name: run.training.undo(values) for name, values in shaped.items()}
    images = [(name, as_images(values)) for name, values in shaped.items()]
    if images[0][1] is None:
        return None, None
    return images, (float(images[0][1].min()), float(images[0][1].max()))


def first_filters(run):
    """The weights of layer 1 as pictures, the largest norm first.

    Returns
    -------
    (filters, height, width) or (filters, height, width, 3) float32
        None if layer 1 has no weights, or its inputs are not images.
    """
    weights = run.load_arrays().parameters.get("f_1_W")
    if weights is None:
        return None
    # Dense weights are (inputs, units), filters (maps, maps below, height, width).
    filters = weights.T.reshape(-1, *run.in_dim) if weights.ndim == 2 else weights
    order = np.argsort(-np.square(filters.reshape(len(filters), -1)).sum(axis=1), kind="stable")
    return as_images(filters[order[:MOST_FILTERS]])
