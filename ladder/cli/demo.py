"""``run.py demo``: a ladder beside the same network trained on the labels alone."""

from rich.table import Table

from ladder.cli.options import add_backend_options, configure_backend
from ladder.cli.printing import print_table
from ladder.cli.train import print_interrupted
from ladder.options import Options
from ladder.runs.folder import RunFolder
from ladder.training.evaluation import TrainedRun, classification_report
from ladder.training.experiment import prepare
from ladder.training.into_folders import check_compiler, train_together

NETWORK = {"dataset": "digits", "labeled_samples": 100, "encoder_layers": "250-100-50-10", "num_epochs": 150}
BOTH = {
    "digits_ladder": {**NETWORK, "decoder_spec": "gauss", "denoising_cost_x": "2000,20,0.1,0.1,0.1"},
    "digits_labels_alone": {**NETWORK, "decoder_spec": "0", "denoising_cost_x": "0,0,0,0,0"},
}


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
    experiments = prepare([Options.of(**options, seed=args.seed) for options in BOTH.values()])
    backend = configure_backend(args)
    reports = []
    for name, experiment in zip(BOTH, experiments):
        check_compiler(backend, experiment)
        folder = RunFolder.begin(name, experiment.p, experiment.in_dim)
        _, errors, finished, interrupted = train_together([experiment], [folder])
        if errors:
            raise errors[0]
        if not finished[0]:
            print_interrupted(folder)
        if interrupted:
            return 130
        report, _ = classification_report(TrainedRun.load(folder.path))
        reports.append((folder, report["error_percent"]))
    _print(reports, experiments[0].split)
    return 0


def _print(reports, split):
    (ladder_folder, ladder_error), (alone_folder, alone_error) = reports
    table = Table("trained on", "test error", "saved in", title="Handwritten digits, 8 x 8 pixels")
    n_labeled, n_train = len(split.labeled), len(split.train)
    table.add_row(f"{n_labeled} labels alone", f"{alone_error:.2f} %", str(alone_folder))
    table.add_row(f"the same and {n_train} images (ladder)", f"{ladder_error:.2f} %", str(ladder_folder))
    print_table(table)
