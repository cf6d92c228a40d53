"""Read the packed numbers of the original (see README.md)."""

import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent


def load(name):
    """Arrays by name, and their metadata: configuration, orders, draws."""
    with np.load(HERE / f"{name}.npz") as file:
        packed = dict(file)
    meta = json.loads((HERE / f"{name}.json").read_text())
    arrays = {}
    for key, (dtype, shape, start) in meta["arrays"].items():
        flat = packed["flat_f32" if dtype.startswith("float") else "flat_i64"]
        size = int(np.prod(shape, dtype="int64"))
        arrays[key] = flat[start : start + size].reshape(shape).astype(dtype)
    return arrays, meta


def group(arrays, prefix):
    """The arrays whose names begin with ``prefix``, by the rest of their names."""
    return {key[len(prefix) :]: value for key, value in arrays.items() if key.startswith(prefix)}
