"""Transformations compared with scipy and array slices; random numbers, which depend on their place alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from ladder.augmentation_specs import SYNTAX, parse, resolve_augmentation
from ladder.data import transformations
from ladder.data.augmentation import Augmentation, augmented, check_images, random_numbers
from ladder.data.examples import Examples
from ladder.data.preprocessing import TrainingData
from ladder.data.splits import Split
from ladder.errors import UserError
from ladder.options import Options
from ladder.tables.settings import differences, settings_of

rng = np.random.RandomState(0)
IMAGES = rng.rand(37, 2, 7, 9).astype("float32")
N = len(IMAGES)


def changed(*entries, images=IMAGES, seed=1, **place):
    """Images as a run with these options would change them."""
    chosen = resolve_augmentation(Options.of(augment=entries)).transformations
    draws = random_numbers(
        seed, place.get("half", "labeled"), place.get("epoch", 0), place.get("batch", 0), len(images)
    )
    return augmented(images, chosen, draws, images.min(), images.max())


# --- Each transformation


def test_flipped():
    np.testing.assert_array_equal(transformations.flipped(IMAGES), IMAGES[:, :, :, ::-1])
    np.testing.assert_array_equal(changed("flip:1"), IMAGES[..., ::-1])


def test_shifted_by_whole_pixels():
    rows, columns = rng.randint(-3, 4, (2, N))
    found = transformations.shifted(IMAGES, rows, columns, -1)
    for image, result, down, right in zip(IMAGES, found, rows, columns):
        wanted = ndimage.shift(image, (0, down, right), order=0, mode="constant", cval=-1)
        np.testing.assert_array_equal(result, wanted)
    np.testing.assert_array_equal(transformations.shifted(IMAGES, 0 * rows, 0 * columns, -1), IMAGES)


def test_cropped_from_mirrored_edges():
    rows, columns = rng.randint(0, 5, (2, N))
    found = transformations.cropped(IMAGES, 2, rows, columns)
    for image, result, top, left in zip(IMAGES, found, rows, columns):
        # scipy's 'mirror' does not repeat the edge.
        wanted = ndimage.shift(image, (0, 2 - top, 2 - left), order=0, mode="mirror")
        np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize("side", [2, 3, 4])
@pytest.mark.parametrize("name", ["erode", "dilate", "open", "close"])
def test_grey_morphology_is_that_of_scipy(name, side):
    ours = {"erode": "eroded", "dilate": "dilated", "open": "opened", "close": "closed"}[name]
    theirs = {"erode": "erosion", "dilate": "dilation", "open": "opening", "close": "closing"}[name]
    found = getattr(transformations, ours)(IMAGES, side)
    wanted = getattr(ndimage, f"grey_{theirs}")(IMAGES, (1, 1, side, side), mode="nearest")
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(changed(f"{name}:{side}:1"), wanted)
    if name == "open":
        assert (found <= IMAGES).all()
    if name == "close":
        assert (found >= IMAGES).all()


def homogeneous(angle, magnification, shear, down, right):
    """The motion of points (x to the right, y up) as a product of textbook matrices."""
    angle, shear = np.deg2rad(angle), np.deg2rad(shear)
    turned = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    sheared = np.array([[1, -np.tan(shear), 0], [0, 1, 0], [0, 0, 1]])
    moved = np.array([[1, 0, right], [0, 1, -down], [0, 0, 1]])
    return moved @ turned @ sheared @ np.diag([magnification, magnification, 1])


def test_affine_motions_are_those_of_points_and_the_interpolation_that_of_scipy():
    angles, shears, down, right = (scale * (2 * rng.rand(N) - 1) for scale in (50, 30, 3, 3))
    magnifications = 0.5 + rng.rand(N)
    motions = transformations.affine(angles, magnifications, shears, down, right)
    for k in range(N):
        forth = homogeneous(angles[k], magnifications[k], shears[k], down[k], right[k])
        for x, y in ((0, 0), (2, 1), (-1, 3)):  # from the centre
            to_x, to_y, _ = forth @ (x, y, 1)
            np.testing.assert_allclose(motions[k] @ (-to_y, to_x, 1), (-y, x), atol=1e-12)
    found = transformations.moved(IMAGES, motions, 0.5)
    centre = np.array([3, 4])
    for image, result, motion in zip(IMAGES, found, motions):
        offset = motion[:, 2] + centre - motion[:, :2] @ centre
        for k in range(2):
            wanted = ndimage.affine_transform(
                image[k].astype("float64"), motion[:, :2], offset, order=1, mode="grid-constant", cval=0.5
            )
            np.testing.assert_allclose(result[k], wanted, atol=3e-6)


def test_affine_motions_that_are_whole_change_no_bit():
    zero, one = np.zeros(N), np.ones(N)
    np.testing.assert_array_equal(
        transformations.moved(IMAGES, transformations.affine(zero, one, zero, zero, zero), 0), IMAGES
    )
    found = transformations.moved(IMAGES, transformations.affine(zero, one, zero, zero + 2, zero - 1), 0)
    whole = np.ones(N, "intp")
    np.testing.assert_array_equal(found, transformations.shifted(IMAGES, 2 * whole, -whole, 0))
    square = IMAGES[:, :, :, :7]
    turned = transformations.moved(square, transformations.affine(zero + 90, one, zero, zero, zero), 0)
    np.testing.assert_allclose(turned, np.rot90(square, axes=(2, 3)), atol=1e-6)


# --- What is drawn


def test_parameters_have_the_distribution_that_the_page_says():
    n = 20_000
    dots = np.zeros((n, 1, 9, 9), "float32")
    dots[:, :, 4, 4] = 1
    whole = changed("shift:2:0.8", images=dots)
    rows, columns = np.argwhere(whole[:, 0])[:, 1:].T - 4
    for found in (rows, columns):
        counts = np.bincount(found + 2, minlength=5) / n
        np.testing.assert_allclose(counts, [0.16, 0.16, 0.36, 0.16, 0.16], atol=0.012)
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 0.02
    # The centre of a dot that is moved by fractions of a pixel.
    parts = changed("translate:2", images=dots)[:, 0]
    down = (parts.sum(axis=2) * (np.arange(9) - 4)).sum(axis=1)
    assert abs(down.mean()) < 0.03 and abs(down.std() - 2 / np.sqrt(3)) < 0.02 and np.abs(down).max() < 2.0001
    flips = changed("flip", images=IMAGES[:1].repeat(n, axis=0)) != IMAGES[:1]
    assert abs(flips.any(axis=(1, 2, 3)).mean() - 0.5) < 0.012


def test_the_amount_of_a_scale_is_as_often_larger_as_smaller():
    ramps = np.tile(np.arange(9, dtype="float32") - 4, (4000, 1, 9, 1))
    chosen = (parse("scale:0.25"),)
    found = augmented(ramps, chosen, random_numbers(3, "labeled", 0, 0, 4000), -4, 4)
    factors = 1 / (found[:, 0, 4, 5] - found[:, 0, 4, 4])
    assert 0.7999 < factors.min() < 0.81 and 1.24 < factors.max() < 1.2501
    assert abs((factors > 1).mean() - 0.5) < 0.03


def test_transformations_come_in_their_order_whatever_order_is_typed():
    both = changed("erode:3:1", "shift:2", "flip:1")
    np.testing.assert_array_equal(both, changed("flip:1", "shift:2", "erode:3:1"))
    one_by_one = changed("erode:3:1", images=changed("shift:2", images=changed("flip:1")))
    np.testing.assert_array_equal(both, one_by_one)
    assert list(SYNTAX)[:3] == ["flip", "crop", "shift"] and list(SYNTAX)[-1] == "close"


@pytest.mark.parametrize("low, high", [(0, 1), (-1, 0.3), (0, 255)])
def test_values_stay_in_their_range(low, high):
    images = (low + (high - low) * rng.rand(500, 1, 8, 8)).astype("float32")
    images[0, 0, 0, :2] = low, high
    found = changed(
        "flip", "crop:3", "shift:3", "rotate:180", "scale:1", "shear:40", "translate:4", "close:3", images=images
    )
    assert found.dtype == np.float32 and found.min() >= images.min() and found.max() <= images.max()
    assert found.min() == images.min() and (found != images).any(axis=(1, 2, 3)).all()


def test_images_without_maps_are_changed_alike():
    grey = IMAGES[:, :1]
    entries = ("flip", "shift:2", "rotate:20", "open:2")
    np.testing.assert_array_equal(changed(*entries, images=grey[:, 0]), changed(*entries, images=grey)[:, 0])


def test_random_numbers_depend_on_their_place_alone():
    place = dict(dseed=5, half="labeled", epoch=3, batch=4)
    first, short = random_numbers(**place, n=20), random_numbers(**place, n=7)
    for name, numbers in first.items():
        assert numbers.min() >= 0 and numbers.max() < 1
        np.testing.assert_array_equal(numbers[:7], short[name])
    for other in (dict(dseed=6), dict(half="unlabeled"), dict(epoch=4), dict(batch=5), dict(epoch=4, batch=3)):
        for name, numbers in random_numbers(**{**place, **other}, n=20).items():
            assert not np.isin(numbers, first[name]).any()
    # NumPy increments the counter before it draws, and makes a float from the upper 53 bits.
    drawn = [word >> 11 for word in philox(counter=[1, 0, 4, 3], key=[5, 1])]
    np.testing.assert_array_equal(first["flip"][0], np.array(drawn[:3]) / 2**53)


def philox(counter, key):
    """Four words of Philox4x64-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3", section 3.3)."""
    (a, b, c, d), (k, l), mask = counter, key, 2**64 - 1
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * a, 0xCA5A826395121157 * c
        a, b, c, d = second >> 64 ^ b ^ k, second & mask, first >> 64 ^ d ^ l, first & mask
        k, l = k + 0x9E3779B97F4A7C15 & mask, l + 0xBB67AE8584CAA73B & mask
    return a, b, c, d


# --- Batches of a run


def test_a_batch_is_changed_as_read_and_then_preprocessed():
    features = rng.rand(30, 1, 6, 6).astype("float32")
    p = Options.of(augment="shift:2,rotate:10", standardize=True, contrast_norm=3, dseed=7, seed=1)
    examples = Examples("some", features, np.zeros(30, "int64"))
    training = TrainingData(p, examples, Split(np.arange(20), np.arange(10), np.arange(20, 30)))
    make = Augmentation(p, features, training.fitted)
    few, many = np.array([3, 1, 4]), np.arange(9)
    request = {"features_labeled": few, "targets_labeled": few, "features_unlabeled": many}
    made = make(request, epoch=2, batch=5)
    assert made["targets_labeled"] is few and make.others({"features_labeled": 1, "targets_labeled": 2}) == {
        "targets_labeled": 2
    }
    for half, positions in (("labeled", few), ("unlabeled", many)):
        draws = random_numbers(7, half, 2, 5, len(positions))
        raw = augmented(
            features[positions], (parse("shift:2"), parse("rotate:10")), draws, features.min(), features.max()
        )
        np.testing.assert_array_equal(made[f"features_{half}"], training.preprocess_features(raw))
    only = Augmentation(replace(p, augment_halves="unlabeled"), features, training.fitted)(request, 2, 5)
    assert only["features_labeled"] is few
    np.testing.assert_array_equal(only["features_unlabeled"], made["features_unlabeled"])


# --- Mistakes


@pytest.mark.parametrize(
    "options, sentence",
    [
        (dict(augment="flop"), "unknown transformation 'flop': choose from flip, crop"),
        (dict(augment="shift"), "'shift' must be shift:PIXELS, then perhaps :PROBABILITY."),
        (dict(augment="flip:0.5:0.5"), "'flip:0.5:0.5' must be flip, then perhaps :PROBABILITY."),
        (dict(augment="shift:1.5"), "1.5 must be a whole number from 1 to 1000"),
        (dict(augment="erode:1"), "1 must be a whole number from 2 to 1000"),
        (dict(augment="rotate:x"), "'x' is not a number"),
        (dict(augment="rotate:nan"), "'nan' is not a number"),
        (dict(augment="scale:0"), "0 must be above 0 and at most 1"),
        (dict(augment="flip:0"), "the probability 0, which must be above 0"),
        (dict(augment="flip,,flip"), "has an empty entry"),
        (dict(augment="flip,flip:0.2"), "--augment has flip twice"),
        (dict(augment_halves="labeled"), "--augment-halves is of no use without --augment"),
        (dict(augment="flip", augment_halves="labeled", unsupervised=True), "--unsupervised, which has no labelled"),
        (dict(augment="flip", augment_halves="none"), "--augment-halves is none, but must be one of both, labeled"),
    ],
)
def test_mistakes_get_one_sentence(options, sentence):
    with pytest.raises(UserError) as error:
        resolve_augmentation(Options.of(**options))
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    "entry, in_dim, sentence",
    [
        ("flip", (64,), "is a row of 64 numbers"),
        ("flip", (2, 3, 4, 5), "is 2 x 3 x 4 x 5"),
        ("crop:6", (3, 6, 9), "--augment crop:6 is too much for images of 6 x 9 pixels: give at most 5"),
        ("erode:7", (6, 9), "give at most 6"),
    ],
)
def test_what_are_no_images_is_refused(entry, in_dim, sentence):
    with pytest.raises(UserError) as error:
        check_images(Options.of(augment=entry), in_dim)
    assert sentence in str(error.value)
    check_images(Options.of(augment="flip,crop:5,erode:6"), (3, 6, 9))
    check_images(Options.of(), in_dim)


def test_runs_are_told_apart_by_what_is_done():
    network = dict(encoder_layers="5-10", denoising_cost_x=(1, 1, 1))
    plain = settings_of(Options.of(**network))
    one = settings_of(Options.of(**network, augment="flip,shift:2"))
    assert differences(one, plain) == ["augment"]
    assert differences(settings_of(Options.of(**network, augment="shift:2:1,flip:0.5")), one) == []
    assert differences(settings_of(Options.of(**network, augment="none")), plain) == []
    assert differences(settings_of(Options.of(**network, augment="flip,shift:2", augment_halves="labeled")), one) == [
        "augment"
    ]
