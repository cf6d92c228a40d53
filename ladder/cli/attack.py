"""``run.py attack``: error of a trained network on inputs made to mislead it."""

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path

from rich.table import Table
from tqdm import tqdm

from ladder import backends
from ladder.attacks.functions import batch_size_of, check_clip, compile_functions, of_pixels, units_of_inputs
from ladder.attacks.methods import KINDS, AttackSettings, check_tau
from ladder.attacks.report import load_report, save_report
from ladder.attacks.robustness import count_errors
from ladder.cli.options import (
    add_backend_options,
    add_parameters_option,
    add_training_options,
    checked_backend,
    given_options,
)
from ladder.cli.printing import print_table
from ladder.combinations import only
from ladder.data.examples import sequential_batches
from ladder.data.preprocessing import preprocesses
from ladder.errors import UserError
from ladder.option_types import number
from ladder.output_files import made_folder
from ladder.runs.folder import ATTACK, OPTIONS_FILE
from ladder.tables.preset import published_attack
from ladder.training.evaluation import TrainedRun

#: Option, as parsed -> its name in ``AttackSettings``.
SETTINGS = {
    **{name: name for name in ("kinds", "steps", "step_size", "random_start", "clip", "statistics")},
    **{"tau": "taus", "attack_seed": "seed"},
}

DESCRIPTION = """Attack a trained network, and print its test error against tau, the power of
the attack in units of the network's inputs (or of pixels, see --units). Kinds: sgn, tau times the gradient's sign (FGSM); 1N, the gradient scaled to
the L2 norm tau; kN, the same scaled to the power of sgn; pgd-linf and pgd-l2, projected gradient descent in the
ball of radius tau; gaussian, the control: signs of Gaussian noise, with the power of sgn. Writes attack.json,
attack_errors.png and attack_images.png."""


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "attack",
        help="test error of a trained network under attack",
        allow_abbrev=False,
        description=DESCRIPTION,
        epilog="A folder with nothing but a trained_params.npz needs the options it was trained with; "
        "options given here override those of a run's params.json.",
    )
    parser.add_argument("load_from", help="folder of the run, e.g. results/noname0")
    for option, arguments in _options().items():
        parser.add_argument(option, **arguments)
    add_parameters_option(parser)
    add_training_options(parser)
    add_backend_options(parser)
    parser.set_defaults(run=run)
    return parser


def _options():
    """The options of attacks: name -> arguments of ``add_argument``."""
    default = AttackSettings()
    taus = " ".join(f"{tau:g}" for tau in default.taus)
    # fmt: off
    return {
        "--preset": dict(metavar="NAME", help="attack as a published experiment did, e.g. thesis_section_5_4; options "
                         "given here override the preset's"),
        "--kinds": dict(nargs="+", metavar="KIND", help=f"attacks, of {', '.join(KINDS)} (default: all)"),
        "--tau": dict(nargs="+", type=number, metavar="TAU", help=f"powers (default: {taus})"),
        "--steps": dict(type=int, metavar="N",
                        help=f"steps of projected gradient descent (default: {default.steps})"),
        "--step-size": dict(type=float, metavar="R",
                            help="length of such a step, in the norm of its ball (default: 2.5 tau / steps)"),
        "--random-start": dict(action="store_true", default=None,
                               help="start the descent at a random point of the ball, not at the example"),
        "--clip": dict(action=argparse.BooleanOptionalAction,
                       help="keep attacked inputs between 0 and 1 (default: no)"),
        "--attack-seed": dict(type=int, metavar="N",
                              help=f"seed of the Gaussian control and random starts (default: {default.seed})"),
        "--statistics": dict(metavar="fixed|batch",
                             help="whose means and variances the gradient is taken through: those for test data, or "
                             "each batch's own (of --batch-size examples), as in training; attacked images are "
                             "classified with the former (default: fixed)"),
        "--units": dict(choices=("inputs", "pixels"), default="inputs",
                        help="what tau measures and noise is added to: the network's inputs, or the pixels before "
                        "contrast normalisation and whitening (default: inputs)"),
        "--data-type": dict(choices=("test", "valid"), default="test", help="what to attack (default: test)"),
        "--examples": dict(type=int, metavar="N", help="attack the first N alone (default: all)"),
        "--figure-tau": dict(type=float, default=0.25, metavar="TAU",
                             help="power of the attacks in attack_images.png (default: 0.25)"),
        "--output": dict(metavar="FOLDER", help="folder to write to (default: that of the run, or 'best' there "
                         "with --parameters best)"),
    }
    # fmt: on


def run(args):
    backend = checked_backend(args)
    published = {} if args.preset is None else published_attack(args.preset)
    settings = _settings(args, published)
    trained, batch_size = _network(args, published, settings.statistics)
    units = "pixels" if args.units == "pixels" else units_of_inputs(trained.p)
    examples, indices = trained.labelled_examples(args.data_type)
    indices = indices[: args.examples]
    batch_size = batch_size_of(trained, settings.statistics, len(indices), batch_size)
    if settings.clip:
        check_clip(examples, units)
    output = _output_folder(args, trained.folder, len(indices), trained.overridden)

    backends.configure(**backend)
    (classify, gradient), training = compile_functions(trained, settings.statistics), trained.training
    if units == "pixels":
        classify, gradient, show = *of_pixels(training, classify, gradient), None
    else:
        examples, show = training.preprocess(examples), training.undo if preprocesses(trained.p) else None
    batches = sequential_batches(examples, indices, batch_size)
    report = {
        "folder": str(trained.folder),
        "dataset": examples.name,
        "data_type": args.data_type,
        # An unfinished run's log may be ahead of its parameters.
        "epochs": trained.folder.epochs_done() if trained.folder.is_finished() else None,
        "parameters": args.parameters,
        "units": units,
        "batch_size": batch_size if settings.statistics == "batch" else None,
        "overridden": list(trained.overridden),
        "settings": asdict(settings),
        **_count_errors(batches, len(indices), classify, gradient, settings),
    }
    _print_report(report)
    save_report(output, report)
    from ladder.attacks.figures import write_figures

    name = f"{trained.folder.path.name}, {examples.name}"
    write_figures(output, name, report, examples, indices, classify, gradient, settings, args.figure_tau, show)
    return 0


def _network(args, published, statistics):
    """The attacked network, and the batch size of the gradient or None."""
    given = {**{name: value for name, value in published.items() if name not in SETTINGS}, **given_options(args)}
    given = only(given)
    # The batch size of the gradient; a run has its own, with which missing statistics are estimated.
    batch_size = given.pop("batch_size", None) if (Path(args.load_from) / OPTIONS_FILE).exists() else None
    if batch_size is not None and statistics == "fixed" and "batch_size" in given_options(args):
        raise UserError("--batch-size is that of --statistics batch: give that, too, or leave it out.")
    trained = TrainedRun.load(args.load_from, given, args.parameters)
    trained.check_knows_classes()
    return trained, batch_size


def _output_folder(args, attacked, n, overridden):
    """Where the report of an attack on n examples goes."""
    _check_own(args.output, attacked)
    # An attack on the best parameters leaves the files of one on the last parameters alone.
    folder = Path(args.output or attacked.path / ("best" if args.parameters == "best" else ""))
    _check_replaced(folder, args, n, overridden)
    return made_folder(folder, "--output")


def _check_own(output, attacked):
    """Refuse the folder of another run, or one below it: tables would attribute the report to that run."""
    for folder in [Path(output), Path(output).parent] if output else []:
        if (folder / OPTIONS_FILE).exists() and not os.path.samefile(folder, attacked.path):
            raise UserError(
                f"--output {output} belongs to the run {folder}, which was not attacked: give another folder."
            )


def _check_replaced(folder, args, n, overridden):
    """Refuse to replace a report on the test set with one on fewer or other examples, another network or data set."""
    path = folder / ATTACK
    before = load_report(path) if path.exists() else None
    if before is None or before["data_type"] != "test":
        return
    if args.data_type != "test" or n < before["n"]:
        other = f"on {n:,} {args.data_type} examples"
    elif (before["parameters"] or "last") != args.parameters:
        other = f"with --parameters {args.parameters}"
    elif overridden and before["overridden"] == ():
        other = f"with another {', '.join(overridden)} than the run's"
    else:
        return
    raise UserError(
        f"{path} has an attack on {before['n']:,} test examples, which this one {other} would replace: give another folder "
        "with --output."
    )


def _settings(args, published):
    """The attack's settings: the options given, else a published attack's, checked without reading a run."""
    if args.examples is not None and args.examples < 1:
        raise UserError(f"--examples is {args.examples}, but must be at least 1.")
    check_tau("--figure-tau", args.figure_tau)
    given = {name: value for name in SETTINGS if (value := getattr(args, name)) is not None}
    chosen = {name: value for name, value in {**published, **given}.items() if name in SETTINGS}
    return AttackSettings(**{SETTINGS[name]: tuple(x) if isinstance(x, list) else x for name, x in chosen.items()})


def _count_errors(batches, n, classify, gradient, settings):
    total = n * len(settings.kinds) * len(settings.taus)
    with tqdm(total=total, unit="example", leave=False, mininterval=0.5, disable=not sys.stderr.isatty()) as bar:
        return count_errors(batches, classify, gradient, settings, bar.update)


def _print_report(report):
    n, n_wrong, settings = report["n"], report["n_wrong_before"], report["settings"]
    print(
        f"{report['data_type'].capitalize()} error before any attack: {100 * n_wrong / n:.2f} % "
        f"({n_wrong} of {n} wrong)"
    )
    found = {(a["kind"], a["tau"]): f"{a['error_percent']:.2f} ({a['n_newly_wrong']})" for a in report["attacks"]}
    table = Table("tau", *settings["kinds"])
    for tau in settings["taus"]:
        table.add_row(f"{tau:g}", *[found[kind, tau] for kind in settings["kinds"]])
    print_table(table)
    print(
        f"Error in per cent of all {n} examples; in brackets how many of the wrong ones were right before. "
        f"Inputs {'kept between 0 and 1' if settings['clip'] else 'not clipped'}; tau in units of the "
        f"{report['units']}."
    )
    if report["batch_size"]:
        print(
            f"Gradients were taken through the statistics of each batch of {report['batch_size']}, as in training: "
            "a much weaker attack than with fixed ones."
        )
