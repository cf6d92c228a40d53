// Max-norm constraints on weights.

namespace ladder {

// The factor for weights with this sum of squares; exactly 1 within the norm.
inline float scale_within(double squares, float most) {
    const float norm = std::sqrt((float)squares);
    return norm <= most ? 1.0f : most / norm;
}

// Constrains each column of a matrix.
inline void columns_within_norm(float* W, npy_intp rows, npy_intp columns, float most) {
    const Parts parts(rows, columns);
    std::vector<Sums<1>> sums(parts.number);
    Sums<1>* all = sums.data();
    parts.each([=](const Part& part, int width) LADDER_LAMBDA {
        Sums<1>& sum = all[part.number];
        for (npy_intp i = part.begin; i < part.end; ++i) {
            const float* row = W + i * columns + part.first;
            fetch_ahead(i, part, columns, W);
            for (int j = 0; j < width; ++j) sum[0][j] += row[j] * row[j];
            sum.carry(i, part, width);
        }
    });
    add_up(parts, sums);
    std::vector<float> scales(columns);
    bool beyond = false;
    parts.each_block([&](npy_intp block, npy_intp first, int width) {
        for (int j = 0; j < width; ++j) {
            scales[first + j] = scale_within(sums[block].total(0, j), most);
            beyond |= scales[first + j] != 1.0f;
        }
    });
    if (!beyond) return;
    const float* scale = scales.data();
#pragma omp parallel for schedule(static) if (rows * columns > WORTH_THREADS)
    for (npy_intp i = 0; i < rows; ++i)
        for (npy_intp j = 0; j < columns; ++j) W[i * columns + j] *= scale[j];
}

// Constrains each filter, whose weights lie side by side.
inline void filters_within_norm(float* W, npy_intp n, npy_intp size, float most) {
#pragma omp parallel for schedule(static) if (n * size > WORTH_THREADS)
    for (npy_intp k = 0; k < n; ++k) {
        float* filter = W + k * size;
        double squares = 0.0;
        for (npy_intp i = 0; i < size; ++i) squares += filter[i] * filter[i];
        const float scale = scale_within(squares, most);
        if (scale != 1.0f)
            for (npy_intp i = 0; i < size; ++i) filter[i] *= scale;
    }
}

// Constrains an array in C order in place: (in, out), or (maps, maps below, height, width).
inline void within_norm(PyArrayObject* W, float most) {
    const npy_intp n = PyArray_DIM(W, 0), size = n ? PyArray_SIZE(W) / n : 0;
    if (PyArray_NDIM(W) == 2) columns_within_norm(floats(W), n, size, most);
    else filters_within_norm(floats(W), n, size, most);
}

}  // namespace ladder
