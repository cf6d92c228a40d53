"""``run.py devices``: the devices that the backends can compute on here."""

from rich.table import Table

from ladder.backends import check
from ladder.backends.jax import setup
from ladder.cli.printing import print_table
from ladder.errors import UserError


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "devices",
        help="what there is to compute on",
        allow_abbrev=False,
        description="List what --backend c and --backend jax compute on here, and what is missing for either.",
    )
    parser.set_defaults(run=run)
    return parser


def run(args):
    table = Table("--backend", "computes on", "with")
    missing, of_jax = [], []
    for name, rows in (("c", _rows_of_c), ("jax", _rows_of_jax)):
        try:
            found = rows()
            of_jax = found if name == "jax" else of_jax
            for row in found:
                table.add_row(name, *row)
        except UserError as error:
            table.add_row(name, "nothing", "")
            missing.append(f"{name}: {error}")
    print_table(table)
    for line in missing:
        print(line)
    if of_jax and setup.devices()[0].platform == "cpu":
        print(f"JAX computes on the CPU: {setup.no_gpu()}")
    return 0


def _rows_of_c():
    check.python_version()
    check.compiler(check.find_compiler())
    from ladder.backends import c

    backend = c.configure()
    return [("CPU", f"{backend.blas.name} {backend.blas.version}, {backend.threads} threads, {backend.cxx}")]


def _rows_of_jax():
    version = setup.check_version()
    rows, found = [], setup.devices()
    if found[0].platform != "cpu":
        found = [*found, *setup.cpus()]
    for device in found:
        memory = (device.memory_stats() or {}).get("bytes_limit")
        amount = f", {memory / 2**30:.0f} GiB for JAX" if memory else ""
        rows.append((f"{device.platform} {device.id}: {device.device_kind}", f"JAX {version}{amount}"))
    return rows
