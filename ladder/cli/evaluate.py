"""``run.py evaluate``: error of a trained network, by class and overall."""

import json
import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from rich.table import Table

from ladder import budget
from ladder.cli.options import (
    add_backend_options,
    add_training_options,
    combinations,
    check_backend,
    configure_backend,
    given_options,
    hyper_parameters,
)
from ladder.cli.output import check_output, write_text
from ladder.cli.printing import fits, print_table
from ladder.data import NO_LABEL
from ladder.data.experiment import check_classes, describe, sequential_batches, training_stream
from ladder.data.preprocessing import TrainingData
from ladder.data.record import check_unchanged, read, reading_of_others
from ladder.errors import UserError
from ladder.hyper import check_memory, examples_at_once, resolve_layers
from ladder.training import results
from ladder.training.evaluation import EVALUATION, save_evaluation

logger = logging.getLogger("main")

#: Options that ask for other data than the run's, and those that ask for another preprocessing.
OF_DATA = {"dataset", "sources", "divide_by"}
OF_PREPROCESSING = {"contrast_norm", "whiten_zca", "standardize", "rescale"}

#: How many confusions are named where the matrix does not fit.
MOST_PAIRS = 10

#: Columns of a confusion matrix that any terminal has room for.
MOST_COLUMNS = 100


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "evaluate",
        help="test error of a trained network",
        allow_abbrev=False,
        description="Print the error of a trained network, by class and overall, and a confusion matrix. "
        "A folder with nothing but a trained_params.npz, such as the original wrote, needs the options "
        "it was trained with; options given here go before those of a run's params.json.",
    )
    parser.add_argument("load_from", help="folder of the run, e.g. results/noname0")
    parser.add_argument(
        "--data-type",
        choices=("test", "valid", "train"),
        default="test",
        help="what to evaluate on; 'train' normalises each batch with its own statistics (default: test)",
    )
    parser.add_argument(
        "--recompute-statistics",
        action="store_true",
        help="estimate the batch-normalisation statistics again from the training data, as the original does",
    )
    parser.add_argument("--json", metavar="FILE", help="also write the numbers to this file")
    add_training_options(parser)
    add_backend_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args):
    check_backend(args)
    check_output(args.json, "--json")
    folder, given = Path(args.load_from), given_options(args)
    p, training = load_configuration(folder, given)
    if p.unsupervised:
        report = _denoising_report(p, folder, training, args)
    else:
        report, statistics = classification_report(p, folder, training, args)
        _print_report(report, args.data_type)
        # Other options, or training data normalised batch by batch, make it something else than the run's error.
        if not given and args.data_type != "train" and (folder / results.OPTIONS).exists():
            keep_evaluation(folder, args.data_type, report, statistics)
    if args.json:
        write_text(args.json, json.dumps(report, indent=1) + "\n", "--json")
    return 0


def classification_report(p, folder, training, args):
    """The error of a run.

    Parameters
    ----------
    p, training : from :func:`load_configuration`
    folder : Path
    args : with ``data_type``, ``recompute_statistics``, and what ``configure_backend`` needs

    Returns
    -------
    report : dict, what :func:`error_report` finds
    statistics : str
        Which were used: 'saved', 'estimated', or those 'of each batch'.
    """
    examples, indices = labelled_examples_of(p, training, args.data_type)
    configure_backend(args)
    from ladder.training.trained import TrainedClassifier

    classifier = TrainedClassifier(p, folder)
    examples = training.preprocess(examples)
    statistics = "of each batch" if args.data_type == "train" else "saved"
    if statistics == "saved" and (args.recompute_statistics or not classifier.has_final_statistics):
        statistics_from_training_data(p, classifier.shareds, training)
        statistics = "estimated"
    own_statistics = statistics == "of each batch"
    probabilities = classifier.compile(running_statistics=not own_statistics)
    batches = sequential_batches(
        examples, indices, p.batch_size if own_statistics else examples_at_once(resolve_layers(p))
    )
    guesses = np.concatenate([probabilities(x).argmax(axis=1) for x, _ in batches])
    return error_report(examples.targets[indices], guesses), statistics


def evaluate_run(folder, given):
    """Find and keep the test error of a run of ours.

    Parameters
    ----------
    folder : Path
    given : with what ``configure_backend`` needs
    """
    args = SimpleNamespace(**{**vars(given), "data_type": "test", "recompute_statistics": False})
    p, training = load_configuration(folder, {})
    report, statistics = classification_report(p, folder, training, args)
    keep_evaluation(folder, args.data_type, report, statistics)


def keep_evaluation(folder, data_type, report, statistics):
    """Save what was found for ``run.py table``; a folder that takes no files is no reason to fail.

    Of a finished run alone: parameters that an interrupt left may be older than the log.
    """
    if not results.is_finished(folder):
        return
    try:
        save_evaluation(folder, data_type, report, statistics)
    except (OSError, UserError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        logger.warning("%s is not kept in %s (%s): run.py table will not find it", EVALUATION, folder, why)


def statistics_from_training_data(p, shareds, training):
    """Set the statistics for test data from the training data, as the original does.

    Parameters
    ----------
    p : HyperParameters
    shareds : ParameterStore, with the trained parameters
    training : TrainingData
    """
    from ladder.training.functions import compile_statistics, estimate_statistics

    logger.info("Estimating batch-normalisation statistics over the training data")
    examples = training.preprocess(training.examples)
    stream = training_stream(p, examples, training.split)
    estimate_statistics(compile_statistics(p, shareds), shareds, stream)


def load_configuration(folder, given):
    """A run's options, those given on the command line going before.

    Parameters
    ----------
    folder : Path
    given : dict of option name -> value or list of one value

    Returns
    -------
    p : HyperParameters
    training : TrainingData
        Read when first asked for: a finished run of ours that does not whiten
        can be tested without.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: give the folder of a run, e.g. results/noname0.")
    choices = combinations(given)
    if len(choices) != 1:
        raise UserError("several values of an option train several networks: give one each.")
    stored, data = results.load_options(folder), results.load_data(folder)
    if stored is None and "encoder_layers" not in given:
        raise UserError(
            f"{folder} has no {results.OPTIONS}: give the options that the network was trained with "
            "(--encoder-layers, --labeled-samples …)."
        )
    options = {**(stored or {}), **choices[0]}
    if stored is None and not options.get("unsupervised"):
        options = _encoder_alone(options)
    without_data = hyper_parameters(options, in_dim=())
    resolve_layers(without_data)
    if data is None or OF_DATA & given.keys():
        # Other data than the run's, or read otherwise: nothing is known of them but what to divide them by.
        training = TrainingData(without_data, record=data and reading_of_others(without_data, data))
        data = describe(training.examples)
    else:
        check_unchanged(without_data, data, folder)
        training = TrainingData(without_data, record=data)
    p = hyper_parameters(options, data["in_dim"])
    check_classes(p, p.dataset, data["n_classes"])
    check_memory(p)
    if not OF_PREPROCESSING & given.keys():
        training.keep(results.load_fitted(folder, p))
    return p, training


def _encoder_alone(options):
    """Options of a run that is not ours: decoder and cost weights play no part in the error."""
    n = len(options["encoder_layers"]) + 1
    return {**options, "denoising_cost_x": (0.0,) * n, "decoder_spec": ("0",)}


def _examples_of(p, training, data_type):
    """The examples to evaluate on, as they were read, and their positions."""
    if data_type == "test":
        examples = read(p, "test", training.record)
        indices = np.arange(len(examples.targets))
    else:
        examples = training.examples
        indices = training.split.train if data_type == "train" else training.split.valid
    if len(indices) == 0:
        raise UserError("--data-type valid: the run has no validation set, all examples train: use test.")
    if examples.in_dim != p.encoder_layers[0]:
        raise UserError(
            f"{examples.name} has examples of shape {examples.in_dim}, but the network was trained on "
            f"{p.encoder_layers[0]}: give the data set it was trained on with --dataset."
        )
    return examples, indices


def labelled_examples_of(p, training, data_type):
    """What can be tested: the Examples as they were read, and the positions of those with a label.

    Parameters
    ----------
    p, training : from :func:`load_configuration`
    data_type : 'test', 'valid' or 'train'
    """
    examples, indices = _examples_of(p, training, data_type)
    indices = indices[examples.targets[indices] != NO_LABEL]
    if len(indices) == 0:
        raise UserError(f"--data-type {data_type}: {examples.name} has no labelled examples there.")
    n_units, low, high = resolve_layers(p)[-1].size, examples.targets[indices].min(), examples.targets[indices].max()
    if low < 0 or high >= n_units:
        raise UserError(
            f"--data-type {data_type}: the labels of {examples.name} go from {low} to {high}, but the network knows the "
            f"classes 0 to {n_units - 1}: give the data set that it was trained on."
        )
    return examples, indices


def error_report(targets, guesses):
    """Errors overall and by class.

    Parameters
    ----------
    targets, guesses : (N,) int64

    Returns
    -------
    dict
        ``error_percent``, ``n_wrong``, ``n``, ``error_percent_by_class`` (None
        for a class without examples), and ``confusion``: rows are the true
        classes, columns the guesses.
    """
    n_classes = int(max(targets.max(), guesses.max())) + 1
    budget.ask(16 * n_classes**2, f"a confusion matrix of {n_classes:,} classes", "test on data with fewer of them")
    confusion = np.zeros((n_classes, n_classes), int)
    np.add.at(confusion, (targets, guesses), 1)
    n, right = confusion.sum(axis=1), confusion.diagonal()
    return {
        "error_percent": float(100 * (n.sum() - right.sum()) / n.sum()),
        "n_wrong": int(n.sum() - right.sum()),
        "n": int(n.sum()),
        "error_percent_by_class": [float(100 * (t - r) / t) if t else None for t, r in zip(n, right)],
        "confusion": confusion.tolist(),
    }


def _print_report(report, data_type):
    n_classes = len(report["confusion"])
    # A table of a million cells takes seconds to be found too wide.
    with_guesses = _table_by_class(report, True) if n_classes <= MOST_COLUMNS else None
    if with_guesses is not None and fits(with_guesses):
        print_table(with_guesses)
    else:
        print_table(_table_by_class(report, False))
        print(f"Most frequent mistakes: {_worst_pairs(report['confusion'])}")
        print(f"(The matrix of {n_classes} x {n_classes} guesses is too wide to be shown; --json FILE has it whole.)")
    print(
        f"{data_type.capitalize()} error: {report['error_percent']:.2f} % ({report['n_wrong']} of {report['n']} wrong)"
    )


def _table_by_class(report, with_guesses):
    """Errors by class, beside the rows of the confusion matrix or without them."""
    guesses = [f"as {i}" for i in range(len(report["confusion"]))] if with_guesses else []
    table = Table("class", "error %", "examples", *guesses)
    rows = zip(report["error_percent_by_class"], report["confusion"])
    for i, (error, counts) in enumerate(rows):
        cells = map(str, counts) if with_guesses else ()
        table.add_row(str(i), "" if error is None else f"{error:.2f}", str(sum(counts)), *cells)
    return table


def _worst_pairs(confusion):
    """The classes that are most often taken for others, in words."""
    wrong = np.array(confusion)
    np.fill_diagonal(wrong, 0)
    rows, columns = wrong.nonzero()
    order = np.argsort(-wrong[rows, columns], kind="stable")[:MOST_PAIRS]
    return ", ".join(f"{rows[k]} as {columns[k]} ({wrong[rows[k], columns[k]]})" for k in order) or "none"


def _denoising_report(p, folder, training, args):
    """Print and return the denoising costs of a network without classification."""
    examples, indices = _examples_of(p, training, args.data_type)
    configure_backend(args)
    examples = training.preprocess(examples)
    from ladder.training.trained import denoising_costs

    costs = denoising_costs(p, folder, examples, indices)
    print(f"Trained without labels: denoising costs on the {args.data_type} examples, layer 0 first")
    for name, cost in costs.items():
        print(f"  {name}: {cost:.5g}")
    return costs
