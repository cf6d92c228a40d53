// Convolutions to few channels, pixel by pixel of the source: what it adds to the result is one matrix product for
// all taps, whose columns fill vectors where so few channels do not.

namespace ladder {

// Filters as a matrix (from, tap row x tap column x to) in blocks of columns: (block, from, width of the block).
inline void pack_columns(const Filters& w, float* packed) {
    const npy_intp columns = w.size * w.size * w.to;
    for (npy_intp first = 0; first < columns; first += BLOCK) {
        const npy_intp width = block_width(first, columns);
        float* const to = packed + first * w.from;
        for (npy_intp j = 0; j < width; ++j) {
            const npy_intp tap = (first + j) / w.to, f = (first + j) % w.to;
            for (npy_intp c = 0; c < w.from; ++c)
                to[c * width + j] = first + j < columns ? w.at(f, c, tap / w.size, tap % w.size) : 0.0f;
        }
    }
}

inline npy_intp packed_columns_size(const Filters& w) { return round_up(w.size * w.size * w.to, BLOCK) * w.from; }

// Adds a row of taps (K, channels) to the row of an image from column `first` on, as far as it lies inside.
inline void add_taps(const float* taps, npy_intp K, npy_intp channels, npy_intp first, npy_intp width, float* row) {
    const npy_intp begin = std::max<npy_intp>(0, -first), end = std::min(K, width - first);
    for (npy_intp k = begin * channels; k < end * channels; ++k) row[first * channels + k] += taps[k];
}

// y from x with packed columns, towards the fine side.
inline void spread(const Maps& x, npy_intp K, Geometry g, const float* packed, const MapsOut& y) {
    const npy_intp columns = K * K * y.channels;
#pragma omp parallel
    {
        std::vector<float> product(PIXELS * columns);
#pragma omp for schedule(dynamic)
        for (npy_intp n = 0; n < x.count; ++n) {
            std::fill(y.at(n, 0, 0), y.at(n, 0, 0) + y.image_size(), 0.0f);
            for (npy_intp start = 0; start < x.pixels(); start += PIXELS) {
                const npy_intp pixels = std::min<npy_intp>(PIXELS, x.pixels() - start);
                multiply(x.at(n, 0, start), pixels, x.channels, packed, columns, product.data(), columns);
                for (npy_intp p = 0; p < pixels; ++p) {
                    const npy_intp i = (start + p) / x.width * g.stride - g.pad;
                    const npy_intp j = (start + p) % x.width * g.stride - g.pad;
                    for (npy_intp d = std::max<npy_intp>(0, -i); d < K && i + d < y.height; ++d)
                        add_taps(&product[p * columns + d * K * y.channels], K, y.channels, j, y.width, y.at(n, i + d, 0));
                }
            }
        }
    }
}

}  // namespace ladder
