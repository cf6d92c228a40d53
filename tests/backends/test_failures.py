"""What users see when Aesara cannot work: one sentence per problem."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import aesara  # noqa: F401, before any setting is changed
import filelock
import pytest

from ladder.backends import check, compile_lock, damaged_modules, failures, flags
from ladder.errors import UserError


@pytest.fixture(autouse=True)
def settings(monkeypatch, tmp_path):
    """Only the compile folder is set."""
    monkeypatch.setenv("AESARARC", str(tmp_path / "none"))
    monkeypatch.setenv("AESARA_FLAGS", f"base_compiledir={tmp_path / 'compiled'}")
    monkeypatch.setattr(flags, "AT_START", "")  # a pytest worker has inherited our settings
    return tmp_path


def explained(error):
    with pytest.raises(UserError) as caught, failures.explained():
        raise error
    return str(caught.value)


# --- before Aesara is imported


@pytest.mark.parametrize("flag", ["base_compiledir", "compiledir"])
def test_a_compile_folder_that_cannot_be_made(flag, monkeypatch, settings):
    (settings / "file").write_text("")
    monkeypatch.setenv("AESARA_FLAGS", f"{flag}={settings / 'file' / 'x'}")
    with pytest.raises(UserError, match=r"file/x \(Not a directory\): .*AESARA_FLAGS=base_compiledir=FOLDER"):
        check.compile_folder()


def test_a_home_that_is_none(monkeypatch):
    monkeypatch.setenv("AESARA_FLAGS", "")
    monkeypatch.setenv("HOME", "/proc/nohome")
    with pytest.raises(UserError, match="cannot keep what it compiles in /proc/nohome/.aesara"):
        check.compile_folder()


def test_a_device_of_theano(monkeypatch, settings):
    (settings / "rc").write_text("[global]\ndevice = cuda0\n")
    monkeypatch.setenv("AESARARC", str(settings / "rc"))
    with pytest.raises(UserError, match="device = cuda0 in .*/rc cannot be used, .*--backend jax"):
        check.device(flags.user())
    with pytest.raises(UserError, match="device=gpu in AESARA_FLAGS cannot be used"):
        monkeypatch.setenv("AESARA_FLAGS", "device=gpu")
        check.device(flags.user())
    check.device({"device": "cpu"})


def test_a_blas_that_is_not_there(monkeypatch):
    monkeypatch.setenv("AESARA_FLAGS", "blas__ldflags=-lnosuch")
    cxx = check.find_compiler()
    with pytest.raises(UserError, match="blas__ldflags=-lnosuch in AESARA_FLAGS cannot be used .*cannot find -lnosuch"):
        check.links(cxx, "-lnosuch")
    check.links(cxx, "")
    check.links(cxx, "-lm")


# --- what Aesara raises


def test_settings_that_aesara_refuses(monkeypatch):
    from aesara.configdefaults import _filter_mode, config

    monkeypatch.setenv("AESARA_FLAGS", "floatX=float99")
    with pytest.raises(UserError, match="floatX=float99 in AESARA_FLAGS cannot be used: .*Valid options are"):
        with failures.explained():
            config.floatX = "float99"
    with pytest.raises(UserError, match="Aesara's settings cannot be used .*FAST_RUN"):
        with failures.explained():
            _filter_mode("FAST")


def test_what_the_compiler_said(monkeypatch):
    from aesara.link.c.exceptions import CompileError

    error = CompileError("Compilation failed (return status=1):\ng++ …\ncc1plus: error: unrecognized option ‘-x’\nmore")
    assert "error: unrecognized option ‘-x’" in explained(error) and "try another compiler with CXX" in explained(error)
    monkeypatch.setattr(flags, "AT_START", "gcc__cxxflags=-x")
    monkeypatch.setenv("AESARA_FLAGS", "gcc__cxxflags=-x")
    assert explained(error).endswith("check gcc__cxxflags=-x in AESARA_FLAGS.")


def test_a_disk_that_fills_up_while_compiling(settings):
    error = OSError(28, "No space left on device", str(settings / "compiled" / "tmp1" / "mod.cpp"))
    assert "No space left on device" in explained(error) and "tmp1/mod.cpp" in explained(error)


def test_a_sentence_among_aesaras_words():
    wrapped = RuntimeError("while compiling")
    wrapped.__cause__ = UserError("the sentence\nApply node that caused the error: x")
    assert explained(wrapped) == "the sentence"
    assert explained(UserError("The following error happened", "node", "the sentence")) == "the sentence"


def test_operations_that_need_a_compiler():
    assert "leaves Aesara without a compiler" in explained(
        NotImplementedError("Adam{} runs in C only: where there is …")
    )


def test_other_errors_pass():
    with pytest.raises(ValueError, match="^mine$"), failures.explained():
        raise ValueError("mine")
    with pytest.raises(FileNotFoundError), failures.explained():
        open("/nowhere/at/all")


def test_files_in_a_folder_of_a_similar_name_are_not_aesaras(settings):
    assert "cannot be kept in" in explained(PermissionError(13, "Permission denied", str(settings / "compiled" / "x")))
    (settings / "link").symlink_to(settings)
    through_a_link = PermissionError(13, "Permission denied", str(settings / "link" / "compiled" / "x"))
    assert "cannot be kept in" in explained(through_a_link)
    beside = PermissionError(13, "Permission denied", str(settings / "compiled-by-me" / "x"))
    with pytest.raises(PermissionError), failures.explained():
        raise beside


# --- damaged modules


def a_module(base, name="m1"):
    """A library of this Python, standing in for a compiled module."""
    import _ctypes

    path = base / "compiledir_x" / f"tmp{name}" / f"{name}.so"
    path.parent.mkdir(parents=True)
    path.write_bytes(Path(_ctypes.__file__).read_bytes())
    path.with_name("mod.cpp").touch()
    path.with_name("key.pkl").touch()
    return path


@pytest.mark.parametrize("length", [0, 3, 40, 1000, -10])
def test_modules_that_are_cut_short_are_removed(length, tmp_path):
    whole, damaged = a_module(tmp_path), a_module(tmp_path, "m2")
    content = damaged.read_bytes()
    damaged.write_bytes(content[:length])
    damaged_modules.remove(str(tmp_path))
    assert whole.exists() and not damaged.parent.exists()


def test_what_another_process_is_writing_is_left_alone(tmp_path):
    damaged = a_module(tmp_path)
    damaged.write_bytes(damaged.read_bytes()[:100])
    with filelock.FileLock(tmp_path / "compiledir_x" / ".lock"):
        damaged_modules.remove(str(tmp_path))
        assert damaged.exists()
    damaged_modules.remove(str(tmp_path))
    assert not damaged.exists()


def test_the_loop_of_scan_has_a_lock_of_its_own(tmp_path):
    own = a_module(tmp_path).parent.rename(tmp_path / "compiledir_x" / "scan_perform")
    (damaged,) = own.glob("*.so")
    damaged.write_bytes(b"")
    with filelock.FileLock(own / ".lock"):
        damaged_modules.remove(str(tmp_path))
        assert damaged.exists()
    damaged_modules.remove(str(tmp_path))
    assert not own.exists()


def test_a_module_that_another_process_is_compiling_is_left_alone(tmp_path):
    damaged = a_module(tmp_path)
    damaged.write_bytes(damaged.read_bytes()[:1000])
    damaged.with_name("key.pkl").unlink()
    damaged_modules.remove(str(tmp_path))
    assert damaged.exists()
    own = damaged.parent.rename(damaged.parent.with_name("cutils_ext"))
    damaged_modules.remove(str(tmp_path))
    assert not own.exists()


def test_files_that_are_no_libraries_are_left_alone(tmp_path):
    other = a_module(tmp_path)
    other.write_text("not ELF")
    damaged_modules.remove(str(tmp_path))
    assert other.exists()


def test_libraries_of_others_in_the_compile_folder_are_left_alone(settings):
    other = settings / "compiled" / "mine" / "other.so"
    other.parent.mkdir(parents=True)
    other.touch()
    damaged_modules.remove(str(settings / "compiled"))
    with pytest.raises(ImportError), failures.explained():
        raise ImportError("file too short", path=str(other))
    assert other.exists()


def test_a_module_that_cannot_be_loaded_is_removed(settings):
    path = a_module(settings / "compiled")
    said = explained(ImportError("invalid ELF header", path=str(path)))
    assert "invalid ELF header" in said and "give the command again" in said and not path.exists()


def test_a_whole_module_that_lacks_a_library_is_left_alone(settings):
    path = a_module(settings / "compiled")
    said = explained(ImportError("libstdc++.so.6: version `GLIBCXX_3.4.32' not found", path=str(path)))
    assert "cannot be loaded (libstdc++.so.6: version `GLIBCXX_3.4.32' not found)" in said and "CXX" in said
    assert path.exists()


# --- the compile lock


@pytest.fixture
def locked(tmp_path):
    """The lock file of a folder, and a stopped process that holds the lock."""
    code = "import sys, time, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / ".lock")], stdout=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    yield tmp_path / ".lock", process
    process.kill()
    process.wait()


def test_waiting_for_the_lock_is_said_at_once_and_whom_for(locked, monkeypatch, capsys):
    path, process = locked
    monkeypatch.setattr(filelock, "FileLock", filelock.FileLock)  # put back afterwards
    compile_lock.tell()
    start = time.monotonic()
    with pytest.raises(UserError, match=rf"{path.parent} is locked by .*after 0.2 s: .*base_compiledir=FOLDER"):
        filelock.FileLock(str(path)).acquire(timeout=0.2)
    assert time.monotonic() - start < 100  # Aesara waits 120 s
    said = capsys.readouterr()
    assert said.err.count("Waiting for another process") == 1 and said.out == ""
    if os.path.exists("/proc/locks"):
        assert f"process {process.pid} (" in said.err and "which is stopped" in said.err


def test_other_locks_wait_as_ever(locked, tmp_path):
    os.link(locked[0], tmp_path / "mine.lock")
    with pytest.raises(filelock.Timeout):
        compile_lock._TellingLock(str(tmp_path / "mine.lock")).acquire(timeout=0.2)


def test_a_free_lock_is_taken_and_given_back(tmp_path):
    lock = compile_lock._TellingLock(str(tmp_path / ".lock"))
    with lock:
        assert lock.is_locked
    assert not lock.is_locked
