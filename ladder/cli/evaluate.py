"""``run.py evaluate``: error of a trained network, by class and overall."""

import json

import numpy as np
from rich.table import Table
from rich.text import Text

from ladder.cli.options import (
    add_backend_options,
    add_parameters_option,
    add_training_options,
    checked_backend,
    given_options,
)
from ladder.cli.outputs import check_output
from ladder.cli.printing import fits, print_table
from ladder.data.description import numbered_name
from ladder.errors import UserError
from ladder.output_files import write_text
from ladder.training.evaluation import EVALUATED, TrainedRun, classification_report, denoising_report, keep_evaluation

#: How many confusions are listed if the matrix does not fit.
MOST_PAIRS = 10

#: The most columns of a confusion matrix that any terminal could have room for.
MOST_COLUMNS = 100


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "evaluate",
        help="test error of a trained network",
        allow_abbrev=False,
        description="Print the error of a trained network, by class and overall, and a confusion matrix. "
        "A folder with nothing but a trained_params.npz, such as the original wrote, needs the options "
        "it was trained with; options given here override those of a run's params.json.",
    )
    parser.add_argument("load_from", help="folder of the run, e.g. results/noname0")
    parser.add_argument(
        "--data-type",
        choices=EVALUATED,
        default="test",
        help="what to evaluate on; 'train' normalises each batch with its own statistics (default: test)",
    )
    parser.add_argument(
        "--recompute-statistics",
        action="store_true",
        help="estimate the batch-normalisation statistics again from the training data, as the original does",
    )
    add_parameters_option(parser)
    parser.add_argument("--json", metavar="FILE", help="also write the numbers to this file")
    add_training_options(parser)
    add_backend_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args):
    backend = checked_backend(args)
    check_output(args.json, "--json")
    if args.recompute_statistics and args.data_type == "train":
        raise _unused_statistics("the errors of --data-type train")
    trained = TrainedRun.load(args.load_from, given_options(args), args.parameters)
    check_output(args.json, "--json", datasets=[trained.p.dataset])
    if args.recompute_statistics and trained.p.unsupervised:
        raise _unused_statistics("the costs of --unsupervised")
    if trained.p.unsupervised:
        report = denoising_report(trained, args.data_type, backend)
        _print_denoising(report, args.data_type)
    else:
        report, statistics = classification_report(trained, args.data_type, args.recompute_statistics, backend)
        _print_report(report, args.data_type, trained.data)
        keep_evaluation(trained, args.data_type, report, statistics)
    if args.json:
        write_text(args.json, json.dumps(report, indent=1) + "\n", "--json")
    return 0


def _unused_statistics(what):
    return UserError(f"--recompute-statistics: {what} are found with each batch's own statistics: leave it out.")


def _print_report(report, data_type, data):
    n_classes = len(report["confusion"])
    # Finding that a table of a million cells is too wide takes seconds.
    with_guesses = _table_by_class(report, True, data) if n_classes <= MOST_COLUMNS else None
    if with_guesses is not None and fits(with_guesses):
        print_table(with_guesses)
    else:
        print_table(_table_by_class(report, False, data))
        print(f"Most frequent mistakes: {_worst_pairs(report['confusion'])}")
        print(f"(The matrix of {n_classes} x {n_classes} guesses is too wide to be shown; --json FILE has it whole.)")
    print(
        f"{data_type.capitalize()} error: {report['error_percent']:.2f} % ({report['n_wrong']} of {report['n']} wrong)"
    )


def _table_by_class(report, with_guesses, data):
    """Errors by class, with or without the rows of the confusion matrix."""
    guesses = [f"as {i}" for i in range(len(report["confusion"]))] if with_guesses else []
    table = Table("class", "error %", "examples", *guesses)
    rows = zip(report["error_percent_by_class"], report["confusion"])
    for i, (error, counts) in enumerate(rows):
        cells = map(str, counts) if with_guesses else ()
        # Text, because a name may contain brackets, which rich would take for a style.
        table.add_row(Text(numbered_name(data, i)), "" if error is None else f"{error:.2f}", str(sum(counts)), *cells)
    return table


def _worst_pairs(confusion):
    """The most frequent confusions, in words."""
    wrong = np.array(confusion)
    np.fill_diagonal(wrong, 0)
    rows, columns = wrong.nonzero()
    order = np.argsort(-wrong[rows, columns], kind="stable")[:MOST_PAIRS]
    return ", ".join(f"{rows[k]} as {columns[k]} ({wrong[rows[k], columns[k]]})" for k in order) or "none"


def _print_denoising(costs, data_type):
    print(f"Trained without labels: denoising costs on the {data_type} examples, layer 0 first")
    for name, cost in costs.items():
        print(f"  {name}: {cost:.5g}")
