"""What is drawn, read back from the figures."""

import io
from types import SimpleNamespace

import numpy as np
from matplotlib.image import imread

from ladder.attacks.figures import (
    STYLES,
    WRONG,
    as_images,
    attacked_image_figure,
    error_figure,
    image_figure,
    write_png,
)
from ladder.attacks.methods import KINDS, AttackSettings


def test_a_line_for_each_kind_that_was_tried():
    report = {
        "n": 200,
        "n_wrong_before": 3,
        "attacks": [
            {"kind": "sgn", "tau": 0.2, "error_percent": 40.0},
            {"kind": "sgn", "tau": 0.1, "error_percent": 20.0},
            {"kind": "gaussian", "tau": 0.1, "error_percent": 2.0},
        ],
    }
    (axes,) = error_figure(report, "run").axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert lines["sgn"] == [[0.1, 20], [0.2, 40]] and lines["gaussian"] == [[0.1, 2]]
    assert set(lines) == {"sgn", "gaussian", "no attack (1.50 %)"}
    assert set(STYLES) == set(KINDS) and axes.get_title() == "run"
    (axes,) = error_figure({**report, "batch_size": 100}, "run").axes
    assert axes.get_title() == "run: gradients through statistics of batches of 100"


def test_which_features_are_images():
    assert as_images(np.zeros((3, 1, 8, 9))).shape == (3, 8, 9)
    assert as_images(np.zeros((3, 8, 9))).shape == (3, 8, 9)
    colours = np.random.rand(3, 3, 8, 9)
    assert (as_images(colours)[1, 2, 4] == colours[1, :, 2, 4]).all()
    assert as_images(np.zeros((3, 64))) is None and as_images(np.zeros((3, 2, 8, 8))) is None


def test_a_grid_of_images_with_what_each_is_taken_for():
    images = np.stack([np.full((4, 4), 0.5), np.full((4, 4), 7.0)])
    rows = [("clean", images, [3, 5]), ("sgn", -images, [3, 8])]
    figure = image_figure(rows, [3, 5], (-1.0, 2.0), "run")
    axes = figure.axes
    assert [a.get_title() for a in axes] == ["3", "5", "3", "8"]
    assert [a.title.get_color() == WRONG for a in axes] == [False, False, False, True]
    assert [a.get_ylabel() for a in axes] == ["clean", "", "sgn", ""]
    assert [a.get_xlabel() for a in axes] == ["", "", "true 3", "true 5"]
    # between black and white, and clipped beyond
    np.testing.assert_allclose([a.images[0].get_array()[0, 0] for a in axes], [0.5, 1, 1 / 6, 0])


def test_images_are_attacked_in_the_batch_whose_statistics_count():
    """It matters if a gradient depends on the batch; one image of each class is shown."""
    features = np.random.RandomState(0).rand(12, 4, 4).astype("float32")
    examples, indices = SimpleNamespace(features=features, targets=np.arange(12) // 2), np.arange(11, -1, -1)
    gradient, settings = (lambda x, y: x - x.mean(axis=0)), AttackSettings(kinds=("sgn",), taus=(0.1,), clip=False)
    classify = lambda x: x.reshape(len(x), -1)

    def shown(batch_size):
        figure = attacked_image_figure(examples, indices, classify, gradient, settings, 0.1, None, "run", batch_size)
        axes = figure.axes
        labels = [a.get_xlabel() for a in axes[len(axes) // 2 :]]
        return labels, np.array([np.asarray(a.images[0].get_array()) for a in axes[len(axes) // 2 :]])

    low, high = features.min(), features.max()
    for batch_size, together, places in ((6, indices[:6], [4, 2, 0]), (None, [1, 3, 5, 7, 9, 11], range(6))):
        labels, images = shown(batch_size)
        x = features[together]
        attacked = (x + np.float32(0.1) * np.sign(gradient(x, None)))[list(places)]
        assert labels == [f"true {examples.targets[i]}" for i in np.array(together)[list(places)]]
        np.testing.assert_allclose(images, np.clip((attacked - low) / (high - low), 0, 1), atol=1e-6)


def test_a_figure_is_written_as_png():
    file = io.BytesIO()
    write_png(image_figure([("clean", np.zeros((2, 4, 4)), [0, 1])], [0, 1], (0, 1), "run"), file)
    file.seek(0)
    assert file.read(8) == b"\x89PNG\r\n\x1a\n"
    file.seek(0)
    assert min(imread(file).shape[:2]) > 100


def test_a_name_that_is_no_text_is_drawn_as_an_escape():
    report = {"n": 10, "n_wrong_before": 0, "attacks": []}
    figure = error_figure(report, "run\udcff")
    assert figure.axes[0].get_title() == r"run\udcff"
    write_png(figure, io.BytesIO())
    write_png(image_figure([("clean", np.zeros((1, 4, 4)), [0])], [0], (0, 1), "run\udcff"), io.BytesIO())
