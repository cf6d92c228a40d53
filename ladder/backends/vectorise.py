"""Compiler flags for modules whose loops are vectorised and divided among threads."""

import os
from functools import lru_cache

#: The C++ standard of all modules.  g++ defaults to C++17, with longer headers, older compilers to one before C++14.
STANDARD = "-std=gnu++14"

# These let g++ vectorise a comparison, a square root and an if; NaN and infinity
# keep their meaning.  -ffast-math would take that away and, as it also reaches
# the linker, flush subnormal numbers to zero in the whole process.
VECTORISE = (STANDARD, "-O3", "-fno-math-errno", "-fno-trapping-math")


def compile_args() -> tuple[str, ...]:
    """The flags, with OpenMP's where the compiler supports it."""
    return (*VECTORISE, *_openmp_flags())


def after_checks() -> tuple[str, ...]:
    """The flag with which g++ vectorises a loop that comes after many checks, too; other compilers may not know it."""
    return ("-fno-guess-branch-probability",) if is_gxx() else ()


def is_gxx() -> bool:
    """Whether Aesara's compiler is g++, going by its name."""
    from aesara import config

    compiler = os.path.basename(config.cxx)
    return "g++" in compiler and "clang" not in compiler


@lru_cache
def _openmp_flags() -> tuple[str, ...]:
    """``-fopenmp`` where the compiler supports it (Apple's clang does not)."""
    from aesara import config
    from aesara.link.c.cmodule import GCC_compiler

    # Without our precompiled header, which only modules can use.
    with config.change_flags(gcc__cxxflags=""):
        return ("-fopenmp",) if GCC_compiler.try_flags(["-fopenmp"]) else ()
