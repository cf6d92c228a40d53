"""``run.py sweep``: train a grid or a random search, on one machine or on many."""

import logging

from rich.table import Table
from rich.text import Text

from ladder.cli.options import (
    add_backend_options,
    add_minutes_options,
    add_preset_options,
    add_record_options,
    add_training_options,
    backend_options,
    check_name,
    checked_backend,
    given_options,
    records,
)
from ladder.cli.outputs import check_output
from ladder.cli.printing import print_table
from ladder.errors import UserError
from ladder.files import printable
from ladder.option_names import as_typed, dashed
from ladder.option_types import MOST_DATA_SEED, whole_number_from
from ladder.sweeps.carrying_out import Wish
from ladder.sweeps.configurations import Search, check_search, configurations, in_words, varied
from ladder.sweeps.distributions import SYNTAX
from ladder.sweeps.halving import Halving
from ladder.sweeps.standing import BEGUN, DONE, FAILED, RUNNING, STATES, standing
from ladder.sweeps.sweep import Plan, begin, check, end_of, extent, folder_of, train_runs
from ladder.sweeps.swept import SweepFolder

logger = logging.getLogger("main")

#: What determines the configurations, besides the options of runs.
SEARCH = ("rows", "random", "draw", "sweep_seed", "halving", "halving_factor", "halving_first")

#: The most configurations, workers or epochs: a larger number must be a typing error.
MOST = 100_000

#: The most configurations, or runs in one state, that are listed.
MOST_LISTED = 10


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "sweep",
        help="train many configurations: a grid, a random search, halving",
        allow_abbrev=False,
        description="Train all combinations of several values, or configurations drawn at random, each into a folder of "
        "its own in results/SAVE_TO. Given again, it goes on: what is finished is not trained again, what was begun goes "
        "on from its checkpoint. Given twice at once, here or on machines with the same folder, the work is shared.",
    )
    parser.add_argument(
        "save_to", nargs="?", help="name of the sweep, or the path of its folder (default: the preset's name, or sweep)"
    )
    _add_search_options(parser)
    _add_work_options(parser)
    add_training_options(parser)
    add_backend_options(parser, threads="the cores divided by --workers; 1 with --scheduler")
    add_minutes_options(parser, "when the same command is given again")
    add_record_options(parser)
    parser.set_defaults(run=run)
    return parser


def _add_search_options(parser):
    group = parser.add_argument_group("what is trained")
    add_preset_options(group)
    group.add_argument(
        "--random",
        type=whole_number_from(1, MOST),
        metavar="N",
        help="draw N configurations: each takes one of the values given of every option, and what --draw says; all get "
        "every --seed; a larger N keeps these and adds others (default: all combinations)",
    )
    group.add_argument(
        "--draw",
        nargs="+",
        default=[],
        metavar="OPTION=DISTRIBUTION",
        help="with --random, options to draw anew each time, e.g. lr=log-uniform:1e-4:1e-2; distributions: "
        + "; ".join(SYNTAX.values()),
    )
    group.add_argument(
        "--sweep-seed",
        type=whole_number_from(0, MOST_DATA_SEED),
        metavar="N",
        help=f"seed of these draws: another one draws others (default: {Search.seed})",
    )
    group.add_argument(
        "--halving",
        action="store_true",
        help="successive halving: train all a little, compare their validation errors, and let only the best go on",
    )
    group.add_argument(
        "--halving-factor",
        type=whole_number_from(2, MOST),
        default=None,
        metavar="N",
        help="with --halving, one of N configurations goes on, for N times as many epochs (default: 3)",
    )
    group.add_argument(
        "--halving-first",
        type=whole_number_from(1, MOST),
        metavar="EPOCHS",
        help="with --halving, epochs before the first comparison (default: those of as many comparisons as leave at least one configuration)",
    )


def _add_work_options(parser):
    group = parser.add_argument_group("who trains, and what becomes of it")
    group.add_argument(
        "--workers",
        type=whole_number_from(1, MOST),
        metavar="N",
        help="processes on this machine, each with --threads (default: the cores divided by --threads; one thread each)",
    )
    group.add_argument(
        "--scheduler", metavar="ADDRESS", help="let the workers of a Dask cluster train, e.g. tcp://10.0.0.1:8786"
    )
    group.add_argument("--status", action="store_true", help="say how the sweep stands, and stop")
    group.add_argument("--plot", metavar="FILE.svg", help="draw the errors of the sweep's runs so far, and stop")
    group.add_argument(
        "--dry-run", action="store_true", help="check options and data, say what would be trained, and stop"
    )


def run(args):
    if args.status or args.plot is not None:
        return _look(args)
    plan = _plan(args)
    checked_backend(args)
    wish = Wish(backend_options(args), args.checkpoint_minutes, records(args))
    if args.max_minutes is not None:
        wish.until = end_of(args.max_minutes)
    if args.dry_run:
        return _say_plan(plan)
    runs = begin(plan)
    logger.info("%d runs in %s", len(runs), plan.folder)
    agenda = train_runs(plan, runs, wish)
    found = standing(plan.folder, runs)
    _print_best(found)
    if not agenda.is_done:
        logger.info("Interrupted; give the same command again to go on")
        return 130
    _list(found, FAILED)
    return 1 if found.of(FAILED) or agenda.not_noted else 0


def _plan(args):
    for option in ("halving_factor", "halving_first"):
        if getattr(args, option) is not None and not args.halving:
            raise UserError(f"{as_typed(option)} is for --halving: give that, too, or leave it out.")
    check_name(args.save_to)
    check_search(args.random, args.draw, args.sweep_seed)
    search = None
    if args.random is not None:
        seed = Search.seed if args.sweep_seed is None else args.sweep_seed
        search = Search(args.random, _distributions(args.draw), seed)
    halving = Halving(args.halving_factor or Halving.factor, args.halving_first) if args.halving else None
    chosen = configurations(given_options(args), args.preset, args.rows, search)
    return Plan(chosen, folder_of(args.save_to, args.preset), search, halving, args.workers, args.scheduler)


def _distributions(words):
    """OPTION=DISTRIBUTION … -> dict of option name -> text."""
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise UserError(f"--draw takes OPTION=DISTRIBUTION, e.g. lr=log-uniform:1e-4:1e-2, and not '{word}'.")
        name = name.removeprefix("--").replace("-", "_")
        if name in found:
            raise UserError(f"--draw has {dashed(name)} twice: give it once.")
        found[name] = text
    return found


def _say_plan(plan):
    """Say what a sweep would train, without beginning it."""
    check(plan)
    names = varied(plan.configurations)
    for p in plan.configurations[:MOST_LISTED]:
        logger.info("%s", in_words(p, [*names, "seed"]))
    if len(plan.configurations) > MOST_LISTED:
        logger.info("… and %d more", len(plan.configurations) - MOST_LISTED)
    runs, settled = extent(plan)
    already = f": {settled} of {runs} have nothing left to train" if settled else ""
    logger.info("%d runs would be trained into %s%s", runs - settled, plan.folder, already)
    return 0


def _look(args):
    """Carry out ``--status`` and ``--plot``, which train nothing."""
    given = [as_typed(name) for name in given_options(args)]
    given += [as_typed(name) for name in SEARCH if getattr(args, name)]
    if given:
        raise UserError(f"--status and --plot look at a sweep that was begun: leave out {', '.join(given)}.")
    folder = SweepFolder.existing(folder_of(args.save_to, args.preset).path)
    check_output(args.plot, "--plot", suffix=".svg")
    folder.halving()  # first report what is wrong with the sweep's own file
    if not folder.runs():
        raise UserError(f"no runs are left in {folder}: give the command that began the sweep again.")
    found = standing(folder)
    if args.status:
        _print_status(found, folder)
    if args.plot is not None:
        from ladder.sweeps.picture import write_picture

        write_picture(found, args.plot, folder)
        print(f"Written: {args.plot}")
    return 0


def _print_status(found, folder):
    counts = {state: len(found.of(state)) for state in STATES}
    print(f"{folder}: {len(found.items)} runs: " + ", ".join(f"{n} {state}" for state, n in counts.items() if n))
    for state in (RUNNING, BEGUN, FAILED):
        _list(found, state)
    _print_best(found)


def _list(found, state):
    items = found.of(state)
    for item in items[:MOST_LISTED]:
        what = f"epoch {item.look.epochs} of {item.run.p.num_epochs}"
        if state == FAILED:
            attempts = item.look.failure["attempts"]
            what = f"{attempts} attempt{'s' * (attempts != 1)}, {item.look.failure['error']}"
        print(f"{state}: {printable(item.run.folder)} ({in_words(item.run.p, [*found.varied, 'seed'])}): {what}")
    if len(items) > MOST_LISTED:
        print(f"{state}: … and {len(items) - MOST_LISTED} more")


def _print_best(found):
    ranked = found.ranked
    if not ranked:
        print(
            "No configuration is called the best: the runs left no examples to validate"
            if len(found.of(DONE)) == len(found.items)
            else "No configuration has a validation error of all its seeds yet"
        )
        return
    table = Table("configuration", "validation error, %", "seeds", "run of the first seed", title="Best so far")
    for each in ranked[:MOST_LISTED]:
        spread = f" ({min(each.errors):.2f} to {max(each.errors):.2f})" if len(each.errors) > 1 else ""
        row = each.words or "the only one", f"{each.error:.2f}{spread}", str(len(each.errors)), str(each.folders[0])
        table.add_row(*map(Text, row))
    print_table(table)
