"""The command line: one module per sub-command."""

import argparse
import logging
import os
import re
import signal
import sys
import threading
from contextlib import contextmanager

from ladder import __version__
from ladder.backends import failures
from ladder.cli import (
    attack,
    convert,
    demo,
    devices,
    download,
    evaluate,
    figures,
    lr_test,
    parity,
    predict,
    presets,
    pretrain,
    report,
    rivals,
    show,
    streams,
    sweep,
    table,
    train,
    watch,
)
from ladder.cli.options import swallowed_name
from ladder.errors import TrainingStopped, UserError
from ladder.files import printable, remove_unfinished, shown

#: Commands whose result is a file: they succeed even if what they print is lost.
OUTLIVE_THEIR_OUTPUT = ("train", "pretrain", "sweep", "rivals", "convert", "download")

COMMANDS = (
    train,
    pretrain,
    sweep,
    watch,
    lr_test,
    rivals,
    presets,
    evaluate,
    table,
    attack,
    report,
    figures,
    predict,
    convert,
    show,
    download,
    parity,
    demo,
    devices,
)


class _Parser(argparse.ArgumentParser):
    """Reports a mistake in one sentence, not with pages of usage."""

    def error(self, message):
        found = re.match(r"argument (--[\w-]+)", message)
        if found and self._option_string_actions[found[1]].nargs == "+" and ": expected" not in message:
            message += f" (if that is a name and no value of {found[1]}, put -- before it)"
        elif message.endswith("required: load_from"):
            message += " (an option takes all the words that follow it: put -- before the folder)"
        self.exit(2, f"{self.prog}: {message}\n({self.prog} --help explains every option)\n")


def make_parser():
    """The parser of ``run.py``; each sub-command sets ``run``, a function that takes the parsed arguments."""
    parser = _Parser(prog="run.py", allow_abbrev=False, description="Semi-supervised learning with ladder networks.")
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser


def _draw_into_files():
    """Keep matplotlib from using the user's own backend, which may not exist or may need a display."""
    os.environ["MPLBACKEND"] = "agg"


class _Printable(logging.Formatter):
    """Makes messages printable, as some contain names from other people's files."""

    def format(self, record):
        return _printable(super().format(record))


def _printable(text):
    return "\n".join(map(printable, text.split("\n")))


@contextmanager
def _progress_printed():
    """Send progress to standard output and the warnings of libraries to standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    progress, handler = logging.getLogger("main"), logging.StreamHandler(sys.stdout)
    # The prefix tells apart runs that are trained side by side.
    handler.setFormatter(_Printable("%(prefix)s%(message)s", defaults={"prefix": ""}))
    progress.setLevel(logging.INFO)
    progress.propagate = False
    progress.addHandler(handler)
    try:
        yield
    finally:
        progress.propagate = True
        progress.removeHandler(handler)


@contextmanager
def _leaving_nothing_half_written():
    """Remove half-written files before SIGTERM ends the process; outside the main thread nothing changes."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def end(number, frame):
        # An exception raised in the callback of a weak reference would be lost, and h5py makes many of these.
        remove_unfinished()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _hint(args, message):
    """A hint for ``train --act relu myrun``, where the name of the run was taken for a value."""
    name = swallowed_name(args) if getattr(args, "save_to", "") is None else None
    if name is None or not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message):
        return ""
    return f" (if '{name}' is the name of the run, put -- before it)"


def main(argv=None):
    """Run a command and return its exit status.

    0: done; 1: failed; 2: failed, but the user can fix it; 130: interrupted;
    141: the reader of the output (``head``, ``less``) has closed it.
    """
    _draw_into_files()
    with streams.lasting():
        try:
            args = make_parser().parse_args(argv)
        except SystemExit as end:  # a mistake, or --help
            raise SystemExit(_status(end.code, "run.py")) from None
        outlives = args.command in OUTLIVE_THEIR_OUTPUT and not getattr(args, "dry_run", False)
        return _status(_run(args), f"run.py {args.command}", outlives)


def _run(args):
    try:
        with _progress_printed(), _leaving_nothing_half_written(), failures.explained():
            return args.run(args)
    except UserError as error:
        return _say(args, f"{error}{_hint(args, str(error))}", 2)
    except TrainingStopped as error:
        return _say(args, error, 1)
    except MemoryError:
        return _say(
            args, "there is not enough memory for this: take less data, a smaller network or a smaller batch.", 2
        )
    except OSError as error:
        if error.errno is None:  # raised by a library, not by the system
            raise
        where = f"{shown(error.filename)}: " if error.filename else ""
        return _say(args, f"{where}{error.strerror}: fix that, or give another path.", 2)
    except KeyboardInterrupt:
        return 130


def _say(args, error, status):
    # Some messages quote other people's files.
    print(_printable(f"run.py {args.command}: {error}"), file=sys.stderr)
    return status


def _status(status, prog, outlives=False):
    """The exit status: lost output is a failure, except where the result outlives it, as in training."""
    sys.stdout.flush()
    error = streams.failure()
    if status or error is None or outlives:
        return status or 0
    if isinstance(error, BrokenPipeError):
        return 141
    print(f"{prog}: standard output cannot be written ({error.strerror}): send it elsewhere.", file=sys.stderr)
    return 2
