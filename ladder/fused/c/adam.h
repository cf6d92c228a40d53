// Adam in one pass over a parameter, its moments and its gradient, with the gradient's sum of squares.

namespace ladder {

// Changes parameter, mean and variance in place; *squares becomes the sum of the squared gradient.
inline int adam(PyArrayObject* parameter_array, PyArrayObject* mean_array, PyArrayObject* variance_array,
                PyArrayObject* gradient_array, float rate, float beta1, float beta2, float epsilon,
                PyArrayObject** squares_out) {
    const Input gradient_input(gradient_array);
    if (!gradient_input.ok() || !allocate(squares_out, 0, nullptr, NPY_FLOAT64)) return 1;
    const npy_intp size = PyArray_SIZE(parameter_array), n_chunks = chunks_of(size);
    for (PyArrayObject* array : {mean_array, variance_array, gradient_array})
        if (!PyArray_SAMESHAPE(array, parameter_array)) {
            PyErr_SetString(PyExc_ValueError, "Adam: a parameter, its moments and its gradient differ in shape");
            return 1;
        }
    float *parameter = floats(parameter_array), *mean = floats(mean_array), *variance = floats(variance_array);
    const float* gradient = gradient_input.floats();
    std::vector<double> sums(n_chunks);
    double* sum = sums.data();

#pragma omp parallel for schedule(static) if (size > 10 * CHUNK)
    for (npy_intp k = 0; k < n_chunks; ++k) {
        const npy_intp first = k * CHUNK, end = std::min(first + CHUNK, size);
        double lane[LANES] = {};
        npy_intp i = first;
        for (; i + LANES <= end; i += LANES)
#pragma GCC ivdep
            for (int j = 0; j < LANES; ++j) {
                const float g = gradient[i + j];
                mean[i + j] = beta1 * g + (1.0f - beta1) * mean[i + j];
                variance[i + j] = beta2 * (g * g) + (1.0f - beta2) * variance[i + j];
                parameter[i + j] -= rate * mean[i + j] / (std::sqrt(variance[i + j]) + epsilon);
                lane[j] += g * g;
            }
        for (; i < end; ++i) {
            const float g = gradient[i];
            mean[i] = beta1 * g + (1.0f - beta1) * mean[i];
            variance[i] = beta2 * (g * g) + (1.0f - beta2) * variance[i];
            parameter[i] -= rate * mean[i] / (std::sqrt(variance[i]) + epsilon);
            lane[0] += g * g;
        }
        sum[k] = sum_of(lane, LANES);
    }
    *(double*)PyArray_DATA(*squares_out) = sum_of(sum, n_chunks);
    return 0;
}

}  // namespace ladder
