"""The command on a page reproduces the options of the run."""

import shlex

import pytest

from ladder.cli import make_parser
from ladder.cli.options import given_options
from ladder.combinations import combinations
from ladder.options import Options
from ladder.report.command import name_of_run, train_command
from ladder.tables.preset import load_preset, preset_names
from ladder.tables.preset_options import preset_combinations


def options_of(command):
    """The options that the command line finds in a command, and all of its arguments."""
    python, script, *words = shlex.split(command)
    assert (python, script) == ("python", "run.py")
    args = make_parser().parse_args(words)
    (chosen,) = combinations(given_options(args))
    return Options(**chosen), args


@pytest.mark.parametrize("name", [name for name in preset_names() if not name.startswith(("thesis", "rivals"))])
def test_presets(name):
    p = Options(**preset_combinations(load_preset(name))[-1])
    assert options_of(train_command(p, "x", {}))[0] == p


def test_every_kind_of_value():
    p = Options.of(
        encoder_layers="convv:4:3:1:1-maxpool:2:2-fc:10",
        denoising_cost_x=(1e-7, 0.1, 1234567.0, 3),
        decoder_spec="gauss0-sig-0-gauss",
        top_c=False,
        unsupervised=True,
        seed=7,
        dseed=3,
        lr=1 / 3,
        adv_tau=(0.1, 0.2),
        adv_layers=(0, 2),
        dataset="it's; rm -rf $HOME",
        sources="features=x,targets=y z",
        labeled_samples=100,
    )
    found, args = options_of(train_command(p, "a name", {"backend": "c", "threads": 3}))
    assert found == p and args.save_to == "a name" and args.threads == 3


def test_name_without_its_number():
    assert [name_of_run(name) for name in ("mnist_100_full12", "a", "7")] == ["mnist_100_full", "a", "noname"]
