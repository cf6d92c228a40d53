"""``run.py parity`` on the file of whitening and contrast normalisation."""

import json
import shutil

import numpy as np
import pytest

from ladder.data.contrast import normalise_contrast
from ladder.parity.check import check


@pytest.fixture
def folder(golden_dir, tmp_path):
    for suffix in (".npz", ".json"):
        shutil.copy(golden_dir / f"zca_cnorm{suffix}", tmp_path)
    return tmp_path


def change(folder, **changes):
    with np.load(folder / "zca_cnorm.npz") as stored:
        arrays = {**stored, **changes}
    np.savez(folder / "zca_cnorm.npz", **{name: array for name, array in arrays.items() if array is not None})
    return arrays


def test_all_arrays_agree(folder):
    result = check(folder, "zca_cnorm")
    assert result.verdict == "passed", result
    assert {kind: line.count for kind, line in result.lines.items()} == {"contrast": 2, "whitening": 5}


def test_arrays_that_other_files_may_have(folder):
    arrays = change(folder)
    x = arrays["cnorm_55"].reshape(300, -1).astype("float64")
    values, axes = np.linalg.eigh(np.cov(x, rowvar=False, bias=True) + 0.1 * np.eye(192))
    change(
        folder,
        zca_P_inv=((axes * np.sqrt(values)) @ axes.T).astype("float32"),
        zca_inv=arrays["cnorm_55"],
        cnorm_1=normalise_contrast(arrays["X"].reshape(300, -1), 1).reshape(300, 3, 8, 8),
        X_constant_row=None,
        cnorm_55_constant_row=None,
    )
    result = check(folder, "zca_cnorm")
    assert result.verdict == "passed", result
    assert result.lines["whitening"].count == 7 and result.lines["contrast"].count == 2


@pytest.mark.parametrize("name", ["zca_out", "zca_P", "zca_mean", "zca_flat_P", "cnorm_55", "cnorm_55_constant_row"])
def test_an_altered_value_fails(folder, name):
    array = np.load(folder / "zca_cnorm.npz")[name]
    array.flat[3] += 1e-4 * abs(array).max()
    change(folder, **{name: array})
    assert check(folder, "zca_cnorm").verdict == "FAILED"


def test_an_unknown_array_fails(folder):
    (folder / "zca_cnorm.json").write_text(json.dumps({"arrays": {}}))
    change(folder, zca_other=np.zeros(3, "float32"), pca=np.zeros(3, "float32"))
    result = check(folder, "zca_cnorm")
    assert result.verdict == "FAILED"
    assert result.lines["unknown arrays"].failures == ["pca is not computed here"]
    assert result.lines["whitening"].failures == ["zca_other is not computed here"]


def test_missing_inputs_are_named(folder):
    change(folder, X=None)
    result = check(folder, "zca_cnorm")
    assert result.verdict == "FAILED" and "X" in result.reason
