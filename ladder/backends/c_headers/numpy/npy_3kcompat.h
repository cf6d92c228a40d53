/* NumPy 1's definitions for Python 3 from the header of this name, which Aesara 2.9.4's lazylinker_c.c relies on.
 *
 * With NumPy 2, it is found before NumPy's own (ladder/backends/numpy_headers.py). */
#ifndef LADDER_NUMPY_NPY_3KCOMPAT_H
#define LADDER_NUMPY_NPY_3KCOMPAT_H

#include_next <numpy/npy_3kcompat.h>

#define NPY_PY3K 1
#define PyInt_Check PyLong_Check
#define PyInt_AsLong PyLong_AsLong
#define PyInt_FromLong PyLong_FromLong

#endif
