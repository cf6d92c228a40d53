"""``run.py table``: our runs of a published experiment beside the published numbers."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from ladder.cli.options import add_backend_options, add_parameters_option, checked_backend
from ladder.cli.printing import print_table
from ladder.data.registry import n_training_examples
from ladder.errors import UserError
from ladder.files import printable, write_ours, write_whole
from ladder.output_files import made_folder, write_text
from ladder.runs.folder import RESULTS
from ladder.tables import formats
from ladder.tables.found_runs import find_runs
from ladder.tables.grouping import group_runs
from ladder.tables.preset import load_preset
from ladder.tables.published import published_rows
from ladder.tables.rows import candidate_rows, not_trained, rows_of_several
from ladder.tables.selection import choose
from ladder.tables.table import Table, add_lines, conclude
from ladder.training.evaluation import evaluate_and_keep

WRITERS = {"csv": formats.as_csv, "md": formats.as_markdown, "tex": formats.as_latex}

#: The most bytes that presets' names may take up in a file's name.
MOST_OF_A_NAME = 120

BEST_NOTE = (
    "errors of our runs are those of the epoch with the lowest validation error (--parameters best), the published ones "
    "are of whatever they were published for"
)


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "table",
        help="our runs beside the published numbers",
        allow_abbrev=False,
        description="Print a table of a published experiment (see 'run.py presets'): the published rows, the runs "
        "found here that have the same settings, and paired tests against the baseline. It is also written as CSV, "
        "Markdown and LaTeX. Runs count once they were evaluated.",
    )
    parser.add_argument(
        "preset",
        nargs="+",
        help="name of the preset, e.g. thesis_table_22, or a JSON file of your own; several make one table, compared "
        "with the baseline of the first",
    )
    parser.add_argument("--results", metavar="DIR", help="folder with the runs, however deep (default: results)")
    parser.add_argument(
        "--output", metavar="DIR", help="folder to write the table to (default: tables, in that of the runs)"
    )
    parser.add_argument(
        "--evaluate", action="store_true", help="first evaluate the runs of the table that have no test error yet"
    )
    parser.add_argument(
        "--select-on",
        choices=("valid",),
        help="show the row with the lowest validation error, out of those that the published one was chosen from",
    )
    add_parameters_option(parser)
    add_backend_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args):
    presets = [load_preset(name) for name in dict.fromkeys(args.preset)]
    rows, preset = rows_of_several(presets), presets[0]
    if args.select_on and len(presets) > 1:
        raise UserError("--select-on chooses among the rows of one preset: give one.")
    candidates = candidate_rows(preset) if args.select_on else []
    results = _results_folder(args.results)
    output = made_folder(args.output or results / "tables", "--output")
    runs, problems = find_runs(results, args.parameters)
    if args.evaluate and _evaluate_missing(_of_interest(rows, candidates, runs), args):
        runs, problems = find_runs(results, args.parameters)
    table = Table(_file_name(presets), *(_joined(presets, what, "; ") for what in ("title", "source")))
    if args.select_on:
        _fill_by_validation(table, preset, rows, candidates, runs)
    else:
        conclude(table, add_lines(table, rows, runs))
        table.problems += not_trained(rows, [group.row for group in group_runs(rows, runs)], presets)
    notes = [note for preset in presets for note in (*preset.notes, *published_rows(preset).misprints)]
    table.notes += dict.fromkeys(notes)
    table.problems += problems
    if args.parameters == "best":
        table.notes.append(BEST_NOTE)
    _print(table)
    name = table.name + "_selected_on_valid" * bool(args.select_on) + "_best" * (args.parameters == "best")
    # The folder of --output is the user's own; a folder of results may come from somebody else.
    _write(table, output / name, write_whole if args.output else write_ours)
    return 0


def _file_name(presets):
    """The name of a table's files, short enough for file systems."""
    name = _joined(presets, "name", "_and_")
    if name == _cut(name, MOST_OF_A_NAME):
        return name
    more = f"_and_{len(presets) - 1}_more" if len(presets) > 1 else ""
    return _cut(presets[0].name, MOST_OF_A_NAME - len(more)) + more


def _cut(name, most):
    """The beginning of a name, of so many bytes at most and without part of a character."""
    return os.fsencode(name)[:most].decode(errors="ignore")


def _joined(presets, attribute, separator):
    return separator.join(dict.fromkeys(getattr(preset, attribute) for preset in presets))


def _fill_by_validation(table, preset, rows, candidates, runs):
    """Add the published lines and, for each choice, the chosen row and the baseline."""
    add_lines(table, rows, [])
    baselines = [replace(row, published=None) for row in rows if row.is_baseline]
    choices, problems = choose(candidates, runs)
    used = []
    for choice in choices:
        row = replace(choice.row, name=f"{choice.row.name}, chosen on validation", published=None)
        kept = _chosen_runs(choice, baselines, candidates, runs)
        used += add_lines(table, [*baselines, row], kept)
        table.findings.append(choice.sentence())
    conclude(table, used)
    table.problems += problems
    if not choices:
        search = (preset.tuned_on_test or {}).get("search")
        searched = preset.load_other(search) if search else preset
        left = n_training_examples(candidates[0].settings["dataset"]) or "fewer than all"
        table.problems.append(
            "no choice can be made yet: train the candidates with a validation set, "
            f"run.py train --preset {searched.typed} --unlabeled-samples {left}"
        )


def _chosen_runs(choice, baselines, candidates, runs):
    """Runs of the baseline and of the chosen row that differ from the published settings as the choice does."""
    groups = [group for group in group_runs(baselines + candidates, runs) if choice.covers(group.variation)]
    return [run for group in groups if group.row is choice.row or group.row.is_baseline for run in group.runs]


def _of_interest(rows, candidates, runs):
    return [run for group in group_runs([*rows, *candidates], runs) for run in group.runs]


def _evaluate_missing(runs, args):
    """Evaluate finished runs that have parameters but no test error; returns whether there were any."""
    missing = [run for run in runs if run.finished and run.has_parameters and run.test_error is None]
    backend = checked_backend(args) if missing else None
    for run in missing:
        print(f"Evaluating {run.folder}")
        try:
            evaluate_and_keep(run.folder.path, backend, args.parameters)
        except UserError as error:  # the other runs still make a table
            print(printable(f"{run.folder} cannot be evaluated: {error}"), file=sys.stderr)
    return bool(missing)


def _results_folder(given):
    folder = Path(given or RESULTS)
    if given and not folder.is_dir():
        raise UserError(f"--results {given} is not a folder: give the one with the runs.")
    return folder


def _print(table):
    headings = (escape(printable(heading)) for heading in formats.headings(table))
    grid = Grid(*headings, title=Text(printable(f"{table.title}: test error, per cent")))
    for line in table.lines:
        grid.add_row(*(Text(printable(cell)) for cell in formats.cells(line, formats.attacks(table))))
    print_table(grid)
    for text in [table.source] * bool(table.source) + [f"- {remark}" for remark in formats.remarks(table)]:
        print(printable(text))


def _write(table, stem, write):
    paths = {stem.with_name(f"{stem.name}.{kind}"): as_text(table) for kind, as_text in WRITERS.items()}
    for path, text in paths.items():
        write_text(path, text, "--output", write)
    print("Written: " + ", ".join(map(str, paths)))
