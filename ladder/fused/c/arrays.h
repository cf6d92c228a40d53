// Inputs and outputs of the kernels as plain pointers.

namespace ladder {

// An input in C order; copied only where it is not in that order already.
class Input {
public:
    explicit Input(PyArrayObject* array)
        : array_((PyArrayObject*)PyArray_FROM_OF((PyObject*)array, NPY_ARRAY_IN_ARRAY)) {}
    ~Input() { Py_XDECREF(array_); }
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;

    // False if there was no memory for the copy; a Python error is set then.
    bool ok() const { return array_ != nullptr; }
    template <class T> const T* data() const { return (const T*)PyArray_DATA(array_); }
    const float* floats() const { return data<float>(); }
    npy_intp rows() const { return PyArray_DIM(array_, 0); }
    npy_intp columns() const { return PyArray_DIM(array_, 1); }

private:
    PyArrayObject* array_;
};

// Make *output an array of these dimensions in C order, keeping the one that is there if it fits.
// False if there was no memory; a Python error is set then.
inline bool allocate(PyArrayObject** output, int ndim, const npy_intp* dims, int type = NPY_FLOAT32) {
    PyArrayObject* array = *output;
    bool fits = array && PyArray_NDIM(array) == ndim && PyArray_TYPE(array) == type && PyArray_IS_C_CONTIGUOUS(array);
    for (int i = 0; fits && i < ndim; ++i) fits = PyArray_DIM(array, i) == dims[i];
    if (fits) return true;
    Py_XDECREF(array);
    *output = (PyArrayObject*)PyArray_SimpleNew(ndim, (npy_intp*)dims, type);
    return *output != nullptr;
}

inline float* floats(PyArrayObject* array) { return (float*)PyArray_DATA(array); }

}  // namespace ladder
