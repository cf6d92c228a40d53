"""Reading golden files: intact ones are read, damaged ones are named."""

import json
import shutil

import numpy as np
import pytest

from ladder.errors import UserError
from ladder.parity import golden

NAME = "fc_small_baseline"


@pytest.fixture
def folder(golden_dir, tmp_path):
    """A folder with one golden file that a test may damage."""
    for suffix in (".npz", ".json"):
        shutil.copy(golden_dir / f"{NAME}{suffix}", tmp_path)
    return tmp_path


def change_meta(folder, change):
    path = folder / f"{NAME}.json"
    meta = json.loads(path.read_text())
    change(meta)
    path.write_text(json.dumps(meta))


def test_reads_packed_arrays(folder):
    arrays = golden.read(folder, NAME).arrays
    assert arrays["static_features_labeled"].shape == (8, 1, 5, 6)
    assert arrays["static_targets_labeled"].dtype == "int64"
    assert arrays["init__counter"] == 1


def test_finds_names_whole_or_half(folder):
    (folder / "half.json").write_text("{}")
    (folder / "notes.txt").write_text("")
    (folder / "sub").mkdir()
    assert golden.find(folder) == [NAME, "half"]
    assert golden.find(folder, only=["half"]) == ["half"]


def test_empty_missing_and_unknown_are_the_users(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    for arguments, message in (
        ((tmp_path / "empty",), "no golden files in"),
        ((tmp_path / "absent",), "there is no folder"),
        ((folder, ["fc_other"]), "--only fc_other: there is no such golden file"),
    ):
        with pytest.raises(UserError, match=message):
            golden.find(*arguments)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_missing_half(folder, suffix):
    (folder / f"{NAME}{suffix}").unlink()
    with pytest.raises(golden.Unreadable, match=f"{suffix} is missing"):
        golden.read(folder, NAME)


@pytest.mark.parametrize("kept", [0, 100, 5000, -10])
@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_truncated_half(folder, suffix, kept):
    path = folder / f"{NAME}{suffix}"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(golden.Unreadable):
        golden.read(folder, NAME)


@pytest.mark.parametrize("entry", [["float32", [8], 10**9], ["float32", [8], -5], ["float32"], None, ["odd", [2], 0]])
def test_index_that_does_not_fit(folder, entry):
    change_meta(folder, lambda meta: meta["arrays"].update(init__counter=entry))
    with pytest.raises(golden.Unreadable, match="init__counter"):
        golden.read(folder, NAME)


def test_arrays_that_share_numbers_or_are_of_large_types_are_not_unpacked(folder):
    with np.load(folder / f"{NAME}.npz") as stored:
        n = len(stored["flat_f32"])
    change_meta(folder, lambda meta: meta["arrays"].update({f"x{i}": ["float64", [n], 0] for i in range(3)}))
    with pytest.raises(golden.Unreadable, match="its arrays share stored numbers"):
        golden.read(folder, NAME)
    change_meta(folder, lambda meta: meta["arrays"].update(init__counter=["U10000000", [1], 0]))
    with pytest.raises(golden.Unreadable, match="init__counter is of type U10000000, not one of float32"):
        golden.read(folder, NAME)


def test_objects_are_not_unpickled(folder):
    np.savez(folder / f"{NAME}.npz", flat_f32=np.array([{}]), flat_i64=np.zeros(2, "int64"))
    with pytest.raises(golden.Unreadable):
        golden.read(folder, NAME)
