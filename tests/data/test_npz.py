"""``.npz`` files: numpy's own are read back, and nothing in others is trusted."""

import io
import os
import zipfile

import numpy as np
import pytest

from ladder.data import npz
from ladder.data.npz import load_arrays
from ladder.errors import UserError

ARRAYS = {
    "a": np.arange(6, dtype="float32").reshape(2, 3),
    "scalar": np.float64(2),
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "empty": np.zeros((0, 3), "uint8"),
    "bool": np.array([True, False]),
    "big": np.array([1, 2], ">i4"),
    "text": np.array(["x", "yz"]),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_wrote_comes_back(save, tmp_path):
    save(tmp_path / "x.npz", **ARRAYS)
    found = load_arrays(tmp_path / "x.npz")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)


def npy(shape="(2,)", descr="'<f4'", content=bytes(8), version=1):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return (
        b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(2 if version == 1 else 4, "little") + header + content
    )


def zipped(members, compression=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


@pytest.mark.parametrize(
    "content, said",
    [
        (zipped({"a.npy": npy("(1000000000000,)")}), "damaged"),
        (zipped({"a.npy": npy("(True,)")}), "damaged"),
        (zipped({"a.npy": npy("(-2,)")}), "damaged"),
        (zipped({"a.npy": npy("(" * 3000)}), "damaged"),
        (zipped({"a.npy": npy(descr="'<f4")}), "damaged"),
        (zipped({"a.npy": npy(version=9)}), "damaged"),
        (zipped({"a.npy": npy(content=bytes(7))}), "damaged"),
        (zipped({"a.npy": npy(content=bytes(9))}), "damaged"),
        (zipped({"a.npy": npy(descr="'|O'")}), "'a' holds Python objects"),
        (zipped({"a.npy": npy(), "b.txt": b"hello"}), "'b.txt', which is not an array"),
        (zipped({"a.npy": npy(), "a": b"hello"}), "holds a more than once"),
        (zipped({"a.npy": npy()}, zipfile.ZIP_LZMA), "packed in a way"),
        (
            zipped({"a.npy": npy()}).replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\x01\0"),
            "encrypted",
        ),
        (npy(), "a single array"),
        (b"", "damaged"),
        (b"hello", "damaged"),
    ],
)
def test_what_others_wrote_gets_a_sentence(content, said, tmp_path):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(UserError, match=said):
        load_arrays(tmp_path / "x.npz")


def test_many_members_are_refused_at_once(tmp_path):
    (tmp_path / "x.npz").write_bytes(zipped({f"{i}.npy": b"" for i in range(30_000)}))
    with pytest.raises(UserError, match="holds 30000 arrays"):
        load_arrays(tmp_path / "x.npz")


def test_a_list_of_members_that_is_far_too_long_is_not_read(tmp_path, monkeypatch):
    content = zipped({f"{i}.npy": b"" for i in range(30_000)})
    (tmp_path / "x.npz").write_bytes(content)
    monkeypatch.setattr(npz, "MOST_BYTES_AT_ONCE", 10**6)
    read = []
    monkeypatch.setattr(zipfile, "ZipInfo", lambda *args: read.append(args))
    with pytest.raises(UserError, match="cannot read .*x.npz as a .npz file of numbers"):
        load_arrays(tmp_path / "x.npz")
    assert not read


def test_what_unpacks_to_more_than_the_budget_is_not_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros(10**6))
    assert (tmp_path / "x.npz").stat().st_size < 20_000
    monkeypatch.setenv("LADDER_MEMORY", "0.005")
    with pytest.raises(UserError, match="the arrays in it would need 8 MB of memory"):
        load_arrays(tmp_path / "x.npz")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.npz")
    with pytest.raises(UserError, match="not a file"):
        load_arrays(tmp_path / "x.npz")
