// Adds the penalties' gradient to a gradient.

namespace ladder {

// *out becomes gradient + l2 W + l1 sgn(W).
inline int penalised(PyArrayObject* gradient_array, PyArrayObject* W_array, float l1, float l2, PyArrayObject** out) {
    const Input gradient(gradient_array), W(W_array);
    if (!gradient.ok() || !W.ok() || !allocate_like(out, W)) return 1;
    if (!PyArray_SAMESHAPE(gradient_array, W_array)) {
        PyErr_SetString(PyExc_ValueError, "Penalties: weights and their gradient differ in shape");
        return 1;
    }
    const npy_intp size = PyArray_SIZE(W_array);
    const float *g = gradient.floats(), *w = W.floats();
    float* y = floats(*out);

#pragma omp parallel for schedule(static) if (size > 40960)
    for (npy_intp i = 0; i < size; ++i) y[i] = g[i] + l2 * w[i] + l1 * ((w[i] > 0.0f) - (w[i] < 0.0f));
    return 0;
}

}  // namespace ladder
