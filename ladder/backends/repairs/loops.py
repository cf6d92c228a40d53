"""``scan``'s C extension does not compile with Python 3.12 and later, or with NumPy 2.

Nothing in ladder uses ``scan``: this is for users' own graphs.
"""

import sys


def repair(scan):
    """Make the extension unavailable, so that Aesara runs the same loop in Python.

    Parameters
    ----------
    scan : the module ``aesara.scan.op``, which imports the extension when it compiles a loop
    """
    sys.modules["aesara.scan.scan_perform_ext"] = None
