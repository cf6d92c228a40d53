"""Files are written whole or not at all, and only regular files are opened."""

import errno
import os
import stat
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest

from ladder.errors import UserError
from ladder.files import (
    expanded,
    open_regular,
    ours,
    read_at_most,
    remove_partials,
    replacing,
    save_arrays,
    save_json,
    write_whole,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_files_appear_whole_or_not_at_all(error, tmp_path):
    save_arrays(tmp_path / "a.npz", {"x": np.arange(3)})

    def fail(f):
        f.write(b"half")
        raise error

    with pytest.raises(error) as caught:
        write_whole(tmp_path / "a.npz", fail)
    if error is OSError:
        assert caught.value.filename == str(tmp_path / "a.npz")
    assert names(tmp_path) == ["a.npz"]
    with np.load(tmp_path / "a.npz") as arrays:
        np.testing.assert_array_equal(arrays["x"], [0, 1, 2])


def test_devices_and_links_are_written_through(tmp_path):
    write_whole("/dev/null", lambda f: f.write(b"x"))
    assert not os.path.isfile("/dev/null")
    (tmp_path / "to").symlink_to(tmp_path / "target")
    write_whole(tmp_path / "to", lambda f: f.write(b"x"))
    assert (tmp_path / "to").is_symlink() and (tmp_path / "target").read_bytes() == b"x"


def test_in_a_runs_folder_a_link_or_a_pipe_is_replaced_and_never_followed(tmp_path):
    """The folder may come from somebody else."""
    (tmp_path / "target").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(OSError, match=f"{name} is not a regular file"):
            open(tmp_path / name, "ab", opener=ours)
        save_json(tmp_path / name, {"x": 1})
        assert (tmp_path / name).lstat().st_size and (tmp_path / name).read_text() == '{\n "x": 1\n}\n'
        with open(tmp_path / name, "ab", opener=ours) as file:
            file.write(b"more")
    assert (tmp_path / "target").read_text() == "mine"
    (tmp_path / "new").symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="new is not a regular file"):
        open(tmp_path / "new", "ab", opener=ours)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("letter", ["a", "\N{SNOWMAN}"])
def test_a_name_may_be_as_long_as_the_system_allows(letter, tmp_path):
    path = tmp_path / (letter * (255 // len(letter.encode())))
    write_whole(path, lambda f: f.write(b"x"))
    assert [*tmp_path.iterdir()] == [path] and path.read_bytes() == b"x"


@pytest.mark.parametrize("number, kept", [(errno.EINVAL, True), (errno.EIO, False)])
def test_where_a_folders_names_cannot_be_forced_to_the_disk(number, kept, tmp_path, monkeypatch):
    """Some file systems do not support it, and a folder may be writable but not readable: the file is there anyway."""
    fsync = os.fsync
    broken = lambda fd: (
        fsync(fd) if stat.S_ISREG(os.fstat(fd).st_mode) else (_ for _ in ()).throw(OSError(number, "no"))
    )
    monkeypatch.setattr(os, "fsync", broken)
    with nullcontext() if kept else pytest.raises(OSError):
        save_json(tmp_path / "a.json", {})
    assert (tmp_path / "a.json").exists()


def test_a_pipe_of_the_shell_is_written_to(tmp_path):
    program = "from ladder.output_files import check_output, write_text; check_output('/dev/stdout', '--json'); write_text('/dev/stdout', 'x', '--json')"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"x"


def test_two_who_write_one_file_have_a_partial_file_each(tmp_path):
    """Processes on two machines can have the same id."""
    with replacing(tmp_path / "a") as one, replacing(tmp_path / "a") as other:
        assert one != other
        one.write_bytes(b"1")
        other.write_bytes(b"2")
    assert names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"1"


def test_what_a_killed_process_left_is_removed(tmp_path):
    for name in ("a.npz", "a.npz.17.partial", "b.json.17.partial"):
        (tmp_path / name).touch()
    remove_partials(tmp_path, "a.npz")
    assert names(tmp_path) == ["a.npz", "b.json.17.partial"]


def test_only_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path, message in (
        (tmp_path / "pipe", "not a file"),
        (tmp_path, "not a file"),
        ("/dev/zero", "not a file"),
        (tmp_path / "absent", "there is no file .*absent: give another"),
        ("null\0byte", "there is no file"),
        (tmp_path / "loop", "symbolic links"),
        ("x" * 5000, "File name too long"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            open_regular(path)
        assert len(str(caught.value)) < 500


def test_no_more_is_read_than_asked_for(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    for most, found in ((4, b"12345"), (3, b"1234"), (9, b"12345")):
        with open_regular(tmp_path / "a") as file:
            assert read_at_most(file, most) == found


def test_homes_of_nobody():
    with pytest.raises(UserError, match="~nosuchuser has no home folder"):
        expanded("~nosuchuser/x.hdf5")
