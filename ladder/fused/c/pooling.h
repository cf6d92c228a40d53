// Max-pooling and mean-pooling, channels last; windows at the edge may be incomplete.

namespace ladder {

// Pixels [begin, end) of one axis under window i.
struct Window {
    npy_intp begin, end;
    Window(npy_intp i, npy_intp size, npy_intp stride, npy_intp side)
        : begin(std::min(i * stride, side)), end(std::min(i * stride + size, side)) {}
};

// Calls f(image, row, column) for all pixels of the pooled maps.
template <class F> inline void each_window(const npy_intp* dims, F f) {
#pragma omp parallel for schedule(static) firstprivate(f)
    for (npy_intp n = 0; n < dims[0]; ++n)
        for (npy_intp i = 0; i < dims[1]; ++i)
            for (npy_intp j = 0; j < dims[2]; ++j) f(n, i, j);
}

// y = the largest entry of each window of x, both (examples, height, width, maps).
inline int max_pool(PyArrayObject* x_array, npy_intp size, npy_intp stride, npy_intp height, npy_intp width,
                    PyArrayObject** y_out) {
    const Input input(x_array);
    if (!input.ok()) return 1;
    const npy_intp *in = input.dims(), maps = in[3], dims[4] = {in[0], height, width, maps};
    if (!allocate(y_out, 4, dims)) return 1;
    const npy_intp rows = in[1], columns = in[2];
    const float* x = input.floats();
    float* y = floats(*y_out);
    each_window(dims, [=](npy_intp n, npy_intp i, npy_intp j) {
        float* largest = y + ((n * height + i) * width + j) * maps;
        std::fill(largest, largest + maps, -INFINITY);
        const Window down(i, size, stride, rows), across(j, size, stride, columns);
        for (npy_intp r = down.begin; r < down.end; ++r)
            for (npy_intp c = across.begin; c < across.end; ++c) {
                const float* pixel = x + ((n * rows + r) * columns + c) * maps;
                // A NaN stays.
                for (npy_intp k = 0; k < maps; ++k)
                    largest[k] = pixel[k] <= largest[k] || largest[k] != largest[k] ? largest[k] : pixel[k];
            }
    });
    return 0;
}

// The gradient goes to every entry that is its window's largest.  APART: every pixel is under exactly one window, so
// its gradient is written once and never read.
template <bool APART>
inline int max_pool_gradient(PyArrayObject* x_array, PyArrayObject* y_array, PyArrayObject* dy_array, npy_intp size,
                             npy_intp stride, PyArrayObject** dx_out) {
    const Input x_input(x_array), y_input(y_array), dy_input(dy_array);
    if (!x_input.ok() || !y_input.ok() || !dy_input.ok()) return 1;
    if (!PyArray_CompareLists(y_input.dims(), dy_input.dims(), 4) || x_input.dims()[0] != y_input.dims()[0] ||
        x_input.dims()[3] != y_input.dims()[3]) {
        PyErr_SetString(PyExc_ValueError, "max-pooling: the gradient and what was pooled differ in shape");
        return 1;
    }
    if (!allocate_like(dx_out, x_input)) return 1;
    const npy_intp *in = x_input.dims(), *out = y_input.dims(), maps = in[3], rows = in[1], columns = in[2];
    const npy_intp height = out[1], width = out[2], dims[4] = {in[0], height, width, maps};
    const float *x = x_input.floats(), *y = y_input.floats(), *dy = dy_input.floats();
    float* dx = floats(*dx_out);
    if (!APART) std::fill(dx, dx + PyArray_SIZE(*dx_out), 0.0f);
    each_window(dims, [=](npy_intp n, npy_intp i, npy_intp j) {
        const npy_intp at = ((n * height + i) * width + j) * maps;
        const Window down(i, size, stride, rows), across(j, size, stride, columns);
        for (npy_intp r = down.begin; r < down.end; ++r)
            for (npy_intp c = across.begin; c < across.end; ++c) {
                const npy_intp pixel = ((n * rows + r) * columns + c) * maps;
#pragma GCC ivdep
                for (npy_intp k = 0; k < maps; ++k) {
                    const float d = x[pixel + k] == y[at + k] ? dy[at + k] : 0.0f;
                    dx[pixel + k] = APART ? d : dx[pixel + k] + d;
                }
            }
    });
    return 0;
}

// y = the mean of the entries in each window of x.
inline int mean_pool(PyArrayObject* x_array, npy_intp size, npy_intp stride, npy_intp height, npy_intp width,
                     PyArrayObject** y_out) {
    const Input input(x_array);
    if (!input.ok()) return 1;
    const npy_intp *in = input.dims(), maps = in[3], dims[4] = {in[0], height, width, maps};
    if (!allocate(y_out, 4, dims)) return 1;
    const npy_intp rows = in[1], columns = in[2];
    const float* x = input.floats();
    float* y = floats(*y_out);
    each_window(dims, [=](npy_intp n, npy_intp i, npy_intp j) {
        float* mean = y + ((n * height + i) * width + j) * maps;
        std::fill(mean, mean + maps, 0.0f);
        const Window down(i, size, stride, rows), across(j, size, stride, columns);
        for (npy_intp r = down.begin; r < down.end; ++r)
            for (npy_intp c = across.begin; c < across.end; ++c) {
                const float* pixel = x + ((n * rows + r) * columns + c) * maps;
                for (npy_intp k = 0; k < maps; ++k) mean[k] += pixel[k];
            }
        const float count = (float)((down.end - down.begin) * (across.end - across.begin));
        for (npy_intp k = 0; k < maps; ++k) mean[k] /= count;
    });
    return 0;
}

// Each entry gets its share of the gradient of every window that it is in.  APART: as above.
template <bool APART>
inline int mean_pool_gradient(PyArrayObject* dy_array, npy_intp size, npy_intp stride, npy_intp rows, npy_intp columns,
                              PyArrayObject** dx_out) {
    const Input input(dy_array);
    if (!input.ok()) return 1;
    const npy_intp *out = input.dims(), height = out[1], width = out[2], maps = out[3];
    const npy_intp dims[4] = {out[0], height, width, maps}, in[4] = {out[0], rows, columns, maps};
    if (!allocate(dx_out, 4, in)) return 1;
    const float* dy = input.floats();
    float* dx = floats(*dx_out);
    if (!APART) std::fill(dx, dx + PyArray_SIZE(*dx_out), 0.0f);
    each_window(dims, [=](npy_intp n, npy_intp i, npy_intp j) {
        const float* g = dy + ((n * height + i) * width + j) * maps;
        const Window down(i, size, stride, rows), across(j, size, stride, columns);
        const float count = (float)((down.end - down.begin) * (across.end - across.begin));
        for (npy_intp r = down.begin; r < down.end; ++r)
            for (npy_intp c = across.begin; c < across.end; ++c) {
                float* pixel = dx + ((n * rows + r) * columns + c) * maps;
#pragma GCC ivdep
                for (npy_intp k = 0; k < maps; ++k) pixel[k] = APART ? g[k] / count : pixel[k] + g[k] / count;
            }
    });
    return 0;
}

}  // namespace ladder
