"""The networks of ``benchmarks/network.py`` are those of the original's commands."""

import importlib.util
import json
from pathlib import Path

import pytest

from ladder.cli import make_parser
from ladder.cli.options import given_options
from ladder.combinations import combinations
from ladder.layers import resolve_layers
from ladder.options import Options

NETWORK = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "network.py"

COMMANDS = {
    "mnist": "mnist_100_full",
    "conv_small": "mnist_100_conv_gamma",
    "conv_large": "cifar_4k_gamma",
    "conv_fc": "mnist_100_conv_fc",
}


@pytest.fixture(scope="module")
def networks():
    spec = importlib.util.spec_from_file_location("benchmark_network", NETWORK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", COMMANDS)
def test_network_of_a_command(golden_dir, networks, name):
    command = json.loads((golden_dir / "original_commands.json").read_text())["commands"][COMMANDS[name]]["command"]
    (options,) = combinations(given_options(make_parser().parse_args(command.removeprefix("run.py ").split())))
    network = networks.NETWORKS[name]
    asked = resolve_layers(Options(**options), network.in_dim)
    ours = resolve_layers(Options(**network.options), network.in_dim)
    assert ours == asked
    assert network.top_c == options.get("top_c", True)
    assert [layer.shape for layer in network.layers] == [layer.dim for layer in ours]
