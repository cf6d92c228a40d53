"""The installed packages meet the requirements of ladder and Aesara, except for two deliberate conflicts."""

import subprocess
import sys

import pytest

from ladder.backends.numpy_headers import NUMPY_2


def test_pip_has_no_other_complaints():
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    if "No module named pip" in done.stderr:
        pytest.skip("no pip in this environment")
    said = [line.split(", but")[0] for line in done.stdout.splitlines() if line.startswith(("aesara ", "ladder "))]
    expected = [
        "aesara 2.9.4 has requirement numpy<2.0.0,>=1.17.0",
        "aesara 2.9.4 has requirement scipy<=1.12.0,>=0.14",
    ]
    assert said == (expected if NUMPY_2 else [])
