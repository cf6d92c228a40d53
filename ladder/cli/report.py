"""``run.py report``: one HTML page about one or several runs."""

from ladder.cli.options import add_backend_options, add_parameters_option, checked_backend
from ladder.cli.outputs import check_output, datasets_of
from ladder.output_files import write_text


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "report",
        help="a page about one or several runs, to look at in a browser",
        allow_abbrev=False,
        description="Write one HTML page that is complete in itself: the network as a picture, learning curves, test "
        "error, mistakes, reconstructions, filters, attacks, published numbers, and the command that repeats the run. "
        "Runs that differ in the seed alone share their curves; others are shown side by side, with the options in "
        "which they differ.",
    )
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="folders of runs, e.g. results/noname0")
    parser.add_argument("--output", metavar="FILE", required=True, help="the page, e.g. report.html")
    parser.add_argument("--title", metavar="TEXT", help="its title (default: Report of NAME, or of how many runs)")
    parser.add_argument(
        "--static",
        action="store_true",
        help="draw the curves as pictures, which saves 1.3 MB; without it they answer to the mouse",
    )
    parser.add_argument(
        "--files-only",
        action="store_true",
        help="use the files of the runs alone, without networks and data sets: quick, nothing is compiled",
    )
    add_parameters_option(parser)
    add_backend_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args):
    backend = checked_backend(args)
    check_output(args.output, "--output", datasets=datasets_of(args.folders))
    # Imported only now, because it imports matplotlib.
    from ladder.report.page import make_page

    page = make_page(args.folders, None if args.files_only else backend, args.static, args.title, args.parameters)
    write_text(args.output, page, "--output")
    print(f"Written: {args.output} ({len(page.encode('utf-8', 'replace')) / 1e6:.2f} MB)")
    return 0
