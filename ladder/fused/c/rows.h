// Rows of a matrix that may be stored as maps: pixels are rows, but (examples, maps, height, width) keeps the pixels
// of a map together.  Noise comes in this order, as it is numbered in it; copying it would cost a pass over memory.

namespace ladder {

// Some rows of a part, gathered from maps.
struct RowsBuffer {
    float row[ROWS][WIDTH];
};

class Rows {
public:
    // An array (examples, height, width, maps) in C order or a view of one (examples, maps, height, width); copied
    // only if it is neither.
    explicit Rows(PyArrayObject* array) : from_maps_(lies_as_maps(array)), input_(from_maps_ ? nullptr : new Input(array)) {
        const int ndim = PyArray_NDIM(array);
        columns_ = PyArray_DIM(array, ndim - 1);
        rows_ = PyArray_MultiplyList(PyArray_DIMS(array), ndim - 1);
        pixels_ = from_maps_ ? PyArray_DIM(array, 1) * PyArray_DIM(array, 2) : 1;
        data_ = from_maps_ ? floats(array) : ok() ? input_->floats() : nullptr;
    }
    bool ok() const { return from_maps_ || input_->ok(); }

    // True, with a Python error set, unless the matrix has these dimensions.
    bool differ(npy_intp rows, npy_intp columns) const {
        if (rows_ == rows && columns_ == columns) return false;
        PyErr_Format(PyExc_ValueError, "noise is %zd x %zd where %zd x %zd is needed", (Py_ssize_t)rows_,
                     (Py_ssize_t)columns_, (Py_ssize_t)rows, (Py_ssize_t)columns);
        return true;
    }

    // The part's columns of row i; rows must be requested in order.
    LADDER_INLINE const float* row(npy_intp i, const Part& part, int width, RowsBuffer& buffer) const {
        if (!from_maps_) return data_ + i * columns_ + part.first;
        if ((i - part.begin) % ROWS == 0) gather(i, std::min(i + ROWS, part.end), part.first, width, buffer);
        return buffer.row[(i - part.begin) % ROWS];
    }

    // Prefetches a later row, see columns.h.
    LADDER_INLINE void fetch_ahead(npy_intp i, const Part& part) const {
        if (!from_maps_) ladder::fetch_ahead(i, part, columns_, data_);
    }

private:
    static bool lies_as_maps(PyArrayObject* array) {
        if (PyArray_NDIM(array) != 4 || PyArray_IS_C_CONTIGUOUS(array)) return false;
        const npy_intp *dims = PyArray_DIMS(array), *strides = PyArray_STRIDES(array), size = sizeof(float);
        const npy_intp map = dims[1] * dims[2];
        return strides[2] == size && strides[1] == size * dims[2] && strides[3] == size * map &&
               strides[0] == size * map * dims[3];
    }

    void gather(npy_intp begin, npy_intp end, npy_intp first, int width, RowsBuffer& buffer) const {
        for (npy_intp i = begin; i < end; ++i) {
            // The next `count` rows are in the same image, where they lie side by side.
            const npy_intp image = i / pixels_, pixel = i % pixels_, count = std::min(end - i, pixels_ - pixel);
            const float* at = data_ + (image * columns_ + first) * pixels_ + pixel;
            for (int j = 0; j < width; ++j)
                for (npy_intp k = 0; k < count; ++k) buffer.row[i - begin + k][j] = at[j * pixels_ + k];
            i += count - 1;
        }
    }

    bool from_maps_;
    std::unique_ptr<Input> input_;
    npy_intp rows_, columns_, pixels_;
    const float* data_;
};

}  // namespace ladder
