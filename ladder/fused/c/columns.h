// Statistics of units are statistics of columns.  A kernel takes WIDTH columns at a time through all rows:
// they stay in the first-level cache between its passes, g++ vectorises over them, and each column is added up
// in the order of its rows, whatever the number of threads.

namespace ladder {

const int WIDTH = 32;
const npy_intp ROWS = 16;               // rows to add up in float before a sum is carried to double
const npy_intp WORTH_THREADS = 20000;  // elements

#define LADDER_INLINE inline __attribute__((always_inline))
#define LADDER_LAMBDA __attribute__((always_inline))

// Calls f(first column, width) for all blocks; f is compiled for the usual width apart from the last block's.
template <class F> inline void for_blocks(npy_intp rows, npy_intp columns, F f) {
    const npy_intp n = (columns + WIDTH - 1) / WIDTH;
#pragma omp parallel for schedule(static) firstprivate(f) if (rows * columns > WORTH_THREADS)
    for (npy_intp k = 0; k < n; ++k) {
        const npy_intp first = k * WIDTH;
        if (first + WIDTH <= columns) f(first, WIDTH);
        else f(first, (int)(columns - first));
    }
}

const float EPSILON = 1e-10f;  // under the root, as in ladder.bricks.normalization

// Mean and 1 / sqrt(population variance + epsilon) of each column, added up in double.
struct Statistics {
    float mean[WIDTH], variance[WIDTH], scale[WIDTH];

    // Sums are rounded to float before they are divided, as in the plain graph: near a variance of 0 that shows.
    LADDER_INLINE void of(const float* x, npy_intp rows, npy_intp stride, int width) {
        double sum[WIDTH] = {};
        for (npy_intp i = 0; i < rows; ++i)
            for (int j = 0; j < width; ++j) sum[j] += x[i * stride + j];
        for (int j = 0; j < width; ++j) mean[j] = (float)sum[j] / (float)rows;
        double square[WIDTH] = {};
        for (npy_intp i = 0; i < rows; ++i)
            for (int j = 0; j < width; ++j) {
                const float d = x[i * stride + j] - mean[j];
                square[j] += d * d;
            }
        for (int j = 0; j < width; ++j) variance[j] = (float)square[j] / (float)rows;
        rescale(width);
    }

    // Known statistics; none at all (the input layer has none) leave x as it is.
    LADDER_INLINE void known(const float* means, const float* variances, int width) {
        for (int j = 0; j < width; ++j) {
            mean[j] = means ? means[j] : 0.0f;
            variance[j] = variances ? variances[j] : 0.0f;
        }
        rescale(width);
        for (int j = 0; !means && j < width; ++j) scale[j] = 1.0f;
    }

    LADDER_INLINE void rescale(int width) {
        for (int j = 0; j < width; ++j) scale[j] = 1.0f / std::sqrt(variance[j] + EPSILON);
    }

    LADDER_INLINE float normalize(float x, int j) const { return (x - mean[j]) * scale[j]; }
};

// A block's columns of all parameter vectors.
template <class Function> struct Parameters {
    float value[Function::P ? Function::P : 1][WIDTH];

    LADDER_INLINE void load(const float* const* vectors, npy_intp first, int width) {
        for (int k = 0; k < Function::P; ++k)
            for (int j = 0; j < width; ++j) value[k][j] = vectors[k][first + j];
    }
    LADDER_INLINE const float (&operator[](int k) const)[WIDTH] { return value[k]; }
};

// N sums a column over all rows.
template <int N> class Sums {
public:
    // What is to be added to.
    LADDER_INLINE float (&operator[](int k))[WIDTH] { return part_[k]; }

    // To be called after each row.
    LADDER_INLINE void carry(npy_intp row, npy_intp rows, int width) {
        if ((row + 1) % ROWS && row + 1 < rows) return;
        for (int k = 0; k < N; ++k)
            for (int j = 0; j < width; ++j) {
                total_[k][j] += part_[k][j];
                part_[k][j] = 0.0f;
            }
    }

    LADDER_INLINE double total(int k, int j) const { return total_[k][j]; }

    // The first P sums become the vectors' entries from `first` on.
    template <int P> LADDER_INLINE void store(const VectorsOut<P>& vectors, npy_intp first, int width) const {
        for (int k = 0; k < P; ++k)
            for (int j = 0; j < width; ++j) vectors.data[k][first + j] = (float)total_[k][j];
    }

private:
    float part_[N][WIDTH] = {};
    double total_[N][WIDTH] = {};
};

}  // namespace ladder
