"""The drawing of a ladder agrees with its options, and nothing is cut off."""

import re

import pytest

from ladder.errors import UserError
from ladder.options import Options
from ladder.report.network import network_figure
from ladder.tables.preset import load_preset
from ladder.tables.preset_options import preset_combinations

FULL = {"encoder_layers": "100-50-10", "denoising_cost_x": "1000,10,0.1,0", "decoder_spec": "gauss"}


def texts_of(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def drawn(in_dim=(64,), **options):
    return texts_of(network_figure(Options.of(**{**FULL, **options}), in_dim))


def test_weights_functions_and_costs_of_a_full_ladder():
    texts = drawn()
    for name, times in (("f_1_W", 2), ("f_3_W", 2), ("u: g_0_W", 1), ("u: g_2_W", 1), ("gauss", 4), ("softmax", 2)):
        assert texts.count(name) == times, name
    assert [t for t in texts if "denois[" in t] == [
        "1000 × denois[0]", "10 × denois[1]", "0.1 × denois[2]", "denois[3], weight 0"
    ]  # fmt: skip
    assert "class_corr" in texts and "100, relu" in texts and "64" in texts


def test_no_decoder_no_column_for_it():
    texts = drawn(decoder_spec="0", denoising_cost_x="0,0,0,0")
    assert not [t for t in texts if re.search(r"decoder|denois|hat|g_\d", t)]


def test_gamma_has_one_decoder_whose_u_is_the_output():
    texts = drawn(decoder_spec="0-0-0-gauss", denoising_cost_x="0,0,0,1")
    assert texts.count("gauss") == 1 and "1 × denois[3]" in texts
    assert [t for t in texts if t == "u" or t.startswith("u:")] == ["u"]


def test_a_signal_that_is_cut_off_is_not_drawn():
    assert "u: g_0_W" not in drawn(decoder_spec="gauss0-gauss-gauss-gauss")


def test_noise_of_each_layer():
    texts = drawn(super_noise_std=0.5, f_local_noise_std="0.1,0.2")
    assert [t for t in texts if "mathcal" in t] == [r"$\mathcal{N}(0,\ 0.5^2)$", r"$\mathcal{N}(0,\ 0.2^2)$"]


def test_adversarial_noise_and_virtual_adversarial_costs():
    texts = drawn(adv_tau=0.045, adv_kind_unlabeled="kN", adv_tau_unlabeled=0.00045)
    assert {"labeled: sgn, τ 0.045", "unlabeled: kN, τ 0.00045"} <= set(texts)
    texts = drawn(vat_cost="0,2", vat_radius="0,0.5", adv_layers="0,1")
    assert [t for t in texts if "vat[" in t] == ["2 × vat[1], radius 0.5"]


def test_no_supervised_cost_without_labels():
    assert "class_corr" not in drawn(unsupervised=True)


def test_pooling_has_no_weights():
    texts = drawn(
        (1, 8, 8),
        encoder_layers="convv:4:3:1:1-maxpool:2:2-globalmeanpool:0-fc:10",
        denoising_cost_x="1,1,1,1,1",
        decoder_spec="gauss",
    )
    assert {"f_1_W", "maxpool", "mean", "u: unpool", "u: copied", "u: g_0_W", "4 × 6 × 6, relu"} <= set(texts)
    assert "f_2_W" not in texts and "u: g_1_W" not in texts


def test_options_that_are_no_network_are_refused():
    with pytest.raises(UserError, match="--denoising-cost-x"):
        network_figure(Options.of(encoder_layers="10"), (64,))


@pytest.mark.parametrize(
    "name, in_dim",
    [
        ("mnist_100_full", (784,)),
        ("cifar_4k_gamma", (3, 32, 32)),
        ("valn_lvac_lw_100", (784,)),
        ("thesis_table_22", ()),
    ],
)
def test_nothing_is_cut_off(name, in_dim):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = network_figure(Options(**preset_combinations(load_preset(name))[0]), in_dim, title=name)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = figure.bbox.width, figure.bbox.height
    for text in figure.axes[0].texts:
        extent = text.get_window_extent(canvas.get_renderer())
        assert 0 <= extent.x0 and extent.x1 <= width and 0 <= extent.y0 and extent.y1 <= height, text
