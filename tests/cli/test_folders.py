"""Folders that are missing or cannot be written are named before the work."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from ladder.data.hdf5 import find_dataset
from ladder.data.registry import KNOWN
from ladder.errors import UserError
from ladder.output_files import check_output, check_writable, made_folder


@pytest.fixture
def read_only(tmp_path, monkeypatch):
    """A folder that takes no files, whoever asks: permissions do not stop root."""
    folder = tmp_path / "read-only"
    folder.mkdir()

    def refuse(*args, dir=None, real=__import__("tempfile").TemporaryFile, **kwargs):
        if Path(dir) == folder:
            raise OSError(errno.EROFS, "Read-only file system")
        return real(*args, dir=dir, **kwargs)

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    return folder


def test_a_folder_that_takes_no_files(read_only, tmp_path):
    with pytest.raises(
        UserError, match=r"--output: cannot write into .*read-only \(Read-only file system\): give another"
    ):
        check_writable(read_only, "--output")
    with pytest.raises(UserError, match="--json: cannot write into"):
        check_output(str(read_only / "x.json"), "--json")
    check_output(str(tmp_path / "x.json"), "--json")
    assert not list(tmp_path.glob("x*"))


def test_attack_asks_before_its_work(read_only):
    with pytest.raises(UserError, match="--output: cannot write into"):
        made_folder(read_only, "--output")


def test_the_digits_go_elsewhere_where_the_data_folder_is_read_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FUEL_DATA_PATH", "/proc/nowhere")
    own = tmp_path / "cache" / "ladder" / "digits.hdf5"
    assert find_dataset("digits") == own and own.is_file()
    made_again = replace(KNOWN["digits"], convert=lambda path: pytest.fail("made again"))
    monkeypatch.setitem(KNOWN, "digits", made_again)
    assert find_dataset("digits") == own
    own.unlink()
    monkeypatch.undo()
    monkeypatch.setenv("FUEL_DATA_PATH", "/proc/nowhere")
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere-either")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="cannot write /proc/nowhere/digits.hdf5"):
        find_dataset("digits")
