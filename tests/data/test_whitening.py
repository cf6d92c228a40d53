"""Contrast normalisation and whitening beside the original's numbers, NumPy's covariance and SciPy's matrix square root."""

import json

import numpy as np
import pytest
import scipy.linalg

from ladder.data.contrast import normalise_contrast
from ladder.data.whitening import fit_whitening
from ladder.errors import UserError


@pytest.fixture(scope="module")
def golden(request):
    with np.load(request.config.rootpath / "tests" / "golden" / "zca_cnorm.npz") as arrays:
        return {name: arrays[name].reshape(len(arrays[name]), -1).squeeze() for name in arrays.files}


def examples(n=50, inputs=6, seed=0):
    rng = np.random.RandomState(seed)
    return (rng.randn(n, inputs) @ rng.randn(inputs, inputs) + 3).astype("float32")


def in_parts(x, size):
    return lambda: (x[i : i + size] for i in range(0, len(x), size))


def test_contrast_is_the_originals_to_the_bit(golden):
    assert (normalise_contrast(golden["X"], 55) == golden["cnorm_55"]).all()
    assert (normalise_contrast(golden["X_constant_row"], 55) == golden["cnorm_55_constant_row"]).all()


@pytest.mark.parametrize("scale", [1, 55])
def test_contrast_gives_mean_0_and_length(scale):
    x = examples()
    kept = x.copy()
    y = normalise_contrast(x, scale).astype("float64")
    assert (x == kept).all()
    np.testing.assert_allclose(np.linalg.norm(y, axis=1), scale, rtol=1e-6)
    np.testing.assert_allclose(y.mean(axis=1), 0, atol=1e-6 * scale)
    np.testing.assert_allclose(normalise_contrast(3 * x + 2, scale), y, atol=1e-4)


def test_a_constant_image_becomes_0():
    assert (normalise_contrast(np.full((2, 5), 7, "float32"), 55) == 0).all()


def test_whitening_is_the_originals(golden):
    x = golden["cnorm_55"]
    whitening = fit_whitening(in_parts(x, 77))
    for ours, theirs in (
        (whitening.mean, golden["zca_mean"]),
        (whitening.matrix, golden["zca_P"]),
        (whitening.apply(x), golden["zca_out"]),
    ):
        assert ours.dtype == "float32"
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6 * abs(theirs).max())
    np.testing.assert_allclose(whitening.undo(golden["zca_out"]), x, atol=2e-5)


def test_whitening_of_flat_raw_data_is_the_originals(golden):
    x = golden["X"][:, :64]
    whitening = fit_whitening(in_parts(x, 300))
    np.testing.assert_allclose(whitening.matrix, golden["zca_flat_P"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(whitening.apply(x), golden["zca_flat_out"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_parts_add_up(size):
    x = examples()
    whitening = fit_whitening(in_parts(x, size))
    covariance = np.cov(x.astype("float64"), rowvar=False, bias=True) + 0.1 * np.eye(6)
    root = scipy.linalg.sqrtm(covariance)
    np.testing.assert_allclose(whitening.inverse, root, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(whitening.matrix, np.linalg.inv(root), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(whitening.mean, x.mean(axis=0, dtype="float64"), rtol=1e-6)


def test_large_means_take_no_digits_from_the_covariance():
    x = examples().astype("float64")
    near, far = fit_whitening(in_parts(x, 9)), fit_whitening(in_parts(x + 1e6, 9))
    np.testing.assert_allclose(far.matrix, near.matrix, rtol=1e-5, atol=1e-5)


def test_fewer_examples_than_inputs():
    x = examples(n=3)
    whitening = fit_whitening(in_parts(x, 2))
    whitened = whitening.apply(x)
    assert np.isfinite(whitened).all() and abs(whitened.mean(axis=0)).max() < 1e-5
    root = scipy.linalg.sqrtm(np.cov(x.astype("float64"), rowvar=False, bias=True) + 0.1 * np.eye(6))
    np.testing.assert_allclose(whitening.matrix, np.linalg.inv(root), rtol=1e-5, atol=1e-5)


def test_variances_are_1_but_for_the_bias():
    x = 100 * examples(n=2000)
    whitened = fit_whitening(in_parts(x, 128)).apply(x)
    np.testing.assert_allclose(np.cov(whitened, rowvar=False), np.eye(6), atol=0.01)


def test_features_too_large():
    x = 1e12 * examples(n=3)
    with pytest.raises(UserError, match="cannot be whitened, as their variances .*: scale them first"):
        fit_whitening(in_parts(x, 2))


def test_the_golden_file_is_what_its_index_says(request):
    folder = request.config.rootpath / "tests" / "golden"
    index = json.loads((folder / "zca_cnorm.json").read_text())["arrays"]
    with np.load(folder / "zca_cnorm.npz") as arrays:
        assert all([str(arrays[name].dtype), list(arrays[name].shape)] == index[name] for name in arrays.files)
