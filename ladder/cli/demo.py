"""``run.py demo``: a ladder beside the same network trained on the labels alone."""

import numpy as np
from rich.table import Table

from ladder.cli.options import add_backend_options, configure_backend
from ladder.cli.printing import print_table
from ladder.cli.train import prepare, print_interrupted, train_one
from ladder.data.experiment import load_examples, sequential_batches

NETWORK = {"dataset": "digits", "labeled_samples": 100, "encoder_layers": ("250", "100", "50", "10"), "num_epochs": 150}
LADDER = {**NETWORK, "decoder_spec": ("gauss",), "denoising_cost_x": (2000.0, 20.0, 0.1, 0.1, 0.1)}
LABELS_ALONE = {**NETWORK, "decoder_spec": ("0",), "denoising_cost_x": (0.0,) * 5}


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "demo",
        help="see a ladder learn from 100 labels",
        allow_abbrev=False,
        description="Train a ladder network on scikit-learn's handwritten digits with 100 labels, train the "
        "same network on those labels alone, and print both test errors. It needs no download.",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="seed of weights, noise and choice of labels (default: 1)"
    )
    add_backend_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args):
    both = [{**options, "seed": args.seed} for options in (LADDER, LABELS_ALONE)]
    experiments, backend = prepare(both), configure_backend(args)
    errors = []
    for name, experiment in zip(("digits_ladder", "digits_labels_alone"), experiments):
        folder, finished = train_one(*experiment, name, backend)
        if not finished:
            print_interrupted(folder)
            return 130
        errors.append((folder, _test_error(experiment[0], folder)))
    _print(errors, experiments[0])
    return 0


def _test_error(p, folder):
    """Per cent of the test images that the run in ``folder`` gets wrong."""
    from ladder.training.trained import TrainedClassifier

    probabilities = TrainedClassifier(p, folder).compile()
    test = load_examples(p.dataset, "test")
    ((features, targets),) = sequential_batches(test, np.arange(len(test.targets)), len(test.targets))
    return 100 * np.mean(probabilities(features).argmax(axis=1) != targets)


def _print(errors, experiment):
    _, examples, split = experiment
    (ladder_folder, ladder_error), (alone_folder, alone_error) = errors
    table = Table("trained on", "test error", "saved in", title="Handwritten digits, 8 x 8 pixels")
    n_labeled, n_train = len(split.labeled), len(split.train)
    table.add_row(f"{n_labeled} labels alone", f"{alone_error:.2f} %", str(alone_folder))
    table.add_row(f"the same and {n_train} images (ladder)", f"{ladder_error:.2f} %", str(ladder_folder))
    print_table(table)
