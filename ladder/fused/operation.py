"""What all fused operations share: kernels in ``c/``, compiler flags, threads."""

import hashlib
import inspect
from functools import lru_cache
from pathlib import Path

import aesara.tensor as at
from aesara.link.c.op import COp

KERNELS = Path(__file__).with_name("c")

# What lets g++ vectorise a comparison, a root and an if; NaN and infinity keep
# their meaning.  -ffast-math would take that away, and as it also reaches the
# linker, it would flush small numbers to zero in the whole process.  Older
# compilers take C++ of before 2014 for granted.
VECTORISE = ("-std=gnu++17", "-O3", "-fno-math-errno", "-fno-trapping-math")


class FusedOperation(COp):
    """An operation whose work is done by functions in header files under ``c/``.

    A subclass names its files in ``kernels`` and calls their functions from
    ``c_code``; ``arrays.h`` (inputs, outputs) is always there.
    """

    __props__ = ()
    kernels = ()

    def variables(self, inputs, ndims):
        """The inputs as variables; TypeError unless they are float32 of these numbers of dimensions."""
        variables = list(map(at.as_tensor_variable, inputs))
        for x, ndim in zip(variables, ndims, strict=True):
            if (x.dtype, x.ndim) != ("float32", ndim):
                raise TypeError(f"{self}: an input is {x.type}, not {ndim}-D of float32")
        return variables

    def perform(self, node, inputs, outputs):
        raise NotImplementedError(f"{self} runs in C only: where there is no compiler, build with --plain-graph")

    def in_jax(self, node):
        """The function of arrays that does the same in JAX; the shapes of the node's variables are known."""
        raise NotImplementedError(f"{self} has nothing in JAX yet: build with --plain-graph")

    def elementwise(self):
        """What the kernels apply to every element (``elementwise.Elementwise``), None for kernels that need none."""
        return None

    def c_support_code(self, **kwargs):
        applied = self.elementwise()
        sources = [(KERNELS / name).read_text() for name in ("arrays.h", *self.kernels)]
        return "\n".join(sources + ([f"namespace ladder {{{applied.source}}}"] if applied else []))

    def c_headers(self, **kwargs):
        return ["<algorithm>", "<cmath>", "<cstdint>", "<cstring>", "<memory>", "<vector>"]

    def c_compile_args(self, **kwargs):
        return [*VECTORISE, *_openmp_flags()]

    def c_code_cache_version(self):
        """A number made of all sources, so that no stale module is ever taken from the cache."""
        return (_version(self),)


@lru_cache(maxsize=None)
def _version(operation):
    modules = [inspect.getmodule(kind) for kind in type(operation).__mro__ if issubclass(kind, FusedOperation)]
    text = [operation.c_support_code(), *operation.c_compile_args(), *map(inspect.getsource, modules)]
    return int(hashlib.sha256("".join(text).encode()).hexdigest()[:8], 16)


@lru_cache
def _openmp_flags():
    """``-fopenmp`` where the compiler has it (Apple's clang does not)."""
    from aesara import config
    from aesara.link.c.cmodule import GCC_compiler

    # Without our precompiled header, which a program that is not a module cannot use.
    with config.change_flags(gcc__cxxflags=""):
        return ("-fopenmp",) if GCC_compiler.try_flags(["-fopenmp"]) else ()


def pointers(name, arrays, outputs=False):
    """C++ for an array ``name`` of the variables ``arrays``, or of pointers to them where they are outputs."""
    kind, entries = ("PyArrayObject**", [f"&{x}" for x in arrays]) if outputs else ("PyArrayObject*", arrays)
    return f"{kind} const {name}[] = {{{', '.join(entries) or 'nullptr'}}};"
