"""Time of one update and one epoch of the 784-1000-500-250-250-250-10 ladder.

    python benchmarks/step.py                 # one thread and all cores, taking turns
    python benchmarks/step.py --cold          # also compile from an empty cache

Each measurement is a process of its own, as the number of threads is fixed at
start; the processes take turns, so that a change of the machine's load meets
all alike.  Medians and the range over rounds are printed; a single time says
little on a shared machine.  The images are random: time does not depend on them.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
N_EXAMPLES = 60000

OPTIONS = {
    "encoder_layers": ("1000", "500", "250", "250", "250", "10"),
    "decoder_spec": ("gauss",),
    "denoising_cost_x": (1000.0, 10.0, 0.1, 0.1, 0.1, 0.1, 0.1),
    "labeled_samples": 100,
    "unlabeled_samples": N_EXAMPLES,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cores}), help="numbers of threads")
    parser.add_argument("--rounds", type=int, default=3, help="processes for each number of threads")
    parser.add_argument("--updates", type=int, default=100, help="updates timed one by one in a process")
    parser.add_argument("--epoch", action="store_true", help="also run one epoch of 600 updates in a process")
    parser.add_argument("--cold", action="store_true", help="also measure compiling from an empty cache")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(args.child, args.updates, args.epoch)))
        return
    if args.cold:
        with tempfile.TemporaryDirectory() as cache:
            cold = run_child(1, args, {"AESARA_FLAGS": _with_cache(cache)})
        print(f"compile, empty cache: {cold['compile_s']:.0f} s")
    rounds = [{t: run_child(t, args) for t in args.threads} for _ in range(args.rounds)]
    for threads in args.threads:
        report(threads, [one[threads] for one in rounds])


def run_child(threads, args, environment=None):
    """One measurement in a new process; returns what :func:`measure` does."""
    command = [sys.executable, __file__, "--child", str(threads), "--updates", str(args.updates)]
    command += ["--epoch"] if args.epoch else []
    done = subprocess.run(
        command, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def _with_cache(folder):
    return ",".join(filter(None, (os.environ.get("AESARA_FLAGS"), f"base_compiledir={folder}")))


def measure(threads, n_updates, with_epoch):
    """Compile and time the training function of this process.

    Returns
    -------
    dict
        ``compile_s``, ``update_ms`` (median), ``products_ms`` (its matrix
        products alone, a measure of the machine), their ``ratio``,
        ``loop_ms`` (what an epoch takes beyond its updates, an update),
        ``epoch_s``, ``peak_mb``.
    """
    sys.path.insert(0, str(REPOSITORY))
    from ladder.backends import c

    blas = c.configure(threads).blas
    import numpy as np

    from ladder.cli.options import hyper_parameters
    from ladder.data.experiment import Examples, choose_examples, training_stream
    from ladder.training import functions
    from ladder.training.main_loop import MainLoop

    p = hyper_parameters({**OPTIONS, "num_epochs": 1}, (1, 28, 28))
    rng = np.random.default_rng(0)
    examples = Examples("random", rng.random((N_EXAMPLES, 1, 28, 28), "float32"), np.arange(N_EXAMPLES) % 10)
    start = time.perf_counter()
    ladder, inputs = functions.build_training_graph(p)
    update, _ = functions.compile_training(ladder, inputs, p.lr, c.mode())
    result = {"blas": f"{blas.name} {blas.version}", "compile_s": time.perf_counter() - start}

    stream = training_stream(p, examples, choose_examples(p, examples))
    batch = next(iter(stream.get_epoch_iterator()))
    for _ in range(5):
        update(batch)
    products = compile_products(c.mode())
    # By turns, so that both meet the same load.
    pairs = [(_time(update, batch), _time(products)) for _ in range(n_updates)]
    result["update_ms"], result["products_ms"] = (1e3 * statistics.median(times) for times in zip(*pairs))
    result["ratio"] = result["update_ms"] / result["products_ms"]
    if with_epoch:
        spent = []

        def timed(batch):
            start = time.perf_counter()
            values = update(batch)
            spent.append(time.perf_counter() - start)
            return values

        start = time.perf_counter()
        MainLoop(timed, stream, 1, []).run()
        result["epoch_s"] = time.perf_counter() - start
        result["loop_ms"] = 1e3 * (result["epoch_s"] - sum(spent)) / len(spent)
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def product_shapes(dims, n):
    """The matrix products of one update: (rows, inner, columns) of each.

    Both encoder passes over 2n examples, forward, for the weights and (above
    the first layer) for the layer below; the decoder over n examples likewise.
    """
    shapes = []
    for below, above in zip(dims, dims[1:]):
        encoder = [(2 * n, below, above), (below, 2 * n, above)]
        encoder += [(2 * n, above, below)] if below != dims[0] else []
        shapes += 2 * encoder + [(n, above, below), (above, n, below), (n, below, above)]
    return shapes


def compile_products(mode):
    """A function without arguments that makes the 52 products of one update and nothing else."""
    import aesara
    import aesara.tensor as at
    import numpy as np

    a, b = at.fmatrices("a", "b")
    dot = aesara.function([a, b], at.dot(a, b), mode=mode)
    dims = [784] + [int(layer) for layer in OPTIONS["encoder_layers"]]
    operands = [
        (np.ones((rows, inner), "float32"), np.ones((inner, columns), "float32"))
        for rows, inner, columns in product_shapes(dims, 100)
    ]
    return lambda: [dot(x, y) for x, y in operands]


def _time(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def report(threads, results):
    """Print medians and ranges over rounds."""
    print(f"{threads} thread{'s' if threads > 1 else ''}, {results[0]['blas']}, {len(results)} rounds:")
    for name in ("compile_s", "update_ms", "products_ms", "ratio", "epoch_s", "loop_ms", "peak_mb"):
        values = [result[name] for result in results if name in result]
        if values:
            print(f"  {name:10} {statistics.median(values):9.2f}   ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
