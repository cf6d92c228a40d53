"""How much memory one thing may take: a share of this machine's, requested before it is allocated.

A file or an option can declare any size at no cost; if it were trusted, it
could take all the memory there is.
"""

import os
import resource

from ladder import control_groups
from ladder.errors import UserError

#: Environment variable that sets another limit, in GB.
VARIABLE = "LADDER_MEMORY"

#: The share of all memory that one thing may take; the rest is for copies of it, and for others.
SHARE = 0.5


def ask(size, what, mend="take less of it"):
    """Refuse anything that would take more memory than it may.

    Parameters
    ----------
    size : int, bytes
    what : str
        What would take them, as the beginning of a sentence.
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
    """The most that may be asked for, in bytes: ``$LADDER_MEMORY`` GB, or half of what this process may have."""
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
    """The bytes that this process may have: the machine's, or fewer if it is limited."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    found += [soft] if soft != resource.RLIM_INFINITY else []
    return min([*found, *control_groups.memory()])


def in_words(size):
    """A number of bytes as people write it: '3.6 GB'."""
    size = min(size, 10**30)  # larger whole numbers than floats can be
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}" if size < 1000 * factor else f"{size / factor:,.0f} {unit}"
    return f"{size} bytes"
