"""How much memory one thing may take: a share of this machine's, requested before it is allocated.

A file or an option can declare any size at no cost; if it were trusted, it
could take all the memory there is.
"""

import os
import resource
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from ladder.errors import UserError

#: Environment variable that sets another limit, in GB.
VARIABLE = "LADDER_MEMORY"

#: The share of all memory that one thing may take; the rest is for copies of it, and for others.
SHARE = 0.5

#: Which control groups this process is in, and where they are.
_OWN_GROUPS, _GROUPS = "/proc/self/cgroup", "/sys/fs/cgroup"

#: Folder and file of a limit, in versions 2 and 1 of control groups.
_FILES = {2: ("", "memory.max"), 1: ("memory", "memory.limit_in_bytes")}


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
    return min([*found, *_limits_of_groups(_OWN_GROUPS, _GROUPS)])


@lru_cache(maxsize=None)  # as it is asked for before each image is read
def _limits_of_groups(own, root):
    """The limits (tuple of bytes) of the control groups that this process is in, as Slurm and containers set them."""
    found = []
    for path in dict.fromkeys(_files_of_limits(own, root)):
        with suppress(OSError, ValueError):  # no such file, or it says "max"
            found.append(int(path.read_text()))
    return tuple(size for size in found if size > 0)


def _files_of_limits(own, root):
    """Where limits may stand (Paths): in the group of this process and in all above it, as any of them may be the least."""
    groups = [(version, Path()) for version in _FILES]  # where it is not said, or not true of what is mounted
    with suppress(OSError):
        for line in Path(own).read_text(errors="replace").splitlines():
            number, controllers, path = (line.split(":", 2) + ["", ""])[:3]
            group = Path(path.lstrip("/"))
            version = 1 if "memory" in controllers.split(",") else 2 if (number, controllers) == ("0", "") else None
            if version and ".." not in group.parts:
                groups += [(version, each) for each in (group, *group.parents)]
    for version, group in groups:
        folder, name = _FILES[version]
        yield Path(root, folder, group, name)


def in_words(size):
    """A number of bytes as people write it: '3.6 GB'."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}" if size < 1000 * factor else f"{size / factor:,.0f} {unit}"
    return f"{size} bytes"
