"""The networks of ``benchmarks/network.py`` are those of the original's commands, shaped as the ladder shapes them."""

import importlib.util
import json
from pathlib import Path

import pytest

from ladder.cli import make_parser
from ladder.cli.options import combinations, given_options, hyper_parameters
from ladder.hyper import HyperParameters, resolve_layers

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
    asked = resolve_layers(hyper_parameters(options, network.encoder_layers[0]))
    ours = resolve_layers(HyperParameters(**network.options))
    assert ours == asked
    assert network.top_c == options.get("top_c", True)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("which", ["NETWORKS", "SMALL_NETWORKS"])
def test_shapes(networks, which, name):
    network = getattr(networks, which)[name]
    layers = resolve_layers(HyperParameters(**network.options))
    assert [layer.shape for layer in network.layers] == [layer.dim for layer in layers]
    assert [layer.kind for layer in network.layers] == [layer.kind for layer in layers]
