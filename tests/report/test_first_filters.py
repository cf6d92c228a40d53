"""The picture of a pre-training's first layer."""

import io

import numpy as np
import pytest
from PIL import Image

from ladder.errors import UserError
from ladder.report.first_filters import ENLARGED, first_filters, write_png
from ladder.training.pretraining.folder import ENCODER, PretrainingFolder


def pretrained(path, in_dim, W):
    path.mkdir()
    folder = PretrainingFolder(path)
    folder.save_data({"in_dim": in_dim, "n_classes": 10, "feature_range": (0.0, 1.0)})
    np.savez(folder / ENCODER, f_1_W=np.float32(W))
    return path


def test_each_unit_is_a_square_scaled_by_itself(tmp_path):
    W = np.zeros((6, 3))
    W[:, 0], W[4, 1] = np.linspace(-2, 2, 6), -0.5  # the third has zero weights
    picture = first_filters(pretrained(tmp_path / "grey", (1, 2, 3), W))
    small = picture[::ENLARGED, ::ENLARGED]
    assert small.shape == (2, 11) and (picture[1::ENLARGED, 1::ENLARGED] == small).all()
    np.testing.assert_array_equal(small[:, :3], np.rint(127.5 + 127.5 * W[:, 0].reshape(2, 3) / 2))
    assert small[1, 5] == 0 and (small[0, 4:7] == 128).all() and (small[:, 8:] == 128).all()
    assert (small[:, 3] == 255).all()  # the background
    file = io.BytesIO()
    write_png(picture, file)
    assert (np.asarray(Image.open(file)) == picture).all()


def test_colours_and_mistakes(tmp_path):
    W = np.random.RandomState(1).normal(size=(12, 120))
    picture = first_filters(pretrained(tmp_path / "colours", (3, 2, 2), W))
    assert picture.shape == (ENLARGED * (10 * 3 - 1), ENLARGED * (10 * 3 - 1), 3)  # a hundred filters
    red = picture[0, 0, 0] / 255 * 2 - 1
    assert red == pytest.approx(W[0, 0] / np.abs(W[:, 0]).max(), abs=0.01)
    for in_dim, weights, sentence in (
        ((12,), W, "are no images of one or three channels"),
        ((3, 2, 3), W, "has no weights of images"),
    ):
        with pytest.raises(UserError, match=sentence):
            first_filters(pretrained(tmp_path / f"{len(in_dim)}", in_dim, weights))
    (tmp_path / "begun").mkdir()
    with pytest.raises(UserError, match="is not the folder of a finished pre-training"):
        first_filters(tmp_path / "begun")
