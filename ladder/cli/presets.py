"""``run.py presets``: the published experiments that can be trained by name."""

import shlex

from rich.table import Table
from rich.text import Text

from ladder.cli.printing import print_table
from ladder.files import printable
from ladder.tables.preset import load_preset, preset_names
from ladder.tables.preset_options import parsed_rows, words


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "presets",
        help="list the published experiments",
        allow_abbrev=False,
        description="List the published experiments that 'train --preset NAME' trains and 'table NAME' shows.",
    )
    parser.add_argument("--show", metavar="NAME", help="print one of them as full command lines, and its file")
    parser.set_defaults(run=run)
    return parser


def run(args):
    if args.show is None:
        _print_list()
    else:
        _print_one(load_preset(args.show))
    return 0


def _print_list():
    table = Table("preset", "what", "rows", "source")
    for preset in map(load_preset, preset_names()):
        names = "\n".join([preset.name, *preset.also_called])
        # Text, not markup: a source may have brackets.
        table.add_row(names, Text(preset.title), str(len(preset.rows)), Text(_short(preset.source)))
    print_table(table)
    print("One of them as a command line: run.py presets --show NAME")


def _short(source):
    """The source without its authors and title, which every row would repeat."""
    for work, name in (
        ("Adversarial Learning with Ladder Networks, 2016, ", "thesis 2016, "),
        ("Semi-Supervised Learning with Ladder Networks, 2015; README of its code, ", "README 2015, "),
        ("Virtual Adversarial Ladder Networks for Semi-supervised Learning, 2017, ", "Shinoda et al. 2017, "),
    ):
        if work in source:
            return name + source.split(work, 1)[1].split(";")[0]
    return source


def _print_one(preset):
    parsed_rows(preset)  # reports what is wrong with a user's own file
    place = f"file: {preset.path} (copy it, edit it, and give the copy to --preset)"
    for text in (preset.title, preset.source, place, *(f"note: {note}" for note in preset.notes)):
        print(f"# {printable(text)}")
    for name, options in preset.rows.items():
        if name != preset.name:
            print(f"# {printable(name)}")
        print(printable(_command(preset, name, options)))


def _command(preset, name, options):
    if options.get("rival"):
        rows = ["--rows", name] if name != preset.name else []
        return shlex.join(["python", "run.py", "rivals", "--preset", preset.typed, *rows])
    return shlex.join(["python", "run.py", "train", *words(options), "--", preset.save_to])
