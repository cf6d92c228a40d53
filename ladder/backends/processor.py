"""The processor, as far as it determines speed and rounding."""

from __future__ import annotations

import platform
from pathlib import Path

#: Where Linux describes the processor.
CPUINFO = Path("/proc/cpuinfo")

#: The x86-64 instruction sets for vectors of more than 128 bits, widest first, and their widths in bits.
VECTORS = {"avx512f": 512, "avx": 256}


def describe() -> dict[str, str | int]:
    """Return the processor's model, and its vector width in bits where known, for ``environment.json``.

    Sums are split over a vector's lanes, so processors with different widths round differently.  Virtual machines often
    identify the processor only by the numbers of its family and model, so both are part of the name.
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
    """Linux's entry for the first processor, empty on other systems."""
    if not CPUINFO.exists():
        return {}
    lines = CPUINFO.read_text().split("\n\n")[0].splitlines()
    pairs = [line.split(":", 1) for line in lines if ":" in line]
    return {name.strip(): value.strip() for name, value in pairs}
