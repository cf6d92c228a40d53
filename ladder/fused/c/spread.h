// Convolutions to few channels, pixel by pixel of the source: what it adds to the result is one matrix product for
// all taps, whose columns fill vectors where so few channels do not.

namespace ladder {

// Filters as a matrix (from, tap row x tap column x to).
inline void tap_columns(const Filters& w, float* to) {
    for (npy_intp c = 0; c < w.from; ++c)
        for (npy_intp row = 0; row < w.size; ++row)
            for (npy_intp column = 0; column < w.size; ++column)
                for (npy_intp f = 0; f < w.to; ++f) *to++ = w.at(f, c, row, column);
}

inline npy_intp tap_columns_count(const Filters& w) { return w.size * w.size * w.to; }

// Adds a row of taps (K, channels) to the row of an image from column `first` on, as far as it lies inside.
inline void add_taps(const float* taps, npy_intp K, npy_intp channels, npy_intp first, npy_intp width, float* row) {
    const npy_intp begin = std::max<npy_intp>(0, -first), end = std::min(K, width - first);
    for (npy_intp k = begin * channels; k < end * channels; ++k) row[first * channels + k] += taps[k];
}

// y from x, towards the fine side.  False if there was no memory.
inline bool spread(const Maps& x, const Filters& w, Geometry g, const MapsOut& y) {
    const npy_intp SIZE = 1 << 20;  // floats that one product may have
    const npy_intp K = w.size, columns = tap_columns_count(w), pixels = x.pixels();
    const npy_intp together = std::min(x.count, std::max<npy_intp>(1, SIZE / (pixels * columns)));
    const Buffer taps(w.from * columns), buffer(together * pixels * columns);
    if (!taps.ok() || !buffer.ok()) return false;
    tap_columns(w, taps.get());
    const float* const product = buffer.get();
    for (npy_intp image = 0; image < x.count; image += together) {
        const npy_intp images = std::min(together, x.count - image);
        const Section all = {{Factor{x.at(image, 0, 0), 1, x.channels}}, images * pixels, buffer.get()};
        if (!Product({Factor{taps.get(), columns, 1}}, {x.channels}, columns, {all}).compute()) return false;
#pragma omp parallel for schedule(dynamic)
        for (npy_intp n = image; n < image + images; ++n) {
            std::fill(y.at(n, 0, 0), y.at(n, 0, 0) + y.image_size(), 0.0f);
            for (npy_intp p = 0; p < pixels; ++p) {
                const npy_intp i = p / x.width * g.stride - g.pad, j = p % x.width * g.stride - g.pad;
                const float* const of_pixel = product + ((n - image) * pixels + p) * columns;
                for (npy_intp d = std::max<npy_intp>(0, -i); d < K && i + d < y.height; ++d)
                    add_taps(of_pixel + d * K * y.channels, K, y.channels, j, y.width, y.at(n, i + d, 0));
            }
        }
    }
    return true;
}

}  // namespace ladder
