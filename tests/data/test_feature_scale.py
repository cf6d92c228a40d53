"""Scaling features to a common scale."""

import numpy as np

from ladder.data.feature_scale import fit_rescaling, fit_standardization

X = (np.random.RandomState(0).randn(1000, 4) * [0.01, 1, 1e6, 0] + [0, 5, 1e7, 0.1]).astype("float32")


def parts():
    return iter([X[:300], X[300:]])


def test_standardised_features_have_mean_0_and_deviation_1():
    scale = fit_standardization(parts)
    scaled = scale.apply(X)
    assert scaled.dtype == "float32"
    assert np.allclose(scaled[:, :3].mean(axis=0), 0, atol=1e-4) and np.allclose(
        scaled[:, :3].std(axis=0), 1, atol=1e-4
    )
    assert np.allclose(scale.shift, X.mean(axis=0, dtype="float64"), rtol=1e-6)
    assert (np.abs(scaled[:, 3]) < 1e-6).all()
    assert np.allclose(scale.undo(scaled), X, rtol=1e-5, atol=1e-6)


def test_rescaled_features_go_from_0_to_1():
    scale = fit_rescaling(parts)
    scaled = scale.apply(X)
    assert (
        (scaled[:, :3].min(axis=0) == 0).all() and (scaled[:, :3].max(axis=0) == 1).all() and (scaled[:, 3] == 0).all()
    )
    assert (scale.apply(X[:1] + 2 * scale.divisor)[:, :3] > 1).all()  # other examples may lie outside
    assert np.allclose(scale.undo(scaled), X, rtol=1e-5, atol=1e-6)
