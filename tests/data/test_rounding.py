"""The warning about features that float32 numbers cannot tell apart."""

import logging

import h5py
import numpy as np
import pytest

from ladder.data import rounding
from ladder.data.convert.arrays import convert_arrays
from ladder.options import Options
from ladder.training.experiment import prepare

RNG = np.random.RandomState(0)
SPREAD = RNG.randn(3000, 4)


def warned(given, **arguments):
    rounded = given.astype("float32") / np.float32(arguments.get("divided_by", 1))
    return rounding.warning(given, rounded, "mine", **arguments)


@pytest.mark.parametrize(
    "given",
    [
        SPREAD,
        SPREAD * 1e-30,
        SPREAD + 1000,
        1.7e9 + 1e6 * SPREAD,
        SPREAD.astype("float32") + 1e6,
        SPREAD.astype("float16") + 1e4,
        RNG.randint(0, 2**24, (50, 3)),
        RNG.randint(0, 2**63 - 1, (50, 3)),
        np.full((5, 2), 1e9 + 1),
        np.full((1, 2), 1e9 + 1),
        0.1 + 1e-17 * SPREAD,
        np.zeros((0, 3)),
        SPREAD > 0,
    ],
)
def test_rounding_that_does_not_matter(given):
    assert warned(given) is None


def test_images_that_were_turned_and_large_ones_are_compared_some_at_a_time(monkeypatch):
    monkeypatch.setattr(rounding, "AT_ONCE", 50)
    images = np.zeros((20, 4, 5, 3))
    images[13, 2, 1, 2] = 1e9
    images[14, 2, 1, 2] = 1e9 + 1  # the difference is lost, but it is tiny compared with the range
    assert warned(images) is None
    images[:, 3, 4, 1] = 1e9 + np.arange(20)
    turned = np.moveaxis(images, -1, 1)
    assert f"feature {np.ravel_multi_index((1, 3, 4), (3, 4, 5))} of mine" in warned(turned)


@pytest.mark.parametrize(
    "given",
    [
        1e6 + SPREAD,
        -1e6 + SPREAD,
        (1_700_000_000 + 100 * SPREAD).astype("int64"),
        (1e6 + SPREAD).reshape(3000, 1, 2, 2),
    ],
)
def test_rounding_that_matters(given):
    assert "is rounded to 32-bit numbers" in warned(given)


def test_the_worst_feature_is_named_and_others_are_counted():
    given = SPREAD + [0, 1e6, 1e8, 0]
    assert "feature 2 of mine" in warned(given)
    assert "(1 more likewise)" in warned(given)


def test_an_error_anywhere_is_found():
    given = np.zeros((2500, 2))
    given[:, 0] = 16_777_216
    given[2400, 0] += 1
    assert "goes from 16777216 to 16777217" in warned(given) and "by up to 1:" in warned(given)


def test_features_that_are_divided():
    assert warned(RNG.randint(0, 256, (50, 3)) * 1.0, divided_by=255) is None
    assert "by up to" in warned(1e8 + SPREAD, divided_by=1000)


def test_converting_and_training_warn_of_what_trains(tmp_path, caplog, capsys):
    given = {"features": SPREAD + [0, 1e7, 0, 0], "targets": np.arange(3000) % 2}
    np.savez(tmp_path / "mine.npz", **given)
    with caplog.at_level(logging.WARNING, "main.data"):
        path = convert_arrays(tmp_path / "mine.npz", tmp_path / "mine.hdf5")
    assert [record.message.count("feature 1 of") for record in caplog.records] == [1]
    with h5py.File(path, "r+") as file:
        n = len(file["features"])
        del file["features"]
        file["features"] = SPREAD[:n] + [0, 0, 1e7, 0]
    options = dict(dataset=str(path), encoder_layers=("3", "2"), denoising_cost_x=(1.0, 1.0, 1.0))
    prepare([Options(**options, seed=seed) for seed in (1, 2)])
    assert capsys.readouterr().err.count("feature 2 of mine") == 1  # once for all runs that train on it
