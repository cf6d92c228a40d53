"""The NumPy ladder of maps is itself checked against SciPy and the original's numbers."""

import numpy as np
import pytest
from golden.load import group, load
from golden.numpy_conv_ladder import convolve, deconvolve, forward, max_pool, unpool, windows
from scipy.signal import convolve2d, correlate2d

from ladder.parity import golden

rng = np.random.RandomState(0)


@pytest.mark.parametrize("border", ["valid", "full"])
def test_convolutions_are_scipys(border):
    x, W = rng.randn(2, 3, 8, 7), rng.randn(4, 3, 3, 3)
    for stride, one_map in [(1, convolve2d), (2, correlate2d), (3, correlate2d)]:
        expected = [[sum(one_map(a, w, border) for a, w in zip(image, filters)) for filters in W] for image in x]
        np.testing.assert_allclose(convolve(x, W, border, stride), np.array(expected)[:, :, ::stride, ::stride])
    other = {"valid": "full", "full": "valid"}[border]
    expected = [[sum(convolve2d(a, w, other) for a, w in zip(image, filters)) for filters in W] for image in x]
    np.testing.assert_allclose(deconvolve(x, W, border, 1, (5, 4)), np.array(expected)[:, :, :5, :4])


def test_pooling():
    x = np.array([[[[1.0, 5, 2], [4, 3, 0], [-1, -2, -7]]]])
    assert max_pool(x, 2, 2)[0, 0].tolist() == [[5, 2], [-1, -7]]
    assert max_pool(x, 2, 1)[0, 0].tolist() == [[5, 5], [4, 3]]
    assert [(w.start, w.stop) for w in windows(7, 3, 2)] == [(0, 3), (2, 5), (4, 7)]
    assert unpool(x[:, :, :2, :2], 2, (3, 4))[0, 0].tolist() == [[1, 1, 5, 5], [1, 1, 5, 5], [4, 4, 3, 3]]


def assert_costs(arrays, meta):
    """Compare the costs at perturbed parameters, with the noise that the original drew."""
    p, gauss = meta["p_effective"], ("gauss", True)
    layers = [text if ":" in text else "fc:" + text for text in p["encoder_layers"][1:]]
    top = len(layers)
    out = forward(
        group(arrays, "pert__"),
        *(arrays["static_" + k] for k in ("features_labeled", "targets_labeled", "features_unlabeled")),
        layers=layers,
        decoders=[gauss] * (top + 1),
        weights=p["denoising_cost_x"],
        acts=p["act"] * top,
        top_c=p["top_c"],
        noise=[arrays[f"pertn__noise__{i}"] for i in range(top + 1)],
        stds=[0.3] * (top + 1),
    )
    ours = {
        "class_clean": out.class_clean,
        "class_corr": out.class_corr,
        "total": out.total,
        "error_rate_clean": out.error_clean,
    }
    ours.update({f"denois__{i}": cost for i, cost in out.denois.items()})
    theirs = group(arrays, "pertn__cost__")
    assert set(ours) == set(theirs)
    for key, cost in theirs.items():
        np.testing.assert_allclose(ours[key], cost, rtol=1e-5, err_msg=key)


def test_costs_without_maps():
    assert_costs(*load("fc_small_gauss"))


@pytest.mark.parametrize("name", ["conv_small_gauss", "conv_fc_gauss", "conv_small_oddpool_gauss"])
def test_costs_of_maps(shared_dir, name):
    file = golden.read(shared_dir / "golden", name)
    assert_costs(file.arrays, file.meta)
