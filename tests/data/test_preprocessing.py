"""Preprocessing of a run: fitted to the examples that train, applied to all, shared where it can be."""

import copy
import os
import pickle

import h5py
import numpy as np
import pytest
import scipy.linalg

from ladder.data.examples import Examples, choose_examples, load_examples
from ladder.data.fuel_file import write_fuel_file
from ladder.data.preprocessing import Preprocessor, TrainingData, preprocesses
from ladder.data.record import load_training_set
from ladder.errors import UserError
from ladder.options import Options

SHAPE = (3, 2, 2)
BOTH = dict(contrast_norm=55, whiten_zca=12)


@pytest.fixture
def images(tmp_path, monkeypatch):
    """A small cifar10.hdf5, found by its name: uint8, 60 training and 20 test images."""
    rng = np.random.RandomState(0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FUEL_DATA_PATH", str(tmp_path))

    def split(n):
        return {
            "features": rng.randint(0, 256, (n, *SHAPE)).astype("uint8"),
            "targets": (np.arange(n) % 4).reshape(-1, 1),
        }

    splits = {"train": split(60), "test": split(20)}
    write_fuel_file(tmp_path / "cifar10.hdf5", splits, {"features": ("batch",) * 4, "targets": ("batch", "index")})
    return {name: arrays["features"] for name, arrays in splits.items()}


def options(**changes):
    values = dict(encoder_layers=("4",), denoising_cost_x=(0.0, 0.0), dataset="cifar10", unlabeled_samples=40, dseed=3)
    return Options(**{**values, **changes})


def expected(p, images, which):
    """The expected images, in float64, by NumPy and SciPy alone."""
    order = np.arange(60)
    np.random.RandomState(p.dseed).shuffle(order)

    def contrast(x):
        x = x.reshape(len(x), -1).astype("float64")
        x = x - x.mean(axis=1, keepdims=True)
        return x / np.linalg.norm(x, axis=1, keepdims=True) * p.contrast_norm

    train = contrast(images["train"][order[:40]])
    covariance = np.cov(train, rowvar=False, bias=True) + 0.1 * np.eye(12)
    whitened = (contrast(images[which]) - train.mean(axis=0)) @ np.linalg.inv(scipy.linalg.sqrtm(covariance))
    return whitened.reshape(-1, *SHAPE)


@pytest.mark.parametrize("chunk", [1000, 7])
def test_fitted_to_what_trains_and_applied_to_all(images, chunk, monkeypatch):
    monkeypatch.setattr("ladder.data.preprocessing.CHUNK", chunk)
    training = TrainingData(options(**BOTH))
    for split in ("train", "test"):
        examples = load_examples("cifar10", split)
        kept = examples.features.copy()
        found = training.preprocess(examples)
        assert found.features.dtype == "float32" and (found.targets == examples.targets).all()
        np.testing.assert_allclose(found.features, expected(training.p, images, split), atol=1e-4)
        assert (examples.features == kept).all()  # shared with runs that take them as they are
    whitened = training.preprocess_features(load_examples("cifar10", "test").features)
    back = training.undo(whitened).reshape(20, -1)
    np.testing.assert_allclose(np.linalg.norm(back, axis=1), 55, rtol=1e-4)


SCALED = [dict(standardize=True), dict(rescale=True), dict(whiten_zca=12), dict(standardize=True, whiten_zca=12)]


@pytest.mark.parametrize("changes", [BOTH, dict(contrast_norm=3), dict(rescale=True, contrast_norm=3), *SCALED])
def test_gradients_go_back_to_the_pixels(images, changes):
    """Compared with central differences of a linear cost."""
    training = TrainingData(options(**changes))
    x = load_examples("cifar10", "test").features
    weights = np.random.RandomState(0).randn(*x.shape).astype("float32")
    found = training.gradient_by_features(x, weights)

    def cost(x):
        return (training.preprocess_features(x.astype("float32")).astype("float64") * weights).sum(axis=(1, 2, 3))

    for place in np.ndindex(SHAPE):
        step = np.zeros(SHAPE)
        step[place] = 0.5
        differences = cost(x + step) - cost(x - step)
        np.testing.assert_allclose(found[(slice(None), *place)], differences, atol=3e-3 * abs(found).max())


@pytest.mark.parametrize("changes", SCALED)
def test_scales_and_whitening_are_undone(images, changes):
    training, x = TrainingData(options(**changes)), load_examples("cifar10", "test").features
    inputs = training.preprocess_features(x)
    assert abs(inputs - x).max() > 100
    np.testing.assert_allclose(training.undo(inputs), x, atol=0.01)


def test_gradient_of_a_constant_image():
    training = TrainingData(options(contrast_norm=3))
    found = training.gradient_by_features(np.full((1, *SHAPE), 7, "float32"), np.ones((1, *SHAPE), "float32"))
    assert (found == 0).all()


def test_contrast_alone_needs_no_training_data():
    training = TrainingData(options(contrast_norm=2, dataset="nowhere"))
    x = np.random.RandomState(0).rand(5, *SHAPE).astype("float32")
    np.testing.assert_allclose(np.linalg.norm(training.preprocess_features(x).reshape(5, -1), axis=1), 2, rtol=1e-6)
    assert training.undo(x) is x


def test_without_options_nothing_is_copied_or_read():
    p = options(dataset="nowhere")
    examples = Examples("nowhere", np.zeros((3, *SHAPE), "float32"), np.zeros(3, "int64"))
    training = TrainingData(p)
    assert not preprocesses(p)
    assert training.preprocess(examples) is examples
    assert training.preprocess_features(examples.features) is examples.features
    split = choose_examples(options(unlabeled_samples=3), Examples("x", np.zeros((3, 1)), np.arange(3)))
    assert Preprocessor()(p, examples, split) is examples


def test_whitening_a_data_set_that_is_gone():
    with pytest.raises(UserError, match="there is no data set 'nowhere'"):
        TrainingData(options(dataset="nowhere", **BOTH)).preprocess_features(np.zeros((3, *SHAPE), "float32"))


def test_a_sweep_holds_one_result_and_computes_it_once(images):
    examples = load_examples("cifar10", "train")
    preprocess = Preprocessor()

    def done(**changes):
        p = options(**changes)
        return preprocess(p, examples, choose_examples(p, examples))

    first = done(**BOTH)
    assert done(**BOTH, lr=0.1) is first and done(**BOTH, batch_size=20) is first
    other = done(**BOTH, seed=5, dseed=4)
    assert (other.features != first.features).any()
    contrast = done(contrast_norm=55)
    assert done(contrast_norm=55, dseed=4) is contrast  # nothing is fitted, so the choice of examples does not matter
    assert (done(whiten_zca=12).features != other.features).any()
    assert done() is examples
    again = done(**BOTH)
    assert again is not first and (again.features == first.features).all()


def test_a_pickle_has_what_was_fitted_and_no_examples(images):
    p = options(**BOTH)
    examples = load_training_set(p)
    data = TrainingData(p, examples, choose_examples(p, examples))
    wanted, pickled = data.preprocess(examples).features, pickle.dumps(data)
    assert images["train"].tobytes()[:100] not in pickled and examples.features.tobytes()[:100] not in pickled
    again = pickle.loads(pickled)
    np.testing.assert_array_equal(again.preprocess(again.examples).features, wanted)
    np.testing.assert_array_equal(again.split.train, data.split.train)
    assert again.read("test").features.shape == (20, *SHAPE)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_pickle_refuses_another_data_set(images, split):
    p = options()
    pickled = pickle.dumps(TrainingData(p, load_training_set(p)))
    with h5py.File("cifar10.hdf5", "r+") as file:
        file["features"][5 if split == "train" else 70] += 1
    data = pickle.loads(pickled)
    data.read("test" if split == "train" else "train")
    with pytest.raises(UserError, match="data set cifar10 has other values in its .* when this network was trained"):
        data.read(split)


def test_a_pickle_keeps_examples_of_which_nothing_is_recorded(images):
    data = TrainingData(options(), record={"divided_by": 1})
    first = data.examples.features[0].tobytes()
    assert first in pickle.dumps(data)
    assert copy.deepcopy(data).examples is data.examples


def test_a_pickle_whose_data_set_is_gone(images):
    p = options(whiten_zca=12)
    data = pickle.loads(pickle.dumps(TrainingData(p, load_training_set(p))))
    os.remove("cifar10.hdf5")
    assert data.preprocess_features(np.ones((1, *SHAPE), "float32")).shape == (1, *SHAPE)
    with pytest.raises(UserError, match="^there is no data set 'cifar10'"):
        data.read("test")
    lazy = pickle.loads(pickle.dumps(TrainingData(p)))
    with pytest.raises(UserError, match="^there is no data set 'cifar10'"):
        lazy.fitted


def test_cifar10_keeps_its_pixels_unless_preprocessed(images):
    assert load_examples("cifar10", "test").features.max() > 200
