"""``run.py parity``: side by side with the original's own numbers."""

import json

from ladder import backends
from ladder.backends import choice
from ladder.cli.options import thread_count
from ladder.cli.outputs import check_output
from ladder.option_types import whole_number_from
from ladder.output_files import write_text
from ladder.parity import golden, pool, report
from ladder.parity.comparison import FAILED

DESCRIPTION = """Compare this program with the original, number by number.

DIR holds golden files, pairs NAME.npz and NAME.json with numbers that the
original code computed. For each the same network is built here, and the
largest difference of every kind of number is printed beside what is allowed.
The exit status is 1 if any is out of tolerance or a file cannot be read."""


def add_parser(subparsers):
    """Add ``parity`` to the command line.

    Parameters
    ----------
    subparsers : what ``ArgumentParser.add_subparsers`` returns

    Returns
    -------
    ArgumentParser
        Its default for ``run`` is the function below.
    """
    parser = subparsers.add_parser(
        "parity", help="compare with the original's own numbers", allow_abbrev=False, description=DESCRIPTION
    )
    parser.add_argument("directory", metavar="DIR", help="folder with the golden files")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="check these files alone")
    parser.add_argument(
        "--backend", choices=backends.BACKENDS, default="c", help="what compiles the graph (default: c)"
    )
    parser.add_argument(
        "--graph",
        choices=("fused", "plain", "both"),
        default="fused",
        help="how it is built: with fused operations (default), as the readable graph, or one after the other",
    )
    parser.add_argument(
        "--jobs",
        type=whole_number_from(1, choice.MOST_THREADS),
        metavar="N",
        help="processes to spread the files over (default: the cores this process may use)",
    )
    parser.add_argument(
        "--threads", type=thread_count, default=1, metavar="N", help="threads of each process (default: 1)"
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="run all 1800 updates of the MNIST file and its test error, instead of the first 200 updates",
    )
    parser.add_argument("--json", metavar="FILE", help="also write the results to this file")
    parser.set_defaults(run=run)
    return parser


def run(args):
    """Compare, print the verdicts, and return the exit status: 0 if all is well, 1 if not."""
    jobs = choice.cores() if args.jobs is None else args.jobs
    names = golden.find(args.directory, args.only)
    check_output(args.json, "--json", golden.files(args.directory))
    if args.backend == "jax":
        from ladder.backends.jax.setup import check_version

        check_version()
    print(f"Checking {len(names)} golden files; networks are compiled first, which takes from seconds to minutes")
    results = []
    for graph in ("fused", "plain") if args.graph == "both" else (args.graph,):
        print(f"\nThe {graph} graph{_by(args.backend)}:")
        of_graph = []
        for result in pool.check_all(
            args.directory, names, jobs, args.threads, args.full, graph == "plain", args.backend
        ):
            print("\n".join(["", *report.lines_of(result)]), flush=True)
            of_graph.append(result)
        print(f"\nThe {graph} graph{_by(args.backend)}: {report.summary(of_graph)}")
        results += [(graph, result) for result in of_graph]
    if args.json is not None:
        _write(args.json, results)
    return 1 if any(result.verdict == FAILED for _, result in results) else 0


def _by(backend):
    return "" if backend == "c" else f" in {backend.upper()}"


def _write(path, results):
    # An infinite difference is written as such; Python's JSON reader accepts that.
    text = json.dumps([{"graph": graph, **report.as_dict(result)} for graph, result in results], indent=1) + "\n"
    write_text(path, text, "--json")
