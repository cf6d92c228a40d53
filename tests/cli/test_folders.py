"""Folders that are missing or cannot be written to are reported before any work is done."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from ladder.adversarial_layers import resolve_adversarial
from ladder.data.hdf5 import find_dataset
from ladder.data.registry import KNOWN
from ladder.errors import UserError
from ladder.layers import resolve_layers
from ladder.options import Options
from ladder.output_files import check_output, check_writable, made_folder
from ladder.runs.folder import RunFolder
from ladder.training import evaluation


@pytest.fixture
def read_only(tmp_path, monkeypatch):
    """A folder that takes no files even from root, whom permissions do not stop."""
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
    made_again = replace(KNOWN["digits"], convert=lambda output_path: pytest.fail("made again"))
    monkeypatch.setitem(KNOWN, "digits", made_again)
    assert find_dataset("digits") == own
    own.unlink()
    monkeypatch.undo()
    monkeypatch.setenv("FUEL_DATA_PATH", "/proc/nowhere")
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere-either")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="cannot write /proc/nowhere/digits.hdf5"):
        find_dataset("digits")


def test_a_folder_of_parameters_alone_takes_the_options_it_was_trained_with(tmp_path):
    """The options may have adversarial noise on the unlabelled half, which needs a cost that evaluation leaves out."""
    given = Options.of(
        encoder_layers="5-3",
        decoder_spec="gauss",
        denoising_cost_x=(1, 1, 1),
        adv_kind_unlabeled="kN",
        adv_tau_unlabeled=0.1,
    )
    p = evaluation._options(RunFolder(tmp_path), None, given.as_dict())
    assert not any(taus for _, taus in resolve_adversarial(p, resolve_layers(p, (4,))).values())
