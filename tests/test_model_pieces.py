"""Parameters and initial values of a ladder with maxout layers, and with small networks as decoder functions."""

import numpy as np
import pytest
from golden.evaluate import value

from ladder.model import LadderAE
from ladder.network_size import _down, _n_weights, _up
from ladder.options import Options
from ladder.training.step import input_variables

IN_DIM = (1, 6, 6)


def built(decoder_spec):
    p = Options.of(
        encoder_layers="convv:2:3:1:1-maxpool:2:2-30-20-5",
        act="tanh-maxout:2-relu-maxout:3-elu-softmax",
        decoder_spec=decoder_spec,
        denoising_cost_x=(1,) * 6,
        seed=3,
    )
    ladder = LadderAE(p, IN_DIM)
    ladder.apply(*input_variables(IN_DIM))
    return ladder, {name: shared.get_value() for name, shared in ladder.shareds.items()}


@pytest.fixture(scope="module")
def small_networks():
    return built("amlp:2:3")


def test_shapes(small_networks):
    """Weights from below lead to z, those to the layer above start from h; the decoder uses z throughout."""
    ladder, values = small_networks
    shapes = {name: value.shape for name, value in values.items()}
    expected = {"f_1_W": (4, 1, 3, 3), "f_1_b": (4,), "f_3_W": (8, 90), "f_3_b": (90,), "f_4_W": (30, 20)}
    expected |= {"f_4_c": (20,), "g_0_W": (1, 4, 3, 3), "g_3_W": (20, 90), "g_2_W": (90, 8)}
    assert {name: shapes[name] for name in expected} == expected
    assert not {"f_1_c", "f_3_c"} & set(shapes)
    of_network = {"W1": (3, 2), "b1": (2,), "W2": (2, 3), "b2": (3,), "W3": (3, 1), "b3": (1,)}
    for i in range(6):
        assert {name.split("_", 2)[2]: s for name, s in shapes.items() if name.startswith(f"g_{i}_")} == {
            **of_network,
            **({"W": shapes[f"g_{i}_W"]} if f"g_{i}_W" in shapes else {}),
        }
    assert ladder.act.est.h[3].type.ndim == 2 and ladder.act.est.z[1].type.shape[1:] in [(4, 4, 4), (None,) * 3]


def test_memory_is_asked_for_as_many_weights_as_there_are(small_networks):
    ladder, values = small_networks
    for below, layer in zip(ladder.layers, ladder.layers[1:]):
        for sizes, name in ((_up, f"f_{layer.number}_W"), (_down, f"g_{below.number}_W")):
            assert _n_weights(*sizes(below, layer), layer) == values.get(name, np.zeros(0)).size, name


def test_first_weights_of_maxout_have_the_usual_variance(small_networks):
    """It is one over the number of units below."""
    np.testing.assert_allclose(small_networks[1]["f_3_W"].std(), 1 / np.sqrt(8), rtol=0.1)
    np.testing.assert_allclose(small_networks[1]["f_4_W"].std(), 1 / np.sqrt(30), rtol=0.1)


def test_small_networks_leave_all_other_first_values_as_they_are(small_networks):
    _, others = built("gauss")
    _, values = small_networks
    common = set(others) & set(values)
    assert {name for name in others if name[0] == "f" or name.endswith("_W")} <= common
    for name in common:
        np.testing.assert_array_equal(values[name], others[name])


def test_each_layer_draws_its_own_network(small_networks):
    _, values = small_networks
    first = np.concatenate([values[f"g_{i}_W1"].ravel() for i in range(6)])
    assert len(np.unique(first)) == 36 and 0.015 < first.std() < 0.035
    assert all((values[f"g_{i}_b{k}"] == 0).all() for i in range(6) for k in (1, 2, 3))


def test_dropout_drops_what_a_maxout_leaves():
    """Of 2 x 3 z, three h go on to the layer above, and each of these units has its own mask."""
    p = Options.of(
        encoder_layers="3-4",
        act="relu-maxout:2-softmax",
        decoder_spec="0",
        denoising_cost_x=(0, 0, 0),
        dropout=(0, 0.5, 0),
        f_local_noise_std=0.3,
        plain_graph=True,
    )
    ladder = LadderAE(p, (5,))
    x, y, x_only = input_variables((5,))
    ladder.apply(x, y, x_only)
    h, z_pre = ladder.act.corr.labeled.h[1], ladder.act.corr.labeled.z_pre[2]
    features = np.random.RandomState(0).randn(40, 5).astype("float32")
    given = {x: features, y: np.arange(40) % 4, x_only: features}
    found_h, found = value([h, z_pre], given)
    assert found_h.shape == (40, 3)
    W = ladder.shareds["f_2_W"].get_value()
    dropped = np.linalg.lstsq(W.T, found.T, rcond=None)[0].T / found_h
    kept = np.isclose(dropped, 2, atol=1e-3)
    assert (kept | np.isclose(dropped, 0, atol=1e-3)).all() and 30 < kept.sum() < 90
