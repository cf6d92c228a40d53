"""``run.py lr-test``: the cost while the learning rate rises, and the rate that it suggests."""

from ladder.cli.options import add_backend_options, add_training_options, configure_backend, given_options
from ladder.cli.outputs import check_output
from ladder.combinations import only
from ladder.data.preprocessing import Preprocessor
from ladder.errors import UserError
from ladder.option_types import number_that, whole_number_from
from ladder.options import Options
from ladder.pretraining import PRETRAINING
from ladder.training.experiment import prepare
from ladder.training.into_folders import check_compiler

#: A learning rate.
_rate = number_that(lambda rate: 0 < rate < 1e6, "above 0 and below a million")


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "lr-test",
        help="find a learning rate",
        allow_abbrev=False,
        description="Train a new network while the learning rate rises from update to update, and draw the cost "
        "against the rate (Smith 2017). The rate at which it falls fastest is suggested. Nothing is kept but the "
        "picture.",
    )
    # The test starts from a network's own initial weights.
    add_training_options(parser, without=(PRETRAINING,))
    test = parser.add_argument_group("range test")
    test.add_argument("--from", dest="lowest", type=_rate, default=1e-6, metavar="R", help="first rate (default: 1e-6)")
    test.add_argument("--to", dest="highest", type=_rate, default=1.0, metavar="R", help="last rate (default: 1)")
    test.add_argument(
        "--updates",
        type=whole_number_from(10, 100_000),
        default=300,
        metavar="N",
        help="updates between them (default: 300)",
    )
    test.add_argument(
        "--output", default="lr_test.png", metavar="FILE", help="PNG file to draw to (default: lr_test.png)"
    )
    add_backend_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args):
    """Run the range test, draw it and suggest a rate."""
    given = only(given_options(args), "lr-test looks at one network: give one value of each option.")
    if args.lowest >= args.highest:
        raise UserError(f"--from {args.lowest:g} must be below --to {args.highest:g}.")
    p = Options(**given)
    check_output(args.output, "--output", suffix=".png", datasets=[p.dataset])
    backend = configure_backend(args)
    (experiment,) = prepare([p])
    check_compiler(backend, experiment)
    from ladder.attacks.figures import write_png
    from ladder.files import write_whole
    from ladder.report.rate_test import rate_figure
    from ladder.training.rate_test import range_test

    found = range_test(experiment.preprocessed(Preprocessor()), args.lowest, args.highest, args.updates)
    print(f"{len(found.rates)} updates with rates from {found.rates[0]:.2g} to {found.rates[-1]:.2g}: {found.end}")
    print(f"The smoothed cost is lowest, {found.smoothed.min():.4g}, at a rate of {found.lowest:.2g}")
    if found.suggested is None:
        print(
            f"That is the first one: give a lower --from, or a higher --to where it hardly changes; see {args.output}",
            flush=True,
        )
    else:
        print(f"Suggested: --lr {found.suggested:.2g}, at which it falls fastest; see {args.output}", flush=True)
    figure = rate_figure(found, f"{experiment.p.optimizer} on {experiment.p.dataset}")
    write_whole(args.output, lambda file: write_png(figure, file))
    return 0
