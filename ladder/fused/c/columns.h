// Statistics of units are statistics of columns.  A matrix is cut into parts, each WIDTH columns (over which g++
// vectorises) of a panel of rows.  Sums are taken part by part and then added up in the order of the panels, so
// they do not depend on the number of threads.  A batch of examples is one panel; a batch of maps, whose pixels
// are rows as well, has many.

namespace ladder {

const int WIDTH = 32;
const npy_intp ROWS = 16;               // rows added up in float before a sum is carried to double
const npy_intp PANEL = 128;             // rows of the smallest panel
const npy_intp MOST_PANELS = 64;
const npy_intp WORTH_THREADS = 20000;  // elements

// Rows [begin, end) of the columns from `first` on.
struct Part {
    npy_intp number, block, begin, end, first;
};

// How a matrix is cut into parts.
class Parts {
public:
    Parts(npy_intp rows, npy_intp columns) : rows(rows), columns(columns) {
        blocks = (columns + WIDTH - 1) / WIDTH;
        const npy_intp share = (rows + MOST_PANELS - 1) / MOST_PANELS;
        panel_ = std::max(PANEL, (share + ROWS - 1) / ROWS * ROWS);
        panels = std::max((rows + panel_ - 1) / panel_, (npy_intp)1);  // an empty one if there are no rows
        number = blocks * panels;
    }

    // Calls f(part, width) for all parts; f is compiled separately for the usual width and for the last block's.
    template <class F> void each(F f) const {
#pragma omp parallel for schedule(static) firstprivate(f) if (rows * columns > WORTH_THREADS)
        for (npy_intp k = 0; k < number; ++k) {
            const npy_intp panel = k / blocks, block = k % blocks, first = block * WIDTH;
            const Part part = {k, block, panel * panel_, std::min(rows, (panel + 1) * panel_), first};
            if (first + WIDTH <= columns) f(part, WIDTH);
            else f(part, (int)(columns - first));
        }
    }

    // Calls f(block, first column, width) for all blocks of columns.
    template <class F> void each_block(F f) const {
        for (npy_intp block = 0; block < blocks; ++block)
            f(block, block * WIDTH, (int)std::min((npy_intp)WIDTH, columns - block * WIDTH));
    }

    npy_intp rows, columns, blocks, panels, number;

private:
    npy_intp panel_;
};

// Rows of a part lie too far apart for the hardware prefetcher, so row i + AHEAD of some arrays is prefetched while row
// i is computed.  After the part's last row comes the next block's first one.
LADDER_INLINE void fetch_ahead(const float* line) { __builtin_prefetch(line, 0); }
LADDER_INLINE void fetch_ahead(float* line) { __builtin_prefetch(line, 1); }

template <class... Float>
LADDER_INLINE void fetch_ahead(npy_intp i, const Part& part, npy_intp columns, Float*... arrays) {
    const npy_intp AHEAD = 8, LINE = 16, row = i + AHEAD, over = row < part.end ? 0 : row - part.end;
    const npy_intp at = (over ? part.begin + over : row) * columns + part.first + (over ? WIDTH : 0);
    for (npy_intp j = 0; j <= WIDTH; j += LINE) (fetch_ahead(arrays + at + std::min<npy_intp>(j, WIDTH - 1)), ...);
}

// N sums per column over the rows of a part.
template <int N> class Sums {
public:
    // The sums to add to.
    LADDER_INLINE float (&operator[](int k))[WIDTH] { return part_[k]; }

    // To be called after each row.
    LADDER_INLINE void carry(npy_intp row, const Part& part, int width) {
        if ((row + 1 - part.begin) % ROWS && row + 1 < part.end) return;
        for (int k = 0; k < N; ++k)
            for (int j = 0; j < width; ++j) {
                total_[k][j] += part_[k][j];
                part_[k][j] = 0.0f;
            }
    }

    LADDER_INLINE double total(int k, int j) const { return total_[k][j]; }

    void add(const Sums& other) {
        for (int k = 0; k < N; ++k)
            for (int j = 0; j < WIDTH; ++j) total_[k][j] += other.total_[k][j];
    }

    // Writes the first P sums to the vectors' entries from `first` on.
    template <int P> void store(const VectorsOut<P>& vectors, npy_intp first, int width) const {
        for (int k = 0; k < P; ++k)
            for (int j = 0; j < width; ++j) vectors.data[k][first + j] = (float)total_[k][j];
    }

private:
    float part_[N][WIDTH] = {};
    double total_[N][WIDTH] = {};
};

// Adds up the sums of each block's parts; the result is in sums[block].
template <class S> inline void add_up(const Parts& parts, std::vector<S>& sums) {
    for (npy_intp k = parts.blocks; k < parts.number; ++k) sums[k % parts.blocks].add(sums[k]);
}

const float EPSILON = 1e-10f;  // under the root, as in ladder.bricks.normalization

// Sums of x and of (x - shift)^2 over the rows of a part; the shift is the matrix's first row, so that no precision
// is lost if a column's mean is large compared with its standard deviation.
struct Moments {
    double sum[WIDTH] = {}, square[WIDTH] = {};

    LADDER_INLINE void of(const float* x, npy_intp stride, const Part& part, int width) {
        const float* shift = x + part.first;
        for (npy_intp i = part.begin; i < part.end; ++i) {
            fetch_ahead(i, part, stride, x);
            for (int j = 0; j < width; ++j) {
                const float value = x[i * stride + part.first + j], d = value - shift[j];
                sum[j] += value;
                square[j] += d * d;
            }
        }
    }

    void add(const Moments& other) {
        for (int j = 0; j < WIDTH; ++j) sum[j] += other.sum[j], square[j] += other.square[j];
    }
};

// The mean and 1 / sqrt(population variance + epsilon) of each column of a block.
struct Statistics {
    float mean[WIDTH] = {}, variance[WIDTH] = {}, scale[WIDTH] = {};

    // Sums are rounded to float before they are divided, as in the plain graph; it matters for variances near 0.
    void of(const Moments& moments, const float* shift, npy_intp rows, int width) {
        for (int j = 0; j < width; ++j) {
            mean[j] = (float)moments.sum[j] / (float)rows;
            const double d = (double)mean[j] - shift[j], about_shift = moments.sum[j] - (double)rows * shift[j];
            const double square = moments.square[j] - 2.0 * d * about_shift + rows * d * d;
            variance[j] = (float)std::max(square, 0.0) / (float)rows;
        }
        rescale(width);
    }

    // Known statistics; without any (the input layer has none), x stays as it is.
    void known(const float* means, const float* variances, npy_intp first, int width) {
        for (int j = 0; j < width; ++j) {
            mean[j] = means ? means[first + j] : 0.0f;
            variance[j] = variances ? variances[first + j] : 0.0f;
        }
        rescale(width);
        for (int j = 0; !means && j < width; ++j) scale[j] = 1.0f;
    }

    void rescale(int width) {
        for (int j = 0; j < width; ++j) scale[j] = 1.0f / std::sqrt(variance[j] + EPSILON);
    }

    LADDER_INLINE float normalize(float x, int j) const { return (x - mean[j]) * scale[j]; }
};

// The statistics of all blocks of a matrix.
inline std::vector<Statistics> statistics(const Parts& parts, const float* x) {
    std::vector<Moments> moments(parts.number);
    Moments* all = moments.data();
    parts.each([=](const Part& part, int width) LADDER_LAMBDA { all[part.number].of(x, parts.columns, part, width); });
    add_up(parts, moments);
    std::vector<Statistics> found(parts.blocks);
    const float nothing[WIDTH] = {};
    parts.each_block([&](npy_intp block, npy_intp first, int width) {
        found[block].of(moments[block], parts.rows ? x + first : nothing, parts.rows, width);
    });
    return found;
}

// Statistics that were computed earlier, by block; null for none.
inline std::vector<Statistics> known_statistics(const Parts& parts, const float* mean, const float* variance) {
    std::vector<Statistics> found(parts.blocks);
    parts.each_block([&](npy_intp block, npy_intp first, int width) {
        found[block].known(mean, variance, first, width);
    });
    return found;
}

}  // namespace ladder
