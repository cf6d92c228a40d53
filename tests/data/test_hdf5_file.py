"""HDF5 files from anywhere: plain arrays are read, and nothing else is followed."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from ladder.data import hdf5_origin, hdf5_reader
from ladder.data.hdf5_file import HDF5File
from ladder.data.hdf5_origin import origin
from ladder.errors import UserError

X = np.arange(24, dtype="float32").reshape(6, 4)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.hdf5"


PROGRAM = hdf5_origin._PROGRAM


def the_values(path):
    with HDF5File(path) as file:
        return file.arrays["x"].read(0, 6)


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


@pytest.fixture
def reads_by(monkeypatch):
    """A function that changes what readers do: it inserts a line into their program before any is forked."""

    def change(line):
        origin.end()
        begin = "hdf5_child.fork_readers("
        monkeypatch.setattr(hdf5_origin, "_PROGRAM", PROGRAM.replace(begin, f"{line}; {begin}"))

    yield change
    origin.end()


def test_a_crash_is_the_readers_own(path, reads_by, monkeypatch):
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
    reads_by(
        "import os, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); hdf5_child._arrays = lambda file: os.abort()"
    )
    for _ in range(2):  # the origin, from which readers are forked, survives
        with pytest.raises(UserError, match="cannot read .*x.hdf5 as an HDF5 file: it is damaged"):
            HDF5File(path)


def test_a_reader_that_does_not_end(path, reads_by, monkeypatch):
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
    slow = shutil.copy(path, path.with_name("slow.hdf5"))
    wait = "lambda file: time.sleep(60) if 'slow' in file.filename else arrays(file)"
    reads_by(f"import time; arrays = hdf5_child._arrays; hdf5_child._arrays = {wait}")
    np.testing.assert_array_equal(the_values(path), X)
    monkeypatch.setattr(hdf5_reader, "PATIENCE", 3)
    with pytest.raises(UserError, match="slow.hdf5 as an HDF5 file: it is damaged, as reading it does not end"):
        HDF5File(slow)


@pytest.mark.parametrize("busy", [False, True])
def test_once_a_file_is_closed_no_process_has_it(busy, path):
    with h5py.File(path, "w") as h5file:
        h5file.create_dataset("x", data=np.zeros((10_000, 1_000)), chunks=(1_000, 1_000))
    with HDF5File(path) as file:
        if busy:  # it sends what nobody receives
            file._reader.ask({"name": "x", "start": 0, "stop": 10_000})
        number = file._reader._number
        os.kill(number, 0)
    with h5py.File(path, "r+"):  # HDF5 locks the files that it reads
        pass
    with pytest.raises(ProcessLookupError):
        for _ in range(10_000):
            os.kill(number, 0)
            time.sleep(0.001)


def test_what_is_forked_ends_without_work_and_is_started_again(path, monkeypatch):
    with h5py.File(path, "w") as h5file:
        h5file.create_dataset("x", data=X, chunks=(4, 3))
    origin.end()
    monkeypatch.setattr(hdf5_origin, "IDLE", 0.1)
    with HDF5File(path) as file:
        first = origin.running()
        time.sleep(0.5)
        assert not first.has_ended()  # not while a file is being read
        np.testing.assert_array_equal(file.arrays["x"].read(0, 6), X)
    first._process.wait(60)
    # The origin may be gone before this process notices.
    monkeypatch.setattr(first, "has_ended", lambda: False)
    np.testing.assert_array_equal(the_values(path), X)
    assert origin.running() is not first
    origin.end()


def test_it_dies_while_many_ask(path):
    """No thread ends an origin that another has just started."""
    with h5py.File(path, "w") as h5file:
        h5file.create_dataset("x", data=X, chunks=(4, 3))
    for _ in range(3):
        os.kill(origin.running().number, signal.SIGKILL)
        with ThreadPoolExecutor(8) as pool:
            for values in pool.map(the_values, [path] * 8):
                np.testing.assert_array_equal(values, X)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at processes as Linux shows them")
def test_it_holds_nothing_and_does_not_mind_ctrl_c(path):
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
    for _ in range(5):
        the_values(path)
    number = origin.running().number
    held = [os.readlink(each) for each in Path(f"/proc/{number}/fd").iterdir()]
    assert sorted(name.split(":")[0] for name in held) == ["/dev/null"] * 3 + ["socket"]
    os.kill(number, signal.SIGINT)
    np.testing.assert_array_equal(the_values(path), X)
    assert origin.running().number == number


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux")
def test_a_reader_may_take_so_much_memory(path, monkeypatch):
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
    monkeypatch.setenv("LADDER_MEMORY", "0.5")
    with HDF5File(path) as file:
        assert resource.prlimit(file._reader._number, resource.RLIMIT_AS)[0] == 500_000_000 + 2**31


def test_names_of_any_length_are_not_handed_over(path):
    text, rows = h5py.string_dtype(), [("train", "x", 0, 6), ("t" * 1001, "x", 0, 6)]
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
        h5file["x"].dims[0].label, h5file["x"].dims[1].label = "b" * 1001, "feature"
        h5file.attrs["split"] = np.array(rows, [("split", text), ("source", text), ("start", int), ("stop", int)])
    with HDF5File(path) as file:
        assert file.arrays["x"].labels == ("", "feature")
        assert file.split[0]["split"] == "train"
        assert file.split[1] == {
            "refused": "split has more than 1,000 characters",
            "source": "x",
            "start": 0,
            "stop": 6,
        }


def test_one_long_text_in_every_row_of_a_table(path, monkeypatch):
    """Eight megabytes stored once, with 400 references to them: more than it takes to describe a file."""
    monkeypatch.setenv("LADDER_MEMORY", "64")
    n, size = 400, 2**23
    table = np.zeros(n, [("split", h5py.string_dtype()), ("start", int), ("stop", int)])
    table["split"] = "t"
    table["split"][0] = "a" * size
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
        h5file.attrs["split"] = table
    content = bytearray(path.read_bytes())
    first = content.index(size.to_bytes(4, "little"))  # length, address and number of the text, then start and stop
    content[first : first + 32 * n] = content[first : first + 32] * n
    path.write_bytes(content)
    with pytest.raises(UserError, match="cannot read .*x.hdf5 as an HDF5 file: it is damaged"):
        HDF5File(path)


def test_a_forked_process_starts_its_own(path):
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
    the_values(path)
    number = origin.running().number
    child = os.fork()
    if child == 0:
        status = 1
        signal.alarm(120)  # ends the child even if a lock was held at the fork
        try:
            the_values(path)
            status = 0 if origin.running().number != number else 2
            origin.end()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert origin.running().number == number


def test_where_no_process_can_be_started(path, reads_by):
    path.write_bytes(b"")
    reads_by("import os; os.fork = lambda: (_ for _ in ()).throw(BlockingIOError())")
    with pytest.raises(UserError, match="cannot read .*x.hdf5, as the process that reads HDF5 files does not start"):
        HDF5File(path)


def test_a_path_is_followed_as_the_system_follows_it(tmp_path, monkeypatch):
    """A link is resolved before the dots after it; all arrays come from the same file, whichever process reads them."""
    monkeypatch.chdir(tmp_path)
    os.makedirs("p/q")
    os.symlink("p/q", "link")
    for name, value in (("b.hdf5", 1), ("p/b.hdf5", 2)):
        with h5py.File(name, "w") as h5file:
            h5file["whole"] = np.full(4, value, "float32")
            h5file.create_dataset("chunks", data=np.full(4, value, "float32"), chunks=(2,))
    with HDF5File("link/../b.hdf5") as file:
        assert {float(array.read(0, 1)[0]) for array in file.arrays.values()} == {2.0}


def test_a_file_is_closed_twice(path):
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
    file = HDF5File(path)
    file.close()
    file.close()


def test_many_files_at_once_by_relative_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i in range(8):
        with h5py.File(f"{i}.hdf5", "w") as h5file:
            h5file.create_dataset("x", data=X + i, chunks=(4, 3))
    with ThreadPoolExecutor(8) as pool:
        for i, values in enumerate(pool.map(the_values, [f"{i % 8}.hdf5" for i in range(40)])):
            np.testing.assert_array_equal(values, X + i % 8)


def test_the_output_of_a_process_ends_with_it(path):
    """The processes that read its files do not keep its output open."""
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
    program = f"from ladder.data.hdf5_file import HDF5File; print(HDF5File({str(path)!r}).arrays['x'].shape)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=0.8 * hdf5_origin.IDLE
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "(6, 4)\n", "")


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


def test_no_rows_of_what_no_memory_holds(path):
    with h5py.File(path, "w") as h5file:
        h5file.create_dataset("x", (0, 2**40, 2**40), "f4")
    with HDF5File(path) as file, pytest.raises(UserError, match="the array 'x' would need"):
        file.arrays["x"].read(0, 0)


@pytest.mark.parametrize("offset", [2**40, 2**63 - 100, 2**64 - 1])
def test_bytes_that_lie_nowhere_are_damage(offset, path):
    with h5py.File(path, "w") as h5file:
        h5file["x"] = X
    with HDF5File(path) as file, pytest.raises(UserError, match="damaged"):
        replace(file.arrays["x"], offset=offset).read(0, 6)
