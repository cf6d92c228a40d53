"""Presets: all of them resolve, those of the original's README equal its commands, and mistakes are named."""

import json
import shlex

import pytest
from tables.made_up import make_run

from ladder.adversarial_layers import resolve_adversarial, resolve_vat_cost
from ladder.cli import _progress_printed, main, make_parser, train
from ladder.cli.options import given_options
from ladder.combinations import combinations
from ladder.errors import UserError
from ladder.layers import resolve_layers
from ladder.options import Options
from ladder.pretraining import resolve_pretraining
from ladder.tables.preset import load_preset, preset_names
from ladder.tables.preset_options import parsed_rows, preset_combinations, words
from ladder.tables.published import published_rows

IN_DIM = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32), "digits": (1, 8, 8)}


def configurations(preset):
    for options in preset_combinations(preset):
        yield Options(**options)


def test_fixed_labels_stand_in_for_those_that_a_preset_draws():
    chosen = preset_combinations(load_preset("mnist_100_full"), given={"labeled_indices": (1, 2, 3)})
    assert all("labeled_samples" not in options and options["labeled_indices"] == (1, 2, 3) for options in chosen)
    with pytest.raises(UserError, match="--labeled-samples draws others: give one of them"):
        given = {"labeled_indices": (1, 2, 3), "labeled_samples": 10}
        preset_combinations(load_preset("mnist_100_full"), given=given)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_resolves(name):
    preset = load_preset(name)
    assert preset.title and preset.source
    found = list(configurations(preset))
    assert len(found) == sum(len(combinations(options)) for options in parsed_rows(preset).values())
    for p in (p for p in found if not p.rival):
        layers = resolve_layers(p, IN_DIM[p.dataset])
        assert layers[-1].size == 10
        resolve_adversarial(p, layers)
        resolve_pretraining(p, layers)
    for other in (preset.baseline, preset.tuned_on_test):
        if other and ("preset" in other or "search" in other):
            load_preset(other.get("preset") or other["search"]).choose_rows([other["row"]] if "row" in other else None)
    without = {"mnist_50_full", "mnist_100_baseline", "mnist_1000_baseline", "mnist_all_baseline"}
    families = ("valn_", "virtual_noise_", "rivals_", "toolbox_", "readings_")
    assert published_rows(preset).rows or name in without or name.startswith(families)


def test_commands_of_the_original_have_a_preset_each(golden_dir):
    commands = json.loads((golden_dir / "original_commands.json").read_text())["commands"]
    for name, entry in commands.items():
        args = make_parser().parse_args(entry["command"].removeprefix("run.py ").split())
        (typed,) = combinations(given_options(args))
        preset = load_preset(name)
        assert preset_combinations(preset) == [typed]
        assert preset.save_to == args.save_to
        assert entry["section"] in preset.source


def test_all_tables_of_the_thesis_are_there():
    tables = {load_preset(f"thesis_table_{number}").name for number in range(1, 29)}
    assert len(tables) == 25  # three tables are printed twice
    assert load_preset("thesis_table_19").name == "thesis_table_12"


def test_values_of_thesis_table_22():
    found = list(configurations(load_preset("thesis_table_22")))
    assert [p.seed for p in found] == list(range(1, 11)) == [p.dseed for p in found]
    p = found[0]
    assert p.denoising_cost_x == (1000.0, 10.0, 0.1, 0.1, 0.1, 0.1, 0.1)
    assert (p.labeled_samples, p.unlabeled_samples, p.num_epochs, p.lrate_decay) == (100, 60000, 150, 0.67)
    assert resolve_adversarial(p, resolve_layers(p, IN_DIM[p.dataset])) == {
        "labeled": ("sgn", {0: 0.045}),
        "unlabeled": ("kN", {0: 0.00045}),
    }


#: README of Shinoda, Worrall and Brostow's code: model, labels -> denoising costs of layers 0, 1 and all others, radii.
VIRTUAL_ADVERSARIAL = {
    ("lvan", 50): ((1862, 8.21, 0.0534), (0.0337,)),
    ("lvan", 100): ((754, 8.69, 0.872), (0.0209,)),
    ("lvan", 1000): ((1620, 5.24, 0.576), (0.0479,)),
    ("lvan_lw", 50): ((1006, 8.66, 0.0717), (0.0479, 0.0704, *[0.000854] * 3)),
    ("lvan_lw", 100): ((1966, 14.2, 0.156), (0.0731, 0.482, *[0.0014] * 3)),
    ("lvan_lw", 1000): ((4427, 5.45, 0.0126), (0.0884, 0.00121, *[0.00809] * 3)),
    ("lvac", 50): ((1918, 32.4, 0.799), (0.0212,)),
    ("lvac", 100): ((744, 5.76, 0.777), (0.0321,)),
    ("lvac", 1000): ((1924, 39.5, 0.482), (0.109,)),
    ("lvac_lw", 50): ((3912, 9.02, 0.0593), (0.176, 0.00854, *[0.000184] * 4)),
    ("lvac_lw", 100): ((1966, 14.2, 0.156), (0.0731, 0.482, *[0.0014] * 4)),
    ("lvac_lw", 1000): ((3883, 12.3, 0.0539), (2.52, 0.0143, *[0.0006] * 4)),
}


@pytest.mark.parametrize("model, labels", VIRTUAL_ADVERSARIAL)
def test_costs_and_radii_of_every_virtual_adversarial_ladder(model, labels):
    (first, second, others), radii = VIRTUAL_ADVERSARIAL[model, labels]
    p = next(configurations(load_preset(f"valn_{model}_{labels}")))
    assert (p.labeled_samples, p.unlabeled_samples) == (labels, 60000)
    assert p.denoising_cost_x == (first, second, *[others] * 5)
    assert (p.vat_iterations, p.vat_xi, p.vat_noise_std, p.num_epochs, p.lrate_decay) == (3, 1e-6, 0.5, 250, 0.8)
    layers, by_layer = resolve_layers(p, IN_DIM["mnist"]), dict(enumerate(radii))
    assert (p.act, p.first_weights) == (("leakyrelu",), "both")
    if model.startswith("lvan"):
        assert resolve_adversarial(p, layers) == {"labeled": ("sgn", {}), "unlabeled": ("vat", by_layer)}
        assert resolve_vat_cost(p, layers) == {}
    else:
        assert resolve_adversarial(p, layers)["unlabeled"][1] == {}
        assert resolve_vat_cost(p, layers) == {i: (1.0, radius) for i, radius in by_layer.items()}
    if model == "lvan_lw":
        assert p.adv_path == "layers"


def test_supervised_baselines_learn_from_labels_alone():
    for name, noise in (("thesis_table_6", 0), ("thesis_table_7", 0.3)):
        for p in configurations(load_preset(name)):
            layers = resolve_layers(p, IN_DIM[p.dataset])
            assert not any(layer.decoder for layer in layers)
            assert {layer.noise_std for layer in layers} == {noise}
            assert p.labeled_samples == 60000
            assert not resolve_adversarial(p, layers)["unlabeled"][1]
    taus = {p.adv_kind for p in configurations(load_preset("thesis_table_6"))}
    assert taus == {"udg", "sgn", "1N", "kN"}


def test_options_on_the_command_line_go_before_the_preset():
    given = {"seed": [3, 4], "num_epochs": 2}
    found = preset_combinations(load_preset("thesis_table_22"), given=given)
    assert [(o["seed"], o["num_epochs"], o["adv_tau"]) for o in found] == [(3, 2, (0.045,)), (4, 2, (0.045,))]
    # rows that an option makes equal are trained once
    assert len(preset_combinations(load_preset("thesis_table_11"), given={"adv_tau_unlabeled": [(0.0,)]})) == 1


def test_rows_of_a_preset_are_chosen_by_name():
    (options,) = preset_combinations(load_preset("thesis_table_6"), rows=["28N 2.5e-3"])
    assert (options["adv_kind"], options["adv_tau"]) == ("kN", (0.0025,))
    with pytest.raises(UserError, match="no row '28N 1'.*'udg 0.25'"):
        preset_combinations(load_preset("thesis_table_6"), rows=["28N 1"])


def test_shown_command_line_is_the_preset(capsys):
    assert main(["presets", "--show", "thesis_table_9"]) == 0
    lines = capsys.readouterr().out.splitlines()
    typed = [shlex.split(line)[2:] for line in lines if line.startswith("python")]
    assert len(typed) == 7
    options = [combinations(given_options(make_parser().parse_args(line))) for line in typed]
    assert sum(options, []) == preset_combinations(load_preset("thesis_table_9"))


def test_a_preset_of_others_is_shown_without_what_a_terminal_obeys(tmp_path, capsys):
    content = json.loads(load_preset("thesis_table_9").path.read_text())
    content["notes"] = ["a note\nrm -rf results", "\x1b[2J"]
    (tmp_path / "theirs.json").write_text(json.dumps({**content, "title": "a title\nrm -rf results"}))
    assert main(["presets", "--show", str(tmp_path / "theirs.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(("#", "python run.py train ")) for line in lines) and "\x1b" not in "".join(lines)


def test_list_names_all_presets(capsys):
    assert main(["presets"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in preset_names())
    assert "thesis_table_19" in shown


def test_a_copy_of_ones_own_is_trained_by_its_path(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {
        "dataset": "digits",
        "encoder-layers": "20-10",
        "denoising-cost-x": "1,1,1",
        "decoder-spec": "gauss",
        "labeled-samples": [100, 200],
        "top-c": True,
        "plain-graph": False,
    }
    (tmp_path / "mine.json").write_text(json.dumps({"options": options}))
    assert main(["train", "--preset", "mine.json", "--labeled-samples", "50", "--dry-run"]) == 0
    assert "50 of them labelled" in capsys.readouterr().out
    assert "--plain-graph" not in words(options)


@pytest.mark.parametrize(
    "words, save_to, seeds",
    [
        ("--preset mnist_100_full", "mnist_100_full", [1]),
        ("--preset thesis_table_19 --seed 2 3", "thesis_table_12_", [2, 3]),
        ("--preset thesis_table_22 --seed 2 -- mine", "mine", [2]),
        ("--encoder-layers 20-10 --denoising-cost-x 1,1,1", "noname", [1]),
    ],
)
def test_runs_are_named_after_the_preset(words, save_to, seeds):
    args = make_parser().parse_args(["train", *words.split()])
    configurations, name = train._what_to_train(args)
    assert name == save_to
    assert [p.seed for p in configurations] == seeds


def test_what_is_trained_already_is_left_out_on_request(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "thesis_table_22"
    make_run(tmp_path / "results" / "deep" / "a", name, 1)
    make_run(tmp_path / "results" / "b", name, 2, epochs=12)
    make_run(tmp_path / "results" / "c", name, 3, num_epochs=30)
    make_run(tmp_path / "results" / "d", "thesis_table_20", 4)
    args = make_parser().parse_args(["train", "--preset", name, "--missing"])
    with _progress_printed():
        configurations, _ = train._what_to_train(args)
    assert [p.seed for p in configurations] == [3, 4, 5, 6, 7, 8, 9, 10]
    shown = capsys.readouterr().out
    assert "Seed 1 is not trained again: results/deep/a" in shown
    assert "Seed 2 was begun in results/b (epoch 12 of 150)" in shown and "run.py train --resume results/b" in shown
    assert main(["train", "--preset", name, "--missing", "--seed", "1", "2"]) == 0
    assert not (tmp_path / "results" / "thesis_table_22_0").exists()


GOOD = {"encoder-layers": "20-10", "denoising-cost-x": "1,1,1"}

MISTAKES = {
    "unknown option": ({"options": {**GOOD, "num-epoch": 3}}, "unknown option 'num-epoch': did you mean 'num-epochs'?"),
    "not a training option": ({"options": {**GOOD, "dry-run": True}}, "unknown option 'dry-run'"),
    "bad value": ({"options": {**GOOD, "lr": "fast"}}, "option 'lr'"),
    "value that no run could use": ({"options": {**GOOD, "act": "swish"}}, "unknown activation 'swish'"),
    "endless digits": ({"options": {**GOOD, "adv-layers": 5000 * "9"}}, "is not a list of whole numbers"),
    "two of one": ({"options": {**GOOD, "num-epochs": [1, 2]}}, "option 'num-epochs'"),
    "null": ({"options": {**GOOD, "seed": None}}, "option 'seed' is None"),
    "flag": ({"options": {**GOOD, "plain-graph": "yes"}}, "must be true or false"),
    "row": ({"options": GOOD, "rows": {"a": {"sed": 1}}}, "unknown option 'sed'"),
    "row that is none": ({"options": GOOD, "rows": {"a": 1}}, "'a' is 1, not an object"),
    "no rows": ({"options": GOOD, "rows": {}}, "'rows' is empty"),
    "unknown entry": ({"options": GOOD, "optons": {}}, "unknown entry 'optons'"),
    "no options": ({"title": "x"}, "no 'options'"),
    "options of a wrong type": ({"options": [1]}, "'options' is a list, not an object"),
    "baseline": ({"options": GOOD, "baseline": {}}, "'baseline' has no 'preset'"),
    "attack": ({"options": GOOD, "attack": {"statistic": "batch"}}, "'attack' has no 'statistic': choose from kinds"),
    "part of an entry": (
        {"options": GOOD, "baseline": {"preset": "rivals_digits_100", "rows": "ladder"}},
        "'baseline' has no 'rows': choose from preset, row",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_preset_gets_one_sentence_and_status_2(mistake, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    entries, message = MISTAKES[mistake]
    (tmp_path / "mine.json").write_text(json.dumps(entries))
    assert main(["train", "--preset", "mine.json"]) == 2
    error = capsys.readouterr().err
    assert message in error and "mine.json" in error and len(error.splitlines()) == 1
    assert not (tmp_path / "results").exists()


def test_a_preset_that_is_not_there_or_not_json(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{")
    for name, message in (
        ("mnist_100_ful", "did you mean mnist_100_full"),
        ("nowhere.json", "there is no file nowhere.json"),
        ("broken.json", "not JSON"),
    ):
        assert main(["train", "--preset", name]) == 2
        error = capsys.readouterr().err
        assert message in error and len(error.splitlines()) == 1
    assert main(["train", "--rows", "a", "--encoder-layers", "20-10"]) == 2
    assert "--rows is about a preset: give --preset" in capsys.readouterr().err
