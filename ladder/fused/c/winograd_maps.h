// Winograd's convolution of maps: transform tiles of pixels, multiply, transform back.

namespace ladder {

namespace winograd {

// Filters transformed, in blocks of channels `to`: (product, block, from, width of the block).
inline void pack_filters(const Filters& w, float* packed) {
    const npy_intp blocks = (w.to + BLOCK - 1) / BLOCK, step = w.from * w.to;
#pragma omp parallel for schedule(static)
    for (npy_intp block = 0; block < blocks; ++block) {
        const npy_intp first = block * BLOCK, width = block_width(first, w.to);
        for (npy_intp c = 0; c < w.from; ++c)
            for (npy_intp f = 0; f < width; f += LANES) {
                float* const to = packed + first * w.from + c * width + f;
                transform<Taps>(
                    [&](int i, int j) LADDER_LAMBDA {
                        Vector v;
                        for (int lane = 0; lane < LANES; ++lane) v[lane] = w.at(first + f + lane, c, i, j);
                        return v;
                    },
                    [&](int i, int j, Vector v) LADDER_LAMBDA { vector_at(to + (i * POINTS + j) * step) = v; });
            }
    }
}

// Tiles at a time: as many as stay in the second-level cache.
inline npy_intp tiles_at_a_time(npy_intp from, npy_intp to) {
    const npy_intp CACHE = 1 << 18;  // floats
    return std::max<npy_intp>(2, CACHE / (PRODUCTS * (from + to) * PIXELS)) * PIXELS;
}

// sums (product, tile, to) of pixels (product, tile, from) times packed filters.
inline void multiply(const float* pixels, npy_intp from_step, const float* packed, npy_intp from, float* sums,
                     npy_intp to_step, npy_intp to, npy_intp tiles, Runs& runs) {
    for (int product = 0; product < PRODUCTS; ++product)
        for (npy_intp first = 0; first < to; first += BLOCK)
            for (npy_intp start = 0; start < tiles; start += PIXELS) {
                float* rows[PIXELS];
                for (int p = 0; p < PIXELS; ++p) {
                    const npy_intp tile = std::min(start + p, tiles - 1);
                    runs.rows[p] = pixels + product * from_step + tile * from;
                    rows[p] = sums + product * to_step + tile * to;
                }
                gather_block(runs, from, packed + product * from * to, from, first, to, rows);
            }
}

// A tile's results, as far as they lie inside.
inline void transform_back(const float* sums, npy_intp step, npy_intp image, npy_intp row, npy_intp column,
                           const MapsOut& y) {
    for (npy_intp f = 0; f < y.channels; f += LANES)
        transform<Results>(
            [&](int i, int j) LADDER_LAMBDA { return vector_at(sums + (i * POINTS + j) * step + f); },
            [&](int i, int j, Vector v) LADDER_LAMBDA {
                if (row + i < y.height && column + j < y.width) vector_at(y.at(image, row + i, column + j) + f) = v;
            });
}

// y from x with packed filters: the correlation with x surrounded by `pad` zeros.
inline void convolve(const Maps& x, npy_intp pad, const float* packed, const MapsOut& y) {
    const Tiling tiling(y.count, y.height, y.width, pad);
    const npy_intp tiles = tiles_at_a_time(x.channels, y.channels);
    const npy_intp from_step = apart(tiles * x.channels), to_step = apart(tiles * y.channels);
    const std::vector<float> zeros(x.channels);
#pragma omp parallel
    {
        std::vector<float> pixels(PRODUCTS * from_step), sums(PRODUCTS * to_step);
        Runs runs;
        runs.rows.resize(PIXELS);
        runs.number.assign(1, 0);
#pragma omp for schedule(dynamic)
        for (npy_intp start = 0; start < tiling.count; start += tiles) {
            const npy_intp count = std::min(tiles, tiling.count - start);
            for (npy_intp t = 0; t < count; ++t)
                transform_pixels<Pixels>(x, zeros.data(), tiling.image(start + t), tiling.row(start + t) - pad,
                                         tiling.column(start + t) - pad, &pixels[t * x.channels], from_step);
            multiply(pixels.data(), from_step, packed, x.channels, sums.data(), to_step, y.channels, count, runs);
            for (npy_intp t = 0; t < count; ++t)
                transform_back(&sums[t * y.channels], to_step, tiling.image(start + t), tiling.row(start + t),
                               tiling.column(start + t), y);
        }
    }
}

}  // namespace winograd

}  // namespace ladder
