// The largest of each unit's pieces; columns are all units' first pieces, then all their second ones, and so on.

namespace ladder {

// Calls f(i) for all rows.
template <class F> inline void each_row(npy_intp rows, npy_intp columns, F f) {
#pragma omp parallel for schedule(static) firstprivate(f) if (rows * columns > 20000)
    for (npy_intp i = 0; i < rows; ++i) f(i);
}

inline int maxout(PyArrayObject* x_array, npy_intp pieces, PyArrayObject** y_out) {
    const Input input(x_array);
    if (!input.ok()) return 1;
    const npy_intp columns = input.columns(), units = columns / pieces;
    if (units * pieces != columns) {
        PyErr_Format(PyExc_ValueError, "maxout: %zd columns are not units of %zd pieces", (Py_ssize_t)columns,
                     (Py_ssize_t)pieces);
        return 1;
    }
    std::vector<npy_intp> dims(input.dims(), input.dims() + input.ndim());
    dims.back() = units;
    if (!allocate(y_out, input.ndim(), dims.data())) return 1;
    const float* x = input.floats();
    float* y = floats(*y_out);
    each_row(input.rows(), columns, [=](npy_intp i) {
        const float* row = x + i * columns;
        float* largest = y + i * units;
        std::copy(row, row + units, largest);
        for (npy_intp k = 1; k < pieces; ++k)
            // A NaN stays.
            for (npy_intp j = 0; j < units; ++j) {
                const float piece = row[k * units + j];
                largest[j] = piece <= largest[j] || largest[j] != largest[j] ? largest[j] : piece;
            }
    });
    return 0;
}

// The gradient goes to every piece that is its unit's largest.
inline int maxout_gradient(PyArrayObject* x_array, PyArrayObject* y_array, PyArrayObject* dy_array, npy_intp pieces,
                           PyArrayObject** dx_out) {
    const Input x_input(x_array), y_input(y_array), dy_input(dy_array);
    if (!x_input.ok() || !y_input.ok() || !dy_input.ok()) return 1;
    const npy_intp rows = x_input.rows(), columns = x_input.columns(), units = y_input.columns();
    if (units * pieces != columns) {
        PyErr_SetString(PyExc_ValueError, "maxout: the gradient and what was chosen from differ in shape");
        return 1;
    }
    if (differ(y_input, rows, units) || differ(dy_input, rows, units) || !allocate_like(dx_out, x_input)) return 1;
    const float *x = x_input.floats(), *y = y_input.floats(), *dy = dy_input.floats();
    float* dx = floats(*dx_out);
    each_row(rows, columns, [=](npy_intp i) {
        for (npy_intp k = 0; k < pieces; ++k)
#pragma GCC ivdep
            for (npy_intp j = 0; j < units; ++j) {
                const npy_intp at = i * columns + k * units + j;
                dx[at] = x[at] == y[i * units + j] ? dy[i * units + j] : 0.0f;
            }
    });
    return 0;
}

}  // namespace ladder
