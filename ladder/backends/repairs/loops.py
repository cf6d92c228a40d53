"""``scan``'s extension in C does not compile with Python 3.12 and later, or with NumPy 2.

Nothing in ladder uses ``scan``: this is for graphs of a user's own.
"""

import sys


def repair(scan):
    """Let the extension be missing: then Aesara takes the same loop in Python.

    Parameters
    ----------
    scan : the module ``aesara.scan.op``, which imports the extension when it compiles a loop
    """
    sys.modules["aesara.scan.scan_perform_ext"] = None
