"""What the processor is, as far as it decides speed and rounding."""

from __future__ import annotations

import platform
from pathlib import Path

#: Where Linux describes it.
CPUINFO = Path("/proc/cpuinfo")

#: An x86-64 processor's instructions for vectors of more than 128 bits, the widest first, and how wide they are.
VECTORS = {"avx512f": 512, "avx": 256}


def describe() -> dict[str, str | int]:
    """Its model, and the bits of its vectors, where that can be told, for ``environment.json``.

    Sums are split over a vector's lanes, so processors with different ones round differently.  Virtual machines often
    give the family and the model as numbers alone, so both are part of the name.
    """
    found = _first_entry()
    names = [found.get("model name") or platform.processor() or platform.machine()]
    names += [
        f"{label} {found[name]}" for label, name in (("family", "cpu family"), ("model", "model")) if name in found
    ]
    flags = found.get("flags", "").split()
    widths = [bits for flag, bits in VECTORS.items() if flag in flags] or [128] * ("sse2" in flags)
    return {"cpu": ", ".join(names), **({"vector_bits": widths[0]} if widths else {})}


def _first_entry() -> dict[str, str]:
    """What Linux says of the first processor, nothing elsewhere."""
    if not CPUINFO.exists():
        return {}
    lines = CPUINFO.read_text().split("\n\n")[0].splitlines()
    pairs = [line.split(":", 1) for line in lines if ":" in line]
    return {name.strip(): value.strip() for name, value in pairs}
