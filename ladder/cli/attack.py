"""``run.py attack``: error of a trained network on inputs made to mislead it."""

import argparse
import logging
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.table import Table
from tqdm import tqdm

from ladder.analysis.attacks import KINDS, AttackedBatch, AttackSettings, check_tau
from ladder.analysis.robustness import count_errors
from ladder.cli.evaluate import labelled_examples_of, load_configuration, statistics_from_training_data
from ladder.cli.options import (
    add_backend_options,
    add_training_options,
    check_backend,
    configure_backend,
    given_options,
    number,
)
from ladder.cli.output import check_writable
from ladder.cli.printing import print_table
from ladder.data.experiment import sequential_batches
from ladder.data.preprocessing import preprocesses
from ladder.errors import UserError
from ladder.experiments.attacked import REPORT
from ladder.experiments.preset import load_preset
from ladder.files import save_json, write_whole
from ladder.hyper import examples_at_once, resolve_layers
from ladder.training.evaluation import epochs_done

logger = logging.getLogger("main")

ERRORS, IMAGES = "attack_errors.png", "attack_images.png"

#: Option -> what ``AttackSettings`` calls it.
NAMES = {"tau": "taus"}

#: Columns of the grid of images.
MOST_IMAGES = 10

DESCRIPTION = """Attack a trained network, and print its test error against tau, the power of
the attack in units of the network's inputs (or of pixels, see --units). Kinds: sgn, tau times the gradient's sign (FGSM); 1N, the gradient scaled to
the L2 norm tau; kN, the same scaled to the power of sgn; pgd-linf and pgd-l2, projected gradient descent in the
ball of radius tau; gaussian, the control: signs of Gaussian noise, with the power of sgn. Writes attack.json,
attack_errors.png and attack_images.png."""


def add_parser(subparsers):
    default = AttackSettings()
    parser = subparsers.add_parser(
        "attack",
        help="test error of a trained network under attack",
        allow_abbrev=False,
        description=DESCRIPTION,
        epilog="A folder with nothing but a trained_params.npz needs the options it was trained with; "
        "options given here go before those of a run's params.json.",
    )
    parser.add_argument("load_from", help="folder of the run, e.g. results/noname0")
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="attack as a published experiment did, e.g. thesis_section_5_4; options given here go before the preset's",
    )
    parser.add_argument("--kinds", nargs="+", metavar="KIND", help=f"attacks, of {', '.join(KINDS)} (default: all)")
    parser.add_argument(
        "--tau",
        nargs="+",
        type=number,
        metavar="TAU",
        help=f"powers (default: {' '.join(f'{tau:g}' for tau in default.taus)})",
    )
    parser.add_argument(
        "--steps", type=int, metavar="N", help=f"steps of projected gradient descent (default: {default.steps})"
    )
    parser.add_argument(
        "--step-size",
        type=float,
        metavar="R",
        help="length of such a step, in the norm of its ball (default: 2.5 tau / steps)",
    )
    parser.add_argument(
        "--random-start",
        action="store_true",
        help="start the descent at a random point of the ball, not at the example",
    )
    parser.add_argument(
        "--clip",
        action=argparse.BooleanOptionalAction,
        default=default.clip,
        help="keep attacked inputs between 0 and 1 (default: no)",
    )
    parser.add_argument(
        "--attack-seed",
        type=int,
        default=default.seed,
        metavar="N",
        help=f"seed of the Gaussian control and random starts (default: {default.seed})",
    )
    parser.add_argument(
        "--statistics",
        metavar="fixed|batch",
        help="whose means and variances the gradient is taken through: those for test data, or each batch's own "
        "(of --batch-size examples) as in training; attacked images are classified with the former (default: fixed)",
    )
    parser.add_argument(
        "--units",
        choices=("inputs", "pixels"),
        default="inputs",
        help="what tau measures and noise is added to: the network's inputs, or the pixels before "
        "contrast normalisation and whitening (default: inputs)",
    )
    parser.add_argument("--data-type", choices=("test", "valid"), default="test", help="what to attack (default: test)")
    parser.add_argument("--examples", type=int, metavar="N", help="attack the first N alone (default: all)")
    parser.add_argument(
        "--figure-tau",
        type=float,
        default=0.25,
        metavar="TAU",
        help=f"power of the attacks in {IMAGES} (default: 0.25)",
    )
    parser.add_argument("--output", metavar="FOLDER", help="folder to write to (default: that of the run)")
    add_training_options(parser)
    add_backend_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args):
    check_backend(args)
    published = _published(args.preset)
    settings = _settings(args, published)
    folder = Path(args.load_from)
    batch_size = {"batch_size": published["batch-size"]} if "batch-size" in published else {}
    p, training = load_configuration(folder, {**batch_size, **given_options(args)})
    if p.unsupervised:
        raise UserError(f"{folder} was trained without labels, so it knows no classes: train one with labels.")
    units = "pixels" if args.units == "pixels" else units_of_inputs(p)
    _check_clip_has_bounds(settings, units)
    examples, indices = labelled_examples_of(p, training, args.data_type)
    indices = indices[: args.examples]
    batch_size = examples_at_once(resolve_layers(p)) if settings.statistics == "fixed" else p.batch_size
    if settings.statistics == "batch":
        _check_batches_have_statistics(len(indices), batch_size)
    if settings.clip:
        _check_unit_interval(examples)
    output = _output_folder(args.output or folder)

    configure_backend(args)
    classify, gradient = _compile(p, folder, training, settings.statistics)
    if units == "pixels":
        classify, gradient, show = *_of_pixels(training, classify, gradient), None
    else:
        examples, show = training.preprocess(examples), training.undo if preprocesses(p) else None
    batches = sequential_batches(examples, indices, batch_size)
    report = _count_errors(batches, len(indices), classify, gradient, settings)
    report = {
        "folder": str(folder),
        "dataset": examples.name,
        "data_type": args.data_type,
        "epochs": epochs_done(folder),
        "units": units,
        "batch_size": batch_size if settings.statistics == "batch" else None,
        "settings": asdict(settings),
        **report,
    }
    _print_report(report)
    _write(output / REPORT, lambda path: save_json(path, report))
    _draw(report, examples, indices, classify, gradient, settings, args.figure_tau, output, show)
    return 0


def _settings(args, published):
    """The options, those of a preset's attack where they are not given, checked without reading a run."""
    if args.examples is not None and args.examples < 1:
        raise UserError(f"--examples is {args.examples}, but must be at least 1.")
    check_tau("--figure-tau", args.figure_tau)
    given = {name: getattr(args, name) for name in ("kinds", "tau", "steps", "statistics")}
    chosen = {**published, **{name: value for name, value in given.items() if value is not None}}
    chosen = {NAMES.get(name, name): tuple(x) if isinstance(x, list) else x for name, x in chosen.items()}
    chosen.pop("batch-size", None)
    return AttackSettings(
        **chosen, step_size=args.step_size, clip=args.clip, random_start=args.random_start, seed=args.attack_seed
    )


def _published(name):
    """The options of an attack that a preset has; {} where no preset is asked for."""
    if name is None:
        return {}
    preset = load_preset(name)
    if preset.attack is None:
        raise UserError(f"--preset: {preset.name} was not attacked: give another, e.g. thesis_section_5_4.")
    return preset.attack


def _check_batches_have_statistics(n, batch_size):
    if n % batch_size == 1:
        raise UserError(
            f"--batch-size {batch_size} leaves a last batch of one of {n} examples, which has no variance: "
            "give another size."
        )


def _check_clip_has_bounds(settings, units):
    if settings.clip and units not in ("pixels", "inputs"):
        raise UserError(
            f"--clip keeps inputs between 0 and 1, but this network takes {units}, which have no such bounds: "
            "use --no-clip, or attack the pixels before that with --units pixels."
        )


def _check_unit_interval(examples):
    low, high = examples.features.min(), examples.features.max()
    if low < 0 or high > 1:
        raise UserError(
            f"--clip keeps inputs between 0 and 1, but {examples.name} goes from {low:g} to {high:g}: use --no-clip."
        )


def _output_folder(path):
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--output: cannot make the folder {path} ({error.strerror}): give another one.") from None
    check_writable(Path(path), "--output")
    return Path(path)


def units_of_inputs(p):
    """What the network's inputs are, after any preprocessing."""
    done = ["standardised"] * p.standardize + ["rescaled"] * p.rescale
    done += [f"contrast normalised to {p.contrast_norm}"] * bool(p.contrast_norm) + ["ZCA-whitened"] * bool(
        p.whiten_zca
    )
    return " and ".join(done) + " inputs" if done else "inputs"


def _compile(p, folder, training, statistics):
    """Two functions of a run: features -> probabilities, and features, classes -> gradients."""
    from ladder.analysis.input_gradient import compile_batch_gradient, compile_input_gradient
    from ladder.training.trained import TrainedClassifier

    classifier = TrainedClassifier(p, folder)
    if not classifier.has_final_statistics:
        statistics_from_training_data(p, classifier.shareds, training)
    compile_gradient = compile_input_gradient if statistics == "fixed" else compile_batch_gradient
    return classifier.compile(), compile_gradient(p, classifier.shareds)


def _of_pixels(training, classify, gradient):
    """The same two functions of features as they are read, before any preprocessing."""

    def classify_pixels(x):
        return classify(training.preprocess_features(x))

    def gradient_by_pixels(x, y):
        return training.gradient_by_features(x, gradient(training.preprocess_features(x), y))

    return classify_pixels, gradient_by_pixels


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
    if report["batch_size"]:
        print(
            f"Gradients were taken through the statistics of each batch of {report['batch_size']}, as in training: "
            "a much weaker attack than with fixed ones."
        )


def _draw(report, examples, indices, classify, gradient, settings, tau, output, show):
    """Draw both figures; ``show`` makes images to look at of inputs that are none (None: they are)."""
    from ladder.analysis import figures

    name = f"{Path(report['folder']).name}, {report['dataset']}"
    _write_figure(output / ERRORS, figures.error_figure(report, name))
    chosen = one_of_each_class(examples.targets, indices)
    x, y = examples.features[chosen], examples.targets[chosen]
    if figures.as_images(x) is None:
        logger.info("No %s: examples of shape %s are no images", IMAGES, examples.in_dim)
        return
    batch = AttackedBatch(x, y, gradient, settings)
    rows = [("clean", x)] + [(kind, batch.attacked(kind, tau)) for kind in settings.kinds]
    rows = [(kind, show(image) if show else image, classify(image).argmax(axis=1)) for kind, image in rows]
    # Few normalised images come near the range of all; pixels have a black and a white of their own.
    clean = rows[0][1] if show else examples.features
    rows = [(kind, figures.as_images(image), guesses) for kind, image, guesses in rows]
    value_range = float(clean.min()), float(clean.max())
    _write_figure(output / IMAGES, figures.image_figure(rows, y, value_range, f"{name}, tau = {tau:g}"))


def one_of_each_class(targets, indices):
    """The first position of each class among ``indices``, at most so many as the grid has columns."""
    classes, first = np.unique(targets[indices], return_index=True)
    return indices[first[:MOST_IMAGES]]


def _write_figure(path, figure):
    from ladder.analysis.figures import write_png

    _write(path, lambda path: write_whole(path, lambda file: write_png(figure, file)))


def _write(path, write):
    try:
        write(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): give another folder with --output.") from None
    logger.info("Wrote %s", path)
