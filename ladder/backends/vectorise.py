"""Compiler flags of modules whose loops are vectorised, and shared by threads."""

from functools import lru_cache

#: The language of all modules.  g++ takes C++17 by default, whose headers are longer, and older compilers one before C++14.
STANDARD = "-std=gnu++14"

# What lets g++ vectorise a comparison, a root and an if; NaN and infinity keep
# their meaning.  -ffast-math would take that away, and as it also reaches the
# linker, it would flush small numbers to zero in the whole process.
VECTORISE = (STANDARD, "-O3", "-fno-math-errno", "-fno-trapping-math")


def compile_args() -> tuple[str, ...]:
    """The flags, with that for OpenMP where the compiler has it."""
    return (*VECTORISE, *_openmp_flags())


@lru_cache
def _openmp_flags() -> tuple[str, ...]:
    """``-fopenmp`` where the compiler has it (Apple's clang does not)."""
    from aesara import config
    from aesara.link.c.cmodule import GCC_compiler

    # Without our precompiled header, which a program that is not a module cannot use.
    with config.change_flags(gcc__cxxflags=""):
        return ("-fopenmp",) if GCC_compiler.try_flags(["-fopenmp"]) else ()
