"""What counts as the same settings."""

import json

from ladder.options import Options
from ladder.tables.preset import load_preset
from ladder.tables.preset_options import preset_combinations
from ladder.tables.rows import table_rows
from ladder.tables.settings import VARIATIONS, as_options, differences, settings_of, settings_of_all


def options(**changes):
    return Options(**{**preset_combinations(load_preset("mnist_100_full"))[0], **changes})


def differ(**changes):
    return differences(settings_of(options(**changes)), settings_of(options()))


def test_seed_and_spelling_are_no_difference():
    assert differ(seed=7) == differ(seed=7, dseed=7) == []
    assert differ(decoder_spec=("gauss",) * 7) == []
    assert differ(f_local_noise_std=(0.3,) * 7) == []
    assert differ(encoder_layers=("fc:1000", "500", "250", "250", "250", "10")) == []
    assert differ(adv_kind="vat", adv_path="clean") == []  # of strength 0
    assert differ(valid_batch_size=50) == []
    everything = [settings_of(options(labeled_samples=n)) for n in (None, 0)]
    assert everything[0] == everything[1]
    default = settings_of(options(unlabeled_samples=None))
    assert default == settings_of(options(unlabeled_samples=50000))


def test_one_data_seed_for_all_seeds_is_told_from_one_for_each():
    def of(*seeds, **others):
        return [one["dseed"] for one in settings_of_all([options(seed=s, dseed=d, **others) for s, d in seeds])]

    assert of((1, 1)) == of((1, 1), (1, 1))[:1] == ["as the seed"]
    assert of((1, 1), (2, 2), (3, 3)) == ["as the seed"] * 3
    assert of((1, 1), (2, 1), (3, 1)) == [1, 1, 1]
    assert of((1, 1), (2, 1), (1, 2), (2, 2)) == [1, 1, 2, 2]
    assert of((1, 1), (2, 2), (3, 3), (2, 1)) == ["as the seed"] * 3 + [1]  # one stray run does not change the others
    runs = [options(seed=1), options(seed=2, dseed=1, num_epochs=3)]
    assert [one["dseed"] for one in settings_of_all(runs)] == ["as the seed", 1]

    def pretrained(*seeds):
        runs = [options(seed=seed, dseed=seed, pretrain="dae", pretrain_seed=first) for seed, first in seeds]
        return [one["pretrain-seed"] for one in settings_of_all(runs)]

    assert pretrained((1, None), (2, None)) == pretrained((1, 1), (2, None)) == ["as the seed"] * 2
    assert pretrained((1, 1), (2, 1)) == [1, 1]


def test_runs_of_one_pretraining_are_a_variation_of_those_with_one_each():
    assert differences(settings_of(options(pretrain="dae", pretrain_seed=5)), settings_of(options(pretrain="dae"))) == [
        "pretrain-seed"
    ]
    assert {"dseed", "pretrain-seed"} <= set(VARIATIONS)


def test_the_file_of_a_known_data_set_is_that_data_set():
    assert differ(dataset="/data/mnist.hdf5") == differ(dataset="/data/mnist.hdf5", unlabeled_samples=60000) == []
    assert differ(dataset="/data/mine.hdf5")[:1] == ["dataset"]


def test_everything_else_is():
    assert differ(num_epochs=30) == ["num-epochs"]
    assert differ(noise="philox") == ["noise"]
    assert differ(dseed=5) == ["dseed"]
    assert differ(lr=0.001) == ["lr"]
    assert differ(denoising_cost_x=(1000.0, 1.0, 0.01, 0.01, 0.01, 0.01, 0.01)) == ["layers"]
    assert differ(f_local_noise_std=(0.2,)) == ["layers"]
    assert differ(adv_tau=(0.1,)) == ["adversarial labeled"]
    assert differ(adv_tau=(0.1,), adv_tau_unlabeled=(0.1,)) == ["adversarial labeled", "adversarial unlabeled"]
    one, other = (settings_of(options(adv_tau=(0.1,), adv_kind=kind)) for kind in ("sgn", "kN"))
    assert one != other
    assert differ(first_weights="both") == ["first-weights"]


def test_the_numbers_of_maps_are():
    """The maps' shapes are not known without data."""

    def convolution(layer, **more):
        n = 1 + len(f"{layer}-10".split("-"))
        return settings_of(
            Options.of(encoder_layers=f"{layer}-10", denoising_cost_x=(0,) * n, decoder_spec="0", **more)
        )

    assert convolution("convv:32:3:1:1") != convolution("convv:64:3:1:1")
    assert convolution("maxpool:2:2") != convolution("meanpool:2:2")
    noise = dict(adv_tau=0.1, adv_layers=(0, 1))
    assert convolution("convv:32:3:1:1", **noise) != convolution("convv:32:3:1:1", **noise, adv_scale="dim")
    at_the_input = dict(adv_tau=0.1)
    assert convolution("fc:32", **at_the_input) == convolution("32", **at_the_input, adv_scale="dim")


def test_how_virtual_adversarial_noise_is_found_counts_where_there_is_any():
    vat = dict(adv_kind="vat", adv_tau=(0.1,))
    assert differ(vat_iterations=3, vat_xi=1e-6, vat_radius=(1.0,)) == []
    assert settings_of(options(**vat)) != settings_of(options(**vat, vat_iterations=3))
    assert settings_of(options(adv_tau=(0.1,))) == settings_of(options(adv_tau=(0.1,), vat_iterations=3))
    assert differ(vat_cost=(1.0,), vat_radius=(0.5,)) == ["virtual adversarial cost"]
    costs = [settings_of(options(vat_cost=(1.0,), vat_radius=(0.5,), vat_iterations=n)) for n in (1, 3)]
    assert costs[0] != costs[1]


def test_in_words():
    settings = settings_of(options(num_epochs=30, noise="philox"))
    assert as_options(settings, ["num-epochs", "noise"]) == "num-epochs 30, noise philox"


def test_a_row_with_several_seeds_of_pretraining_is_one_row(tmp_path):
    options = {"dataset": "digits", "encoder-layers": "20-10", "denoising-cost-x": "1,1,1", "pretrain": "dae"}
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"options": options, "rows": {"dae": {"pretrain-seed": [1, 2], "lr": [0.001, 0.002]}}}))
    assert [row.name for row in table_rows(load_preset(str(path)))] == ["dae, lr 0.001", "dae, lr 0.002"]
