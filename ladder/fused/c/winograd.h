// Winograd's convolution with filters of 3 taps: 4 results from 6 pixels take 6 products instead of 12, in two
// dimensions 36 instead of 144.  Pixels, filters and results are transformed to and from these products, whose sums
// over channels are matrix products.  Seen as polynomials, values at 6 points are multiplied instead of coefficients.
// The points 0, +-2/3, +-3/2 and infinity, reciprocals of each other, give the smallest errors, hardly larger than
// those of plain sums (with the usual +-1, +-2 they are twice as large).

namespace ladder {

namespace winograd {

const int RESULTS = 4, TAPS = 3, POINTS = 6, PRODUCTS = POINTS * POINTS;
const float A = 2.0f / 3, B = 3.0f / 2, A2 = A * A, B2 = B * B;
const float AT_A = (float)(1 / (2.0 * 4 / 9 * (4.0 / 9 - 9.0 / 4))), AT_B = (float)(1 / (2.0 * 9 / 4 * (9.0 / 4 - 4.0 / 9)));

// One axis of each transform: y = T x.  Their adjoints serve gradients.
struct Pixels {
    static const int FROM = POINTS, TO = POINTS;
    LADDER_INLINE static void apply(const Vector* x, Vector* y) {
        const Vector even_a = x[4] - B2 * x[2], odd_a = A * x[3] - B * x[1];
        const Vector even_b = x[4] - A2 * x[2], odd_b = B * x[3] - A * x[1];
        y[0] = x[0] + x[4] - (A2 + B2) * x[2];
        y[1] = even_a + odd_a;
        y[2] = even_a - odd_a;
        y[3] = even_b + odd_b;
        y[4] = even_b - odd_b;
        y[5] = x[1] + x[5] - (A2 + B2) * x[3];
    }
};

struct PixelsAdjoint {
    static const int FROM = POINTS, TO = POINTS;
    LADDER_INLINE static void apply(const Vector* x, Vector* y) {
        const Vector even_a = x[1] + x[2], odd_a = x[1] - x[2], even_b = x[3] + x[4], odd_b = x[3] - x[4];
        y[0] = x[0];
        y[1] = x[5] - B * odd_a - A * odd_b;
        y[2] = -(A2 + B2) * x[0] - B2 * even_a - A2 * even_b;
        y[3] = A * odd_a + B * odd_b - (A2 + B2) * x[5];
        y[4] = x[0] + even_a + even_b;
        y[5] = x[5];
    }
};

struct Taps {
    static const int FROM = TAPS, TO = POINTS;
    LADDER_INLINE static void apply(const Vector* x, Vector* y) {
        const Vector even_a = AT_A * (x[0] + A2 * x[2]), odd_a = AT_A * A * x[1];
        const Vector even_b = AT_B * (x[0] + B2 * x[2]), odd_b = AT_B * B * x[1];
        y[0] = x[0];
        y[1] = even_a + odd_a;
        y[2] = even_a - odd_a;
        y[3] = even_b + odd_b;
        y[4] = even_b - odd_b;
        y[5] = x[2];
    }
};

struct TapsAdjoint {
    static const int FROM = POINTS, TO = TAPS;
    LADDER_INLINE static void apply(const Vector* x, Vector* y) {
        const Vector even_a = AT_A * (x[1] + x[2]), even_b = AT_B * (x[3] + x[4]);
        y[0] = x[0] + even_a + even_b;
        y[1] = AT_A * A * (x[1] - x[2]) + AT_B * B * (x[3] - x[4]);
        y[2] = A2 * even_a + B2 * even_b + x[5];
    }
};

struct Results {
    static const int FROM = POINTS, TO = RESULTS;
    LADDER_INLINE static void apply(const Vector* x, Vector* y) {
        const Vector even_a = x[1] + x[2], odd_a = A * (x[1] - x[2]);
        const Vector even_b = x[3] + x[4], odd_b = B * (x[3] - x[4]);
        y[0] = x[0] + even_a + even_b;
        y[1] = odd_a + odd_b;
        y[2] = A2 * even_a + B2 * even_b;
        y[3] = A2 * odd_a + B2 * odd_b + x[5];
    }
};

struct ResultsAdjoint {
    static const int FROM = RESULTS, TO = POINTS;
    LADDER_INLINE static void apply(const Vector* x, Vector* y) {
        const Vector even_a = x[0] + A2 * x[2], odd_a = A * (x[1] + A2 * x[3]);
        const Vector even_b = x[0] + B2 * x[2], odd_b = B * (x[1] + B2 * x[3]);
        y[0] = x[0];
        y[1] = even_a + odd_a;
        y[2] = even_a - odd_a;
        y[3] = even_b + odd_b;
        y[4] = even_b - odd_b;
        y[5] = x[3];
    }
};

// Transforms what load(row, column) gives along both axes, and calls store(row, column, value) for the results.
template <class Transform, class Load, class Store> LADDER_INLINE void transform(Load load, Store store) {
    const int N = Transform::FROM, M = Transform::TO;
    Vector half[N][M];
#pragma GCC unroll 1
    for (int i = 0; i < N; ++i) {
        Vector row[N];
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) row[j] = load(i, j);
        Transform::apply(row, half[i]);
    }
#pragma GCC unroll 1
    for (int j = 0; j < M; ++j) {
        Vector column[N], result[M];
#pragma GCC unroll 6
        for (int i = 0; i < N; ++i) column[i] = half[i][j];
        Transform::apply(column, result);
#pragma GCC unroll 6
        for (int i = 0; i < M; ++i) store(i, j, result[i]);
    }
}

// Tiles of 4 x 4 pixels of the coarse side, over all images.
struct Tiling {
    npy_intp rows, columns, count;

    Tiling(npy_intp images, npy_intp height, npy_intp width)
        : rows((height + RESULTS - 1) / RESULTS), columns((width + RESULTS - 1) / RESULTS),
          count(images * rows * columns) {}
    npy_intp image(npy_intp tile) const { return tile / (rows * columns); }
    npy_intp row(npy_intp tile) const { return tile / columns % rows * RESULTS; }
    npy_intp column(npy_intp tile) const { return tile % columns * RESULTS; }
};

// Transforms one image's pixels from (row, column) on, with zeros outside.  Products are `product_step` apart, vectors
// of channels `vector_step`.
template <class Transform>
inline void transform_pixels(const Maps& x, const float* zeros, npy_intp image, npy_intp row, npy_intp column,
                             float* to, npy_intp product_step, npy_intp vector_step = LANES) {
    const int N = Transform::FROM;
    const float* from[N][N];
    for (int i = 0; i < N; ++i)
        for (int j = 0; j < N; ++j) {
            const bool inside = row + i >= 0 && row + i < x.height && column + j >= 0 && column + j < x.width;
            from[i][j] = inside ? x.at(image, row + i, column + j) : zeros;
        }
    for (npy_intp c = 0; c < x.channels; c += LANES, to += vector_step) {
        // Prefetched one by one while this tile is transformed: most likely the next tile's pixels beyond those shared.
        transform<Transform>(
            [&](int i, int j) LADDER_LAMBDA {
                if (j >= N - RESULTS) __builtin_prefetch(from[i][j] + RESULTS * x.channels + c, 0, 2);
                return vector_at(from[i][j] + c);
            },
            [&](int i, int j, Vector v) LADDER_LAMBDA { vector_at(to + (i * POINTS + j) * product_step) = v; });
    }
}

// Floats between the arrays of two products: an odd number of vectors, lest all compete for the same cache lines.
inline npy_intp apart(npy_intp size) { return (size / LANES | 1) * LANES; }

}  // namespace winograd

}  // namespace ladder
