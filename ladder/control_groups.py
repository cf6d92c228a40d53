"""The limits of this process's control groups, as Slurm and containers set them (Linux)."""

import math
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

#: The list of this process's groups, and where groups are mounted.
OWN, MOUNTED = "/proc/self/cgroup", "/sys/fs/cgroup"


def memory():
    """The memory limit in bytes of each group that has one (tuple of int)."""
    return _memory(OWN, MOUNTED)


def cores():
    """The lowest CPU limit of any group, in cores, rounded up; infinite if there is no limit."""
    return min(_cores(OWN, MOUNTED), default=math.inf)


@lru_cache(maxsize=None)  # it is called before each image is read
def _memory(own, mounted):
    found = []
    for version, group in _groups("memory", own, mounted):
        with suppress(OSError, ValueError):  # no such file, or it says "max"
            found.append(int((group / ("memory.max" if version == 2 else "memory.limit_in_bytes")).read_text()))
    return tuple(size for size in found if size > 0)


@lru_cache(maxsize=None)
def _cores(own, mounted):
    found = []
    for version, group in _groups("cpu", own, mounted):
        with suppress(OSError, ValueError):
            if version == 2:
                quota, period = (group / "cpu.max").read_text().split()
            else:
                quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
            found.append((int(quota), int(period)))  # microseconds: CPU time of all cores together, and wall-clock time
    return tuple(math.ceil(quota / period) for quota, period in found if quota > 0 and period > 0)


def _groups(controller, own, mounted):
    """Where limits may be set (version, Path): this process's group and all above it, as any may have the lowest."""
    groups = [(version, Path()) for version in (2, 1)]  # the roots, if OWN is missing or does not match what is mounted
    with suppress(OSError):
        for line in Path(own).read_text(errors="replace").splitlines():
            number, controllers, path = (line.split(":", 2) + ["", ""])[:3]
            group = Path(path.lstrip("/"))
            version = 1 if controller in controllers.split(",") else 2 if (number, controllers) == ("0", "") else None
            if version and ".." not in group.parts:
                groups += [(version, each) for each in (group, *group.parents)]
    for version, group in dict.fromkeys(groups):
        yield version, Path(mounted, controller if version == 1 else "", group)
