"""Checkpoint files: they are read back as written, damage is found, and a crash while writing harms nothing."""

import errno
import fcntl
import logging
import os
import pickle
import re
import stat
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from ladder.errors import UserError
from ladder.runs import checkpoints, lock
from ladder.training.extensions.checkpointing import Checkpoint

VALUES = {"epochs_done": 3, "log": '{"epoch": 1}\n', "sums": {"cost": 0.1 + 0.2}}
ARRAYS = {
    "f_1_W": np.arange(6, dtype="float32").reshape(2, 3),
    "adam_time": np.float32(7),
    "noise_0": np.array([[1, -2]], "int32"),
    "noise_1": np.array([1, 2, 2**40]),
    "empty": np.zeros((0, 3), "float32"),
}


def write(folder, updates_done=1, **values):
    checkpoints.write(folder, updates_done, {**VALUES, **values}, ARRAYS)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_whole(found, **others):
    values, arrays = found
    assert values == {"version": checkpoints.VERSION, **VALUES, **others}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype and arrays[name].shape == np.shape(array)
        np.testing.assert_array_equal(arrays[name], array)


def test_what_is_written_comes_back(tmp_path):
    assert checkpoints.newest(tmp_path) is None
    write(tmp_path)
    assert_whole(checkpoints.newest(tmp_path))


def test_two_are_kept_and_none_after_the_end(tmp_path):
    (tmp_path / "log.txt").touch()
    for updates_done in (5, 99, 100, 1000):
        write(tmp_path, updates_done, at=updates_done)
    assert names(tmp_path) == ["checkpoint-0000000100.npz", "checkpoint-0000001000.npz", "log.txt"]
    assert_whole(checkpoints.newest(tmp_path), at=1000)
    (tmp_path / "checkpoint-0000001001.npz.1234.partial").touch()
    checkpoints.remove(tmp_path)
    assert names(tmp_path) == ["log.txt"]


def truncated(content):
    return content[: len(content) // 2]


def without_its_end(content):
    return content[:-1]


def empty(content):
    return b""


def a_pickle(content):
    return pickle.dumps(ARRAYS)


@pytest.mark.parametrize("damage", [truncated, without_its_end, empty, a_pickle])
def test_the_one_before_a_damaged_one_is_used_with_a_warning(damage, tmp_path, caplog):
    for updates_done in (1, 2):
        write(tmp_path, updates_done, at=updates_done)
    last = tmp_path / "checkpoint-0000000002.npz"
    last.write_bytes(damage(last.read_bytes()))
    with caplog.at_level(logging.WARNING, "main"):
        assert_whole(checkpoints.newest(tmp_path), at=1)
    assert len(caplog.messages) == 1 and str(last) in caplog.text and "damaged" in caplog.text
    # the damaged one does not count as one of those that are kept
    write(tmp_path, 1, at=1)
    assert names(tmp_path) == ["checkpoint-0000000001.npz"]


def test_the_spare_is_never_a_damaged_one(tmp_path):
    for updates_done in (600, 650):
        write(tmp_path, updates_done, at=updates_done)
    (tmp_path / "checkpoint-0000000650.npz").write_bytes(b"")
    assert_whole(checkpoints.newest(tmp_path), at=600)
    write(tmp_path, 1200, at=1200)
    assert names(tmp_path) == ["checkpoint-0000000600.npz", "checkpoint-0000001200.npz"]


def test_files_of_others_are_left_alone(tmp_path):
    mine = tmp_path / "checkpoint-before-lunch.npz"
    mine.touch()
    write(tmp_path)
    checkpoints.remove(tmp_path)
    assert names(tmp_path) == [mine.name]


def test_any_flipped_bit_is_found_or_does_not_matter(tmp_path):
    write(tmp_path)
    path, rng = tmp_path / "checkpoint-0000000001.npz", np.random.RandomState(0)
    whole, found = path.read_bytes(), 0
    for position in rng.permutation(len(whole))[:1000]:
        flipped = bytearray(whole)
        flipped[position] ^= 1 << rng.randint(8)
        path.write_bytes(flipped)
        try:
            assert_whole(checkpoints.read(path))  # the bit is in a date, say
        except ValueError:
            found += 1
    assert found > 500


def test_content_that_was_exchanged_is_found(tmp_path):
    """The checksums inside a zip file cannot tell, as they are replaced with the content."""
    write(tmp_path)
    path = tmp_path / "checkpoint-0000000001.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **{**arrays, "f_1_W": arrays["f_1_W"] + 1})
    with pytest.raises(ValueError, match="damaged"):
        checkpoints.read(path)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


def test_objects_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "checkpoint-0000000001.npz", values=np.array([Bomb()], dtype=object))
    with pytest.raises(ValueError, match="damaged"):
        checkpoints.read(tmp_path / "checkpoint-0000000001.npz")


def test_none_that_can_be_read_is_an_error(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(checkpoints, "VERSION", 99)
    write(tmp_path)
    monkeypatch.undo()
    with pytest.raises(UserError, match="no checkpoint in .* can be used"):
        checkpoints.newest(tmp_path)
    assert "version 99" in caplog.text
    assert names(tmp_path) == ["checkpoint-0000000001.npz"]


def test_one_that_cannot_be_opened_is_not_called_damaged(tmp_path, monkeypatch):
    """The file server may be back in a minute."""
    for updates_done in (1, 2):
        write(tmp_path, updates_done)
    before = names(tmp_path)

    def stale(*_):
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", stale)
        with pytest.raises(UserError, match="0002.npz cannot be read .Stale file handle"):
            checkpoints.newest(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "open", stale)
        with pytest.raises(UserError, match="0002.npz cannot be read .Stale file handle"):
            checkpoints.newest(tmp_path)
    monkeypatch.setenv("LADDER_MEMORY", "0.000001")
    with pytest.raises(UserError, match="0002.npz: the arrays in it would need"):
        checkpoints.newest(tmp_path)
    assert names(tmp_path) == before


#: A process that dies while it writes its third checkpoint, as if the power went.
DIES = """
import os, pathlib, sys
import numpy as np
from ladder.runs import checkpoints
folder, function = pathlib.Path(sys.argv[1]), sys.argv[2]
def write(n):
    checkpoints.write(folder, n, {"at": n}, {"x": np.full(1000, n)})
write(1)
write(2)
setattr(os, function, lambda *arguments: os._exit(9))
write(3)
"""


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_crash_while_writing_leaves_the_last_whole_one(function, tmp_path):
    assert subprocess.run([sys.executable, "-c", DIES, str(tmp_path), function]).returncode == 9
    *whole, partial = names(tmp_path)
    assert whole == ["checkpoint-0000000001.npz", "checkpoint-0000000002.npz"]
    assert re.fullmatch(r"checkpoint-0000000003\.npz\.\d+-[0-9a-f]{8}\.partial", partial)
    assert checkpoints.newest(tmp_path)[0]["at"] == 2
    write(tmp_path, 4)
    assert names(tmp_path) == ["checkpoint-0000000002.npz", "checkpoint-0000000004.npz"]


def test_a_full_disk_harms_no_earlier_checkpoint(tmp_path, monkeypatch):
    write(tmp_path, 1, at=1)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError) as caught:
        write(tmp_path, 2)
    assert caught.value.filename == str(tmp_path / "checkpoint-0000000002.npz")
    assert names(tmp_path) == ["checkpoint-0000000001.npz"], "what was half written takes no room"
    assert_whole(checkpoints.newest(tmp_path), at=1)


class TestWhen:
    """When the extension writes, by a simulated clock on which a write takes a second."""

    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch):
        self.now, self.written, self.finite, self.full = 0.0, [], True, False
        module = "ladder.training.extensions.checkpointing."
        monkeypatch.setattr(module + "time.monotonic", lambda: self.now)
        monkeypatch.setattr(module + "checkpoints.write", self.write)

    def write(self, folder, updates_done, values, arrays):
        self.now += 1
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.written.append(updates_done)

    def make(self, minutes):
        state = SimpleNamespace(is_finite=lambda: self.finite, get=lambda loop: ({}, {}), begin_epoch=lambda: None)
        extension = Checkpoint(None, state, {}, minutes)
        extension.before_training(None)
        return extension

    def run(self, extension, updates, seconds, moment="after_updates"):
        for update in range(1, updates + 1):
            self.now += seconds
            getattr(extension, moment)(SimpleNamespace(updates_done=update))

    def test_every_few_minutes(self):
        self.run(self.make(minutes=1), updates=7, seconds=30)
        assert self.written == [2, 4, 6]

    def test_not_within_epochs_for_0(self):
        self.run(self.make(minutes=0), updates=100, seconds=1000)
        assert not self.written

    def test_at_the_end_of_epochs_that_last_longer_than_writing(self):
        self.run(self.make(minutes=0), updates=5, seconds=10, moment="after_epoch")
        assert self.written == [1, 2, 3, 4, 5]

    def test_a_part_of_the_time_at_most(self):
        self.run(self.make(minutes=0), updates=13, seconds=2.5, moment="after_epoch")
        assert self.written == [1, 5, 9, 13]

    def test_when_interrupted(self):
        self.run(self.make(minutes=0), updates=1, seconds=0, moment="on_interrupt")
        assert self.written == [1]

    def test_nothing_that_is_not_finite(self):
        self.finite = False
        self.run(self.make(minutes=0), updates=1, seconds=100, moment="after_epoch")
        assert not self.written

    def test_a_full_disk_is_told_of_once(self, caplog):
        extension, self.full = self.make(minutes=0), True
        with caplog.at_level(logging.WARNING, "main"):
            self.run(extension, updates=3, seconds=100, moment="after_epoch")
        assert len(caplog.messages) == 1 and "No space left on device" in caplog.text


def test_one_process_a_folder(tmp_path):
    with lock.held(tmp_path):
        with pytest.raises(UserError, match="another process is training into"):
            with lock.held(tmp_path):
                pass
    with lock.held(tmp_path):
        pass


def test_a_turn_is_a_lock_on_a_file_that_is_open_for_writing(tmp_path, monkeypatch):
    """NFS locks no other files between machines."""
    locked, flock = [], fcntl.flock
    monkeypatch.setattr(fcntl, "flock", lambda file, how: locked.append(file.fileno()) or flock(file, how))
    with lock.turn(tmp_path):
        (descriptor,) = locked
        assert stat.S_ISREG(os.fstat(descriptor).st_mode)
        assert fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
        with open(tmp_path / lock.TURN, "ab") as other, pytest.raises(BlockingIOError):
            flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    program = "import os, pathlib, sys; from ladder.runs import lock; lock.held(pathlib.Path(sys.argv[1])).__enter__(); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)]).returncode == -9
    with lock.held(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write into .*file"):
        with lock.held(tmp_path / "file"):
            pass


def test_memory_is_asked_for_what_the_text_of_a_checkpoint_holds(tmp_path, monkeypatch):
    write(tmp_path, log=[[]] * 100_000)
    monkeypatch.setenv("LADDER_MEMORY", "0.01")
    with pytest.raises(UserError, match="the values in it would need 2"):
        checkpoints.newest(tmp_path)


def test_links_and_pipes_are_not_logged_into(tmp_path):
    (tmp_path / "log.txt").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="log.txt is not a regular file.: put a file in its place"):
        with lock.held(tmp_path):
            pass
    assert not (tmp_path / "elsewhere").exists()
    os.mkfifo(tmp_path / lock.TURN)
    with pytest.raises(UserError, match=".turn is not a regular file"):
        with lock.turn(tmp_path):
            pass
