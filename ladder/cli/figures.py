"""``run.py figures``: the figures of the thesis, made by this package, and figures of runs over seeds."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from ladder.cli.options import add_backend_options, checked_backend
from ladder.cli.outputs import check_output
from ladder.cli.printing import print_table
from ladder.errors import UserError
from ladder.files import printable
from ladder.output_files import made_folder, write_text
from ladder.report.figures.catalogue import FIGURES, chosen
from ladder.runs.folder import RESULTS

#: The default folder for figures.
OUTPUT = "figures"

#: Suffixes of pictures in other formats: a name with one of them is not meant for a folder.
OTHER_PICTURES = (".png", ".pdf", ".jpg", ".jpeg", ".eps", ".ps", ".html", ".webp")


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "figures",
        help="draw the figures of the thesis, and of runs over seeds",
        allow_abbrev=False,
        description="Draw figures as SVG: those of 'Adversarial Learning with Ladder Networks' (2016), made by this "
        "package's own functions (a small network is trained where one is needed; nothing is downloaded), and figures "
        "of your runs over seeds. Without names it prints a list.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures by name, or all (those that need no runs)")
    parser.add_argument("--list", action="store_true", help="print the names, and what each figure shows")
    parser.add_argument(
        "--output", metavar="PATH", help=f"folder to write to, or a file NAME.svg for one figure (default: {OUTPUT})"
    )
    parser.add_argument(
        "--preset", nargs="+", metavar="NAME", help="for seeds and learning-curves: whose runs, as for run.py table"
    )
    parser.add_argument(
        "--results", metavar="DIR", help=f"for these: folder with the runs, however deep (default: {RESULTS})"
    )
    add_backend_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args):
    if args.list or not args.names:
        _print_list()
        return 0
    entries = chosen(args.names)
    backend, runs = checked_backend(args), _runs(args, entries)
    paths = _paths(args.output or OUTPUT, entries)
    from ladder import backends
    from ladder.report.figures.style import styled
    from ladder.report.figures.svg import as_svg

    backends.configure(**backend)
    for name, entry in entries.items():
        with styled():
            figure = entry.draw(runs) if entry.of_runs else entry.draw()
            text = as_svg(figure, entry.title, entry.what)
        write_text(paths[name], text, "--output")
        print(f"Wrote {paths[name]}: {entry.title}", flush=True)
    for problem in runs.problems if runs else ():
        print(printable(f"- {problem}"))
    return 0


def _print_list():
    table = Table("figure", "thesis", "what it shows")
    for name, entry in FIGURES.items():
        table.add_row(name, entry.thesis, Text(f"{entry.title}. {entry.what}"))
    print_table(table)
    of_runs = " and ".join(name for name, entry in FIGURES.items() if entry.of_runs)
    print(f"Draw them: run.py figures all --output DIR; {of_runs} also need --preset NAME.")


def _runs(args, entries):
    """The runs that figures are drawn from; None if no figure needs any."""
    of_runs = [name for name, entry in entries.items() if entry.of_runs]
    if not of_runs:
        if args.preset or args.results:
            raise UserError("--preset and --results are for figures of runs: name seeds or learning-curves.")
        return None
    if not args.preset:
        raise UserError(f"{of_runs[0]} is drawn of runs: say whose with --preset NAME (run.py presets has the names).")
    results = Path(args.results or RESULTS)
    if not results.is_dir():
        raise UserError(f"--results {results} is not a folder: give the one with the runs.")
    from ladder.report.figures.seeds import read

    return read(args.preset, results)


def _paths(output, entries):
    """Where each figure goes: name -> Path."""
    if output.lower().endswith(OTHER_PICTURES) and not Path(output).is_dir():
        raise UserError(f"--output {output}: figures are drawn as SVG: give a name that ends in .svg, or a folder.")
    if not output.lower().endswith(".svg"):
        folder = made_folder(output, "--output")
        return {name: folder / f"{name}.svg" for name in entries}
    if len(entries) > 1:
        raise UserError(f"--output {output} is one file, but these are {len(entries)} figures: give a folder.")
    check_output(output, "--output")
    return dict.fromkeys(entries, Path(output))
