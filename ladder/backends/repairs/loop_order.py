"""Elementwise C code orders its two to five loops with ``std::sort``, which takes a fifth of its compile time."""

import re
from functools import wraps

THEIRS = re.compile(r"std::sort\((\w+)\.rbegin\(\), \1\.rend\(\)\);")

#: The same order, the largest first.
OURS = r"""for (size_t i = 1; i < \1.size(); ++i)
        for (size_t j = i; j > 0 && \1[j - 1] < \1[j]; --j)
            std::swap(\1[j - 1], \1[j]);"""


def repair(elemwise_cgen):
    """Let it use insertion sort, as there are so few loops."""
    theirs = elemwise_cgen.make_reordered_loop
    if not hasattr(theirs, "__wrapped__"):

        @wraps(theirs)
        def make_reordered_loop(*arguments, **options):
            return THEIRS.sub(OURS, theirs(*arguments, **options))

        elemwise_cgen.make_reordered_loop = make_reordered_loop
