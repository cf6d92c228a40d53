"""Names that NumPy 2 removed but Aesara 2.9.4 still uses, on import or at run time."""

import numpy as np

exceptions = getattr(np, "exceptions", np)


class _Cast(dict):
    """``np.cast[dtype](x)``."""

    def __missing__(self, dtype):
        return lambda x: np.asarray(x).astype(dtype)


#: Removed name -> what it stood for.
ALIASES = {
    "Inf": np.inf,
    "NaN": np.nan,
    "float_": np.float64,
    "complex_": np.complex128,
    "product": np.prod,
    "cumproduct": np.cumprod,
    "in1d": np.isin,
    "obj2sctype": lambda dtype, default=None: np.dtype(dtype).type,
    "sctype2char": lambda dtype: np.dtype(dtype).char,
    "cast": _Cast(),
    # Means "all axes", not a number of dimensions: NumPy 2's headers call it NPY_RAVEL_AXIS.
    "MAXDIMS": np.iinfo(np.int32).min,
    # NumPy 2 keeps these in its exceptions module, which NumPy 1.22 does not have.
    "AxisError": getattr(exceptions, "AxisError", None),
    "ComplexWarning": getattr(exceptions, "ComplexWarning", None),
}


def restore():
    """Put the missing names back; harmless where they exist, and when called again."""
    for name, value in ALIASES.items():
        if name not in np.__dict__:
            setattr(np, name, value)
