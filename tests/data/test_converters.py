"""Converters: what they write, and what they say about bad input."""

import gzip
import hashlib
import shlex
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from ladder.cli import main
from ladder.data.convert import digits, mnist
from ladder.data.convert.arrays import convert_arrays, dataset_name
from ladder.data.convert.digits import convert_digits
from ladder.data.convert.mnist import convert_mnist
from ladder.data.convert.own_splits import draw_test_positions
from ladder.data.hdf5 import HDF5Dataset, split_names
from ladder.errors import UserError

SHARED = Path(__file__).resolve().parents[3] / "shared"

# --- MNIST


@pytest.fixture
def tiny_mnist(tmp_path, monkeypatch):
    """A folder with MNIST's four files, but of a few 2 x 3 images; their checksums count as MNIST's."""
    rng = np.random.RandomState(0)
    for prefix, n in (("train", 6), ("t10k", 4)):
        header = np.array([2051, n, 2, 3], ">i4").tobytes()
        images = header + rng.randint(0, 256, n * 6).astype("uint8").tobytes()
        labels = np.array([2049, n], ">i4").tobytes() + bytes(range(n))
        for name, content in ((f"{prefix}-images-idx3-ubyte", images), (f"{prefix}-labels-idx1-ubyte", labels)):
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
            monkeypatch.setitem(mnist.SHA256, name, hashlib.sha256(content).hexdigest())
    return tmp_path


def test_tiny_mnist(tiny_mnist):
    path = convert_mnist(tiny_mnist, tiny_mnist / "out" / "mnist.hdf5", "uint8")
    train, test = HDF5Dataset(path, "train"), HDF5Dataset(path, "test")
    pixels = np.random.RandomState(0).randint(0, 256, 36).astype("uint8").reshape(6, 1, 2, 3)
    assert train.features.dtype == "uint8" and (train.features == pixels).all()
    assert train.targets.tolist() == [0, 1, 2, 3, 4, 5] and test.targets.tolist() == [0, 1, 2, 3]


def test_decompressed_files_will_do(tiny_mnist):
    for path in list(tiny_mnist.glob("*.gz")):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert HDF5Dataset(convert_mnist(tiny_mnist, tiny_mnist / "mnist.hdf5"), "train").features.max() <= 1


def test_every_missing_file_is_named(tiny_mnist):
    (tiny_mnist / "train-labels-idx1-ubyte.gz").unlink()
    (tiny_mnist / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(UserError, match="lacks train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz: download"):
        convert_mnist(tiny_mnist, tiny_mnist / "mnist.hdf5")


def test_other_content(tiny_mnist):
    (tiny_mnist / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"something else"))
    with pytest.raises(UserError, match="t10k-labels-idx1-ubyte.gz is not MNIST's file"):
        convert_mnist(tiny_mnist, tiny_mnist / "mnist.hdf5")
    assert not (tiny_mnist / "mnist.hdf5").exists()


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b[:3], lambda b: b"plain", lambda b: b[:12] + b"!" * 30]
)
def test_damaged_files(tiny_mnist, damage):
    victim = tiny_mnist / "train-images-idx3-ubyte.gz"
    victim.write_bytes(damage(victim.read_bytes()))
    with pytest.raises(UserError, match="cannot read .*train-images-idx3-ubyte.gz, it is damaged"):
        convert_mnist(tiny_mnist, tiny_mnist / "mnist.hdf5")


def test_real_mnist_is_what_fuel_wrote(tmp_path):
    ours, fuels = SHARED / "data" / "mnist", SHARED / "golden" / "fuel" / "fuel_mnist_small_float32.hdf5"
    if not ours.is_dir() or not fuels.is_file():
        pytest.skip("needs the shared MNIST and the file that Fuel 0.2 wrote of it")
    path = convert_mnist(ours, tmp_path / "mnist.hdf5")
    for split, n in (("train", 60000), ("test", 10000)):
        data, expected = HDF5Dataset(path, split), HDF5Dataset(fuels, split)
        assert data.features.shape == (n, 1, 28, 28) and data.features.dtype == "float32"
        assert data.axis_labels == expected.axis_labels
        assert (data.features[: expected.num_examples] == expected.features).all()
        assert (data.targets[: expected.num_examples] == expected.targets).all()
    with h5py.File(path, "r") as h5file:
        assert h5file["targets"].dtype == "uint8" and h5file["targets"].shape == (70000, 1)


# --- digits


def test_digits(tmp_path):
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    path = convert_digits(tmp_path / "digits.hdf5")
    train, test = HDF5Dataset(path, "train"), HDF5Dataset(path, "test")
    assert train.features.shape == (1437, 1, 8, 8) and test.features.shape == (360, 1, 8, 8)
    assert (train.features.min(), train.features.max(), train.features.dtype) == (0, 1, "float32")
    assert np.bincount(test.targets).min() >= 35
    pixels, targets = sklearn_datasets.load_digits(return_X_y=True)
    rows = sorted([*map(tuple, pixels / 16)])
    both = np.concatenate([train.features, test.features]).reshape(-1, 64)
    assert sorted(map(tuple, both.astype("float64"))) == rows
    chosen = digits._test_indices()
    assert (test.targets == targets[chosen]).all() and len(set(chosen)) == 360


def test_changed_digits_are_noticed(tmp_path, monkeypatch):
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    pixels, targets = sklearn_datasets.load_digits(return_X_y=True)
    pixels[5, 5] += 1
    monkeypatch.setattr(sklearn_datasets, "load_digits", lambda return_X_y: (pixels, targets))
    with pytest.raises(UserError, match="digits differ from the known ones"):
        convert_digits(tmp_path / "digits.hdf5")


def test_without_scikit_learn(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    with pytest.raises(UserError, match="scikit-learn, which is not installed"):
        convert_digits(tmp_path / "digits.hdf5")


# --- arrays


def good(n=50, **changes):
    arrays = {"features": np.random.RandomState(0).rand(n, 4), "targets": np.arange(n) % 5}
    return {**arrays, **changes}


def convert(tmp_path, arrays, **options):
    np.savez(tmp_path / "mine.npz", **arrays)
    return convert_arrays(tmp_path / "mine.npz", tmp_path / "mine.hdf5", **options)


def test_a_fifth_of_each_class_tests(tmp_path):
    arrays = good()
    path = convert(tmp_path, arrays)
    train, test = HDF5Dataset(path, "train"), HDF5Dataset(path, "test")
    assert np.bincount(train.targets).tolist() == [8] * 5 and np.bincount(test.targets).tolist() == [2] * 5
    assert train.features.dtype == "float32" and train.axis_labels["features"] == ("batch", "feature")
    together = {tuple(row): int(y) for d in (train, test) for row, y in zip(d.features, d.targets)}
    assert together == {tuple(row): y for row, y in zip(arrays["features"].astype("float32"), arrays["targets"])}
    with h5py.File(path, "r") as h5file:
        assert h5file["targets"].dtype == "int64" and h5file["targets"].shape == (50, 1)


def test_the_seed_decides_the_test_set(tmp_path):
    first, again, other = (HDF5Dataset(convert(tmp_path, good(), seed=seed), "test").features for seed in (1, 1, 2))
    assert (first == again).all() and not (first == other).all()


def test_unlabelled_examples_stay_in_training(tmp_path):
    targets = np.where(np.arange(50) < 25, np.arange(50) % 5, -1)
    path = convert(tmp_path, good(targets=targets))
    assert (HDF5Dataset(path, "train").targets == -1).sum() == 25
    assert sorted(HDF5Dataset(path, "test").targets) == [0, 1, 2, 3, 4]


def test_own_test_arrays_and_uint8_images(tmp_path):
    images = np.random.RandomState(0).randint(0, 256, (12, 3, 4, 4)).astype("uint8")
    path = convert(
        tmp_path,
        {
            "features": images,
            "targets": np.arange(12) % 2,
            "features_test": images[:3],
            "targets_test": [[1], [0], [1]],
        },
    )
    test = HDF5Dataset(path, "test")
    assert test.features.dtype == "uint8" and (test.features == images[:3]).all()
    assert test.targets.tolist() == [1, 0, 1] and test.axis_labels["features"][1] == "channel"


def test_many_classes_are_drawn_from_as_few_are():
    """The expected draw takes one class after the other, each from its positions in ascending order."""
    targets = np.random.RandomState(3).randint(-1, 40, 500)
    rng, expected = np.random.RandomState(5), []
    for label in range(40):
        members = rng.permutation(np.flatnonzero(targets == label))
        expected += members[: round(0.2 * len(members))].tolist()
    assert draw_test_positions(targets, 0.2, 5, "x").tolist() == sorted(expected)


def test_identifiers_for_labels_are_refused_soon(tmp_path, caplog):
    n = 20_000  # a search for each class would look at every example
    with caplog.at_level("INFO", "main.data"), pytest.raises(UserError, match="is less than one example of each class"):
        convert(tmp_path, {"features": np.zeros((n, 1)), "targets": np.arange(n) + 7}, renumber=True)
    assert "7 is 0, 8 is 1" in caplog.text and caplog.text.count(" is ") < 1100


def test_images_whose_channels_may_be_last_are_asked_about(tmp_path):
    with pytest.raises(
        UserError, match=r"images of shape \(8, 6, 4\), whose channels may be the first axis or the last"
    ):
        convert(tmp_path, {"features": np.zeros((10, 8, 6, 4)), "targets": np.arange(10) % 2})


def test_no_test_set_on_request(tmp_path):
    assert split_names(convert(tmp_path, good(), test_fraction=0)) == ["train"]


def test_a_class_never_goes_to_the_test_set_as_a_whole(tmp_path):
    path = convert(tmp_path, good(n=10), test_fraction=0.99)
    assert np.bincount(HDF5Dataset(path, "train").targets).tolist() == [1] * 5


TEST_PART = {"features_test": np.zeros((2, 4)), "targets_test": np.array([0, 1])}


@pytest.mark.parametrize(
    "arrays, options, message",
    [
        ({"x": np.zeros((3, 4))}, {}, "lacks features, and holds x: .*--sources"),
        (good(features_test=np.zeros((3, 4))), {}, "lacks targets_test"),
        (good(feature_test=np.zeros((3, 4))), {}, "holds the unknown feature_test"),
        (good(targets=np.zeros(49, int)), {}, "50 features but 49 targets"),
        (good(n=0), {}, "no examples"),
        (good(features=np.zeros(50)), {}, r"features of shape \(50,\)"),
        (good(features=np.full((50, 4), "a")), {}, "features of type <U1"),
        (good(features=np.full((50, 4), np.nan)), {}, "not finite"),
        (good(features=np.full((50, 4), 1e300)), {}, "not finite"),
        (good(targets=np.full(50, 0.5)), {}, "hold 0.5 at position 0, which is not a whole number, as are 50 of 50"),
        (good(targets=np.zeros((50, 5), int)), {}, r"targets of .* have the shape \(50, 5\): .*argmax"),
        (good(targets=np.int64(3)), {}, r"have the shape \(\)"),
        (good(targets=np.arange(50) % 5 * 2), {}, "are 0, 2, 4, 6 and 8, .*--renumber-labels .* 0 to 4"),
        (good(targets=np.arange(50) % 5 - 2), {}, "are -2, -1, 0, 1 and 2, .*-1 remains 'no label'"),
        (
            good(targets=np.arange(50) % 2 * 2 - 1),
            {},
            "-1 and 1: .*the single class 1; .*--no-label none --renumber-labels",
        ),
        (good(targets=np.arange(50) % 2 - 1), {}, "-1 and 0: .*the single class 0; .*--sources targets=none"),
        (good(targets=np.full(50, 3)), {}, "a single class"),
        (good(targets=np.r_[np.arange(48) % 3, 255, 255]), {}, "if 255 means 'no label', .*--no-label 255"),
        (good(targets=np.array(["a"] * 50)), {}, "targets of .* of type <U1"),
        (good(targets=np.array([None] * 50)), {}, "'targets' holds Python objects"),
        (good(features=np.array([None] * 50)), {}, "'features' holds Python objects"),
        (good(**TEST_PART), {"test_fraction": 0.1}, "leave out --test-fraction"),
        (good(**{**TEST_PART, "features_test": np.zeros((2, 5))}), {}, "both the same shape"),
        (good(**{**TEST_PART, "features_test": np.zeros((2, 4), "uint8")}), {}, "both the same type"),
        (good(**{**TEST_PART, "targets_test": np.array([0, 7])}), {}, "one of the classes 0 to 4"),
        (good(**{**TEST_PART, "targets_test": np.array([0, -1])}), {}, "one of the classes 0 to 4"),
        (good(), {"test_fraction": 1}, "--test-fraction 1 is not possible"),
        (good(), {"test_fraction": -0.5}, "--test-fraction -0.5 is not possible"),
        (good(), {"test_fraction": 0.01}, "less than one example"),
        (good(), {"seed": -1}, "--seed -1"),
    ],
)
def test_user_mistakes(tmp_path, arrays, options, message):
    with pytest.raises(UserError, match=message):
        convert(tmp_path, arrays, **options)
    assert not (tmp_path / "mine.hdf5").exists()


def test_files_that_are_not_npz(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty.npz").write_text("")
    np.save(tmp_path / "single.npy", np.zeros(3))
    for name, message in (
        ("text.npz", "cannot read"),
        ("empty.npz", "cannot read"),
        ("single.npy", "a single array"),
        ("none.npz", "no file"),
    ):
        with pytest.raises(UserError, match=message):
            convert_arrays(tmp_path / name, tmp_path / "mine.hdf5")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_is_there_twice(tmp_path):
    np.savez(tmp_path / "mine.npz", **good())
    with zipfile.ZipFile(tmp_path / "mine.npz", "a") as archive:
        archive.writestr("features.npy", archive.read("features.npy"))
    with pytest.raises(UserError, match="holds features more than once"):
        convert_arrays(tmp_path / "mine.npz", tmp_path / "mine.hdf5")


def rewritten(tmp_path, arrays, offered=-1, **options):
    """The training split written by the command that a refusal suggests, run exactly as printed."""
    with pytest.raises(UserError) as caught:
        convert(tmp_path, arrays, **options)
    words = shlex.split(str(caught.value).split("`")[1::2][offered])
    assert main([*words[1:], "--output-directory", str(tmp_path)]) == 0
    return HDF5Dataset(tmp_path / f"{words[words.index('--name') + 1]}.hdf5", "train")


def test_the_command_that_mends_a_gap_keeps_the_mark_of_no_label(tmp_path):
    targets = np.arange(50) % 4 + 1
    targets[targets == 4] = 255
    written = rewritten(tmp_path, good(targets=targets), no_label=255)
    assert np.unique(written.targets).tolist() == [-1, 0, 1, 2]


def test_the_command_that_mends_channels_keeps_the_rest(tmp_path):
    images = {"x": np.zeros((50, 3, 8, 3)), "targets": np.arange(50) % 5}
    written = rewritten(tmp_path, images, no_label=0, renumber=True, sources=("features=x",))
    assert written.features.shape[1:] == (3, 3, 8) and np.unique(written.targets).tolist() == [-1, 0, 1, 2, 3]


def test_the_command_that_leaves_labels_out(tmp_path):
    written = rewritten(tmp_path, good(targets=np.zeros(50, int) - (np.arange(50) % 2)))
    assert (written.targets == -1).all() and "targets" not in written.sources


def test_a_class_of_the_test_set_alone_is_named(tmp_path):
    test = {"features_test": np.zeros((4, 3)), "targets_test": np.array([0, 1, 2, 3])}
    targets = np.array([0, 1, 3])[np.arange(50) % 3]
    with pytest.raises(UserError, match="has the class 2 in its test set alone, so that nothing trains it"):
        convert(tmp_path, {**good(targets=targets), **test}, renumber=True)


def test_examples_in_another_order(tmp_path):
    features, targets = np.arange(100, dtype="float32").reshape(50, 2), np.arange(50) // 25
    written = HDF5Dataset(convert(tmp_path, {"features": features, "targets": targets}, shuffle=True), "train")
    assert sorted(written.features[:, 0]) == features[:, 0][np.isin(features[:, 0], written.features[:, 0])].tolist()
    assert (written.targets == written.features[:, 0] // 50).all() and (np.diff(written.targets) != 0).sum() > 5


@pytest.mark.parametrize("targets", [None, np.full(50, -1)])
def test_data_without_any_label(tmp_path, targets):
    arrays = good()
    del arrays["targets"]
    path = convert(tmp_path, arrays if targets is None else {**arrays, "targets": targets})
    train, test = HDF5Dataset(path, "train"), HDF5Dataset(path, "test")
    assert (train.num_examples, test.num_examples) == (40, 10)
    assert set(train.targets) == set(test.targets) == {-1} and train.sources == ("features",)


@pytest.mark.parametrize("dtype", ["bool", "int64", "int8", "float64"])
def test_labels_and_features_of_other_types_that_are_whole(tmp_path, dtype):
    features = np.arange(200).reshape(50, 4) % 2
    path = convert(
        tmp_path, good(features=features.astype(dtype), targets=(np.arange(50) % 2).astype(dtype)), test_fraction=0
    )
    data = HDF5Dataset(path, "train")
    assert (data.features == features).all() and data.features.dtype == ("float32" if dtype == "float64" else "uint8")
    assert data.targets.tolist() == [0, 1] * 25


def test_whole_numbers_beyond_8_bits_become_float32(tmp_path):
    features = np.arange(200).reshape(50, 4) * 5 - 7
    data = HDF5Dataset(convert(tmp_path, good(features=features), test_fraction=0), "train")
    assert data.features.dtype == "float32" and (data.features == features).all()


@pytest.mark.parametrize("split", ["features", "features_test"])
def test_whole_numbers_of_both_splits_are_stored_in_one_type(tmp_path, split):
    arrays = good(features=np.full((50, 4), 7), features_test=np.full((2, 4), 7), targets_test=np.array([0, 1]))
    arrays[split][0, 0] = -1
    path = convert(tmp_path, arrays)
    for name, source in (("train", "features"), ("test", "features_test")):
        features = HDF5Dataset(path, name).features
        assert features.dtype == "float32" and (features == arrays[source]).all()


def test_a_sparse_matrix_is_told_of(tmp_path):
    sparse = pytest.importorskip("scipy.sparse")
    sparse.save_npz(tmp_path / "mine.npz", sparse.eye(3, format="csr"))
    with pytest.raises(UserError, match="holds a sparse matrix: .*toarray"):
        convert_arrays(tmp_path / "mine.npz", tmp_path / "mine.hdf5")


# -1 and another mark of "no label"


def test_minus_one_means_no_label_beside_another_mark(tmp_path):
    targets = np.r_[np.arange(40) % 3, [-1] * 5, [255] * 5]
    with pytest.raises(UserError, match="--no-label 255 --renumber-labels"):
        convert(tmp_path, good(targets=targets))
    for renumber in (True, False):
        options = {"no_label": 255, "renumber": renumber, "test_fraction": 0}
        data = HDF5Dataset(convert(tmp_path, good(targets=targets), **options), "train")
        assert data.targets.tolist() == [*np.arange(40) % 3, *[-1] * 10]


def test_two_classes_of_which_one_is_minus_one_and_another_mark(tmp_path):
    targets = np.arange(50) % 3 - 1
    with pytest.raises(UserError, match=r"-1 means 'no label', as 0 does, .* the single class 1: .* -1 by 2"):
        convert(tmp_path, good(targets=targets), no_label=0, renumber=True)


def test_minus_one_as_a_class_needs_another_number(tmp_path):
    targets = np.arange(50) % 3 - 1
    with pytest.raises(UserError, match="the target -1, .*: add --renumber-labels"):
        convert(tmp_path, good(targets=targets), no_label=None)
    data = HDF5Dataset(convert(tmp_path, good(targets=targets), no_label=None, renumber=True, test_fraction=0), "train")
    assert (data.targets == np.arange(50) % 3).all()


def test_a_split_without_targets_gets_no_class(tmp_path):
    images, targets = np.zeros((6, 4), "uint8"), np.arange(6).reshape(6, 1) % 3 - 1
    with h5py.File(tmp_path / "a.hdf5", "w") as h5file:
        h5file["features"], h5file["targets"] = images, targets
        rows = [(b"train", b"features", 0, 3), (b"train", b"targets", 0, 3), (b"test", b"features", 3, 6)]
        fields = [("split", "S9"), ("source", "S9"), ("start", "i8"), ("stop", "i8")]
        h5file.attrs["split"] = np.array(rows, fields)
    with pytest.raises(UserError, match="targets_test from -1 to -1: give each test example one of the classes 0 to 2"):
        convert_arrays(tmp_path / "a.hdf5", tmp_path / "b.hdf5", no_label=None, renumber=True)


def test_names():
    assert dataset_name("some/where/mine.npz") == "mine"
    assert dataset_name("mine.npz", "other-1") == "other-1"
    for bad in ("a/b", "..", "", "-x", "a.hdf5", "a b"):
        with pytest.raises(UserError, match="cannot name a data set"):
            dataset_name("mine.npz", bad)
    with pytest.raises(UserError, match="'mnist' is reserved"):
        dataset_name("mnist.npz")
