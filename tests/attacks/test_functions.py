"""What attacks need from a trained run."""

import numpy as np

from ladder.attacks.functions import of_pixels
from ladder.data.preprocessing import TrainingData
from ladder.options import Options


def test_the_gradient_by_pixels_goes_through_the_preprocessing():
    """Against central differences of a cost quadratic in the inputs, so that it has to be taken at the right ones."""
    p = Options(encoder_layers=("4",), denoising_cost_x=(0.0, 0.0), dataset="nowhere", contrast_norm=2)
    training, rng = TrainingData(p), np.random.RandomState(0)
    x, weights = rng.rand(5, 1, 2, 3).astype("float32"), rng.randn(5, 1, 2, 3)
    targets = np.arange(5)

    def classify(inputs):
        return inputs.reshape(5, -1)[:, :4]

    def gradient(inputs, y):
        assert y is targets
        return (2 * weights * inputs).astype("float32")

    classify_pixels, gradient_by_pixels = of_pixels(training, classify, gradient)
    np.testing.assert_array_equal(classify_pixels(x), classify(training.preprocess_features(x)))

    def cost(x):
        inputs = training.preprocess_features(x.astype("float32")).astype("float64")
        return (weights * inputs**2).sum(axis=(1, 2, 3))

    found = gradient_by_pixels(x, targets)
    for place in np.ndindex(1, 2, 3):
        step = np.zeros((1, 2, 3))
        step[place] = 1e-3
        differences = (cost(x + step) - cost(x - step)) / 2e-3
        np.testing.assert_allclose(found[(slice(None), *place)], differences, atol=3e-3 * abs(found).max())
