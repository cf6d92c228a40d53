"""Run-time repairs of Aesara 2.9.4: its own mistakes, and its use of what newer Python and NumPy no longer have.

Each has a file of its own, with the reason and the functions that repair a module of Aesara's.
"""

import sys
from functools import partial

from ladder.backends import numpy_headers
from ladder.backends.numpy_headers import NUMPY_2
from ladder.backends.repairs import (
    constants,
    convolution,
    increments,
    loop_order,
    loops,
    module_cache,
    noise,
    rows_of_elements,
    side_by_side,
)
from ladder.backends.when_imported import when_imported

#: The version that has these mistakes; later ones are left alone.
REPAIRED_VERSION = "2.9.4"

#: (module of Aesara, function that repairs it)
REPAIRS = [
    ("aesara.link.c.basic", module_cache.compile_unlocked),
    ("aesara.link.c.cmodule", module_cache.repair),
    ("aesara.link.c.cmodule", side_by_side.repair_compiler),
    ("aesara.link.vm", side_by_side.repair_linker),
    ("aesara.tensor.elemwise", rows_of_elements.repair_flags),
    ("aesara.tensor.elemwise_cgen", loop_order.repair),
    ("aesara.tensor.elemwise_cgen", rows_of_elements.repair_loops),
    ("aesara.tensor.nnet.corr", convolution.repair),
]
if NUMPY_2:
    REPAIRS += [
        ("aesara.link.c.cmodule", numpy_headers.repair),
        ("aesara.sandbox.rng_mrg", noise.repair),
        ("aesara.scalar.basic", constants.repair),
        ("aesara.tensor.subtensor", increments.repair),
    ]
if NUMPY_2 or sys.version_info >= (3, 12):
    REPAIRS += [("aesara.scan.op", loops.repair)]


def repair():
    """Repair this Aesara, now or once it is imported; harmless when called again."""
    for name in dict(REPAIRS):
        when_imported(name, partial(_change_what_is_wrong, name))


def _change_what_is_wrong(name, module):
    if sys.modules["aesara"].__version__ == REPAIRED_VERSION:
        for other, change in REPAIRS:
            if other == name:
                change(module)
