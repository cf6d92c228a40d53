"""The whitening cache: it is found again, never used for other examples, and never required."""

import logging
import os

import numpy as np
import pytest

from ladder import files as ladder_files
from ladder.data import whitening_cache
from ladder.data.whitening import fit_whitening
from ladder.data.whitening_cache import cached_whitening


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    """A data set's file in its own folder; the user's cache is elsewhere."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "datasets").mkdir()
    path = tmp_path / "datasets" / "mine.hdf5"
    path.write_bytes(b"data")
    return path


@pytest.fixture
def fitted(monkeypatch):
    """A list with one entry for each whitening that was computed."""
    calls = []

    def counted(parts):
        calls.append(None)
        return fit_whitening(parts)

    monkeypatch.setattr(whitening_cache, "fit_whitening", counted)
    return calls


def parts(seed=0, n=20):
    x = np.random.RandomState(seed).rand(n, 5).astype("float32")
    return lambda: iter([x[:12], x[12:]])


def same(a, b):
    return all((getattr(a, name) == getattr(b, name)).all() for name in ("mean", "matrix", "inverse"))


def files(dataset):
    return sorted(path.name for path in dataset.parent.iterdir() if path != dataset)


def test_computed_once_and_kept_beside_the_data(dataset, fitted):
    first = cached_whitening(dataset, parts())
    (name,) = files(dataset)
    assert name.startswith("mine.zca-") and name.endswith(".npz")
    assert same(cached_whitening(dataset, parts()), first) and len(fitted) == 1
    assert same(first, fit_whitening(parts()))


def test_other_examples_or_another_order_are_another_whitening(dataset, fitted):
    x = next(parts()())
    for array in (x, x[::-1], x[:-1], x + np.float32(1e-6), np.ascontiguousarray(x[:, :4])):
        cached_whitening(dataset, lambda: iter([array]))
    assert len(fitted) == 5 and len(files(dataset)) == 5


@pytest.mark.parametrize("keep", [0, 10, 300, -5])
def test_a_damaged_cache_is_computed_again_with_a_warning(dataset, fitted, keep, caplog):
    first = cached_whitening(dataset, parts())
    path = dataset.parent / files(dataset)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:keep])
    with caplog.at_level(logging.WARNING, "main.data"):
        assert same(cached_whitening(dataset, parts()), first) and len(fitted) == 2
    assert f"{path} is damaged: the whitening is computed again" in caplog.text
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "arrays",
    [
        dict(mean=np.zeros(5, "float32"), matrix=np.zeros((5, 5), "float32")),
        dict(mean=np.zeros(4, "float32"), matrix=np.zeros((5, 5), "float32"), inverse=np.zeros((5, 5), "float32")),
        dict(mean=np.zeros(5, "float64"), matrix=np.zeros((5, 5), "float32"), inverse=np.zeros((5, 5), "float32")),
        dict(
            mean=np.zeros(5, "float32"), matrix=np.full((5, 5), np.nan, "float32"), inverse=np.zeros((5, 5), "float32")
        ),
        dict(mean=np.array([None] * 5)),
    ],
)
def test_a_file_of_something_else_is_replaced(dataset, fitted, arrays, caplog):
    first = cached_whitening(dataset, parts())
    path = dataset.parent / files(dataset)[0]
    np.savez(path, **arrays)
    assert same(cached_whitening(dataset, parts()), first) and len(fitted) == 2
    assert "is damaged" in caplog.text


def test_changed_bits_are_noticed(dataset, fitted):
    first = cached_whitening(dataset, parts())
    path = dataset.parent / files(dataset)[0]
    content = bytearray(path.read_bytes())
    at = content.index(first.matrix.tobytes()) + 40
    content[at] ^= 1
    path.write_bytes(bytes(content))
    assert same(cached_whitening(dataset, parts()), first) and len(fitted) == 2


def unwritable(folder, monkeypatch):
    """Make writing into the folder fail, even for root."""
    replacing = ladder_files.replacing

    def refused(path):
        if path.parent == folder:
            raise PermissionError(13, "Permission denied")
        return replacing(path)

    monkeypatch.setattr(ladder_files, "replacing", refused)


def test_where_the_folder_is_not_writable_it_goes_to_the_users_cache(dataset, fitted, tmp_path, monkeypatch, caplog):
    unwritable(dataset.parent, monkeypatch)
    with caplog.at_level(logging.INFO, "main.data"):
        first = cached_whitening(dataset, parts())
    assert "cannot be kept in" in caplog.text and not files(dataset)
    assert len(list((tmp_path / "cache" / "ladder").iterdir())) == 1
    assert same(cached_whitening(dataset, parts()), first) and len(fitted) == 1


def test_where_nothing_is_writable_it_is_computed_every_time(dataset, fitted, tmp_path, monkeypatch):
    unwritable(dataset.parent, monkeypatch)
    (tmp_path / "cache").write_text("no folder")
    assert same(cached_whitening(dataset, parts()), cached_whitening(dataset, parts())) and len(fitted) == 2


def test_nothing_half_written_is_left(dataset, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ladder_files, "_keep", full)
    cached_whitening(dataset, parts())
    assert not files(dataset)
    assert not any(names for _, _, names in os.walk(dataset.parent.parent / "cache"))
