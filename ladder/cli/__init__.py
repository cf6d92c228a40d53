"""The command line: one file a sub-command."""

import argparse
import logging
import sys
from contextlib import contextmanager

from ladder import __version__
from ladder.cli import attack, convert, demo, devices, evaluate, parity, predict, presets, table, train
from ladder.errors import TrainingStopped, UserError

COMMANDS = (train, presets, evaluate, table, attack, predict, convert, parity, demo, devices)


class _Parser(argparse.ArgumentParser):
    """Answers a mistake with one sentence, not with pages of usage."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}\n({self.prog} --help explains every option)\n")


def make_parser():
    """The parser of ``run.py``; each sub-command sets ``run``, a function of its arguments."""
    parser = _Parser(prog="run.py", allow_abbrev=False,
                     description="Semi-supervised learning with ladder networks.")  # fmt: skip
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser


@contextmanager
def _progress_printed():
    """Progress goes to standard output, warnings of libraries to standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    progress, handler = logging.getLogger("main"), logging.StreamHandler(sys.stdout)
    # The prefix tells runs apart that are trained side by side.
    handler.setFormatter(logging.Formatter("%(prefix)s%(message)s", defaults={"prefix": ""}))
    progress.setLevel(logging.INFO)
    progress.propagate = False
    progress.addHandler(handler)
    try:
        yield
    finally:
        progress.propagate = True
        progress.removeHandler(handler)


def main(argv=None):
    """Run a command; returns its exit status.

    0 done, 1 failed, 2 the user can mend it, 130 interrupted.
    """
    args = make_parser().parse_args(argv)
    try:
        with _progress_printed():
            return args.run(args)
    except UserError as error:
        print(f"run.py {args.command}: {error}", file=sys.stderr)
        return 2
    except TrainingStopped as error:
        print(f"run.py {args.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output (head, less) has seen enough.
        sys.stderr.close()
        return 141
