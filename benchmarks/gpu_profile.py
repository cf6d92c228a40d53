"""What limits one of our rows: the longest kernels, and the time in which none ran, from JAX's profiler."""

import tempfile
from collections import Counter
from pathlib import Path

#: How many kernels are named, and how much of their names is shown.
LARGEST, NAME = 10, 70


def profile(function):
    """Lines of text on one call of a function."""
    import jax

    data = getattr(jax.profiler, "ProfileData", None)
    if data is None:
        return [f"JAX {jax.__version__} has no jax.profiler.ProfileData."]
    with tempfile.TemporaryDirectory() as folder:
        try:
            with jax.profiler.trace(folder):
                function()
            files = sorted(Path(folder).rglob("*.xplane.pb"))
            return describe([plane for file in files for plane in data.from_file(str(file)).planes])
        except Exception as error:  # whatever it is, the times are good without a profile
            return [f"There is no profile ({type(error).__name__}: {str(error)[:200]})."]


def describe(planes):
    """Lines on the first device among an XSpace's planes."""
    plane = next((plane for plane in planes if plane.name.startswith("/device:")), None)
    if plane is None:
        return ["The profile has no device plane (on a CPU there is none)."]
    lines = list(plane.lines)
    # The other lines repeat the streams' events under names of operations.
    streams = [line for line in lines if line.name.startswith("Stream")] or lines
    events = [(e.name, e.start_ns, e.duration_ns) for line in streams for e in line.events]
    if not events:
        return [f"The profile has no events on {plane.name}."]
    return _shares(plane.name, events)


def _shares(device, events):
    durations, counts = Counter(), Counter()
    for name, _, duration in events:
        durations[name] += duration
        counts[name] += 1
    busy, span, total = *_busy_and_span(events), sum(durations.values())
    idle = 100 * (1 - busy / span)
    first = f"{device}: {len(events)} kernels in {span / 1e6:.1f} ms; none ran in {idle:.0f} % of it."
    return [first] + [
        f"{100 * duration / total:.1f} %, {duration / 1e6:.2f} ms in {counts[name]} calls: `{name[:NAME]}`"
        for name, duration in durations.most_common(LARGEST)
    ]


def _busy_and_span(events):
    """The time in which any kernel ran, and that from the first one's start to the last one's end."""
    intervals = sorted((start, start + duration) for _, start, duration in events)
    begin, until, busy = intervals[0][0], intervals[0][0], 0
    for start, end in intervals:
        busy += max(0, end - max(start, until))
        until = max(until, end)
    return busy, max(until - begin, 1)
