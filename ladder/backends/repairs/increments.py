"""``AdvancedIncSubtensor1``'s C code walks through an array with functions that NumPy 2 no longer offers.

Nothing in ladder uses it: this is for graphs of a user's own.
"""


def repair(subtensor):
    """Let it run in Python: where an operation says that it has no C code, Aesara takes its ``perform``."""
    subtensor.AdvancedIncSubtensor1.c_code = _no_c_code


def _no_c_code(self, node, name, inputs, outputs, sub):
    raise NotImplementedError("AdvancedIncSubtensor1 runs in Python where NumPy is 2")
