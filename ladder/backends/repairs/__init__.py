"""Mistakes of Aesara 2.9.4, and what it takes from Python that newer ones no longer have, put right at run time.

A file each, with its reason and a function ``repair`` of the module that it changes.
"""

import sys

from ladder.backends.repairs import convolution, loops
from ladder.backends.when_imported import when_imported

#: The version whose mistakes these are; a later one is left alone.
REPAIRED_VERSION = "2.9.4"

#: Module of Aesara -> what puts it right.
REPAIRS = {"aesara.tensor.nnet.corr": convolution.repair}
if sys.version_info >= (3, 12):
    REPAIRS |= {"aesara.scan.op": loops.repair}


def repair():
    """Put right what is wrong in this Aesara, now or once it is imported; harmless when called again."""
    for name, change in REPAIRS.items():
        when_imported(name, _if_it_is_wrong(change))


def _if_it_is_wrong(change):
    def changed(module):
        if sys.modules["aesara"].__version__ == REPAIRED_VERSION:
            change(module)

    return changed
