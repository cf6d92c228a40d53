"""HDF5 files from anywhere: plain arrays are read, and nothing else is followed."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from ladder.data import hdf5_file
from ladder.data.hdf5_file import HDF5File
from ladder.errors import UserError

X = np.arange(24, dtype="float32").reshape(6, 4)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.hdf5"


def the_array(path):
    with HDF5File(path) as file:
        return file.arrays["x"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (4, 3)},
        {"chunks": (4, 3), "compression": "gzip", "shuffle": True, "fletcher32": True},
        {"dtype": ">i2"},
        {"dtype": "f2"},
        {"dtype": "u8"},
        {"dtype": bool},
    ],
)
def test_every_plain_layout_is_read_as_h5py_reads_it(options, path):
    with h5py.File(path, "w") as h5file:
        h5file.create_dataset("x", data=X.astype(options.get("dtype", "f4")), **options)
        expected = h5file["x"][1:5]
    with HDF5File(path) as file:
        found = file.arrays["x"].read(1, 5)
        assert (file.arrays["x"].offset is None) == bool(options.get("chunks") or options.get("dtype") == bool)
        assert len(file.arrays["x"].read(2, 2)) == 0
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_compact_data_and_more_than_a_slab(path):
    large = np.arange(6_000_000).reshape(-1, 3)
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.COMPACT)
    with h5py.File(path, "w") as h5file:
        h5py.h5d.create(h5file.id, b"x", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple(X.shape), creation)
        h5file["x"][...] = X
        h5file.create_dataset("large", data=large, chunks=(70_001, 2))
    with HDF5File(path) as file:
        np.testing.assert_array_equal(file.arrays["x"].read(0, 6), X)
        np.testing.assert_array_equal(file.arrays["large"].read(5, 1_999_999), large[5:1_999_999])


def virtual(source):
    def make(h5file):
        layout = h5py.VirtualLayout((6, 4), "f4")
        layout[:] = h5py.VirtualSource(source, "x", (6, 4))
        h5file.create_virtual_dataset("x", layout)

    return make


@pytest.mark.parametrize(
    "make, why",
    [
        (virtual("."), "virtual"),
        (virtual("nowhere.hdf5"), "virtual"),
        (
            lambda h5file: h5file.create_dataset("x", (6, 4), "u1", external=[("/etc/passwd", 0, 24)]),
            "external storage",
        ),
        (lambda h5file: h5file.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/x")), "a link"),
        (lambda h5file: h5file.__setitem__("x", h5py.SoftLink("/x")), "a link"),
        (lambda h5file: h5file.create_group("x"), "is not an array"),
        (lambda h5file: h5file.__setitem__("x", 5), "is not an array"),
        (lambda h5file: h5file.__setitem__("x", ["text"]), "no numbers"),
        (lambda h5file: h5file.create_dataset("x", (10**9, 8), "f4"), "never written"),
        (
            lambda h5file: h5file.create_dataset("x", (100, 8), "f4", chunks=(10, 8)).__setitem__(slice(0, 20), 1),
            "only in part",
        ),
    ],
)
def test_what_is_not_plain_is_refused(make, why, path):
    with h5py.File(path, "w") as h5file:
        make(h5file)
    assert why in the_array(path).refused


@pytest.mark.parametrize(
    "labels, found",
    [
        (["a", "b"], ("a", "b")),
        (np.array([b"a", b"b"]), ("a", "b")),
        ([1, 2], ("", "")),
        ("a", ("", "")),
        (["a"] * 3, ("", "")),
    ],
)
def test_labels_of_any_kind(labels, found, path):
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
        h5file["x"].attrs["DIMENSION_LABELS"] = labels
    assert the_array(path).labels == found


def test_a_crash_is_the_childs_own(path, monkeypatch):
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
    monkeypatch.setattr(hdf5_file, "_CHILD", "import os; os.abort()")
    with pytest.raises(UserError, match="cannot read .*x.hdf5 as an HDF5 file: it is damaged"):
        HDF5File(path)
    monkeypatch.setattr(hdf5_file, "_CHILD", "import time; time.sleep(60)")
    monkeypatch.setattr(hdf5_file, "PATIENCE", 1)
    with pytest.raises(UserError, match="reading it does not end"):
        HDF5File(path)


def test_the_budget_is_asked(path, monkeypatch):
    with h5py.File(path, "w") as h5file:
        h5file.create_dataset("x", data=np.zeros(10**6, "u1"), compression="gzip")
    monkeypatch.setenv("LADDER_MEMORY", "0.0005")
    with HDF5File(path) as file, pytest.raises(UserError, match="the array 'x' would need 1 MB"):
        file.arrays["x"].read(0, 10**6)


@pytest.mark.parametrize(
    "name",
    [
        "flip20",
        "labels_fixed",
        "vds_dot",
        "flip18",
        "zero6",
        "soft_cycle",
        "split_scalar",
        "split_nan",
        "idx_group",
        "big_25gb",
    ],
)
def test_files_that_crashed_earlier_readers(name, shared_dir):
    from ladder.data.hdf5 import HDF5Dataset

    file = shared_dir / "cases" / "hostile" / "hdf5" / f"{name}.hdf5"
    if not file.exists():
        pytest.skip(f"needs {file}")
    if name == "labels_fixed":
        assert HDF5Dataset(file, "train").num_examples
        return
    with pytest.raises(UserError):
        HDF5Dataset(file, "train")


@pytest.mark.parametrize("offset", [2**40, 2**63 - 100, 2**64 - 1])
def test_bytes_that_lie_nowhere_are_damage(offset, path):
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
    with HDF5File(path) as file, pytest.raises(UserError, match="damaged"):
        replace(file.arrays["x"], offset=offset).read(0, 6)
