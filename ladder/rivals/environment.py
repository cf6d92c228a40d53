"""What a rival was computed with: the versions and threads in its ``environment.json``."""

import platform

import threadpoolctl

from ladder import __version__
from ladder.backends import package_version, processor
from ladder.training.provenance import commit

PACKAGES = ("numpy", "scipy", "scikit-learn", "h5py")


def environment():
    """Plain values by name, with the same names as for a network's run."""
    pools = threadpoolctl.threadpool_info()
    blas = [pool for pool in pools if pool["user_api"] == "blas"]
    names = dict.fromkeys(f"{pool['internal_api']} {pool['version']}" for pool in blas)
    return {
        "ladder": __version__,
        "commit": commit(),
        "python": platform.python_version(),
        **{name: package_version(name) for name in PACKAGES},
        "backend": "scikit-learn",
        "blas": ", ".join(names) or "unknown BLAS",
        "threads": max((pool["num_threads"] for pool in pools), default=1),
        **processor.describe(),
        "platform": platform.platform(),
    }
