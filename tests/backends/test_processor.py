import numpy as np
import pytest

from ladder.backends import processor

EPYC = """processor\t: 0
cpu family\t: 25
model\t\t: 1
model name\t: AMD EPYC
flags\t\t: fpu sse sse2 avx avx2 fma
bugs\t\t: none

processor\t: 1
cpu family\t: 6
"""
ARM = "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd\n"


@pytest.fixture
def cpuinfo(tmp_path, monkeypatch):
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "CPUINFO", path)
    return path


@pytest.mark.parametrize(
    "text, bits", [(EPYC, 256), (EPYC.replace("avx2", "avx2 avx512f"), 512), (EPYC.replace(" avx avx2 fma", ""), 128)]
)
def test_model_and_vectors(cpuinfo, text, bits):
    cpuinfo.write_text(text)
    assert processor.describe() == {"cpu": "AMD EPYC, family 25, model 1", "vector_bits": bits}


def test_what_is_not_known_is_left_out(cpuinfo):
    (name,) = processor.describe().values()  # no Linux
    assert name
    cpuinfo.write_text(ARM)
    assert processor.describe() == {"cpu": name}


def test_of_this_machine():
    features = (
        np.core._multiarray_umath.__cpu_features__
        if np.__version__ < "2"
        else np._core._multiarray_umath.__cpu_features__
    )
    expected = 512 if features["AVX512F"] else 256 if features["AVX"] else 128
    assert processor.describe().get("vector_bits", 128) == expected
