// Sums over all elements, in chunks that are added up separately: the same bits for any number of threads.

namespace ladder {

const npy_intp CHUNK = 4096;  // elements that one thread takes at a time, and adds up by itself
const int LANES = 16;         // sums kept apart, so that g++ may vectorise without changing any sum

inline npy_intp chunks_of(npy_intp size) { return (size + CHUNK - 1) / CHUNK; }

inline double sum_of(const double* values, npy_intp n) {
    double total = 0.0;
    for (npy_intp k = 0; k < n; ++k) total += values[k];
    return total;
}

struct Square {
    static inline float of(float x) { return x * x; }
};

struct Absolute {
    static inline float of(float x) { return std::fabs(x); }
};

// *out becomes the sum of a function of the elements of an array.
template <class Function> inline int sum_over(PyArrayObject* array, PyArrayObject** out) {
    const Input input(array);
    if (!input.ok() || !allocate(out, 0, nullptr, NPY_FLOAT64)) return 1;
    const npy_intp size = PyArray_SIZE(array), n_chunks = chunks_of(size);
    const float* x = input.floats();
    std::vector<double> sums(n_chunks);
    double* sum = sums.data();

#pragma omp parallel for schedule(static) if (size > 10 * CHUNK)
    for (npy_intp k = 0; k < n_chunks; ++k) {
        const npy_intp first = k * CHUNK, end = std::min(first + CHUNK, size);
        double lane[LANES] = {};
        npy_intp i = first;
        for (; i + LANES <= end; i += LANES)
#pragma GCC ivdep
            for (int j = 0; j < LANES; ++j) lane[j] += Function::of(x[i + j]);
        for (; i < end; ++i) lane[0] += Function::of(x[i]);
        sum[k] = sum_of(lane, LANES);
    }
    *(double*)PyArray_DATA(*out) = sum_of(sum, n_chunks);
    return 0;
}

}  // namespace ladder
