"""Times of each convolution in the convolutional ladders' encoders, and of its gradients: ours and PyTorch's.

    python benchmarks/convolution.py
    python benchmarks/convolution.py --networks conv_small --threads 1 --rounds 20

100 images per call.  PyTorch stores its maps either channels last or channels
first, and the faster of the two counts, layer by layer and gradient by gradient
(for maps and for filters).  Both sides are processes that take turns, as in
``contest.py``.  GFLOP counts the multiplications and additions of a direct
convolution, without the zeros around the maps, and "% peak" is their share of
the most that the processor could do in that time (``peak.py``): Winograd's
method, which needs fewer products, may exceed 100 %.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import time

import numpy as np
import peak
import tables
from contest import environment
from step import add_options

IMAGES = 100
PARTS = ("forward", "maps", "filters")

#: Each network's (channels, pixels along a side, filters, K, border); there is pooling between some.
NETWORKS = {
    "conv_small": [
        (1, 28, 32, 5, "full"),
        (32, 16, 64, 3, "valid"),
        (64, 14, 64, 3, "full"),
        (64, 8, 128, 3, "valid"),
        (128, 6, 10, 1, "valid"),
    ],
    "conv_large": [
        (3, 32, 96, 3, "valid"),
        (96, 30, 96, 3, "full"),
        (96, 32, 96, 3, "full"),
        (96, 17, 192, 3, "valid"),
        (192, 15, 192, 3, "full"),
        (192, 17, 192, 3, "valid"),
        (192, 8, 192, 3, "valid"),
        (192, 6, 192, 1, "valid"),
        (192, 6, 10, 1, "valid"),
    ],
    "conv_fc": [
        (1, 28, 1000, 26, "valid"),
        (1000, 3, 500, 1, "valid"),
        (500, 3, 250, 1, "valid"),
        (250, 3, 250, 1, "valid"),
    ],
}


def main():
    if sys.argv[1:2] == ["--serve"]:
        return serve(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    add_options(parser, rounds=5, updates=3)
    args = parser.parse_args()
    results = []
    for threads in args.threads:
        sides = {name: Side(name, threads) for name in SIDES}
        try:
            for network in args.networks:
                times = [measure(sides, layer, args.rounds, args.updates) for layer in NETWORKS[network]]
                report(network, threads, times, peak.gflops(threads))
                results.append({"network": network, "threads": threads, "times": times})
        finally:
            for side in sides.values():
                side.end()
    if args.json:
        tables.save(args.json, {"convolutions": results})


def measure(sides, layer, rounds, calls):
    """side -> part -> seconds of a call, the median of each round; sides take turns."""
    found = {name: {part: [] for part in PARTS} for name in sides}
    for side in sides.values():
        side.ask(layer, 1)  # some compile, all allocate their memory
    for _ in range(rounds):
        for name, side in sides.items():
            for part, times in side.ask(layer, calls).items():
                found[name][part].append(statistics.median(times))
    return found


def report(network, threads, times, peak_rate):
    """Print a table; ``peak_rate``: the processor's GFLOP/s."""
    amounts = [gflop(*layer) for layer in NETWORKS[network]]
    rows, totals = [], {part: [0.0, 0.0] for part in PARTS}
    for layer, amount, found in zip(NETWORKS[network], amounts, times):
        cells = []
        for part in PARTS:
            own = found["ladder"][part]
            rival = min((found[name][part] for name in SIDES if name != "ladder"), key=statistics.median)
            seconds, other = statistics.median(own), statistics.median(rival)
            # Within a round both had nearly the same load.
            cells += part_cells(amount, seconds, statistics.median(a / b for a, b in zip(own, rival)), peak_rate)
            totals[part] = [total + more for total, more in zip(totals[part], (seconds, other))]
        rows.append([label(*layer), f"{amount:.2f}", *cells])
    cells = [cell for own, other in totals.values() for cell in part_cells(sum(amounts), own, own / other, peak_rate)]
    rows.append(["together", f"{sum(amounts):.2f}", *cells])
    columns = ["", "GFLOP", *(text for part in PARTS for text in (part, "% peak", "x torch"))]
    notes = [f"{tables.cpu()}; peak {peak_rate:.0f} GFLOP/s."]
    tables.show(f"{network}, {threads} thread{'s' * (threads > 1)}, ms", columns, rows, notes)


def part_cells(amount, seconds, ratio, peak_rate):
    return [f"{1e3 * seconds:.2f}", f"{100 * amount / seconds / peak_rate:.0f}", f"{ratio:.2f}"]


def label(channels, size, filters, K, border):
    return f"{channels}x{size} {border} {filters} K{K}"


def gflop(channels, size, filters, K, border):
    pixels = size if border == "full" else size - K + 1
    return 2e-9 * IMAGES * channels * filters * (K * pixels) ** 2


class Side:
    """A process that times what it is asked to, and is stopped in between."""

    def __init__(self, name, threads):
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(threads),
        )

    def ask(self, layer, calls):
        """part -> seconds of each call."""
        self._process.send_signal(signal.SIGCONT)
        print(json.dumps([layer, calls]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            sys.exit("A process ended: its last words are above.")
        self._process.send_signal(signal.SIGSTOP)
        return json.loads(line)

    def end(self):
        self._process.kill()
        self._process.communicate()


def serve(name, threads):
    prepare, known = SIDES[name](int(threads)), {}
    for line in sys.stdin:
        layer, calls = json.loads(line)
        key = tuple(layer)
        if key not in known:
            known.clear()  # frees their memory
            known[key] = prepare(*layer)
        print(json.dumps(dict(zip(PARTS, ([timed(call) for _ in range(calls)] for call in known[key])))), flush=True)


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def images(rng, channels, size):
    """Random maps, channels last in memory, indexed as (N, C, H, W)."""
    return rng.randn(IMAGES, size, size, channels).astype("float32").transpose(0, 3, 1, 2)


def arrays(channels, size, filters, K, border):
    """Maps, filters, and gradients with respect to the result."""
    rng, above = np.random.RandomState(0), size + K - 1 if border == "full" else size - K + 1
    weights = rng.randn(filters, channels, K, K).astype("float32")
    return images(rng, channels, size), weights, images(rng, filters, above)


def ladder(threads):
    from ladder.backends import c

    c.configure(threads)
    import aesara
    import aesara.tensor as at

    from ladder.fused.convolution import convolve

    def prepare(*layer):
        values = arrays(*layer)
        x, W, g = (aesara.shared(value, borrow=True) for value in values)
        inputs = [at.TensorType("float32", shape=(None, *value.shape[1:]))() for value in values]
        y = convolve(inputs[0], inputs[1], layer[-1], 1)
        results = [y, *aesara.grad(None, inputs[:2], known_grads={y: inputs[2]})]
        # Only a number made of each is returned, borrowed, so that a result's memory stays with its operation, as
        # in training.
        numbers = [aesara.Out(result[0, 0, 0, 0] + 1, borrow=True) for result in results]
        givens = dict(zip(inputs, (x, W, g)))
        return [
            aesara.function([], number, givens=givens, on_unused_input="ignore", mode=c.mode()) for number in numbers
        ]

    return prepare


def torch_side(memory_format):
    def side(threads):
        import torch

        torch.set_num_threads(threads)

        def prepare(channels, size, filters, K, border):
            values = arrays(channels, size, filters, K, border)
            x, W, g = (torch.tensor(value).contiguous(memory_format=getattr(torch, memory_format)) for value in values)
            pad = [K - 1 if border == "full" else 0] * 2

            def gradient(*wanted):
                return torch.ops.aten.convolution_backward(
                    g, x, W, None, [1, 1], pad, [1, 1], False, [0, 0], 1, [*wanted, False]
                )

            return [
                lambda: torch.nn.functional.conv2d(x, W, padding=pad),
                lambda: gradient(True, False),
                lambda: gradient(False, True),
            ]

        return prepare

    return side


SIDES = {
    "ladder": ladder,
    "PyTorch, channels last": torch_side("channels_last"),
    "PyTorch, channels first": torch_side("contiguous_format"),
}

if __name__ == "__main__":
    main()
