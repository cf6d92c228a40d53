#!/usr/bin/env bash
# Time of an epoch on an NVIDIA GPU (Linux, a driver for CUDA 12 or newer, Python 3.10 to 3.12, a C compiler):
#
#     bash benchmarks/gpu.sh                  # options are those of benchmarks/gpu.py
#     TORCH=torch==2.7.1 bash benchmarks/gpu.sh --models mnist --profile
set -euo pipefail
cd "$(dirname "$0")/.."
TORCH="${TORCH:-torch}"
if [ ! -x .venv-gpu/bin/python ]; then
    python="$(command -v python3.12 || command -v python3.11 || command -v python3.10)" || {
        echo "No python3.12, python3.11 or python3.10 here: install one" >&2
        exit 2
    }
    "$python" -m venv .venv-gpu
fi
# In one go, so that both libraries agree on NVIDIA's packages.
.venv-gpu/bin/python -m pip install --quiet -e '.[cuda]' "$TORCH"
exec .venv-gpu/bin/python benchmarks/gpu.py "$@"
