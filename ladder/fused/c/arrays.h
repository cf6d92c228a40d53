// Inputs and outputs of the kernels as plain pointers.

#define LADDER_INLINE inline __attribute__((always_inline))
#define LADDER_LAMBDA __attribute__((always_inline))

namespace ladder {

// An input in C order; copied only if it is not in that order already.
class Input {
public:
    explicit Input(PyArrayObject* array)
        : array_((PyArrayObject*)PyArray_FROM_OF((PyObject*)array, NPY_ARRAY_IN_ARRAY)) {}
    ~Input() { Py_XDECREF(array_); }
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;

    // False, with a Python error set, if there was no memory for the copy.
    bool ok() const { return array_ != nullptr; }
    template <class T> const T* data() const { return (const T*)PyArray_DATA(array_); }
    const float* floats() const { return data<float>(); }
    // As a matrix: a column for each entry of the last axis (a unit, or a map, whose pixels are rows as examples are).
    npy_intp columns() const { return PyArray_DIM(array_, PyArray_NDIM(array_) - 1); }
    npy_intp rows() const { return PyArray_MultiplyList(dims(), ndim() - 1); }
    int ndim() const { return PyArray_NDIM(array_); }
    const npy_intp* dims() const { return PyArray_DIMS(array_); }

private:
    PyArrayObject* array_;
};

// Make *output an array of these dimensions in C order, reusing the present one if it fits.
// False, with a Python error set, if there was no memory.
inline bool allocate(PyArrayObject** output, int ndim, const npy_intp* dims, int type = NPY_FLOAT32) {
    PyArrayObject* array = *output;
    bool fits = array && PyArray_NDIM(array) == ndim && PyArray_TYPE(array) == type && PyArray_IS_C_CONTIGUOUS(array);
    for (int i = 0; fits && i < ndim; ++i) fits = PyArray_DIM(array, i) == dims[i];
    if (fits) return true;
    Py_XDECREF(array);
    *output = (PyArrayObject*)PyArray_SimpleNew(ndim, (npy_intp*)dims, type);
    return *output != nullptr;
}

// Give *output the shape of an input.
inline bool allocate_like(PyArrayObject** output, const Input& input) {
    return allocate(output, input.ndim(), input.dims());
}

// Give *output the shape of an input's statistics: one row.
inline bool allocate_row(PyArrayObject** output, const Input& input) {
    std::vector<npy_intp> dims(input.ndim(), 1);
    dims.back() = input.columns();
    return allocate(output, input.ndim(), dims.data());
}

inline float* floats(PyArrayObject* array) { return (float*)PyArray_DATA(array); }

// True, with a Python error set, unless a matrix has these dimensions.
inline bool differ(const Input& matrix, npy_intp rows, npy_intp columns) {
    if (matrix.rows() == rows && matrix.columns() == columns) return false;
    PyErr_Format(PyExc_ValueError, "a matrix is %zd x %zd where %zd x %zd is needed", (Py_ssize_t)matrix.rows(),
                 (Py_ssize_t)matrix.columns(), (Py_ssize_t)rows, (Py_ssize_t)columns);
    return true;
}

// P parameter vectors of one length.
template <int P> class Vectors {
public:
    Vectors(PyArrayObject* const* arrays, npy_intp length) {
        for (int k = 0; k < P; ++k) {
            inputs_[k].reset(new Input(arrays[k]));
            if (!inputs_[k]->ok()) return;
            if (PyArray_SIZE(arrays[k]) != length) {
                PyErr_Format(PyExc_ValueError, "a parameter has %zd entries for %zd units",
                             (Py_ssize_t)PyArray_SIZE(arrays[k]), (Py_ssize_t)length);
                return;
            }
            data[k] = inputs_[k]->floats();
        }
        ok_ = true;
    }
    bool ok() const { return ok_; }
    const float* data[P ? P : 1];

private:
    std::unique_ptr<Input> inputs_[P ? P : 1];
    bool ok_ = false;
};

// The vectors that the parameters' gradients are written to.
template <int P> class VectorsOut {
public:
    VectorsOut(PyArrayObject** const* outputs, npy_intp length) {
        for (int k = 0; k < P; ++k) {
            if (!allocate(outputs[k], 1, &length)) return;
            data[k] = floats(*outputs[k]);
        }
        ok_ = true;
    }
    bool ok() const { return ok_; }
    float* data[P ? P : 1];

private:
    bool ok_ = false;
};

}  // namespace ladder
