"""Names that NumPy 2 has removed and Aesara 2.9.4 looks for while it is imported."""

import numpy as np

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
}


def restore():
    """Put them back; harmless where they are, and when called again."""
    for name, value in ALIASES.items():
        if name not in np.__dict__:
            setattr(np, name, value)
