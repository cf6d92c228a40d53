"""Fuel's files: finding them, writing them as Fuel does, and reading them."""

import gc
import os
import resource
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest

from ladder.data.fuel_file import write_fuel_file
from ladder.data.hdf5 import (
    HDF5Dataset,
    data_path,
    existing_file,
    find_dataset,
    output_directory,
    split_names,
    user_cache,
)
from ladder.errors import UserError

FUEL = Path(__file__).resolve().parents[3] / "shared" / "golden" / "fuel"
LABELS = {"features": ("batch", "channel", "height", "width"), "targets": ("batch", "index")}


@pytest.fixture(params=["uint8", "float32"])
def fuels_own(request):
    path = FUEL / f"fuel_mnist_small_{request.param}.hdf5"
    if not path.is_file():
        pytest.skip("needs the shared files that Fuel 0.2 wrote")
    return path


def splits():
    rng = np.random.RandomState(0)
    return {
        name: {"features": rng.rand(n, 1, 2, 3).astype("float32"), "targets": rng.randint(0, 3, (n, 1)).astype("uint8")}
        for name, n in (("train", 7), ("test", 4))
    }


@pytest.fixture
def written(tmp_path):
    return write_fuel_file(tmp_path / "new" / "some.hdf5", splits(), LABELS)


def handmade(path, rows, **sources):
    """Write a file with the given ``split`` rows: (split, source, start, stop, indices, available)."""
    with h5py.File(path, "w") as h5file:
        for name, array in sources.items():
            h5file[name] = array
        dtype = np.dtype(
            [
                ("split", "S9"),
                ("source", "S9"),
                ("start", "i8"),
                ("stop", "i8"),
                ("indices", h5py.ref_dtype),
                ("available", "?"),
                ("comment", "S1"),
            ]
        )
        table = [
            (split, source, start, stop, h5file[indices].ref if indices else None, available, b".")
            for split, source, start, stop, indices, available in rows
        ]
        h5file.attrs["split"] = np.array(table, dtype)
    return path


# --- finding


def test_data_path_has_fuels_folders_first(monkeypatch):
    monkeypatch.setenv("FUEL_DATA_PATH", "/a:/b")
    assert data_path() == [Path("/a"), Path("/b"), Path("datasets")]
    assert output_directory() == Path("/a")
    monkeypatch.delenv("FUEL_DATA_PATH")
    assert data_path() == [Path("datasets")] and output_directory() == Path("datasets")


def test_find_by_name_and_by_path(monkeypatch, tmp_path, written):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FUEL_DATA_PATH", str(written.parent))
    assert find_dataset("some") == written
    assert find_dataset(written) == find_dataset(str(written)) == written
    assert find_dataset("new/some.hdf5") == Path("new/some.hdf5")


def test_missing_data_set_says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    with pytest.raises(UserError, match="no data set 'mnist' in datasets: .*run.py convert mnist --directory D"):
        find_dataset("mnist")
    with pytest.raises(UserError, match="'mine'.*run.py convert arrays"):
        find_dataset("mine")
    with pytest.raises(UserError, match="no file elsewhere/mine.hdf5"):
        find_dataset("elsewhere/mine.hdf5")


def test_without_a_home_folder_there_is_no_cache(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CACHE_HOME", "FUEL_DATA_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user who is not in the system's list
    assert user_cache() is None and existing_file("digits") is None
    Path("datasets").write_text("")  # not a folder, so nothing can be made there
    with pytest.raises(UserError, match="datasets"):
        find_dataset("digits")
    assert os.listdir(tmp_path) == ["datasets"]


def test_digits_are_made_at_first_use(monkeypatch, tmp_path):
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    path = find_dataset("digits")
    made = path.stat().st_mtime_ns
    assert path == Path("datasets/digits.hdf5") == find_dataset("digits")
    assert path.stat().st_mtime_ns == made


# --- writing


@pytest.mark.parametrize("columns", [3, 300])  # kept by HDF5 until it closes; written at once
@pytest.mark.parametrize("size", [2048, 4096, 8192])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, capfd, columns, size):
    path = tmp_path / "some.hdf5"
    path.write_text("old")
    full = {"train": {"features": np.random.RandomState(0).rand(300, columns).astype("float32")}}
    limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        with pytest.raises(UserError) as caught:
            write_fuel_file(path, full, {"features": ("batch", "feature")})
        said = str(caught.value)
        del caught
        gc.collect()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    assert (
        said == f"cannot write {path} (File too large): choose a folder that you may write to and that has space left."
    )
    assert capfd.readouterr().err == ""
    assert os.listdir(tmp_path) == ["some.hdf5"] and path.read_text() == "old"


def attribute_types(path):
    """Everything about the ``split`` attribute's HDF5 type, and the labels' types."""
    with h5py.File(path, "r") as h5file:
        split = h5file.attrs.get_id("split").get_type()
        members = [
            (split.get_member_name(i), split.get_member_offset(i), split.get_member_type(i).encode())
            for i in range(split.get_nmembers())
        ]
        labels = {
            name: (
                h5file[name].attrs.get_id("DIMENSION_LABELS").get_type().encode(),
                [axis.label for axis in h5file[name].dims],
            )
            for name in h5file
        }
        rows = [tuple(row)[:4] + tuple(row)[5:] for row in h5file.attrs["split"]]
        return members, labels, rows, list(h5file.attrs)


def test_rewriting_fuels_file_gives_the_same_structure(fuels_own, tmp_path):
    copied = {name: HDF5Dataset(fuels_own, name) for name in ("train", "test")}
    ours = write_fuel_file(
        tmp_path / "ours.hdf5",
        {
            name: {"features": data.features, "targets": data.targets.astype("uint8").reshape(-1, 1)}
            for name, data in copied.items()
        },
        LABELS,
    )
    assert attribute_types(ours) == attribute_types(fuels_own)
    with h5py.File(ours, "r") as mine, h5py.File(fuels_own, "r") as fuels:
        for name in fuels:
            assert mine[name].dtype == fuels[name].dtype
            assert (mine[name][...] == fuels[name][...]).all()


def test_same_data_gives_the_same_bytes(tmp_path):
    first, second = (write_fuel_file(tmp_path / name, splits(), LABELS) for name in ("a.hdf5", "b.hdf5"))
    assert first.read_bytes() == second.read_bytes()


def test_failed_writing_leaves_the_old_file_and_no_rest(written):
    before = written.read_bytes()
    broken = splits()
    broken["test"]["features"] = np.zeros((4, 5, 5, 5), "float32")
    with pytest.raises(TypeError):
        write_fuel_file(written, broken, LABELS)
    assert written.read_bytes() == before
    assert [path.name for path in written.parent.iterdir()] == [written.name]


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write .*file/x.hdf5"):
        write_fuel_file(tmp_path / "file" / "x.hdf5", splits(), LABELS)


# --- reading


def test_fuels_own_files(fuels_own):
    train, test = HDF5Dataset(fuels_own, "train"), HDF5Dataset(fuels_own, "test")
    assert (train.num_examples, test.num_examples) == (60, 20)
    assert train.features.shape == (60, 1, 28, 28)
    assert train.targets[:5].tolist() == [5, 0, 4, 1, 9] and train.targets.dtype == "int64"
    assert test.targets[:5].tolist() == [7, 2, 1, 0, 4]
    assert train.axis_labels == LABELS


def test_what_is_written_is_read(written):
    for name, arrays in splits().items():
        data = HDF5Dataset(written, name)
        assert (data.features == arrays["features"]).all() and data.features.dtype == "float32"
        assert (data.targets == arrays["targets"].ravel()).all() and data.targets.ndim == 1
    assert split_names(written) == ["test", "train"]


def test_indices_are_sorted_and_unique_as_in_fuel(tmp_path):
    path = handmade(
        tmp_path / "some.hdf5",
        [("train", "features", 0, 0, "picked", True), ("train", "targets", 0, 0, "picked", True)],
        features=np.arange(20).reshape(10, 2),
        targets=np.arange(10),
        picked=np.array([7, 3, 8, 3]),
    )
    data = HDF5Dataset(path, "train")
    assert data.targets.tolist() == [3, 7, 8]
    assert data.features.tolist() == [[6, 7], [14, 15], [16, 17]]


@pytest.mark.parametrize("rows", [[], [("extra", "targets", 0, 0, None, False)]])
def test_split_without_targets_has_no_labels(tmp_path, rows):
    rows = [("extra", "features", 0, 4, None, True), *rows]
    path = handmade(tmp_path / "some.hdf5", rows, features=np.zeros((4, 2)), targets=np.zeros(4, int))
    assert HDF5Dataset(path, "extra").targets.tolist() == [-1] * 4


def one_split(path, features, targets, stop=None):
    stop = len(targets) if stop is None else stop
    rows = [("train", "features", 0, len(features), None, True), ("train", "targets", 0, stop, None, True)]
    return handmade(path, rows, features=features, targets=targets)


@pytest.mark.parametrize(
    "features, targets, stop, message",
    [
        (np.zeros((4, 2)), np.zeros(3, int), None, "4 features but 3 targets"),
        (np.zeros((4, 2)), np.zeros(4, int), 9, "asks for examples 0 to 9 of 4"),
        (np.zeros((0, 2)), np.zeros(0, int), None, "no examples"),
        (np.zeros((4, 2)), np.full(4, 0.5), None, "hold 0.5 at position 0"),
        (np.zeros((4, 2)), np.zeros((4, 3), int), None, r"have the shape \(4, 3\)"),
        (np.array([b"a", b"b"]), np.zeros(2, int), None, "no array of numbers 'features'"),
    ],
)
def test_sources_that_do_not_fit(tmp_path, features, targets, stop, message):
    path = one_split(tmp_path / "some.hdf5", features, targets, stop)
    with pytest.raises(UserError, match=message):
        HDF5Dataset(path, "train")


@pytest.mark.parametrize("n", [2**25, 2**61])
@pytest.mark.parametrize("source", ["features", "targets"])
def test_rows_of_no_width_take_no_memory_however_many_there_are(tmp_path, n, source):
    rows = [("train", name, 0, n if name == source else 4, None, True) for name in ("features", "targets")]
    path = handmade(tmp_path / "some.hdf5", rows[: 1 if source == "features" else 2])
    with h5py.File(path, "a") as h5file:
        for name in ("features", "targets"):
            h5file.create_dataset(name, (n, 0), "f4") if name == source else h5file.create_dataset(name, data=np.eye(4))
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=rf"has '{source}' of shape \({n}, 0\)"):
            HDF5Dataset(path, "train")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("has_targets", [True, False])
def test_memory_is_asked_for_class_numbers(tmp_path, monkeypatch, has_targets):
    path = one_split(tmp_path / "some.hdf5", np.ones((2**20, 1), "uint8"), np.ones(2**20, "uint8"))
    monkeypatch.setenv("LADDER_MEMORY", "0.004")
    with pytest.raises(UserError, match="the class numbers of 1,048,576 examples would need 8.39 MB of memory"):
        HDF5Dataset(path, "train", None if has_targets else {"features": "features"})


def test_indices_beyond_the_data(tmp_path):
    path = handmade(
        tmp_path / "some.hdf5",
        [("train", "features", 0, 0, "picked", True)],
        features=np.zeros((3, 2)),
        picked=np.array([1, 3]),
    )
    with pytest.raises(UserError, match="not among the 3"):
        HDF5Dataset(path, "train")


def test_missing_split_names_those_there_are(written):
    with pytest.raises(UserError, match="no split 'valid': the splits there are test, train"):
        HDF5Dataset(written, "valid")


def test_other_files(tmp_path, written):
    (tmp_path / "text.hdf5").write_text("not HDF5")
    (tmp_path / "short.hdf5").write_bytes(written.read_bytes()[:900])
    with h5py.File(tmp_path / "plain.hdf5", "w") as h5file:
        h5file["features"] = np.zeros(3)
    for name in ("text", "short"):
        with pytest.raises(UserError, match=f"cannot read .*{name}.hdf5 as an HDF5 file"):
            HDF5Dataset(tmp_path / f"{name}.hdf5", "train")
    with pytest.raises(UserError, match="plain.hdf5 lacks Fuel's attribute 'split'"):
        HDF5Dataset(tmp_path / "plain.hdf5", "train")
    with pytest.raises(UserError, match="no file"):
        HDF5Dataset(tmp_path / "absent.hdf5", "train")


# --- other layouts, names and axes


def flat_examples():
    return {source: array.reshape(7, -1) for source, array in splits()["train"].items()}


def test_fuel_001_has_no_indices(tmp_path):
    arrays = flat_examples()
    path = handmade(tmp_path / "some.hdf5", [], **arrays)
    fields = [("split", "S5"), ("source", "S8"), ("start", "i8"), ("stop", "i8"), ("available", "?"), ("comment", "S1")]
    rows = [("train", source, 1, 5, True, ".") for source in arrays] + [("test", "features", 0, 0, False, ".")]
    with h5py.File(path, "a") as h5file:
        h5file.attrs["split"] = np.array([tuple(row) for row in rows], fields)
    data = HDF5Dataset(path, "train")
    assert (data.features == arrays["features"][1:5]).all() and (data.targets == arrays["targets"][1:5, 0]).all()
    assert split_names(path) == ["train"]


def test_before_april_2015_splits_were_attributes(tmp_path):
    arrays = flat_examples()
    with h5py.File(tmp_path / "some.hdf5", "w") as h5file:
        h5file.update(arrays)
        h5file.attrs["train"], h5file.attrs["test"] = [0, 5], [5, 7]
    assert split_names(tmp_path / "some.hdf5") == ["test", "train"]
    assert (HDF5Dataset(tmp_path / "some.hdf5", "test").features == arrays["features"][5:]).all()


@pytest.fixture
def other_names(tmp_path):
    rows = [("all", "x", 0, 4, None, True), ("all", "fine", 0, 4, None, True)]
    return handmade(tmp_path / "other.hdf5", rows, x=np.zeros((4, 2)), fine=np.arange(4))


def test_sources_of_other_names_are_told_and_chosen(other_names):
    with pytest.raises(UserError, match="no source 'features': the sources there are fine, x; choose with --sources"):
        HDF5Dataset(other_names, "all")
    with pytest.raises(UserError, match="no source 'coarse': the sources there are fine, x"):
        HDF5Dataset(other_names, "all", {"features": "x", "targets": "coarse"})
    data = HDF5Dataset(other_names, "all", {"features": "x", "targets": "fine"})
    assert data.targets.tolist() == [0, 1, 2, 3] and data.sources == ("fine", "x")
    assert HDF5Dataset(other_names, "all", {"features": "x"}).targets.tolist() == [-1] * 4


def test_a_single_split_gets_a_command_that_divides_it(other_names):
    with pytest.raises(
        UserError, match="no split 'train': the splits there are all; `run.py convert arrays --input .*`"
    ):
        HDF5Dataset(other_names, "train")


@pytest.mark.parametrize(
    "shape, labels, channels, turned",
    [
        ((5, 8, 6, 3), None, None, (5, 3, 8, 6)),
        ((5, 8, 6, 1), None, None, (5, 1, 8, 6)),
        ((5, 3, 8, 6), None, None, (5, 3, 8, 6)),
        ((5, 8, 6, 16), None, None, (5, 8, 6, 16)),
        ((5, 8, 6, 16), ("batch", "height", "width", "channel"), None, (5, 16, 8, 6)),
        ((5, 12, 12, 3), ("batch", "channel", "height", "width"), None, (5, 12, 12, 3)),
        ((5, 8, 6, 4), None, "last", (5, 4, 8, 6)),
        ((5, 8, 6, 4), ("batch", "height", "width", "channel"), None, (5, 4, 8, 6)),
        ((5, 3, 8, 4), None, None, (5, 3, 8, 4)),
        ((5, 2, 8, 4), None, None, (5, 2, 8, 4)),
        ((5, 3, 8, 3), None, "last", (5, 3, 3, 8)),
        ((5, 3, 8, 3), None, "first", (5, 3, 8, 3)),
    ],
)
def test_channels_come_first(tmp_path, shape, labels, channels, turned):
    images = np.arange(np.prod(shape)).reshape(shape)
    path = handmade(tmp_path / "some.hdf5", [("train", "features", 0, 5, None, True)], features=images)
    with h5py.File(path, "a") as h5file:
        for axis, label in enumerate(labels or ()):
            h5file["features"].dims[axis].label = label
    features = HDF5Dataset(path, "train", channels=channels).features
    assert features.shape == turned
    if turned != shape:
        assert features[2, 1 % turned[1], 2, 1] == images[2, 2, 1, 1 % turned[1]]


def test_channels_that_may_be_either_axis_are_asked_for(tmp_path):
    path = handmade(tmp_path / "some.hdf5", [("train", "features", 0, 5, None, True)], features=np.zeros((5, 3, 9, 3)))
    with pytest.raises(UserError, match="may be the first axis or the last: .*--channels last"):
        HDF5Dataset(path, "train")


def test_names_that_are_no_text_are_passed_over(written):
    """h5py returns names that are not UTF-8 as bytes."""
    with h5py.File(written, "r+") as h5file:
        h5py.h5d.create(h5file.id, b"gr\xf6\xdfe", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((3, 2)))
        h5py.h5a.create(h5file.id, b"\xe4", h5py.h5t.NATIVE_INT64, h5py.h5s.create_simple((2,)))
    assert HDF5Dataset(written, "train").num_examples == 7


def test_a_place_that_may_not_be_looked_into_hides_no_other(monkeypatch, tmp_path, written):
    monkeypatch.setenv("FUEL_DATA_PATH", os.pathsep.join(["x" * 300, str(written.parent)]))
    assert existing_file(written.stem) == written
