"""Package metadata: ``pip install -e .`` (see the Makefile for the full set-up)."""

import re
from pathlib import Path

from setuptools import find_packages, setup

# Read as text: installing the package must not require importing it.
INIT = Path(__file__).with_name("ladder") / "__init__.py"
VERSION = re.search(r'^__version__ = "(.+)"$', INIT.read_text(), re.MULTILINE).group(1)

# Another library's attacks, to compare ours with.  It needs no deep learning framework; its extras would pull one in.
ATTACK_CHECK = ["adversarial-robustness-toolbox>=1.18,<2"]

# Web pages about runs.  Only Bokeh 3, as the pages include its scripts.
REPORT = ["jinja2>=3.1,<4", "bokeh>=3.3,<4"]

# To open those pages in a browser, which must be installed, and to check their accessibility.
BROWSER = ["selenium>=4.15,<5", "axe-core-python==0.1.0"]

# Writes files for TensorBoard; TensorBoard itself, which reads them, would pull in a web server and gRPC.
TENSORBOARD = ["tensorboardX>=2.6.2,<3"]

# Distributes the runs of a sweep to other machines.
DASK = ["distributed>=2025.1,<2027"]

# Aesara's requirements besides NumPy and SciPy.
AESARAS_OWN = ["cons", "etuples", "filelock", "logical-unification", "minikanren", "typing-extensions"]

setup(
    name="ladder",
    version=VERSION,
    description="Semi-supervised learning with ladder networks, on Aesara",
    license="MIT",
    packages=find_packages(include=["ladder", "ladder.*"]),
    package_data={
        "ladder.backends": ["c_headers/numpy/*.h"],
        "ladder.data.convert": ["*.txt", "*.json"],
        "ladder.tables": ["presets/*.json"],
        "ladder.fused": ["c/*.h"],
        "ladder.report": ["templates/*"],
    },
    # Where ladder.tables.published looks if there is no checkout.
    data_files=[("share/ladder/published", sorted(map(str, Path("results/published").glob("*.json"))))],
    python_requires=">=3.10,<3.15",
    classifiers=[f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 15)],
    install_requires=[
        # Aesara requires NumPy 1, which supports Python up to 3.12, but runs with NumPy 2 (ladder/backends/repairs).
        # For later Pythons: pip install --no-deps aesara==2.9.4.
        'aesara==2.9.4; python_version < "3.13"',
        *AESARAS_OWN,
        "numpy>=1.22,<3",
        "scipy>=1.10,<2",
        "h5py>=3.8,<4",
        "scikit-learn>=1.6,<2",
        "picklable-itertools==0.1.1",
        # picklable-itertools imports pkg_resources, which setuptools 82 no longer has.
        "setuptools<82",
        "tqdm>=4.64",
        "rich>=13",
        "matplotlib>=3.7,<4",
        # Reads images; matplotlib needs it, too.
        "pillow>=9.1,<14",
        "threadpoolctl>=3.1",
    ],
    extras_require={
        # Useful for the plain graph on Intel processors, see ladder/backends/blas.py.
        "mkl": ["mkl>=2024; sys_platform == 'linux' and platform_machine == 'x86_64'"],
        # Another release series of ruff may format differently.
        "test": [
            "pytest>=7.4",
            "pytest-xdist>=3.3",
            "ruff>=0.17,<0.18",
            *ATTACK_CHECK,
            *REPORT,
            *BROWSER,
            *TENSORBOARD,
            *DASK,
        ],
        "report": REPORT,
        "attack-check": ATTACK_CHECK,
        "tensorboard": TENSORBOARD,
        "dask": DASK,
        # The documentation site (make docs).  Sphinx 9 needs Python 3.11.
        "docs": [
            f'{requirement}; python_version >= "3.11"'
            for requirement in ("sphinx>=9,<10", "myst-parser>=5,<6", "furo>=2025.12.19,<2027")
        ],
        # With NumPy 1, pip finds 0.7.1, the last version for it (on Python 3.10: 0.6.2).
        "jax": ["jax>=0.4.38,<0.13"],
        "cuda": ["jax[cuda12]>=0.4.38,<0.13; sys_platform == 'linux'"],
        "torch": ["torch==2.13.0"],
    },
    entry_points={"console_scripts": ["ladder = ladder.cli:main"]},
)
