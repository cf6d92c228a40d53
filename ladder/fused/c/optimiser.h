// An optimiser's formula in one pass over a parameter, its buffers and its gradient, with the gradient's sum of squares.

namespace ladder {

// Changes the state (the parameter and its buffers) in place; *squares becomes the sum of the squared gradient.
template <class Formula>
inline int optimiser_step(PyArrayObject* const* state_arrays, PyArrayObject* gradient_array, float rate,
                          PyArrayObject** squares_out) {
    const Input gradient_input(gradient_array);
    if (!gradient_input.ok() || !allocate(squares_out, 0, nullptr, NPY_FLOAT64)) return 1;
    const npy_intp size = PyArray_SIZE(state_arrays[0]), n_chunks = chunks_of(size);
    float* state[Formula::N];
    for (int k = 0; k < Formula::N; ++k) {
        if (!PyArray_SAMESHAPE(state_arrays[k], gradient_array)) {
            PyErr_SetString(PyExc_ValueError, "Optimiser: a parameter, its buffers and its gradient differ in shape");
            return 1;
        }
        state[k] = floats(state_arrays[k]);
    }
    const float* gradient = gradient_input.floats();
    std::vector<double> sums(n_chunks);
    double* sum = sums.data();

#pragma omp parallel for schedule(static) if (size > 10 * CHUNK)
    for (npy_intp k = 0; k < n_chunks; ++k) {
        // Local copies of the pointers, which nothing else can point to, let g++ keep them in registers.
        float* own[Formula::N];
        std::copy(state, state + Formula::N, own);
        const npy_intp first = k * CHUNK, end = std::min(first + CHUNK, size);
        double lane[LANES] = {};
        npy_intp i = first;
        for (; i + LANES <= end; i += LANES)
#pragma GCC ivdep
            for (int j = 0; j < LANES; ++j) {
                const float g = Formula::apply(own, i + j, gradient[i + j], rate);
                lane[j] += g * g;
            }
        for (; i < end; ++i) {
            const float g = Formula::apply(own, i, gradient[i], rate);
            lane[0] += g * g;
        }
        sum[k] = sum_of(lane, LANES);
    }
    *(double*)PyArray_DATA(*squares_out) = sum_of(sum, n_chunks);
    return 0;
}

}  // namespace ladder
