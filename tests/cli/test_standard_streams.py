"""Standard streams that are closed, full, gone, or limited to few characters."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[2] / "run.py"


def shell(command, **environment):
    """The exit status and both outputs of a shell command, in which ``$RUN`` is the program."""
    environment = {**os.environ, "RUN": f"{sys.executable} {RUN}", **environment}
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, env=environment)
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.parametrize(
    "command, status, error",
    [
        (
            "$RUN presets >/dev/full",
            2,
            "run.py presets: standard output cannot be written (No space left on device): send it elsewhere.\n",
        ),
        (
            "$RUN presets >&-",
            2,
            "run.py presets: standard output cannot be written (it is closed): send it elsewhere.\n",
        ),
        (
            "$RUN --help >/dev/full",
            2,
            "run.py: standard output cannot be written (No space left on device): send it elsewhere.\n",
        ),
        ("$RUN presets --show thesis_table_22 | true", 141, ""),
        ("$RUN presets --show nothing 2>/dev/full", 2, ""),
        ("$RUN presets --show nothing 2>&-", 2, ""),
    ],
)
def test_a_lost_result_is_told_of_in_a_line(command, status, error):
    found, _, said = shell(command)
    assert (found, said) == (status, error)


def test_what_an_encoding_lacks_is_written_otherwise():
    for encoding in ("ascii", "latin-1"):
        status, shown, error = shell("$RUN train --help", PYTHONIOENCODING=encoding)
        assert status == 0 and error == "" and b"comparison_g2 \\u2026 comparison_g5" in b" ".join(shown.split())
    status, _, error = shell("$RUN evaluate $'odd\\xff'", PYTHONIOENCODING="utf-8:strict")
    assert status == 2 and "there is no folder odd\\udcff" in error


def test_work_outlives_its_output(tmp_path):
    """A conversion finishes although nobody reads its output."""
    for number, streams in enumerate((">&- 2>&- <&-", "| true")):
        status, _, error = shell(f"$RUN convert digits --output-directory {tmp_path}/{number} {streams}")
        assert status == 0 and error == ""
        assert (tmp_path / str(number) / "digits.hdf5").stat().st_size > 400_000
