// Products of small tiles whose sums stay in registers: PIXELS x (V vectors).  Matrix products, and the convolutions
// that are plain products, are made of packed tiles; other convolutions are made of the rest.

#ifndef LADDER_INLINE
#define LADDER_INLINE inline __attribute__((always_inline))
#define LADDER_LAMBDA __attribute__((always_inline))
#endif

namespace ladder {

#if defined(__AVX512F__)
const int LANES = 16, REGISTERS = 32;
#elif defined(__AVX__)
const int LANES = 8, REGISTERS = 16;
#elif defined(__aarch64__)
const int LANES = 4, REGISTERS = 32;
#else
const int LANES = 4, REGISTERS = 16;
#endif

// A vector at any address.
typedef float Vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

const int PIXELS = REGISTERS == 32 ? 12 : 6;  // two vectors each fill all registers but a few
const int BLOCK = 2 * LANES;                  // columns of a tile

inline const Vector& vector_at(const float* x) { return *(const Vector*)x; }
inline Vector& vector_at(float* x) { return *(Vector*)x; }

inline npy_intp round_up(npy_intp n, npy_intp unit) { return (n + unit - 1) / unit * unit; }

// Width of the block that starts at column `first`: a matrix's last block may need only one vector.
inline int block_width(npy_intp first, npy_intp columns) { return columns - first > LANES ? BLOCK : LANES; }

// to[p][v] = sum over runs t < count and k < length of rows[t][p][k] right[number[t]][k][v]: a run is `length`
// consecutive floats per pixel; right's rows are V vectors wide.
template <int V>
inline void tile_product(const float* const* rows, const int* number, int count, npy_intp length, const float* right,
                         float* const* to) {
    Vector sum[PIXELS][V] = {};
    for (int t = 0; t < count; ++t, rows += PIXELS) {
        const float* w = right + number[t] * length * V * LANES;
        auto step = [&](npy_intp k) __attribute__((always_inline)) {
            Vector column[V];
#pragma GCC unroll 2
            for (int v = 0; v < V; ++v) column[v] = vector_at(w + v * LANES);
            w += V * LANES;
#pragma GCC unroll 12
            for (int p = 0; p < PIXELS; ++p)
#pragma GCC unroll 2
                for (int v = 0; v < V; ++v) sum[p][v] += rows[p][k] * column[v];
        };
        npy_intp k = 0;
#pragma GCC unroll 1
        for (; k + 4 <= length; k += 4) {  // so that the addresses, too many for the registers, are read once in 4
            step(k);
            step(k + 1);
            step(k + 2);
            step(k + 3);
        }
#pragma GCC unroll 1
        for (; k < length; ++k) step(k);
    }
#pragma GCC unroll 12
    for (int p = 0; p < PIXELS; ++p)
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) vector_at(to[p] + v * LANES) = sum[p][v];
}

// Consecutive pixels of two images.
struct Strip {
    const float *left, *right;
    npy_intp length;
};

// total[p][v] += sum over pixels of left[pixel][p] right[pixel][v]; pixels are left_step and right_step floats apart.
// With FETCH, the line that lies `ahead` floats after right's pixel is prefetched with each pixel.
template <int P, int V, bool FETCH>
__attribute__((noinline)) void tile_outer(const Strip* strips, npy_intp count, npy_intp left_step, npy_intp right_step,
                                          npy_intp ahead, float* total) {
    Vector sum[P][V] = {};
    for (npy_intp t = 0; t < count; ++t) {
        const float *a = strips[t].left, *b = strips[t].right;
#pragma GCC unroll 1
        for (npy_intp k = 0; k < strips[t].length; ++k, a += left_step, b += right_step) {
            if constexpr (FETCH) __builtin_prefetch(b + ahead, 0, 2);
            Vector column[V];
#pragma GCC unroll 2
            for (int v = 0; v < V; ++v) column[v] = vector_at(b + v * LANES);
#pragma GCC unroll 16
            for (int p = 0; p < P; ++p)
#pragma GCC unroll 2
                for (int v = 0; v < V; ++v) sum[p][v] += a[p] * column[v];
        }
    }
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) vector_at(total + (p * V + v) * LANES) += sum[p][v];
}

// Prefetches where the sums go, while they are computed.
template <int R, int V> LADDER_INLINE void fetch_tile(const float* to, npy_intp step) {
#pragma GCC unroll 12
    for (int i = 0; i < R; ++i) {
#pragma GCC unroll 3
        for (int v = 0; v <= V; ++v) __builtin_prefetch(to + i * step + std::min(v, V) * LANES - (v == V), 1);
    }
}

// What neighbouring pixels depend on: `rows` rows of `length` floats for each pixel.
struct Window {
    const float* from;
    npy_intp pixel_step, row_step, rows, length;
};

// to[p], for R pixels, = sum over the window's rows and floats times right's rows, which are V vectors; to's rows are
// `step` floats apart.
template <int R, int V>
__attribute__((noinline)) void tile_window(const Window& window, const float* right, float* to, npy_intp step) {
    fetch_tile<R, V>(to, step);
    Vector sum[R][V] = {};
    for (npy_intp d = 0; d < window.rows; ++d) {
        const float* left = window.from + d * window.row_step;
#pragma GCC unroll 1
        for (npy_intp k = 0; k < window.length; ++k, ++left, right += V * LANES) {
            Vector row[V];
#pragma GCC unroll 2
            for (int v = 0; v < V; ++v) row[v] = vector_at(right + v * LANES);
#pragma GCC unroll 12
            for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
                for (int v = 0; v < V; ++v) sum[i][v] += left[i * window.pixel_step] * row[v];
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) vector_at(to + i * step + v * LANES) = sum[i][v];
}

// Cache lines to prefetch: `count` of them, each `shift` floats after its address in `lines`.
struct Ahead {
    const float* const* lines;
    npy_intp count, shift;
};

// to[i][j] = sum over k of left[k][i] right[k][j], or += if `add`.  left's rows are PIXELS floats, of which R count,
// and right's are V vectors; to's are `step` floats apart.  One line of `ahead` is prefetched with each k, as the
// processor stalls if many are requested at once.
template <int R, int V>
__attribute__((noinline)) void tile_packed(const float* left, const float* right, npy_intp depth, float* to,
                                           npy_intp step, bool add, const Ahead& ahead) {
    fetch_tile<R, V>(to, step);
    Vector sum[R][V] = {};
    auto next = [&]() __attribute__((always_inline)) {
        Vector row[V];
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) row[v] = vector_at(right + v * LANES);
#pragma GCC unroll 12
        for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
            for (int v = 0; v < V; ++v) sum[i][v] += left[i] * row[v];
        left += PIXELS;
        right += V * LANES;
    };
    const npy_intp fetched = std::min(ahead.count, depth);
    npy_intp k = 0;
#pragma GCC unroll 1
    for (; k < fetched; ++k) {
        __builtin_prefetch(ahead.lines[k] + ahead.shift, 0, 2);
        next();
    }
#pragma GCC unroll 1
    for (; k < depth; ++k) next();
#pragma GCC unroll 12
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) {
            Vector& at = vector_at(to + i * step + v * LANES);
            at = add ? at + sum[i][v] : sum[i][v];
        }
}

}  // namespace ladder
