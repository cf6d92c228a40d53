"""``run.py rivals``: scikit-learn methods on the data, splits and labels of a ladder's run."""

import json
from pathlib import Path

from rich.table import Table
from rich.text import Text
from threadpoolctl import threadpool_limits

from ladder.cli.options import add_options, given_options, thread_count
from ladder.cli.outputs import check_output
from ladder.cli.printing import print_table
from ladder.errors import UserError
from ladder.options import Options
from ladder.output_files import write_text
from ladder.rival_methods import METHODS, OF_DATA, options_of
from ladder.rivals.configurations import configurations
from ladder.rivals.methods import check_installed
from ladder.rivals.results import as_plain, of_folder, over_seeds
from ladder.runs.folder import RESULTS
from ladder.tables.formats import in_ranges
from ladder.tables.preset import load_preset
from ladder.tables.preset_options import preset_combinations
from ladder.tables.statistics import summarize
from ladder.training.experiment import prepare_all


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "rivals",
        help="fit methods of scikit-learn's to the same data, splits and labels",
        allow_abbrev=False,
        description="Fit what a user would try first (logistic regression, an MLP, label spreading, self-training …) to "
        "exactly the data, labels and splits of 'run.py train' with the same options, each method with a small grid of "
        "parameters, and print the test errors. Results are kept in folders, where 'run.py table' finds them; what is "
        "finished there is not fitted again.",
    )
    parser.add_argument("dataset", nargs="?", metavar="DATASET", help="name of a data set, or an HDF5 file")
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=tuple(METHODS),
        metavar="METHOD",
        help=f"some of: {', '.join(METHODS)} (default: all, or those of the preset)",
    )
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="in place of DATASET, the data, seeds and hidden layers of a preset, or of a JSON file of your own; of rows "
        "with a 'rival', these alone",
    )
    parser.add_argument("--rows", nargs="+", metavar="ROW", help="rows of the preset (default: all)")
    parser.add_argument(
        "--save-to",
        metavar="PATH",
        help=f"path of the folders, to which the method and a number are added (default: {RESULTS}/rivals/DATASET)",
    )
    parser.add_argument("--json", metavar="FILE", help="also write the numbers to this file")
    parser.add_argument(
        "--threads", type=thread_count, metavar="N", help="threads of NumPy and scikit-learn (default: theirs)"
    )
    group = parser.add_argument_group("as for train")
    names = ("seed", *(name for name in OF_DATA if name != "dataset"), "encoder_layers")
    add_options(group, names, many=("seed",))
    parser.set_defaults(run=run)
    return parser


def run(args):
    """Fit the rivals that are not finished, one after the other, and print a table of all."""
    check_output(args.json, "--json", [args.preset] if args.preset else ())
    check_installed()
    from ladder.rivals.examples import ExamplesOfRuns
    from ladder.rivals.folders import fit_into_folder

    chosen = _what_to_fit(args)
    check_output(args.json, "--json", datasets={p.dataset for p in chosen})
    save_to = (
        args.save_to or f"{RESULTS}/rivals/{args.preset and load_preset(args.preset).name or Path(args.dataset).stem}"
    )
    ps, results, elsewhere = [], [], 0
    with threadpool_limits(args.threads):
        experiments, examples_of = prepare_all(chosen), ExamplesOfRuns()
        for experiment in experiments:
            folder, state = fit_into_folder(experiment, save_to, examples_of)
            if state == "was finished":
                print(f"{experiment.p.rival}, seed {experiment.p.seed}: finished before, {folder}")
            if state == "elsewhere":
                elsewhere += 1
            else:
                ps.append(experiment.p)
                results.append(of_folder(experiment.p, folder))
    if results:
        _print(over_seeds(ps, results), _title(experiments))
    if elsewhere:
        print(f"{elsewhere} left to another process: give the command again when it has ended.")
    if args.json:
        write_text(args.json, json.dumps(as_plain(ps, results), indent=1) + "\n", "--json")
    return 0


def _what_to_fit(args):
    """The Options of every rival, seed by seed."""
    given = given_options(args)
    if (args.dataset is None) == (args.preset is None):
        raise UserError("give either a data set, e.g. digits, or --preset.")
    if args.preset is None:
        if args.rows:
            raise UserError("--rows is about a preset: give --preset, too.")
        seeds = given.pop("seed", [1])
        return configurations({"dataset": args.dataset, **given}, args.methods or list(METHODS), seeds)
    rows = preset_combinations(load_preset(args.preset), args.rows, given)
    chosen = [Options(**options) for options in _of_rows(rows, args.methods)]
    if not chosen:
        raise UserError(f"--preset {args.preset} has no row of these methods: choose others, or leave --methods out.")
    return sorted(dict.fromkeys(chosen), key=lambda p: p.seed)


def _of_rows(rows, methods):
    """Iterate over the options of the rivals in a preset's rows or, without any, of the methods on each row's data."""
    own = [options for options in rows if options.get("rival")]
    for options in own or rows:
        for method in [options["rival"]] if own else methods or METHODS:
            if method in (methods or METHODS):
                yield options_of(method, options)


def _title(experiments):
    """The data set and the number of labels, each only if all experiments share it."""
    common = {each.p.dataset for each in experiments}, {f"{len(each.split.labeled):,} labels" for each in experiments}
    return ", ".join(text for texts in common for text in texts if len(texts) == 1) or "several data sets"


def _print(lines, title):
    table = Table(
        "method",
        "learns from",
        "seeds",
        "mean",
        "std",
        "95 % interval",
        "seconds a seed",
        title=Text(f"{title}: test error, per cent"),
    )
    for (method, words), found in lines.items():
        summary = summarize([result.error_percent for result in found])
        seconds = sum(sum(result.seconds.values()) for result in found) / len(found)
        table.add_row(
            Text(", ".join(filter(None, (METHODS[method].title, words)))),
            METHODS[method].learns_from,
            in_ranges([result.seed for result in found]),
            f"{summary.mean:.2f}",
            "" if summary.std is None else f"{summary.std:.2f}",
            "" if summary.interval is None else f"{summary.interval[0]:.2f} to {summary.interval[1]:.2f}",
            f"{seconds:.1f}",
        )
    print_table(table)
