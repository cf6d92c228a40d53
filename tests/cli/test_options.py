"""The command line's syntax: the original's commands, products of values, mistakes."""

import argparse
import json

import pytest

from ladder.cli import main, make_parser
from ladder.cli.options import given_options
from ladder.combinations import combinations
from ladder.layers import resolve_layers
from ladder.options import Options


def parse(command):
    return make_parser().parse_args(command.split())


def test_all_commands_of_the_original_parse_unchanged(golden_dir):
    commands = json.loads((golden_dir / "original_commands.json").read_text())["commands"]
    assert len(commands) == 18
    for name, entry in commands.items():
        args = parse(entry["command"].removeprefix("run.py "))
        assert args.save_to == name
        (options,) = combinations(given_options(args))
        assert options["seed"] == 1
        layers = resolve_layers(Options(**options), (3, 32, 32) if name.startswith("cifar") else (1, 28, 28))
        assert layers[-1].size == 10
        if "conv" not in entry["command"]:
            assert [layer.size for layer in layers] == [784, 1000, 500, 250, 250, 250, 10]


def test_values_of_mnist_100_full():
    args = parse(
        "train --encoder-layers 1000-500-250-250-250-10 --decoder-spec gauss "
        "--denoising-cost-x 1000,10,0.1,0.1,0.1,0.1,0.1 --labeled-samples 100 "
        "--unlabeled-samples 60000 --seed 1 -- mnist_100_full"
    )
    (options,) = combinations(given_options(args))
    p = Options(**options)
    assert p.encoder_layers == ("1000", "500", "250", "250", "250", "10")
    assert p.denoising_cost_x == (1000.0, 10.0, 0.1, 0.1, 0.1, 0.1, 0.1)
    assert (p.labeled_samples, p.unlabeled_samples, p.seed, p.dseed) == (100, 60000, 1, 1)
    # the original's defaults
    assert (p.num_epochs, p.lr, p.lrate_decay, p.batch_size) == (150, 0.002, 0.67, 100)
    assert (p.super_noise_std, p.f_local_noise_std, p.act) == (0.3, (0.3,), ("relu",))
    assert (p.valid_set_size, p.valid_batch_size, p.zestbn, p.top_c) == (10000, 100, "bugfix", True)
    assert (p.contrast_norm, p.whiten_zca) == (0, 0)


def test_values_train_the_product_in_the_order_given():
    args = parse("train --lr 0.1 0.2 --seed 3 1 --act relu-sigmoid-relu linear x")
    # 'x' is one more value of --act: a name needs '--' before it, as in the original
    assert args.save_to is None
    args = parse("train --lr 0.1 0.2 --seed 3 1 -- x")
    assert [(o["lr"], o["seed"]) for o in combinations(given_options(args))] == [(0.1, 3), (0.1, 1), (0.2, 3), (0.2, 1)]
    args = parse("train --seed 3 1 --lr 0.1 0.2 -- x")
    assert [(o["seed"], o["lr"]) for o in combinations(given_options(args))] == [(3, 0.1), (3, 0.2), (1, 0.1), (1, 0.2)]


def test_value_syntax():
    args = parse("train --act relu-linear-sigmoid --f-local-noise-std 0.1,0.2,0.3 --top-c f --decoder-spec gauss-0")
    (options,) = combinations(given_options(args))
    assert options["act"] == ("relu", "linear", "sigmoid")
    assert options["f_local_noise_std"] == (0.1, 0.2, 0.3)
    assert options["top_c"] is False
    assert options["decoder_spec"] == ("gauss", "0")


MISTAKES = {
    "train --encoder-layers 20-10 --denoising-cost-x 1,1": ("--denoising-cost-x", "2 weights for 3 layers"),
    "train --encoder-layers 20-foo:3 --denoising-cost-x 1,1,1": ("--encoder-layers", "unknown layer type 'foo'"),
    "train --encoder-layers convv:32:5:1-convv:10:3 --denoising-cost-x 1,1,1": (
        "--encoder-layers",
        "'convv:10:3' is not a layer",
        "convv:MAPS:SIZE:STRIDE:STRIDE",
    ),
    "train --encoder-layers maxpool:2:3-10 --denoising-cost-x 1,1,1": ("--decoder-spec", "'maxpool:2:3'", "layer 0"),
    "train --dataset digits --encoder-layers convv:4:9:1:1-10 --denoising-cost-x 1,1,1": (
        "--encoder-layers",
        "'convv:4:9:1:1' has filters of 9 x 9 for maps of 8 x 8",
    ),
    "train --dataset digits --encoder-layers 20-convf:4:3:1:1-10 --denoising-cost-x 1,1,1,1": (
        "--encoder-layers",
        "'convf:4:3:1:1' needs maps below, but gets 20 units",
    ),
    "train --dataset digits --encoder-layers convv:8:3:1:1-globalmeanpool:0 --denoising-cost-x 1,1,1": (
        "--encoder-layers ends with 8 units",
        "10 classes",
    ),
    "train": ("--encoder-layers", "missing"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --act relu-relu": ("--act", "2 entries for 3 layers"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --act swish": ("--act", "unknown activation 'swish'"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --decoder-spec magic": ("--decoder-spec", "'magic'"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,x,1": ("--denoising-cost-x", "list of numbers"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,-1,1": ("--denoising-cost-x", "0 or more"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,nan,1": ("--denoising-cost-x", "0 or more"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --lr 0": ("--lr", "above 0"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --seed 0": ("--seed", "between 1"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --threads 0": ("--threads", "from 1 to 1024"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --zestbn maybe": ("--zestbn", "bugfix"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --top-c maybe": ("--top-c", "True"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --dataset nowhere": ("nowhere", "convert"),
    "train --dataset digits --encoder-layers 20-10 --denoising-cost-x 1,1,1 --labeled-samples 105": (
        "--labeled-samples 105",
        "multiple of 10",
    ),
    "train --dataset digits --encoder-layers 20-8 --denoising-cost-x 1,1,1": ("--encoder-layers", "10 classes"),
    "train --dataset digits --encoder-layers 20-10 --denoising-cost-x 1,1,1 --unlabeled-samples 101": (
        "--unlabeled-samples",
        "last batch of one",
    ),
    "train --dataset digits --encoder-layers 20-10 --denoising-cost-x 1,1,1 --unlabeled-samples 5000": (
        "--unlabeled-samples",
        "1437",
    ),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --adv-tau -0.1": ("--adv-tau", "0 or more"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --adv-kind fgsm": ("--adv-kind", "'fgsm'", "sgn"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --adv-layers 0,3": ("--adv-layers", "no layer 3"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --adv-layers 0,x": ("--adv-layers", "whole numbers"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --adv-tau 0.1,0.2": ("--adv-tau", "2 entries for 1 layer"),
    "train --encoder-layers 20-10 --denoising-cost-x 0,0,0 --adv-tau-unlabeled 0.1": (
        "--adv-tau-unlabeled",
        "--denoising-cost-x",
    ),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --vat-cost 1": ("--vat-cost", "--vat-radius"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --first-weights all": ("--first-weights", "both"),
    "train --encoder-layers 20-10 --denoising-cost-x 1,1,1 --noise mt": ("--noise", "philox"),
    "evaluate nowhere": ("nowhere", "folder"),
    "predict nowhere --input x.csv": ("nowhere", "folder"),
    "train --dataset digits --whiten-zca 784 --encoder-layers 20-10 --denoising-cost-x 1,1,1": (
        "--whiten-zca is 784",
        "64 inputs (1 x 8 x 8)",
    ),
    "train --contrast-norm -1 --encoder-layers 20-10 --denoising-cost-x 1,1,1": ("--contrast-norm", "0 or more"),
}


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_gets_one_sentence_and_status_2(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FUEL_DATA_PATH", str(tmp_path))
    try:
        status = main(command.split())
    except SystemExit as exit_:
        status = exit_.code
    shown = capsys.readouterr()
    assert status == 2
    for part in MISTAKES[command]:
        assert part in shown.err
    assert "Traceback" not in shown.err and len(shown.err.splitlines()) <= 2
    assert not (tmp_path / "results").exists()


def test_a_mistake_in_a_later_configuration_is_found_before_the_first_is_trained(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = "train --dataset digits --encoder-layers 20-10 --denoising-cost-x 1,1,1 1,1 -- x"
    assert main(command.split()) == 2
    assert not (tmp_path / "results").exists()


def test_dry_run_prints_the_network_and_makes_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = (
        "train --dataset digits --encoder-layers 20-10 --denoising-cost-x 1,1,1 --decoder-spec gauss "
        "--labeled-samples 100 --adv-tau 0.25 --adv-kind-unlabeled kN --adv-tau-unlabeled 1e-5,0.5 --adv-layers 0,1 "
        "--vat-cost 2,0 --vat-radius 0.5,0 --dry-run -- x"
    )
    assert main(command.split()) == 0
    shown = capsys.readouterr().out
    # encoder 64*20 + 20, 20*10 + 10 + 10; decoder 20*64 + 640, 10*20 + 200, 100
    assert f"{64 * 20 + 20 + 20 * 10 + 20 + 20 * 64 + 640 + 10 * 20 + 200 + 100:,} parameters" in shown
    assert "1437 training examples, 100 of them labelled" in shown
    assert "gauss" in shown
    assert "labelled examples: sgn, tau 0.25 at layer 0, 0.25 at layer 1" in shown
    assert "unlabelled examples: kN, tau 1e-05 at layer 0, 0.5 at layer 1" in shown
    assert "Virtual adversarial cost of unlabelled examples: weight 2 at layer 0, radius 0.5" in shown
    assert not (tmp_path / "results").exists()


def test_help_explains_every_option():
    def check(parser):
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for command in action.choices.values():
                    check(command)
            else:
                assert action.help, f"{parser.prog} {action.dest} has no help"

    check(make_parser())


@pytest.mark.parametrize(
    "command, said",
    [
        (
            "train --seed 1 myrun",
            "argument --seed: 'myrun' is not a whole number. (if that is a name and no value of --seed, put --",
        ),
        ("train --lr 0.1 myrun", "'myrun' is not a number"),
        ("train --top-c True myrun", "no value of --top-c, put -- before it"),
        ("train --adv-layers 0 myrun", "no value of --adv-layers, put -- before it"),
        (
            "train --encoder-layers 5-2 --denoising-cost-x 0,0,0 --act relu myrun",
            "(if 'myrun' is the name of the run, put -- before it)",
        ),
        ("train --encoder-layers 5-2 --denoising-cost-x 0,0,0 --noise mrg myrun", "(if 'myrun' is the name of the run"),
        (
            "train --encoder-layers 5-10 --denoising-cost-x 0,0,0 --dataset digits myrun",
            "(if 'myrun' is the name of the run",
        ),
        ("attack --tau 0.1 results/x0", "put -- before it"),
        ("evaluate --dataset digits results/x0", "put -- before the folder"),
    ],
)
def test_a_name_that_an_option_swallowed(command, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(command.split())
    except SystemExit as stop:
        status = stop.code
    assert status == 2 and said in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        "train --encoder-layers 5-2 --denoising-cost-x 0,0,0 --act relu tanh -- myrun",
        "train --dataset digits --encoder-layers 5-9 --denoising-cost-x 0,0,0 --seed 1 10",  # a number is no name
        "train --lr",
    ],
)
def test_no_hint_where_no_name_was_swallowed(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(command.split())
    except SystemExit as stop:
        status = stop.code
    assert status == 2 and "put --" not in capsys.readouterr().err
