"""Which features are pixels, and how they are scaled; the warning about unscaled features."""

from pathlib import Path

import numpy as np
import pytest

from ladder.data import unscaled
from ladder.data.hdf5 import HDF5Dataset
from ladder.data.scaling import as_float32, describe, divisor, divisor_before_it_was_decided, divisor_of_others
from ladder.errors import UserError

FUEL = Path(__file__).resolve().parents[3] / "shared" / "golden" / "fuel"
RNG = np.random.RandomState(0)
FLAGS = RNG.randint(0, 2, (50, 8))
PIXELS = RNG.randint(0, 256, (50, 8))


def test_uint8_and_float32_files_of_fuel_give_the_same_numbers():
    paths = [FUEL / f"fuel_mnist_small_{kind}.hdf5" for kind in ("uint8", "float32")]
    if not all(path.is_file() for path in paths):
        pytest.skip("needs the shared files that Fuel 0.2 wrote")
    both = [HDF5Dataset(path, "train").features for path in paths]
    raw, scaled = (as_float32(stored, "mnist", divisor(stored, "mnist"), unit_interval=True) for stored in both)
    assert raw.dtype == scaled.dtype == "float32"
    assert (raw == scaled).all()


@pytest.mark.parametrize(
    "features, name, expected",
    [
        (FLAGS.astype("uint8"), "mine", 1),
        (FLAGS.astype(bool), "mine", 1),
        (PIXELS.astype("uint8"), "mine", 255),
        (PIXELS, "mine", 255),
        (PIXELS.astype("float32"), "mine", 1),
        (PIXELS.astype("uint8"), "cifar10", 1),
        (PIXELS.astype("uint8") // 4, "mnist", 255),
        (FLAGS.astype("uint8"), "mnist", 1),
        (RNG.randint(0, 17, (50, 8)).astype("uint8"), "mine", 1),
        (RNG.randint(0, 101, (50, 8)).astype("uint8"), "mine", 1),
        (PIXELS * 4, "mine", 1),
        (PIXELS - 128, "mine", 1),
        # One column of large numbers does not turn flags into pixels, but in images one white pixel does.
        (np.concatenate([FLAGS, PIXELS[:, :1]], axis=1), "mine", 1),
        (np.concatenate([FLAGS, PIXELS[:, :1]], axis=1).reshape(50, 1, 3, 3), "mine", 255),
    ],
)
def test_pixels_are_known_by_what_they_are(features, name, expected):
    assert divisor(features, name) == expected


def test_black_borders_of_flat_images_do_not_vary():
    images = np.concatenate([PIXELS, np.zeros((50, 100), int)], axis=1)
    assert divisor(images, "mine") == 255


def test_older_runs_divided_uint8_whatever_it_held():
    assert divisor_before_it_was_decided(FLAGS.astype("uint8"), "mine") == 255
    assert divisor_before_it_was_decided(PIXELS.astype("uint8"), "cifar10") == 1
    assert divisor_before_it_was_decided(PIXELS, "mine") == 1


@pytest.mark.parametrize(
    "values, divided_by, read_range, expected",
    [
        (PIXELS, 255, (0, 1), 255),
        (PIXELS.astype("uint8"), 255, (0, 1), 255),
        (PIXELS.astype("float32"), 255, (0, 1), 255),
        (PIXELS / 255, 255, (0, 1), 1),
        (PIXELS > 127, 255, (0, 1), 1),
        (FLAGS, 1, (0, 1), 1),
        (PIXELS, 1, (0, 1), 255),
        (FLAGS * 5, 1, (0, 1), 1),
        (FLAGS.astype("uint8"), 1, (0, 1), 1),
        ((FLAGS * 5).astype("uint8"), 1, (0, 1), 255),  # dark pixels, whatever other examples come with them
        (PIXELS / 255, 1, (0, 1), 1),
        (PIXELS, 1, (0, 255), 1),
        (PIXELS / 255, 10, (0, 25.5), 10),
    ],
)
def test_a_users_examples_become_like_those_of_training(values, divided_by, read_range, expected):
    assert divisor_of_others(values, divided_by, read_range) == expected


def test_division_is_one_of_float32_and_leaves_the_original_alone():
    pixels = np.arange(256, dtype="uint8").reshape(-1, 1)
    expected = np.array([[np.float32(i) / np.float32(255)] for i in range(256)])
    scaled = as_float32(pixels, divided_by=255)
    assert (scaled == expected).all() and scaled.dtype == "float32" and pixels[255] == 255
    single = np.full((2, 2), 4, "float32")
    assert (as_float32(single, divided_by=2) == 2).all() and (single == 4).all()


def test_float32_is_not_copied_and_others_are_cast():
    single = np.ones((2, 2), "float32")
    assert as_float32(single) is single
    assert as_float32(np.full((2, 2), 0.1)).dtype == as_float32(FLAGS == 1).dtype == "float32"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_numbers_that_are_not_finite(bad):
    with pytest.raises(UserError, match="mine has features that are not finite"):
        as_float32(np.array([[0.0, bad]]), "mine")


@pytest.mark.filterwarnings("error")
def test_a_divisor_that_leaves_no_numbers_is_named():
    with pytest.raises(UserError, match="not finite numbers .* after a division by 1e-40"):
        as_float32(PIXELS, "mine", divided_by=1e-40)


@pytest.mark.parametrize("bad", [-0.1, 1.5, 255.0])
def test_mnist_outside_the_unit_interval(bad):
    with pytest.raises(UserError, match="mnist has features from .* where 0 to 1 is expected: .*convert mnist"):
        as_float32(np.array([[0.5, bad]]), "mnist", unit_interval=True)
    as_float32(np.array([[0.5, bad]]), "mnist")


def test_what_was_done_is_said():
    assert describe(FLAGS.astype("uint8"), 1) == "whole numbers from 0 to 1, taken as they are"
    assert describe(np.array([[0, 252]]), 255) == "whole numbers from 0 to 252, divided by 255"


@pytest.mark.parametrize(
    "deviations, warned",
    [
        ([1, 1, 1], False),
        ([0.05, 2, 1], False),
        ([0.01, 1, 1e6], True),
        ([0.001, 1, 1], True),
        ([70, 70, 70], True),
        ([1e-4, 1e-4, 1e-4], True),
        ([0, 1, 1], False),
    ],
)
def test_unscaled_features_are_warned_of(deviations, warned):
    features = (3 + RNG.randn(500, 3) * deviations).astype("float32")
    features[:, np.array(deviations) == 0] = 0.1
    sentence = unscaled.warning(features)
    assert (sentence is not None) == warned
    if warned:
        measured = features.std(axis=0, dtype="float64")
        assert f"from {measured.min():.3g} (feature {measured.argmin()})" in sentence and "--standardize" in sentence


def test_rare_pixels_are_no_reason_to_warn():
    images = (RNG.rand(2000, 4) < [0.5, 0.5, 0.5, 0.001]).astype("float32")
    images[0, 3] = 0.01
    assert unscaled.warning(images) is None
