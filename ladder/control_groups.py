"""The limits of the control groups that this process is in, as Slurm and containers set them (Linux)."""

import math
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

#: Which groups this process is in, and where they are.
OWN, MOUNTED = "/proc/self/cgroup", "/sys/fs/cgroup"


def memory():
    """The bytes (tuple of int) that each group allows; none where there is no limit."""
    return _memory(OWN, MOUNTED)


def cores():
    """The least number of cores whose time a group allows, rounded up; infinite where there is no limit."""
    return min(_cores(OWN, MOUNTED), default=math.inf)


@lru_cache(maxsize=None)  # as it is asked for before each image is read
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
            found.append((int(quota), int(period)))  # microseconds of all cores together, and of the clock
    return tuple(math.ceil(quota / period) for quota, period in found if quota > 0 and period > 0)


def _groups(controller, own, mounted):
    """Where limits may stand (version, Path): in this process's group and in all above it, as any of them may be the least."""
    groups = [(version, Path()) for version in (2, 1)]  # where it is not said, or not true of what is mounted
    with suppress(OSError):
        for line in Path(own).read_text(errors="replace").splitlines():
            number, controllers, path = (line.split(":", 2) + ["", ""])[:3]
            group = Path(path.lstrip("/"))
            version = 1 if controller in controllers.split(",") else 2 if (number, controllers) == ("0", "") else None
            if version and ".." not in group.parts:
                groups += [(version, each) for each in (group, *group.parents)]
    for version, group in dict.fromkeys(groups):
        yield version, Path(mounted, controller if version == 1 else "", group)
