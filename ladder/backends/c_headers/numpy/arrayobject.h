/* NumPy 2's header of this name, plus what Aesara 2.9.4 still takes from NumPy 1's.
 *
 * With NumPy 2, it is found before NumPy's own (ladder/backends/numpy_headers.py). */
#ifndef LADDER_NUMPY_ARRAYOBJECT_H
#define LADDER_NUMPY_ARRAYOBJECT_H

/* Aesara reads PyArray_Descr's elsize, which a module built to run with NumPy 1 as well could not. */
#ifndef NPY_TARGET_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#endif

#include_next <numpy/arrayobject.h>

/* Means "all axes" to reductions; NumPy 2's own NPY_MAXDIMS is only a number of dimensions. */
#undef NPY_MAXDIMS
#define NPY_MAXDIMS NPY_RAVEL_AXIS

/* Complex numbers with named fields, converted to NumPy's own where those are expected. */
#ifdef __cplusplus
template <typename Real, typename Complex>
struct ladder_complex {
    Real real, imag;
    operator Complex() const { return {{real, imag}}; }
};
typedef ladder_complex<npy_float32, npy_complex64> ladder_complex64;
typedef ladder_complex<npy_float64, npy_complex128> ladder_complex128;
#define npy_complex64 ladder_complex64
#define npy_complex128 ladder_complex128
#endif

#ifndef PyArray_MoveInto
#define PyArray_MoveInto PyArray_CopyInto
#endif

#endif
