"""``AdvancedIncSubtensor1``'s C code iterates over an array with functions that NumPy 2 no longer has.

Nothing in ladder uses it: this is for users' own graphs.
"""


def repair(subtensor):
    """Let it run in Python: where an operation says that it has no C code, Aesara calls its ``perform``."""
    subtensor.AdvancedIncSubtensor1.c_code = _no_c_code


def _no_c_code(self, node, name, inputs, outputs, sub):
    raise NotImplementedError("AdvancedIncSubtensor1 runs in Python where NumPy is 2")
