"""A memory budget: one thing may take a share of this machine's memory, requested before it is allocated.

Declaring any size in a file or an option costs nothing; if trusted, it could
exhaust the memory.
"""

import os
import resource

from ladder import control_groups
from ladder.errors import UserError

#: Environment variable that sets another limit, in GB.
VARIABLE = "LADDER_MEMORY"

#: The share of all memory that one thing may take; the rest is for copies of it, and for everything else.
SHARE = 0.5


def ask(size, what, mend="take less of it"):
    """Refuse anything that would take more memory than the limit.

    Parameters
    ----------
    size : int, bytes
    what : str
        What would take the memory, as the beginning of a sentence.
    mend : str
        What to do about it, other than raising the limit.

    Raises
    ------
    UserError
    """
    if size > limit():
        raise UserError(
            f"{what} would need {in_words(size)} of memory, and no more than {in_words(limit())} may be taken at once: "
            f"{mend}, or set another limit, in GB, with the environment variable {VARIABLE}."
        )


def limit():
    """The memory limit, in bytes: ``$LADDER_MEMORY`` GB, or half of what this process may have."""
    given = os.environ.get(VARIABLE)
    if not given:
        return int(SHARE * _memory())
    try:
        gigabytes = float(given)
        if not 0 < gigabytes < 1e9:
            raise ValueError
    except ValueError:
        raise UserError(f"{VARIABLE} is '{given[:40]}', but must be a number of GB above 0.") from None
    return int(gigabytes * 1e9)


def _memory():
    """The bytes of memory that this process may have: the machine's, or fewer if the process is limited."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    found += [soft] if soft != resource.RLIM_INFINITY else []
    return min([*found, *control_groups.memory()])


def in_words(size):
    """A number of bytes as people write it: '3.6 GB'."""
    size = min(size, 10**30)  # an integer can be larger than any float
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}" if size < 999.5 * factor else f"{size / factor:,.0f} {unit}"
    return f"{size} bytes"
