"""``run.py train``: train one or several configurations."""

import logging
import sys

from ladder.cli.options import (
    add_backend_options,
    add_checkpoint_options,
    add_preset_options,
    add_record_options,
    add_training_options,
    backend_options,
    check_name,
    checked_backend,
    configure_backend,
    given_options,
    records,
    upkeep,
)
from ladder.combinations import combinations
from ladder.data.preprocessing import Preprocessor
from ladder.errors import UserError
from ladder.option_names import as_typed
from ladder.options import Options
from ladder.runs.arrays import BEST, PARAMETERS
from ladder.runs.folder import RunFolder
from ladder.tables.missing import claim, without_trained
from ladder.tables.preset import load_preset
from ladder.tables.preset_options import network_combinations
from ladder.training.experiment import prepare, side_by_side
from ladder.training.into_folders import check_compiler, train_together
from ladder.training.pretraining.starting import check_source, with_source
from ladder.training.resuming import resume

logger = logging.getLogger("main")


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "train",
        help="train a ladder network",
        allow_abbrev=False,
        description="Train a ladder network, and save it with its log in results/SAVE_TO0 "
        "(or the first free number). Options with several values train all combinations, in the order given. "
        "A run that was interrupted or killed goes on with: run.py train --resume FOLDER",
    )
    parser.add_argument(
        "save_to",
        nargs="?",
        help="name of the run, or a path; a number is added (default: the preset's name, or noname)",
    )
    _add_choice_of_runs(parser)
    add_training_options(parser)
    add_backend_options(parser, default=None)
    parser.add_argument(
        "--vmap-seeds",
        action="store_true",
        help="with --backend jax, train all values of --seed side by side, in one program",
    )
    add_checkpoint_options(parser)
    add_record_options(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="check the options and the data, print the network, and stop"
    )
    parser.set_defaults(run=run)
    return parser


def _add_choice_of_runs(parser):
    group = parser.add_argument_group("presets")
    add_preset_options(group)
    group.add_argument(
        "--missing",
        action="store_true",
        help="leave out what has a run of the same options and seed already, where the new one would go",
    )


def run(args):
    """Check every configuration, then train them one after the other."""
    args.upkeep = upkeep(args, records(args))
    if args.resume is not None:
        return _resume(args)
    args.backend = args.backend or "c"
    check_name(args.save_to)
    configurations, save_to = _what_to_train(args)
    _check_side_by_side(args, configurations)
    checked_backend(args)
    backend = None if args.dry_run else configure_backend(args)  # whitening computes matrix products, too
    experiments = prepare(configurations)
    for experiment in experiments:
        check_source(experiment)
    if args.dry_run:
        from ladder.cli.dry_run import print_network

        for experiment in experiments:
            print_network(experiment)
        return 0
    for experiment in experiments:
        check_compiler(backend, experiment)
    groups = side_by_side(experiments) if args.vmap_seeds else [[i] for i in range(len(experiments))]
    status, preprocessor, begun = 0, Preprocessor(), 0
    for n, group in enumerate(groups):
        if begun and args.upkeep.deadline is not None and args.upkeep.deadline.is_over:
            _say_not_begun(sum(map(len, groups[n:])), args)
            return 130
        folders = _begin(group, experiments, save_to, args.missing)
        if not folders:
            continue
        begun += len(folders)
        if len(experiments) > 1:
            logger.info("Training configuration %s / %d", ", ".join(str(i + 1) for i in folders), len(experiments))
        group_status = _train([experiments[i] for i in folders], list(folders.values()), preprocessor, args)
        if group_status == 130:
            _say_not_begun(sum(map(len, groups[n + 1 :])), args)
            return 130
        status = max(status, group_status)
    return status


def _begin(group, experiments, save_to, missing):
    """The folders of the experiments that this process is to train: position -> folder."""
    if missing:  # another process may have begun one meanwhile
        return claim(group, experiments, save_to)
    return {i: RunFolder.begin(save_to, experiments[i].p, experiments[i].in_dim) for i in group}


def _train(experiments, folders, preprocessor, args):
    """Train experiments together, say how they ended, and return the exit status."""
    try:
        experiments = [experiment.preprocessed(preprocessor) for experiment in experiments]
    except UserError:  # resuming these would fail again
        for folder in folders:
            folder.abandon()
        raise
    status = 0
    folders, errors, finished, interrupted = train_together(experiments, folders, args.upkeep)
    for error in errors:
        # The other configurations may do better.
        print(f"run.py train: {error}", file=sys.stderr)
        status = max(status, 2 if isinstance(error, UserError) else 1)
    for folder, loop_finished in zip(folders, finished):
        if loop_finished:
            _say_how_to_evaluate(folder)
        else:
            print_interrupted(folder)
    return 130 if interrupted else status


def _check_side_by_side(args, configurations):
    """Refuse ``--vmap-seeds`` if there is nothing to train side by side, or the backend cannot do so."""
    if not args.vmap_seeds:
        return
    if args.backend != "jax":
        raise UserError("--vmap-seeds is for --backend jax: give that, too, or leave it out.")
    # --missing may leave one seed, or none.
    if not args.missing and len({(p.seed, p.dseed) for p in configurations}) < 2:
        raise UserError(
            "--vmap-seeds trains several seeds in one program: give some, e.g. --seed 1 2 3, or leave it out."
        )


def _what_to_train(args):
    """Every configuration (Options), and the name of their folders."""
    if args.preset is None:
        for option in ("rows", "missing"):
            if getattr(args, option):
                raise UserError(f"--{option} is about a preset: give --preset, too.")
        chosen = combinations(given_options(args))
        return [with_source(Options(**values), values) for values in chosen], args.save_to or "noname"
    preset = load_preset(args.preset)
    save_to = args.save_to or preset.save_to
    chosen = network_combinations(preset, args.rows, given_options(args))
    configurations = [with_source(Options(**values), values) for values in chosen]
    return (without_trained(configurations, save_to) if args.missing else configurations), save_to


def _resume(args):
    _check_alone(args)
    folder, state, interrupted = resume(args.resume, backend_options(args), args.upkeep)
    if state == "interrupted":
        print_interrupted(folder)
        return 130
    if state == "was finished":
        logger.info("%s is finished: nothing is left to train. Test error: run.py evaluate %s", folder, folder.typed)
    else:
        _say_how_to_evaluate(folder)
    return 130 if interrupted else 0


def _say_how_to_evaluate(folder):
    logger.info("Test error: run.py evaluate %s", folder.typed)
    if (folder / BEST).exists():
        logger.info("Test error of the best epoch: run.py evaluate %s --parameters best", folder.typed)


def _check_alone(args):
    given = [as_typed(name) for name in given_options(args)]
    given += ["--" + name for name in ("preset", "rows", "missing") if getattr(args, name)]
    given += ["--dry-run"] * args.dry_run + ["--vmap-seeds"] * args.vmap_seeds
    given += [f"'{args.save_to}'"] * (args.save_to is not None)
    if given:
        raise UserError(
            f"--resume goes on with the options of its run, in its folder: leave out {', '.join(given)} (--backend, "
            "--device, --threads, --matmul-precision, --checkpoint-minutes, --max-minutes, --tensorboard, --log-format, "
            "--save-split may be given)."
        )


def _say_not_begun(n, args):
    """Say how many of its configurations an interrupted command has not begun, and how to train them."""
    if n:
        how = "give it again with --missing" if args.preset else "train the rest with another command"
        were = "1 more configuration was" if n == 1 else f"{n} more configurations were"
        logger.info("%s not begun: %s", were, how)


def print_interrupted(folder):
    """Say what an interrupted run left (pre-training leaves no parameters of the whole yet), and how to resume it."""
    left = f"parameters so far are in {folder}; " if (folder / PARAMETERS).exists() else ""
    logger.info("Interrupted; %sgo on with: run.py train --resume %s", left, folder.typed)
