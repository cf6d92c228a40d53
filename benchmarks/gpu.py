"""Seconds per epoch on an NVIDIA GPU: our ladder in JAX, one seed and ten side by side, and PyTorch's.

    bash benchmarks/gpu.sh                             # all of it, in an environment of its own
    python benchmarks/gpu.py --models mnist --profile
    python benchmarks/gpu.py --tf32                    # products and convolutions in TF32, for all
    python benchmarks/gpu.py --device cpu --small --updates 2      # to try it out without a GPU

An epoch is 600 updates of 100 labelled and 100 unlabelled examples, with noise
drawn anew and Adam in each.  If fewer updates are timed, their time is scaled
to an epoch, and the table says so.  The examples are random (time does not
depend on them) and on the device, where each update picks its own by their
positions.  Each row is a separate process, with empty caches.  The table is
printed, and written as Markdown.  The exit status is 2 if no library has such a
device.
"""

import argparse
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import nvidia
from network import EPOCH, NETWORKS, SMALL_NETWORKS

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes
    ----------
    label : str
    library : 'jax' (ours) or 'torch'
    options : dict, more of the request to ``gpu_row.py``
    of_images : bool, whether it makes sense only for convolutional networks
    """

    label: str
    library: str
    options: dict = field(default_factory=dict)
    of_images: bool = False


def torch_row(label, way, maps_last=False):
    label += ", channels last" * maps_last
    return Row(f"PyTorch, {label}", "torch", {"way": way, "maps_last": maps_last}, maps_last)


ROWS = {
    "ladder": Row("ladder, JAX, one seed", "jax", {"seeds": 1}),
    "ladder-seeds": Row("ladder, JAX, {seeds} seeds together", "jax"),
    "torch": torch_row("eager", "eager"),
    "torch-last": torch_row("eager", "eager", True),
    "torch-compiled": torch_row("compiled, {mode}", "compiled"),
    "torch-compiled-last": torch_row("compiled, {mode}", "compiled", True),
    "torch-graph": torch_row("compiled, an update as one CUDA graph", "graph"),
    "torch-graph-last": torch_row("compiled, an update as one CUDA graph", "graph", True),
}

EAGER = ("torch", "torch-last")
COMPILED = ("torch-compiled", "torch-compiled-last", "torch-graph", "torch-graph-last")

MODELS = ("mnist", "conv_small", "conv_large")

#: Updates per round, by default.
UPDATES = {"mnist": EPOCH, "conv_small": 100, "conv_large": 20}

#: Rounds go on for at least this long, so that nvidia-smi has something to see.
SECONDS = {"gpu": 3, "cpu": 0}

#: The rows' targets: seconds per epoch, by network and row; for ten seeds, all together.
TARGETS = {("mnist", "ladder"): 0.5, ("mnist", "ladder-seeds"): 1.5}

COLUMNS = (
    "row",
    "s an epoch",
    "range of rounds",
    "target",
    "ms an update",
    "x PyTorch eager",
    "GPU busy %",
    "GPU MB",
    "peak MB",
    "compile s",
)

PACKAGES = ("jax", "jaxlib", "jax-cuda12-plugin", "torch", "triton", "aesara", "numpy")


def main():
    args = arguments()
    with tempfile.TemporaryDirectory() as caches:
        devices = {
            library: ask({"probe": True, "library": library, "device": args.device}, caches)
            for library in sorted({ROWS[name].library for name in args.rows})
        }
        refuse_without_any(args.device, devices)
        output = args.output or default_output(devices)
        results = {model: {} for model in args.models}
        for model in args.models:
            for name in rows_of(args.rows, model):
                results[model][name] = result(args, model, name, devices, caches)
                # Written after each row, so that nothing is lost.
                text = report(args, devices, results)
                output.write_text(text)
    print(text)
    print(f"Written to {output}", file=sys.stderr)
    return int(any(answer.get("failed") for answers in results.values() for answer in answers.values()))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, metavar="M", help=", ".join(MODELS))
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu", help="default: gpu; cpu is to try it out")
    parser.add_argument(
        "--updates", type=positive, metavar="N", help=f"in a round (default: {', '.join(map(str, UPDATES.values()))})"
    )
    parser.add_argument("--rounds", type=positive, default=5, help="at least (default: 5)")
    parser.add_argument("--seeds", type=positive, default=10, help="side by side (default: 10)")
    parser.add_argument("--noise", choices=("mrg", "philox"), default="mrg", help="of our ladder (default: mrg)")
    parser.add_argument("--tf32", action="store_true", help="TF32 for all (default: float32)")
    parser.add_argument(
        "--mode",
        choices=("reduce-overhead", "max-autotune"),
        default="reduce-overhead",
        help="of torch.compile (default: reduce-overhead)",
    )
    parser.add_argument("--small", action="store_true", help="small networks of the same kinds, as in the tests")
    parser.add_argument("--profile", action="store_true", help="what bounds our rows, by JAX's profiler")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: benchmarks/gpu-<card>-<date>.md")
    args = parser.parse_args()
    if not any(rows_of(args.rows, model) for model in args.models):
        parser.error(f"{', '.join(args.rows)}: for images alone, which none of {', '.join(args.models)} takes")
    return args


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give 1 or more")
    return number


def refuse_without_any(device, devices):
    """Exit if no library can compute on such a device."""
    if all("skipped" in answer for answer in devices.values()):
        reasons = "; ".join(f"{library}: {answer['skipped']}" for library, answer in devices.items())
        advice = " Try --device cpu --small --updates 2 to see how this works without one." if device == "gpu" else ""
        print(f"There is no {device.upper()} to measure on ({reasons}).{advice}", file=sys.stderr)
        sys.exit(2)


def default_output(devices):
    card = re.sub(r"[^a-z0-9]+", "-", device_name(devices).lower()).strip("-")
    return HERE / f"gpu-{card}-{datetime.date.today()}.md"


def device_name(devices):
    return next(answer["device"] for answer in devices.values() if "device" in answer)


def rows_of(names, model):
    """The rows that make sense for the network, in the table's order."""
    return [name for name in ROWS if name in names and (NETWORKS[model].convolutional or not ROWS[name].of_images)]


def label(args, name):
    return ROWS[name].label.format(seeds=args.seeds, mode=args.mode)


# --- Processes


def result(args, model, name, devices, caches):
    """The answer of a row's process; ``skipped`` if there is no result."""
    row = ROWS[name]
    if "skipped" in devices[row.library]:
        return devices[row.library]
    request = {
        "library": row.library,
        "model": model,
        "small": args.small,
        "device": args.device,
        "tf32": args.tf32,
        "updates": updates(args, model),
        "rounds": args.rounds,
        "seconds": SECONDS[args.device],
        "profile": args.profile,
        "seeds": args.seeds,
        "noise": args.noise,
        "mode": args.mode,
        **row.options,
    }
    print(f"{model}: {label(args, name)} …", end=" ", file=sys.stderr, flush=True)
    answer = ask(request, f"{caches}/{model}-{name}")
    if "skipped" in answer:
        print(f"left out ({answer['skipped']})", file=sys.stderr)
    else:
        print(f"{epoch(args, model, statistics.median(answer['rounds_s'])):.3f} s an epoch", file=sys.stderr)
    return answer


def updates(args, model):
    return args.updates or UPDATES[model]


def epoch(args, model, seconds):
    """Seconds of a round as seconds of an epoch."""
    return seconds * EPOCH / updates(args, model)


def ask(request, caches):
    """The last answer of a process to a request; for a row, with what nvidia-smi saw during the rounds."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "gpu_row.py"), json.dumps(request)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(caches, request["device"]),
    )
    with process:
        first = answer(process)
        if request.get("probe") or "skipped" in first:
            return first
        with nvidia.Sampler() as sampler:
            rounds = answer(process)
        last = rounds if "skipped" in rounds else {**rounds, **answer(process)}
    if request["device"] == "gpu":
        last.update(utilization=sampler.utilization, memory_mb=sampler.memory_mb)
    return last


def answer(process):
    line = process.stdout.readline()
    return json.loads(line) if line else {"skipped": f"its process ended with status {process.wait()}", "failed": True}


def environment(caches, device):
    """The environment of a row: empty compiler caches, and one card."""
    paths = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
    settings = {"JAX_COMPILATION_CACHE_DIR": f"{caches}/jax", "TORCHINDUCTOR_CACHE_DIR": f"{caches}/torch"}
    if device == "gpu":
        # Numbered as in nvidia-smi.
        settings.update(CUDA_DEVICE_ORDER="PCI_BUS_ID", CUDA_VISIBLE_DEVICES=nvidia.visible_device())
    return {**os.environ, **settings, "PYTHONPATH": paths}


# --- The table


def report(args, devices, results):
    """All tables, and the remarks on them, as Markdown."""
    precision = "TF32" if args.tf32 else "float32 without TF32"
    parts = [f"# Seconds an epoch on {device_name(devices)}, {precision}"]
    for model, answers in results.items():
        if answers:
            parts += [section(args, model, answers)]
    parts.append("\n".join(notes(args, devices)))
    parts += [text for model, answers in results.items() for text in profiles(args, model, answers)]
    return "\n\n".join(parts) + "\n"


def section(args, model, answers):
    """Heading and table of a network, and a line for every row that was left out."""
    network = (SMALL_NETWORKS if args.small else NETWORKS)[model]
    n = updates(args, model)
    kind, batch = " (a small one of its kind)" * args.small, f"{network.n_labeled} + {network.n_unlabeled}"
    title = f"## {model}{kind}: {EPOCH} updates of {batch}"
    timed = f"A round is {n} update{'s' * (n > 1)}" + (", its time scaled to an epoch." if n != EPOCH else ".")
    present = {name: answer for name, answer in answers.items() if "rounds_s" in answer}
    lines = markdown([COLUMNS] + [cells(args, model, name, present) for name in present])
    left_out = [f"- {label(args, name)}: left out ({a['skipped']})." for name, a in answers.items() if "skipped" in a]
    remarks = [f"- {label(args, name)}: {note}." for name, a in present.items() for note in a["notes"]]
    blocks = [[title], [timed], lines, left_out + remarks]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def cells(args, model, name, present):
    """A row's cells, as text."""
    answer = present[name]
    rounds = [epoch(args, model, seconds) for seconds in answer["rounds_s"]]
    own, reference = statistics.median(rounds), fastest(args, model, EAGER, present)
    return (
        label(args, name),
        f"{own:.3f}",
        f"{min(rounds):.3f} to {max(rounds):.3f}",
        target(args, model, name, own, present),
        f"{1e3 * own / EPOCH:.3f}",
        f"{own / reference:.2f}" if reference else "-",
        number(answer.get("utilization")),
        number(answer.get("memory_mb")),
        number(answer["peak_mb"]),
        f"{max(0, answer['ready_s'] - statistics.median(answer['rounds_s'])):.1f}",
    )


def fastest(args, model, names, present):
    """The lowest median of some rows, seconds per epoch; None if none of them ran."""
    times = [epoch(args, model, statistics.median(present[name]["rounds_s"])) for name in names if name in present]
    return min(times, default=None)


def target(args, model, name, own, present):
    """The row's target, and whether it was reached; only networks of full size on a GPU have targets."""
    if args.small or args.device == "cpu":
        return "-"
    texts, limit = [], TARGETS.get((model, name))
    if limit and (name == "ladder" or args.seeds == 10):
        texts.append(f"<= {limit} s: {verdict(own <= limit)}")
    if name == "ladder":
        rival = fastest(args, model, COMPILED, present)
        texts.append("ahead of compiled PyTorch: " + (verdict(own < rival) if rival else "not compared"))
    return ", ".join(texts) or "-"


def verdict(good):
    return "yes" if good else "NO"


def number(value):
    return "-" if value is None else f"{value:.0f}"


def markdown(rows):
    """Lines of a Markdown table, its columns padded; the first row is the heading, the first column names."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    padded = [[name.ljust(widths[0]), *map(str.rjust, texts, widths[1:])] for name, *texts in rows]
    lines = ["| " + " | ".join(texts) + " |" for texts in padded]
    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return [lines[0], f"|{rule}|", *lines[1:]]


def notes(args, devices):
    """The machine, and the meaning of the columns."""
    _, driver = nvidia.ask("name", "driver_version") or (None, "none")
    precision = "TF32" if args.tf32 else "float32 without TF32"
    return [
        f"{datetime.date.today()}; {device_name(devices)}; driver {driver}; {versions()}; products and convolutions in "
        f"{precision}; {args.noise} noise in our ladder.",
        "",
        "- s an epoch: median over rounds; of seeds together, all of them. Rows ran one after the other.",
        "- x PyTorch eager: time over that of the eager row, the faster one where there are two.",
        "- GPU busy %, GPU MB: nvidia-smi, during the rounds: median time with any kernel, the most memory in use "
        "(JAX takes three quarters in advance).",
        "- peak MB: what the library's own arrays took at most, examples and compiling included.",
        "- compile s: to build, compile with empty caches and make the first round, less a round's time.",
    ]


def versions():
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            pass
    return ", ".join(found)


def profiles(args, model, answers):
    """A section for each row that has a profile."""
    return [
        f"## Profile of {model}, {label(args, name)}\n\n" + "\n".join(f"- {line}" for line in a["profile"])
        for name, a in answers.items()
        if a.get("profile")
    ]


if __name__ == "__main__":
    sys.exit(main())
