"""What JAX needs, the messages if it is missing, and how JAX and Aesara are set up."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("jax.numpy", reason="needs JAX")

import jax

from ladder import backends
from ladder.backends import aliases, c
from ladder.backends import jax as jax_backend
from ladder.backends.jax import memory, setup
from ladder.errors import UserError

jax_backend.configure()


@pytest.fixture
def versions(monkeypatch):
    """Versions of packages; those with None are missing."""
    found, real = {}, importlib.metadata.version

    def version(name):
        if name in found and found[name] is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return found.get(name) or real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    return found


@pytest.fixture
def unconfigured(monkeypatch):
    """As if this process had not configured the backend; nothing in Aesara or JAX is changed."""
    monkeypatch.setattr(setup, "_in_force", None)
    monkeypatch.setattr(setup, "_prepare_aesara", lambda: None)
    monkeypatch.setattr(setup, "_settings", lambda: None)
    monkeypatch.setattr(setup, "_set_precision", lambda name: None)
    monkeypatch.setenv("NPROC", "1")


# --- What is missing


@pytest.mark.parametrize("package", ["jax", "jaxlib"])
def test_jax_is_missing(versions, package):
    versions[package] = None
    with pytest.raises(UserError, match=r"--backend jax needs JAX, which is not installed: pip install -e '\.\[jax\]'"):
        jax_backend.configure()


@pytest.mark.parametrize("version", ["0.4.37", "0.4.9", "0.3.99", "0.4"])
def test_jax_is_too_old(versions, version):
    versions["jax"] = version
    with pytest.raises(UserError, match=f"JAX 0.4.38 or newer, and {version} is installed: pip install"):
        backends.configure("jax")
    assert backends.name() == "c"


@pytest.mark.parametrize("version", ["0.4.38", "0.4.100", "0.5", "1.0.0", "0.7.1.dev20250801", "0.4.39rc1"])
def test_jax_is_new_enough(versions, version):
    versions["jax"] = version
    assert setup.check_version() == version


def test_unknown_precision():
    with pytest.raises(UserError, match="--matmul-precision: 'half' is none of float32, tf32"):
        jax_backend.configure(matmul_precision="half")


@pytest.mark.parametrize("threads", [0, -2])
def test_no_threads(unconfigured, threads):
    with pytest.raises(UserError, match=f"number of threads is {threads}"):
        jax_backend.configure(threads)


def no_driver(monkeypatch, versions):
    monkeypatch.setattr(Path, "exists", lambda path: False)


def jax_for_cpus(monkeypatch, versions):
    monkeypatch.setattr(Path, "exists", lambda path: True)
    versions["jax-cuda12-plugin"] = None


def all_but_the_gpu(monkeypatch, versions):
    monkeypatch.setattr(Path, "exists", lambda path: True)
    versions["jax-cuda12-plugin"] = "0.7.1"


@pytest.mark.parametrize(
    "machine, mend",
    [
        (no_driver, "no NVIDIA driver, which a GPU needs: install one."),
        (jax_for_cpus, r"JAX is the one for CPUs: pip install -e '\.\[cuda\]'"),
        (all_but_the_gpu, "JAX sees no GPU: nvidia-smi"),
    ],
)
def test_no_gpu(monkeypatch, versions, unconfigured, machine, mend):
    machine(monkeypatch, versions)
    monkeypatch.setattr(setup, "devices", lambda: [SimpleNamespace(platform="cpu", device_kind="cpu")])
    with pytest.raises(UserError, match="--device gpu: .*" + mend + ".* give --device cpu"):
        jax_backend.configure(device="gpu")
    assert setup._in_force is None


def test_no_device_that_works(monkeypatch):
    def fail(*_):
        raise RuntimeError("Unable to initialize backend 'cuda': no luck\nmore lines")

    monkeypatch.setattr(jax, "devices", fail)
    with pytest.raises(UserError, match=r"backend 'cuda': no luck\): fix that, or set JAX_PLATFORMS=cpu") as error:
        setup.devices()
    assert "more lines" not in str(error.value)


def test_a_gpu_is_enough_where_jax_is_told_to_leave_the_cpu_out(monkeypatch):
    gpu = SimpleNamespace(platform="gpu", device_kind="H200")

    def found(platform=None):
        if platform == "cpu":
            raise RuntimeError("Unknown backend cpu. Available backends are ['cuda']")
        return [gpu]

    monkeypatch.setattr(jax, "devices", found)
    assert setup.devices() == [gpu] and setup.cpus() == []


def test_too_little_memory_is_one_sentence():
    with pytest.raises(UserError, match="the cpu has too little memory for this: take less"):
        with memory.advised("take less"):
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        with memory.advised("take less"):
            raise jax.errors.JaxRuntimeError("INTERNAL: something else")


# --- What is set


def test_precisions():
    """The precision in force stays if none is asked for."""
    try:
        for name, in_jax in setup.PRECISIONS.items():
            assert jax_backend.configure(matmul_precision=name).precision == name
            assert jax.config.jax_default_matmul_precision == in_jax
            assert jax_backend.configure().precision == jax_backend.describe()["matmul_precision"] == name
    finally:
        jax_backend.configure(matmul_precision="float32")
    assert jax_backend.configure().summary.endswith("products in float32")


def test_description():
    found = jax_backend.describe()
    assert found["jax"] == jax.__version__ and found["threads"] >= 1
    assert found["device"].startswith(jax.devices()[0].platform)
    assert set(found) == {"jax", "jaxlib", "device", "matmul_precision", "threads"}


def test_a_summary_of_a_cpu_and_of_a_gpu():
    for platform, threads in [("cpu", ", 3 threads"), ("gpu", "")]:
        summary = setup.JaxBackend("1.2", platform, "it", 3, "tf32").summary
        assert summary == f"JAX 1.2 on it{threads}, products in tf32"


def test_dispatch(monkeypatch):
    monkeypatch.setattr(backends, "_in_force", "c")
    assert backends.configure("jax") is jax_backend.configure() and backends.name() == "jax"
    assert backends.describe()["backend"] == "jax" and backends.summary() == jax_backend.configure().summary
    assert jax_backend.Updates is not c.Updates
    with pytest.raises(AttributeError, match="has no attribute Downdates"):
        jax_backend.Downdates


def test_names_that_numpy_has_removed(monkeypatch):
    """Put back where they are missing, and left alone where they exist."""
    stand_in = SimpleNamespace(product="its own", dtype=np.dtype)
    monkeypatch.setattr(aliases, "np", stand_in)
    aliases.restore()
    aliases.restore()
    assert stand_in.product == "its own"
    assert set(vars(stand_in)) == {"dtype", *aliases.ALIASES}
    assert stand_in.Inf == float("inf") and stand_in.NaN != stand_in.NaN
    assert stand_in.float_ is np.float64 and stand_in.complex_ is np.complex128
    assert stand_in.cumproduct([1, 2, 3]).tolist() == [1, 2, 6]
    assert stand_in.in1d([1, 5], [5]).tolist() == [False, True]
    assert stand_in.obj2sctype("float32") is np.float32 and stand_in.obj2sctype(np.zeros(2, "int8").dtype) is np.int8


IN_A_FRESH_PROCESS = """
import os, sys
from ladder import backends
threads_of_process = lambda: len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else 0
backend = backends.configure("jax", {threads}, device="cpu")
assert backends.name() == "jax" and "aesara" in sys.modules
assert "AESARA_FLAGS" not in os.environ  # or other processes would take ours for the user's
import aesara, jax, numpy as np
import aesara.tensor as at
x, w = at.fvector(), aesara.shared(np.ones(3, "float32"))
function = backends.function([x], [(w * x).sum(), at.cast(x, "float64") / 3], {{w: w + x}})
total, thirds = function([1, 2, 3])
assert total == 6 and thirds.dtype == "float64" and thirds[0] == 1 / 3 and w.get_value().tolist() == [2, 3, 4]
assert jax.jit(lambda a: a @ a)(np.ones((2000, 2000), "float32"))[0, 0] == 2000
print(aesara.config.cxx or "none", aesara.config.floatX, jax.config.jax_enable_x64, jax.default_backend(),
      jax.config.jax_compilation_cache_dir, backend.threads, threads_of_process())
"""


def in_a_fresh_process(threads, **environment):
    """The words that a process without a compiler prints."""
    dropped = ("AESARA_FLAGS", "NPROC", "JAX_PLATFORMS", "JAX_COMPILATION_CACHE_DIR", "PATH", *c.THREAD_VARIABLES)
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    code = IN_A_FRESH_PROCESS.format(threads=threads)
    done = subprocess.run(
        [sys.executable, "-c", code], env={**kept, "PATH": "", **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return done.stdout.split()


def test_a_fresh_process(tmp_path):
    """Aesara without a compiler, 64 bits where asked for, a cache for programs, and threads."""
    home, cache = tmp_path / "home", tmp_path / "cache"
    few = in_a_fresh_process(None, HOME=str(home), OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    many = in_a_fresh_process(4, JAX_COMPILATION_CACHE_DIR=str(cache), OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    assert few[:6] == [
        "none",
        "float32",
        "True",
        "cpu",
        str(home / ".cache" / "ladder" / f"jax-python3.{sys.version_info[1]}"),
        "1",
    ]
    assert many[:6] == ["none", "float32", "True", "cpu", str(cache), "4"]
    if int(few[6]):  # where the system reports threads
        assert int(many[6]) >= int(few[6]) + 3


# --- On a GPU


@pytest.mark.skipif(jax.devices()[0].platform == "cpu", reason="needs a GPU that JAX can use")
@pytest.mark.parametrize("noise", ["mrg", "philox"])
def test_a_ladder_on_the_gpu_as_on_the_cpu(noise, monkeypatch):
    from ladder.options import Options
    from ladder.training.functions import build_training_graph, compile_training

    monkeypatch.setattr(backends, "_in_force", "jax")
    p = Options(
        encoder_layers=("convf:3:3:1:1", "maxpool:2:2", "4", "2"),
        act=("relu",),
        noise=noise,
        decoder_spec=("gauss",),
        denoising_cost_x=(1.0,) * 5,
    )
    rng = np.random.RandomState(0)
    x = rng.randn(40, 1, 8, 8).astype("float32")
    data = {"features_labeled": x, "targets_labeled": rng.randint(0, 2, 40), "features_unlabeled": x}
    requests = [{name: rng.permutation(40)[:12] for name in data} for _ in range(4)]
    results = []
    for device in (jax.devices()[0], jax.devices("cpu")[0]):
        with jax.default_device(device):
            ladder, inputs = build_training_graph(p, (1, 8, 8))
            updates, step = compile_training(ladder, inputs, data)
            rows = updates.make(requests)
        changed = [np.asarray(variable.get_value()) for variable in step.updates]
        results.append((rows, changed, [np.asarray(state) for state in ladder.noise.get_states()]))
    (rows, changed, states), (expected_rows, expected, expected_states) = results
    for row, true in zip(rows, expected_rows, strict=True):
        np.testing.assert_allclose(list(row.values()), list(true.values()), rtol=1e-3)
    for value, true in zip(changed, expected, strict=True):
        np.testing.assert_allclose(value, true, rtol=1e-3, atol=1e-3)
    for state, true in zip(states, expected_states, strict=True):
        np.testing.assert_array_equal(state, true)
