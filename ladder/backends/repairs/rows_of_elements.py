"""Elementwise C code vectorised: Aesara's loops look up every stride at run time, and g++ often gives up on them.

A sum of three matrices, one of them divided by a column, and a row took 25 times
as long as it takes now.  No result of a ladder's graphs changes; where branches
share a product, g++ may contract other sums into fused multiply-adds than before.
"""

from functools import wraps
from typing import NamedTuple

from ladder.backends import vectorise


def repair_flags(elemwise):
    """Let g++ vectorise loops even after many checks of shapes, which make it believe that they are hardly ever reached."""
    theirs = elemwise.Elemwise.c_compile_args
    if not hasattr(theirs, "__wrapped__"):

        @wraps(theirs)
        def c_compile_args(self, **kwargs):
            return [*theirs(self, **kwargs), *vectorise.after_checks()]

        elemwise.Elemwise.c_compile_args = c_compile_args


def repair_loops(elemwise_cgen):
    """Put a loop over rows of neighbouring elements, whose strides g++ knows, before the one for any strides."""
    theirs = elemwise_cgen.make_reordered_loop
    if hasattr(theirs, "has_rows"):
        return

    @wraps(theirs)
    def make_reordered_loop(init_loop_orders, olv_index, dtypes, inner_task, sub, openmp=None):
        any_strides = theirs(init_loop_orders, olv_index, dtypes, inner_task, sub, openmp)
        if openmp:
            return any_strides
        sizes = elemwise_cgen.compute_broadcast_dimensions("row_sizes", init_loop_orders, sub)
        arrays = [_Array(sub[f"lv{i}"], dtype, order) for i, (dtype, order) in enumerate(zip(dtypes, init_loop_orders))]
        return f"""{{
            npy_intp row_sizes[{len(init_loop_orders[0])}];
            {sizes}
            {_rows(arrays, inner_task)} else {any_strides}
        }}"""

    make_reordered_loop.has_rows = True
    elemwise_cgen.make_reordered_loop = make_reordered_loop


class _Array(NamedTuple):
    """An input or output: its name and the type of its elements in C++, and its dimension in each loop ('x': none)."""

    name: str
    dtype: str
    order: tuple

    def stride(self, k):
        """C++ for its stride in loop k, in elements; 0 if all its elements there are the same one."""
        return "0" if self.order[k] == "x" else f"{self.name}_stride{self.order[k]}"


def _rows(arrays, task):
    """C++: if the elements of every array's rows are neighbours, or one and the same, do ``task`` row by row."""
    loops = range(len(arrays[0].order))
    inner = max((k for k in loops if any(a.order[k] != "x" for a in arrays)), default=loops[-1])
    outer = [k for k in loops if k != inner]
    whole, single = [[a for a in arrays if (a.order[inner] == "x") == one] for one in (False, True)]
    starts = [f"{a.name}_row = ({a.dtype}*) PyArray_DATA({a.name}){_offset(a, outer)};" for a in arrays]
    return f"""if ({" && ".join([f"{a.stride(inner)} == 1" for a in whole] or ["true"])}) {{
        {" ".join(f"for (npy_intp row_{k} = 0; row_{k} < row_sizes[{k}]; ++row_{k})" for k in outer)} {{
            {" ".join(f"{a.dtype}* const {start}" for a, start in zip(arrays, starts))}
            {" ".join(f"{a.dtype}& {a.name}_i = *{a.name}_row;" for a in single)}
#ifdef __clang__
#pragma clang loop vectorize(assume_safety)
#else
#pragma GCC ivdep
#endif
            for (npy_intp row_i = 0; row_i < row_sizes[{inner}]; ++row_i) {{
                {" ".join(f"{a.dtype}& {a.name}_i = {a.name}_row[row_i];" for a in whole)}
                {task}
            }}
        }}
    }}"""


def _offset(array, loops):
    # Aesara divides negative strides by an unsigned size: only their last bits are right, which it keeps in an int, too.
    return "".join(f" + (npy_intp) (int) {array.stride(k)} * row_{k}" for k in loops if array.order[k] != "x")
