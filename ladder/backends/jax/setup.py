"""Find JAX and its devices, and configure how it computes."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from ladder.backends import c, choice
from ladder.errors import UserError

#: The first version with everything that is used here.
OLDEST = (0, 4, 38)

#: The packages that let JAX see NVIDIA GPUs.
PLUGINS = ("jax-cuda12-plugin", "jax-cuda13-plugin")

#: Values of ``--matmul-precision``, and JAX's names for them.
PRECISIONS = {"float32": "highest", "tf32": "tensorfloat32"}

INSTALL = "pip install -e '.[jax]' (CPU) or '.[cuda]' (NVIDIA GPUs)"

_in_force: JaxBackend | None = None


@dataclass(frozen=True)
class JaxBackend:
    """What XLA runs on: JAX version, device, CPU threads, precision of matrix products."""

    version: str
    platform: str
    device: str
    threads: int
    precision: str

    @property
    def summary(self) -> str:
        """A line for logs."""
        threads = f", {self.threads} threads" if self.platform == "cpu" else ""
        return f"JAX {self.version} on {self.device}{threads}, products in {self.precision}"


def configure(threads: int | None = None, matmul_precision: str | None = None, device: str | None = None) -> JaxBackend:
    """Prepare JAX, and Aesara for building graphs; call before either is imported.

    Parameters
    ----------
    threads
        CPU threads, fixed by the first call.  None: ``OMP_NUM_THREADS`` if the
        user set it, else the cores that this process may use.
    matmul_precision
        One of ``PRECISIONS``; None: unchanged, initially float32.
    device
        'cpu' or 'gpu'; None: JAX's choice, a GPU where it has one.

    Raises
    ------
    UserError
        JAX is missing, too old, or has no working device, or a value cannot be used.
    """
    global _in_force
    if matmul_precision is not None and matmul_precision not in PRECISIONS:
        raise UserError(f"--matmul-precision: '{matmul_precision}' is none of {', '.join(PRECISIONS)}.")
    version = check_version()
    if _in_force is None:
        threads = choice.default_threads() if threads is None else threads
        if threads < 1:
            raise UserError(f"The number of threads is {threads}: give 1 or more.")
        os.environ["NPROC"] = str(threads)  # which XLA reads
        found = _choose(device)
        _check_device(device, found.platform)
        _prepare_aesara()
        _in_force = JaxBackend(version, found.platform, found.device_kind, threads, "float32")
        _settings()
        _set_precision("float32")
    _check_device(device, _in_force.platform)
    if matmul_precision is not None:
        _set_precision(matmul_precision)
    return _in_force


def check_version() -> str:
    """Return JAX's version; raise UserError if it is missing or too old."""
    try:
        version = importlib.metadata.version("jax")
        importlib.metadata.version("jaxlib")
    except importlib.metadata.PackageNotFoundError:
        raise UserError(f"--backend jax needs JAX, which is not installed: {INSTALL}.") from None
    numbers = tuple(map(int, re.findall(r"\d+", version)[:3]))
    if numbers < OLDEST:
        raise UserError(
            f"--backend jax needs JAX {'.'.join(map(str, OLDEST))} or newer, and {version} is installed: {INSTALL}."
        )
    return version


def describe() -> dict[str, str | int]:
    """Return what determines speed and rounding; see :func:`ladder.backends.describe`."""
    backend = configure()
    return {
        "jax": backend.version,
        "jaxlib": importlib.metadata.version("jaxlib"),
        "device": f"{backend.platform}: {backend.device}",
        "matmul_precision": backend.precision,
        "threads": backend.threads,
    }


def devices() -> list:
    """The devices that JAX may compute on, its default first.

    Raises
    ------
    UserError
        JAX cannot start one; the message says why.
    """
    try:
        import jax

        return jax.devices()
    except (ImportError, RuntimeError, AssertionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"JAX has no device that works ({reason}): fix that, or set JAX_PLATFORMS=cpu.") from None


def cpus() -> list:
    """JAX's CPU devices, even where it computes on a GPU; empty if ``JAX_PLATFORMS`` excludes them."""
    import jax

    try:
        return jax.devices("cpu")
    except RuntimeError:
        return []


def _choose(device: str | None):
    if device == "cpu":
        import jax

        jax.config.update("jax_platforms", "cpu")
    return devices()[0]


def _check_device(asked: str | None, platform: str) -> None:
    """Raise UserError unless JAX computes where it was asked to."""
    if asked == "gpu" and platform == "cpu":
        raise UserError(f"--device gpu: {no_gpu()} To compute on the CPU, give --device cpu.")
    if asked == "cpu" and platform != "cpu":
        raise UserError("--device cpu: JAX computes on a GPU in this process already: use another one.")


def no_gpu() -> str:
    """Why JAX has no GPU, as far as can be told, and how to fix it."""
    if os.environ.get("JAX_PLATFORMS", "").lower() == "cpu":
        return "JAX_PLATFORMS=cpu is set: unset it."
    if not Path("/proc/driver/nvidia/version").exists():
        return "this machine has no NVIDIA driver, which a GPU needs: install one."
    if not any(map(_is_installed, PLUGINS)):
        return "there is an NVIDIA driver, but JAX is the one for CPUs: pip install -e '.[cuda]', see docs/backends.md."
    return (
        "there is an NVIDIA driver and JAX's CUDA plugin, but JAX sees no GPU: nvidia-smi and JAX's warnings tell more."
    )


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _prepare_aesara() -> None:
    if "aesara" not in sys.modules:
        c.import_without_compiler()


def _settings() -> None:
    import aesara.link.jax.dispatch  # noqa: F401, it sets 32 bits
    import jax

    # Normals are computed in float64 and rounded once; everything else asks for float32 itself.
    jax.config.update("jax_enable_x64", True)
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        # One cache per Python version: 3.14 compresses in a way that earlier ones cannot read.
        folder = Path.home() / ".cache" / "ladder" / f"jax-python{sys.version_info[0]}.{sys.version_info[1]}"
        jax.config.update("jax_compilation_cache_dir", str(folder))


def _set_precision(name: str) -> None:
    global _in_force
    import jax

    jax.config.update("jax_default_matmul_precision", PRECISIONS[name])
    _in_force = replace(_in_force, precision=name)
