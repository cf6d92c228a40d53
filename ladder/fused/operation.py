"""What all fused operations share: kernels in ``c/``, compiler flags, threads."""

import hashlib
import inspect
from functools import lru_cache
from pathlib import Path

import aesara.tensor as at
from aesara.link.c.op import COp

from ladder.backends import vectorise

KERNELS = Path(__file__).with_name("c")


class FusedOperation(COp):
    """An operation whose work is done by functions in header files under ``c/``.

    A subclass names its files in ``kernels`` and calls their functions from
    ``c_code``; ``arrays.h`` (inputs, outputs) is always included.
    """

    __props__ = ()
    kernels = ()

    def variables(self, inputs, ndims):
        """The inputs as variables; TypeError unless they are float32 with these numbers of dimensions."""
        variables = list(map(at.as_tensor_variable, inputs))
        for x, ndim in zip(variables, ndims, strict=True):
            if (x.dtype, x.ndim) != ("float32", ndim):
                raise TypeError(f"{self}: an input is {x.type}, not {ndim}-D of float32")
        return variables

    def perform(self, node, inputs, outputs):
        raise NotImplementedError(f"{self} runs in C only: where there is no compiler, build with --plain-graph")

    def in_jax(self, node):
        """A function of arrays that does the same in JAX; the shapes of the node's variables are known."""
        raise NotImplementedError(f"{self} has nothing in JAX yet: build with --plain-graph")

    def elementwise(self):
        """The function that kernels apply to every element (``elementwise.Elementwise``); None if they need none."""
        return None

    def c_support_code(self, **kwargs):
        applied = self.elementwise()
        sources = [(KERNELS / name).read_text() for name in ("arrays.h", *self.kernels)]
        return "\n".join(sources + ([f"namespace ladder {{{applied.source}}}"] if applied else []))

    def c_headers(self, **kwargs):
        return ["<algorithm>", "<cmath>", "<cstdint>", "<cstring>", "<memory>", "<vector>"]

    def c_compile_args(self, **kwargs):
        return list(vectorise.compile_args())

    def c_code_cache_version(self):
        """A hash of all sources, so that no stale module is ever taken from the cache."""
        return (_version(self),)


@lru_cache(maxsize=None)
def _version(operation):
    modules = [inspect.getmodule(kind) for kind in type(operation).__mro__ if issubclass(kind, FusedOperation)]
    text = [operation.c_support_code(), *operation.c_compile_args(), *map(inspect.getsource, modules)]
    return int(hashlib.sha256("".join(text).encode()).hexdigest()[:8], 16)


def pointers(name, arrays, outputs=False):
    """C++ for an array ``name`` of the variables ``arrays``, or of pointers to them if they are outputs."""
    kind, entries = ("PyArrayObject**", [f"&{x}" for x in arrays]) if outputs else ("PyArrayObject*", arrays)
    return f"{kind} const {name}[] = {{{', '.join(entries) or 'nullptr'}}};"
