"""The functions of a trained run that attacks need, classifier and gradient, in units of its inputs or of pixels."""

from dataclasses import replace

from ladder.batches import labeled_batch_size
from ladder.data.preprocessing import steps_in_words
from ladder.errors import UserError


def compile_functions(run, statistics="fixed"):
    """Compile the two functions that attacks need.

    Parameters
    ----------
    run : ladder.training.evaluation.TrainedRun
    statistics : of :data:`ladder.attacks.methods.STATISTICS`, for the gradient; the classifier's are fixed

    Returns
    -------
    classify : function (examples, …) -> (examples, classes)
    gradient : function (examples, …), (examples,) -> (examples, …)
        See :mod:`ladder.attacks.input_gradient`.
    """
    from ladder.attacks.input_gradient import compile_batch_gradient, compile_input_gradient

    classifier, _ = run.classifier()
    compile_gradient = compile_batch_gradient if statistics == "batch" else compile_input_gradient
    return classifier.compile(), compile_gradient(run.p, run.in_dim, classifier.shareds)


def batch_size_of(run, statistics, n, asked=None):
    """How many of n examples are attacked together.

    With fixed statistics, only the random draws of 'gaussian' and of a random
    start depend on it.  With the batch's own, it is the size asked for, else the
    run's batch size; ``UserError`` if that leaves one example alone.
    """
    if statistics == "fixed":
        return run.at_once
    p = run.p if asked is None else replace(run.p, batch_size=asked)
    size = labeled_batch_size(p, n)
    if n % size == 1:
        raise UserError(
            f"--batch-size {p.batch_size} leaves a last batch of one of {n} examples, which has no variance: "
            "give another size."
        )
    return min(size, n)


def of_pixels(training, classify, gradient):
    """The same two functions, of features as they were read, before any preprocessing (TrainingData)."""

    def classify_pixels(x):
        return classify(training.preprocess_features(x))

    def gradient_by_pixels(x, y):
        return training.gradient_by_features(x, gradient(training.preprocess_features(x), y))

    return classify_pixels, gradient_by_pixels


def units_of_inputs(p):
    """What the network's inputs are, in words."""
    return f"{' and '.join(steps_in_words(p))} inputs".lstrip()


def check_clip(examples, units):
    """Refuse to keep inputs between 0 and 1 if they have no such bounds.

    Parameters
    ----------
    examples : Examples, as they were read
    units : str
        'pixels', or the result of :func:`units_of_inputs`.
    """
    if units not in ("pixels", "inputs"):
        raise UserError(
            f"--clip keeps inputs between 0 and 1, but this network takes {units}, which have no such bounds: "
            "use --no-clip, or attack the pixels before that with --units pixels."
        )
    low, high = examples.features.min(), examples.features.max()
    if low < 0 or high > 1:
        raise UserError(
            f"--clip keeps inputs between 0 and 1, but {examples.name} goes from {low:g} to {high:g}: use --no-clip."
        )
