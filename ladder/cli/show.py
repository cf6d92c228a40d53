"""``run.py show``: what a data set holds, and a picture of some of its examples."""

import sys
from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ladder.augmentation_specs import resolve_augmentation
from ladder.cli.options import add_options, given_options
from ladder.cli.outputs import check_output
from ladder.cli.printing import print_table
from ladder.data.augmentation import augmented, check_images, random_numbers
from ladder.data.examples import check_whitening, load_examples
from ladder.data.images import as_images
from ladder.data.preprocessing import TrainingData, preprocesses
from ladder.data.registry import n_training_examples
from ladder.data.splits import Split
from ladder.data.summary import summarise
from ladder.errors import UserError
from ladder.files import printable
from ladder.network_size import check_memory_of_whitening
from ladder.option_types import MOST_NOISE_SEED, whole_number_from
from ladder.options import Options

#: The training options that say how examples are read and changed.
READING = ("sources", "divide_by", "standardize", "rescale", "contrast_norm", "whiten_zca", "augment")

#: The most classes that are listed one by one; more are summarised.
MOST_CLASSES = 100

#: Augmented images drawn beside each example.
CHANGED = 4

SUFFIXES = (".png", ".svg")


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "show",
        help="look at a data set: splits, classes, ranges, and a picture of examples",
        allow_abbrev=False,
        description="Print what a data set holds: splits, shapes, types, ranges, classes, and what training will do to "
        "the features. With --output it draws examples of each class, with --augment also what training makes of them.",
    )
    parser.add_argument("dataset", metavar="DATASET", help="name of a data set, or an HDF5 file")
    parser.add_argument("--output", metavar="FILE", help="picture to draw, .png or .svg (default: none)")
    parser.add_argument("--split", default="train", metavar="NAME", help="split to draw (default: train)")
    parser.add_argument(
        "--examples",
        type=whole_number_from(1, 100),
        default=5,
        metavar="N",
        help="examples of each class to draw (default: 5)",
    )
    parser.add_argument(
        "--seed",
        type=whole_number_from(1, MOST_NOISE_SEED),
        default=1,
        metavar="N",
        help="another number draws other examples (default: 1)",
    )
    add_options(parser.add_argument_group("as for train"), READING)
    parser.set_defaults(run=run)
    return parser


def run(args):
    """Print what the data set holds, and draw it if asked to."""
    p = Options.of(dataset=args.dataset, seed=args.seed, unsupervised=True, **given_options(args))
    augmenting = resolve_augmentation(p)
    _check(args, augmenting)
    path, sources, splits = summarise(p.dataset, p.sources, p.divide_by)
    _print_splits(path, sources, splits)
    _print_classes(splits)
    _print_reading(p, path, splits[0])
    if args.output:
        _draw(args, p, augmenting)
    return 0


def _check(args, augmenting):
    if args.output is None:
        if augmenting is not None:
            raise UserError("--augment is drawn: say where with --output FILE.png.")
        return
    if Path(args.output).suffix.lower() not in SUFFIXES:
        raise UserError(f"--output {args.output} must end in .png or .svg.")
    check_output(args.output, "--output", datasets=[args.dataset])


def _print_splits(path, sources, splits):
    print(f"{path}: {printable(', '.join(sources))}")
    table = Table("split", "examples", "one example", "stored as", "from", "to", "classes", "without label")
    for split in splits:
        table.add_row(
            Text(printable(split.name)),
            f"{split.n:,}",
            " x ".join(map(str, split.shape)),
            split.dtype,
            f"{split.lowest:g}",
            f"{split.highest:g}",
            str(len(split.classes)),
            f"{split.n_unlabelled:,}",
        )
    print_table(table)


def _print_classes(splits):
    """Print the number of examples of each class or, for many classes, the smallest and the largest number."""
    classes = sorted({label for split in splits for label in split.classes})
    if len(classes) > MOST_CLASSES:
        for split in splits:
            counts = [split.counts[label] for label in split.classes] or [0]
            print(
                f"{printable(split.name)}: {min(counts):,} to {max(counts):,} examples of each of {len(split.classes):,} classes"
            )
        return
    if classes:
        table = Table("class", *(escape(printable(split.name)) for split in splits))
        for label in classes:
            table.add_row(str(label), *(f"{split.counts.get(label, 0):,}" for split in splits))
        print_table(table)


def _print_reading(p, path, split):
    print(f"Features are {split.reading} (--divide-by R changes that)")
    steps = {
        "standardize": "each feature gets mean 0 and deviation 1",
        "rescale": "each feature gets the range from 0 to 1",
        "contrast_norm": "contrast is normalised",
        "whiten_zca": "ZCA whitening",
    }
    done = [sentence for name, sentence in steps.items() if getattr(p, name)]
    if done:
        print(f"Then: {', '.join(done)}")
    if split.warning and not preprocesses(p):
        print(split.warning, file=sys.stderr)
    n = n_training_examples(path.stem)
    if n is not None and split.name == "train" and n < split.n:
        print(f"{n:,} of them train unless --unlabeled-samples says otherwise; others validate")


def _draw(args, p, augmenting):
    from ladder.attacks.figures import write_png
    from ladder.files import write_whole
    from ladder.output_files import write_text
    from ladder.report.examples import chosen_examples, examples_figure
    from ladder.report.figures.style import styled
    from ladder.report.figures.svg import as_svg

    examples = load_examples(p.dataset, args.split, p.sources, p.divide_by)
    if as_images(examples.features[:1]) is None:
        raise UserError(
            f"examples of {p.dataset} are {' x '.join(map(str, examples.in_dim))}, no grey or colour images that could be "
            "drawn: leave out --output."
        )
    check_images(p, examples.in_dim)
    chosen = chosen_examples(examples.targets, args.examples, args.seed)
    versions = _versions(p, examples, np.concatenate(list(chosen.values())), augmenting)
    title = f"{examples.name}, {args.split}: {args.examples} of each class"
    with styled():
        figure = examples_figure(chosen, versions, title)
        if Path(args.output).suffix.lower() == ".svg":
            write_text(args.output, as_svg(figure, title, f"{len(chosen)} classes, a line each."), "--output")
        else:
            write_whole(args.output, lambda file: write_png(figure, file))
    print(f"Wrote {args.output}")


def _versions(p, examples, positions, augmenting):
    """The examples as read, as the network takes them, and as training changes them."""
    from ladder.report.examples import Version

    images, value_range = examples.features[positions], (examples.features.min(), examples.features.max())
    found = [Version("as read", images, value_range)]
    for batch in range(CHANGED if augmenting else 0):
        draws = random_numbers(p.dseed, "unlabeled", 0, batch, len(images))
        changed = augmented(images, augmenting.transformations, draws, *value_range)
        found.append(Version("changed", changed, value_range))
    if preprocesses(p):
        training = _training(p, examples.in_dim)
        found += [Version("to the\nnetwork", training.preprocess_features(v.features)) for v in found]
    return found


def _training(p, in_dim):
    """The preprocessing of features, fitted to all examples of the training split."""
    check_whitening(p, in_dim)
    check_memory_of_whitening(p, in_dim)
    training = load_examples(p.dataset, "train", p.sources, p.divide_by)
    none = np.arange(0)
    return TrainingData(p, training, Split(np.arange(len(training.targets)), none, none))
