// Convolutions from few channels: the windows that neighbouring pixels of the result depend on overlap, and tiles read
// them where they lie in the image.

namespace ladder {

template <int V, int R = PIXELS>
inline void multiply_window(npy_intp pixels, const Window& window, const float* right, float* to, npy_intp step) {
    if (pixels == R) return tile_window<R, V>(window, right, to, step);
    if constexpr (R > 1) multiply_window<V, R - 1>(pixels, window, right, to, step);
}

// Multiplies windows of `pixels` pixels by the block of filters that starts at column `first`; to: the first pixel's
// columns.
template <int V>
inline void multiply_window_block(npy_intp pixels, const Window& window, const float* right, npy_intp first,
                                  npy_intp columns, float* to) {
    const npy_intp width = std::min<npy_intp>(V * LANES, columns - first);
    if (width == V * LANES) return multiply_window<V>(pixels, window, right, to + first, columns);
    float spare[PIXELS * V * LANES];
    multiply_window<V>(pixels, window, right, spare, V * LANES);
    for (npy_intp p = 0; p < pixels; ++p) std::copy_n(spare + p * V * LANES, width, to + p * columns + first);
}

// Computes a row of y from the windows of its pixels, of which `row` is the first, in tiles as equal as possible.
inline void multiply_window_row(const Window& row, const float* packed, npy_intp width, npy_intp columns, float* to) {
    const npy_intp tiles = (width + PIXELS - 1) / PIXELS;
    for (npy_intp t = 0; t < tiles; ++t) {
        const npy_intp start = t * width / tiles, pixels = (t + 1) * width / tiles - start;
        Window window = row;
        window.from += start * row.pixel_step;
        for (npy_intp first = 0; first < columns; first += BLOCK) {
            const float* const right = packed + first * row.rows * row.length;
            float* const pixel = to + start * columns;
            if (block_width(first, columns) == BLOCK)
                multiply_window_block<2>(pixels, window, right, first, columns, pixel);
            else multiply_window_block<1>(pixels, window, right, first, columns, pixel);
        }
    }
}

// y from x with packed filters, where every tap meets a pixel of an image or of the `pad` zeros around it.
inline void gather_windows(const Maps& x, npy_intp pad, npy_intp K, npy_intp stride, const float* packed,
                           const MapsOut& y) {
    const npy_intp ROWS = 16;  // of y at a time
    const npy_intp row_step = (x.width + 2 * pad) * x.channels, chunks = (y.height + ROWS - 1) / ROWS;
#pragma omp parallel
    {
        std::vector<float> around(pad ? ((ROWS - 1) * stride + K) * row_step : 0);
#pragma omp for schedule(dynamic)
        for (npy_intp task = 0; task < y.count * chunks; ++task) {
            const npy_intp n = task / chunks, first = task % chunks * ROWS, last = std::min(first + ROWS, y.height);
            if (pad) surround(x, pad, n, first * stride - pad, (last - 1 - first) * stride + K, around.data());
            const float* from = pad ? around.data() : x.at(n, first * stride, 0);
            for (npy_intp i = first; i < last; ++i, from += stride * row_step)
                multiply_window_row({from, stride * x.channels, row_step, K, K * x.channels}, packed, y.width,
                                    y.channels, y.at(n, i, 0));
        }
    }
}

}  // namespace ladder
