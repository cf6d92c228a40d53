/* What NumPy 1's header of this name said of Python 3, and Aesara 2.9.4's lazylinker_c.c goes by.
 *
 * Found before NumPy's own where NumPy is 2 (ladder/backends/numpy_headers.py). */
#ifndef LADDER_NUMPY_NPY_3KCOMPAT_H
#define LADDER_NUMPY_NPY_3KCOMPAT_H

#include_next <numpy/npy_3kcompat.h>

#define NPY_PY3K 1
#define PyInt_Check PyLong_Check
#define PyInt_AsLong PyLong_AsLong
#define PyInt_FromLong PyLong_FromLong

#endif
