"""Our reading of AESARA_FLAGS agrees with Aesara's own."""

import pytest
from aesara.configparser import parse_config_string

from ladder.backends import flags
from ladder.errors import UserError

SETTINGS = {"floatX": "float32", "blas__ldflags": "-Wl,-rpath,/o'p\"t/#1\\x -l:libx.so.1", "cxx": ""}


@pytest.mark.parametrize("read", [flags.split, parse_config_string])
def test_join_is_read_back_unchanged(read):
    assert read(flags.join(SETTINGS)) == SETTINGS


def test_later_settings_win():
    assert flags.split("floatX=float32,floatX=float64") == {"floatX": "float64"}


def test_unbalanced_quote_is_the_users_to_mend():
    with pytest.raises(UserError, match="AESARA_FLAGS"):
        flags.split("cxx='g++")


def test_settings_file_and_variable(tmp_path, monkeypatch):
    file = tmp_path / "aesararc"
    file.write_text("[global]\nfloatX = float64\ncxx = mine\n[blas]\nldflags = -lown\n")
    monkeypatch.setenv("AESARARC", str(file))
    monkeypatch.setenv("AESARA_FLAGS", "cxx=other")
    assert flags.user() == {"floatx": "float64", "cxx": "other", "blas__ldflags": "-lown"}


def test_broken_settings_file_is_the_users_to_mend(tmp_path, monkeypatch):
    file = tmp_path / "aesararc"
    file.write_text("floatX = float64\n")
    monkeypatch.setenv("AESARARC", str(file))
    with pytest.raises(UserError, match="settings file"):
        flags.from_files()
