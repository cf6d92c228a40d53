"""Names that NumPy 2 has removed and Aesara 2.9.4 looks for while it is imported or at work."""

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
    # "All axes", and no number of dimensions: what NumPy 2's headers call NPY_RAVEL_AXIS.
    "MAXDIMS": np.iinfo(np.int32).min,
    # Where NumPy 2 has them, which NumPy 1.22 did not.
    "AxisError": getattr(exceptions, "AxisError", None),
    "ComplexWarning": getattr(exceptions, "ComplexWarning", None),
}


def restore():
    """Put them back; harmless where they are, and when called again."""
    for name, value in ALIASES.items():
        if name not in np.__dict__:
            setattr(np, name, value)
