"""``run.py attack``: error of a trained network on inputs made to mislead it."""

import argparse
import logging
import sys
from dataclasses import asdict

from rich.table import Table
from tqdm import tqdm

from ladder import backends
from ladder.attacks.functions import check_clip, compile_functions, of_pixels, units_of_inputs
from ladder.attacks.methods import KINDS, AttackSettings, check_tau
from ladder.attacks.robustness import count_errors
from ladder.cli.options import add_backend_options, add_training_options, checked_backend, given_options
from ladder.cli.printing import print_table
from ladder.data.examples import sequential_batches
from ladder.data.preprocessing import preprocesses
from ladder.errors import UserError
from ladder.files import save_json, write_whole
from ladder.layers import resolve_layers
from ladder.network_size import examples_at_once
from ladder.option_types import number
from ladder.output_files import made_folder
from ladder.training.evaluation import TrainedRun

logger = logging.getLogger("main")

REPORT, ERRORS, IMAGES = "attack.json", "attack_errors.png", "attack_images.png"

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
        "--kinds": dict(nargs="+", default=default.kinds, metavar="KIND",
                        help=f"attacks, of {', '.join(KINDS)} (default: all)"),
        "--tau": dict(nargs="+", type=number, default=default.taus, metavar="TAU", help=f"powers (default: {taus})"),
        "--steps": dict(type=int, default=default.steps, metavar="N",
                        help=f"steps of projected gradient descent (default: {default.steps})"),
        "--step-size": dict(type=float, metavar="R",
                            help="length of such a step, in the norm of its ball (default: 2.5 tau / steps)"),
        "--random-start": dict(action="store_true",
                               help="start the descent at a random point of the ball, not at the example"),
        "--clip": dict(action=argparse.BooleanOptionalAction, default=default.clip,
                       help="keep attacked inputs between 0 and 1 (default: no)"),
        "--attack-seed": dict(type=int, default=default.seed, metavar="N",
                              help=f"seed of the Gaussian control and random starts (default: {default.seed})"),
        "--units": dict(choices=("inputs", "pixels"), default="inputs",
                        help="what tau measures and noise is added to: the network's inputs, or the pixels before "
                        "contrast normalisation and whitening (default: inputs)"),
        "--data-type": dict(choices=("test", "valid"), default="test", help="what to attack (default: test)"),
        "--examples": dict(type=int, metavar="N", help="attack the first N alone (default: all)"),
        "--figure-tau": dict(type=float, default=0.25, metavar="TAU",
                             help=f"power of the attacks in {IMAGES} (default: 0.25)"),
        "--output": dict(metavar="FOLDER", help="folder to write to (default: that of the run)"),
    }
    # fmt: on


def run(args):
    backend = checked_backend(args)
    settings = _settings(args)
    trained = TrainedRun.load(args.load_from, given_options(args))
    trained.check_knows_classes()
    units = "pixels" if args.units == "pixels" else units_of_inputs(trained.p)
    examples, indices = trained.labelled_examples(args.data_type)
    indices = indices[: args.examples]
    if settings.clip:
        check_clip(examples, units)
    output = made_folder(args.output or trained.folder.path, "--output")

    backends.configure(**backend)
    (classify, gradient), training = compile_functions(trained), trained.training
    if units == "pixels":
        classify, gradient, show = *of_pixels(training, classify, gradient), None
    else:
        examples, show = training.preprocess(examples), training.undo if preprocesses(trained.p) else None
    batches = sequential_batches(examples, indices, examples_at_once(resolve_layers(trained.p, trained.in_dim)))
    report = {
        "folder": str(trained.folder),
        "dataset": examples.name,
        "data_type": args.data_type,
        "units": units,
        "settings": asdict(settings),
        **_count_errors(batches, len(indices), classify, gradient, settings),
    }
    _print_report(report)
    _write(output / REPORT, lambda path: save_json(path, report))
    name = f"{trained.folder.path.name}, {examples.name}"
    _draw(output, name, report, examples, indices, classify, gradient, settings, args.figure_tau, show)
    return 0


def _settings(args):
    """The options, checked without reading anything."""
    if args.examples is not None and args.examples < 1:
        raise UserError(f"--examples is {args.examples}, but must be at least 1.")
    check_tau("--figure-tau", args.figure_tau)
    return AttackSettings(
        kinds=tuple(args.kinds),
        taus=tuple(args.tau),
        steps=args.steps,
        step_size=args.step_size,
        clip=args.clip,
        random_start=args.random_start,
        seed=args.attack_seed,
    )


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
        f"Error in per cent of all {n} examples; in brackets how many were right before the attack. "
        f"Inputs {'kept between 0 and 1' if settings['clip'] else 'not clipped'}; tau in units of the "
        f"{report['units']}."
    )


def _draw(output, name, report, examples, indices, classify, gradient, settings, tau, show):
    """Draw both figures; ``show`` makes images to look at of inputs that are none (None: they are)."""
    from ladder.attacks import figures

    _write_figure(output / ERRORS, figures.error_figure(report, name))
    if figures.as_images(examples.features[:1]) is None:
        logger.info("No %s: examples of shape %s are not images", IMAGES, examples.in_dim)
        return
    grid = figures.attacked_image_figure(examples, indices, classify, gradient, settings, tau, show, name)
    _write_figure(output / IMAGES, grid)


def _write_figure(path, figure):
    from ladder.attacks.figures import write_png

    _write(path, lambda path: write_whole(path, lambda file: write_png(figure, file)))


def _write(path, write):
    try:
        write(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): give another folder with --output.") from None
    logger.info("Wrote %s", path)
