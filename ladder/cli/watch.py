"""``run.py watch``: runs that are under way, in the terminal."""

import math
import time

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ladder.cli.printing import FILE_WIDTH
from ladder.errors import UserError
from ladder.files import printable
from ladder.live.finding import check_folders, runs_in
from ladder.live.progress import Reader
from ladder.live.table import render
from ladder.option_types import number_that
from ladder.runs.folder import RESULTS

#: Seconds between two looks.
EVERY = 2.0

#: Seconds without a run under way after which watching ends: a command that trains several begins the next meanwhile.
GRACE = 5.0

#: What the sparkline shows by default.
COURSE = "train_cost_total"

#: The most names of other numbers that a message lists.
MOST_NAMES = 60


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "watch",
        help="see runs while they train",
        allow_abbrev=False,
        description="Show runs that are under way, whoever trains them: epoch, costs, validation error, time left, and "
        "whether they still train. It goes on until all have ended, or until Ctrl-C; where the output is not a terminal "
        "it prints once. Nothing is written.",
    )
    parser.add_argument(
        "folders", nargs="*", metavar="FOLDER", help=f"folder of a run, or one with runs in it (default: {RESULTS})"
    )
    parser.add_argument("--once", action="store_true", help="print once, and stop")
    parser.add_argument(
        "--every",
        type=number_that(lambda seconds: 0.1 <= seconds <= 3600, "of seconds from 0.1 to 3600"),
        default=EVERY,
        metavar="S",
        help=f"seconds between two looks (default: {EVERY:g})",
    )
    parser.add_argument(
        "--course",
        default=COURSE,
        metavar="NAME",
        help="the number in log.jsonl whose course is drawn, e.g. valid_approx_error_rate_clean (default: "
        f"{COURSE}); costs are drawn as their logarithms",
    )
    parser.set_defaults(run=run)
    return parser


def run(args):
    folders = args.folders or [RESULTS]
    check_folders(folders)
    reader, console = Reader(), Console()
    runs = _look(reader, folders)
    if not runs:
        raise UserError(f"there is no run in {', '.join(folders)}: give the folder of a run, e.g. {RESULTS}/noname0.")
    _check_course(args.course, runs)
    if args.once or not console.is_terminal or console.is_dumb_terminal:
        console = console if console.is_terminal else Console(width=FILE_WIDTH)
        console.print(render(runs, args.course, console.options), soft_wrap=not console.is_terminal)
        return 0
    try:
        _follow(reader, folders, runs, args, console)
    except KeyboardInterrupt:  # the usual way to end this
        pass
    return 0


def _follow(reader, folders, runs, args, console):
    """Redraw the runs until none has been under way for a while."""
    last_seen = time.monotonic() if any(run.is_under_way for run in runs) else -math.inf
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            live.update(_screen(runs, args, console), refresh=True)
            if time.monotonic() - last_seen > GRACE:
                return
            time.sleep(args.every)
            runs = _look(reader, folders)
            if any(run.is_under_way for run in runs):
                last_seen = time.monotonic()


def _screen(runs, args, console):
    now = Text(f"{time.strftime('%H:%M:%S')}, every {args.every:g} s until all have ended; Ctrl-C ends this", "dim")
    now.no_wrap, now.overflow = True, "ellipsis"
    return Group(render(runs, args.course, console.options, console.height - 1), now)


def _look(reader, folders):
    """The current Progress of every run."""
    return [run for run in map(reader.read, runs_in(folders)) if run is not None]


def _check_course(name, runs):
    """Refuse a name that no log has, except the default, which logs of rivals lack; without any row nothing is refused."""
    names = dict.fromkeys(name for run in runs for row in run.rows for name in row)
    if names and name not in (*names, COURSE):
        raise UserError(f"--course: no log has '{name}', but {printable(', '.join(list(names)[:MOST_NAMES]))}.")
