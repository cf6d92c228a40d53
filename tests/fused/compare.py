"""Helpers for the tests of fused operations: compilation, true gradients, memory, threads."""

import gc
import os
import subprocess
import sys
import tracemalloc
from contextlib import contextmanager

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import Mode
from aesara.link.c.cmodule import GCC_compiler
from golden.evaluate import PYTHON
from threadpoolctl import threadpool_info, threadpool_limits

from ladder.backends import c
from ladder.fused.operation import FusedOperation

#: A little more than a panel of 128 rows, several panels, larger ones; columns below, at and beyond a block of 32.
TALL = [(129, 96), (300, 3), (5000, 1), (5000, 33), (8300, 3)]
#: Maps with less than a panel of pixels, and with several; of one pixel; square or not; with sides of 1.
MAPS = [(2, 3, 4, 5), (5, 33, 3, 3), (7, 1, 6, 5), (3, 40, 9, 10), (20, 5, 1, 1), (2, 96, 8, 1), (1, 7, 16, 17)]
#: Narrower than a block of 32 columns, one block, more but not a multiple, one column, enough for several threads.
SHAPES = [(7, 5), (9, 32), (6, 45), (33, 1), (21, 1003)]


@contextmanager
def for_processors_without(extension):
    """Within this context, C++ is compiled as for processors without 'avx512f' or 'avx'.

    A last flag switches the extension off, as g++'s other flags say what this processor has.
    """
    GCC_compiler.compile_args()  # finds march_flags
    found = GCC_compiler.march_flags
    GCC_compiler.march_flags = [*found, f"-mno-{extension}"]
    try:
        command = [aesara.config.cxx, *GCC_compiler.march_flags, "-dM", "-E", "-x", "c++", os.devnull]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert f"__{extension.upper()}__" not in told and "__x86_64__" in told
        yield
    finally:
        GCC_compiler.march_flags = found


class Graph:
    """Input variables by name, and others made from them: key -> name -> variable.

    Called with arrays by name, it returns key -> name -> array.
    """

    def __init__(self, shapes, plain):
        self.plain, self.made = plain, {}
        self.variables = {name: at.TensorType("float32", shape=shape)(name) for name, shape in shapes.items()}

    def add_gradients(self, key, outputs, wrt):
        """Add gradients by input name; ``outputs``: name -> variable, whose gradient is the input called g + name."""
        given = [(x, self.variables["g" + name]) for name, x in outputs.items()]
        # In the plain graph outputs depend on one another, which known gradients would hide.
        of = dict(cost=sum((x * g).sum() for x, g in given)) if self.plain else dict(cost=None, known_grads=dict(given))
        variables = [self.variables[name] for name in wrt]
        found = at.grad(wrt=variables, return_disconnected="None", disconnected_inputs="ignore", **of)
        self.made[key] = {name: gradient for name, gradient in zip(wrt, found) if gradient is not None}

    def compile(self, keys, accept_inplace=False):
        """Compile a function from all input variables, in order, to the variables under these keys.

        No rewrites, which take longer than these tests; ``accept_inplace``: even if inputs are overwritten.
        """
        mode = PYTHON if self.plain else Mode(linker=c.mode().linker, optimizer=None)
        outputs = [x for key in keys for x in self.made[key].values()]
        return aesara.function(
            list(self.variables.values()), outputs, mode=mode, on_unused_input="ignore", accept_inplace=accept_inplace
        )

    def compiled(self, **options):
        """The graph itself, compiled; nothing can be added afterwards."""
        self.function = self.compile(self.made, **options)
        return self

    def __call__(self, **values):
        found = iter(self.function(*(values[name] for name in self.variables)))
        return {key: {name: next(found) for name in made} for key, made in self.made.items()}

    def shapes(self, keys, **values):
        """Shapes of the variables under these keys; fails if any fused operation is needed for them."""
        shapes = [x.shape for key in keys for x in self.made[key].values()]
        mode = Mode("py", "fast_compile")
        function = aesara.function(list(self.variables.values()), shapes, mode=mode, on_unused_input="ignore")
        assert not any(isinstance(node.op, FusedOperation) for node in function.maker.fgraph.toposort())
        return [tuple(shape) for shape in function(*(values[name] for name in self.variables))]


def normals(shapes, seed=0):
    """Float32 normals by name."""
    rng = np.random.RandomState(seed)
    return {name: np.asarray(rng.randn(*shape), dtype="float32") for name, shape in shapes.items()}


def double(arrays):
    return {name: array.astype("float64") for name, array in arrays.items()}


def central_differences(losses, arrays, step=1e-6):
    """Float64 gradients of units' losses, each of which depends only on its own column.

    So a whole row can be moved at a time.

    Parameters
    ----------
    losses : function of the arrays, by name, to (units,)
    arrays : dict of name -> (rows, units) or (units,)
    """
    arrays, gradients = double(arrays), {}
    for name, array in arrays.items():
        slopes = []
        for row in np.atleast_2d(array):  # views
            first, around = row.copy(), []
            for move in (step, -step):
                row[:] = first + move
                around.append(losses(**arrays))
            row[:] = first
            slopes.append((around[0] - around[1]) / (2 * step))
        gradients[name] = np.reshape(slopes, array.shape)
    return gradients


def assert_slopes(gradients, losses, arrays, step=1e-6):
    """Check slopes of units' losses along one direction per input: for matrices too tall to move row by row.

    Parameters
    ----------
    gradients : dict of name -> float32 array
    losses, arrays : as for :func:`central_differences`
    """
    rng, arrays = np.random.RandomState(9), double(arrays)
    for name, gradient in gradients.items():
        direction = rng.randn(*gradient.shape)
        around = [losses(**{**arrays, name: arrays[name] + move * direction}) for move in (step, -step)]
        slopes = (around[0] - around[1]) / (2 * step)
        found = np.atleast_2d(gradient * direction).sum(0)
        np.testing.assert_allclose(found, slopes, rtol=1e-4, atol=1e-4 * np.abs(slopes).max(), err_msg=name)


def pixels_as_rows(values):
    """The arrays, of which maps (examples, maps, height, width) become matrices (pixels, maps)."""
    return {name: x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1]) if x.ndim == 4 else x for name, x in values.items()}


def assert_all_close(found, expected, columns=None, name=""):
    """Compare float32 arrays by name, in some columns: to 2e-5 of the value and of the array's largest value."""
    assert set(found) == set(expected), name
    for key, truth in expected.items():
        array = found[key]
        assert array.dtype == "float32" and array.shape == truth.shape, (name, key)
        if columns is not None and array.ndim:
            array, truth = array[..., columns], truth[..., columns]
        atol = 2e-5 * np.abs(truth).max()
        np.testing.assert_allclose(array, truth, rtol=2e-5, atol=atol, err_msg=f"{name} {key}")


def bits(arrays):
    return [array.tobytes() for array in arrays]


def assert_same_bits(call):
    """``call() -> arrays`` returns the same bits from call to call and with any number of threads."""
    if "-fopenmp" not in FusedOperation().c_compile_args():
        pytest.skip("compiled without OpenMP")
    results = []
    for threads in (1, 1, 2, 3):
        with threadpool_limits(threads):
            assert threads in [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"]
            results.append(bits(call()))
    assert results[1:] == results[:1] * 3


@contextmanager
def only_new_garbage():
    """Within this context, the garbage collector looks only at new objects: looking at all of them takes a second."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@only_new_garbage()
def assert_nothing_leaks(call):
    """Memory does not grow when ``call(n)`` gets arrays of n rows of 1003, of a different size at each call."""
    tracemalloc.start()
    try:
        sizes = []
        for _ in range(6):
            for n in (20, 30):
                call(n)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[-1] - sizes[1] < 20 * 1003 * 4


def strided(array):
    """The array in other memory layouts: columns first, with gaps, backwards."""
    gaps = np.zeros([2 * n for n in array.shape], array.dtype)[tuple(slice(None, None, 2) for _ in array.shape)]
    gaps[...] = array
    return [np.asfortranarray(array), gaps, np.flip(np.flip(array).copy())]


def shortened(array):
    """The array without its last column, and without its last row."""
    return [array[..., :-1], array[:-1]] if len(array) > 1 else [array[..., :-1]]


def too_large(shape):
    """Shapes with a unit or map too many, and of maps with a column of pixels too many."""
    axes = [i for i, n in enumerate(shape) if n > 1 and i in (1, len(shape) - 1)]
    return [(*shape[:i], shape[i] + 1, *shape[i + 1 :]) for i in axes]


def spoilt(values, name, bad, unit):
    """The values, with one of this unit replaced by ``bad``."""
    array = values[name].copy()
    array.reshape(-1, array.shape[-1])[0, unit] = bad
    return {**values, name: array}


@only_new_garbage()
def assert_refused(function, arrays):
    """Every call raises ValueError, and no reference to an input is left behind."""
    counts = []
    for _ in range(3):
        with pytest.raises(ValueError):
            function(*arrays)
        gc.collect()
        counts.append([sys.getrefcount(array) for array in arrays])
    assert counts[2] == counts[1]
