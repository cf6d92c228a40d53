"""``run.py pretrain``: the first of two phases, from which ``run.py train --from`` starts."""

import logging
import shlex

from ladder.cli.options import (
    add_backend_options,
    add_checkpoint_options,
    add_options,
    backend_options,
    check_name,
    checked_backend,
    configure_backend,
    given_options,
    upkeep,
)
from ladder.cli.outputs import check_output
from ladder.errors import UserError
from ladder.files import write_whole
from ladder.option_names import as_typed
from ladder.options import GROUPS, OPTIONS, Options
from ladder.pretraining import DECLARED
from ladder.report.command import words_typed
from ladder.training.pretraining.alone import AS_ONE_WOULD, READ, begin_alone, go_on_alone

logger = logging.getLogger("main")

#: The default file of ``--filters``.
PICTURE = "filters.png"

#: The options offered: ``--seed`` is also the seed of pre-training, and ``--unsupervised`` needs a ladder's costs.
NAMES = READ - {"pretrain_seed", "unsupervised"}


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "pretrain",
        help="pre-train an encoder on examples alone",
        allow_abbrev=False,
        description="Pre-train all layers but the top one without labels, and save them in results/SAVE_TO0 (or the first "
        "free number); 'run.py train --from' that folder then trains on the labels. What was interrupted or killed "
        "goes on with: run.py pretrain --resume FOLDER",
    )
    parser.add_argument(
        "save_to", nargs="?", help="name of the folder, or a path; a number is added (default: pretrained)"
    )
    for title in GROUPS:
        names = [name for name, option in OPTIONS.items() if option.group == title and name in NAMES]
        if names:
            add_options(parser.add_argument_group(title), names)
    add_backend_options(parser, default=None)
    add_checkpoint_options(parser)
    group = parser.add_argument_group("a look at what was learnt")
    group.add_argument(
        "--filters",
        metavar="FOLDER",
        help="draw the weights of the first layer of what was pre-trained there, and stop",
    )
    group.add_argument("--output", metavar="FILE", help=f"of --filters (default: {PICTURE})")
    parser.set_defaults(run=run)
    return parser


def run(args):
    """Check the options, then pre-train or resume pre-training; or draw what was learnt."""
    given = [*map(as_typed, given_options(args)), *([f"'{args.save_to}'"] if args.save_to else [])]
    if args.filters is not None:
        if given or args.resume is not None:
            raise UserError(f"--filters draws and does nothing else: leave out {', '.join(given or ['--resume'])}.")
        return _draw(args)
    if args.output is not None:
        raise UserError("--output is of --filters: give that, too, or leave it out.")
    args.upkeep = upkeep(args)
    if args.resume is not None:
        if given:
            raise UserError(f"--resume goes on with the options of its folder: leave out {', '.join(given)}.")
        folder, finished = go_on_alone(args.resume, backend_options(args), args.upkeep)
    else:
        args.backend = args.backend or "c"
        p = Options.of(**{**AS_ONE_WOULD, **given_options(args)})
        check_name(args.save_to)
        save_to = args.save_to or "pretrained"
        checked_backend(args)
        folder, finished = begin_alone(p, save_to, lambda: configure_backend(args), args.upkeep)
    if not finished:
        logger.info("Interrupted; go on with: run.py pretrain --resume %s", folder.typed)
        return 130
    logger.info("Train on the labels: %s", _how_to_go_on(folder))
    return 0


def _draw(args):
    """Write the picture of ``--filters``."""
    from ladder.report.first_filters import first_filters, write_png

    output = args.output or PICTURE
    check_output(output, "--output", suffix=".png")
    picture = first_filters(args.filters)
    write_whole(output, lambda file: write_png(picture, file))
    print(f"Wrote {output}: incoming weights of the first layer's units, grey where they are 0")
    return 0


def _how_to_go_on(folder):
    """The command that trains on the labels: the options that determine network and data, without a ladder's costs."""
    p = Options(**folder.load_options())
    words = words_typed(p, [name for name in OPTIONS if name in NAMES - set(DECLARED)], folder.path)
    n = len(p.encoder_layers) + 1
    words = ["run.py", "train", "--from", str(folder), *words]
    return shlex.join([*words, "--denoising-cost-x", ",".join("0" * n), "--decoder-spec", "0"])
