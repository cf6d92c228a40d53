// Winograd's convolution of maps: transform tiles of pixels, multiply, transform back.

namespace ladder {

namespace winograd {

// Transforms filters and packs them in blocks of channels `to`: (product, block, from, width of the block).
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

// Writes a tile's results, as far as they lie inside the image.
inline void transform_back(const float* sums, npy_intp step, npy_intp image, npy_intp row, npy_intp column,
                           const MapsOut& y) {
    for (npy_intp f = 0; f < y.channels; f += LANES)
        transform<Results>(
            [&](int i, int j) LADDER_LAMBDA { return vector_at(sums + (i * POINTS + j) * step + f); },
            [&](int i, int j, Vector v) LADDER_LAMBDA {
                float* const to = y.at(image, row + i, column + j) + f;
                __builtin_prefetch(to + RESULTS * y.channels, 1);  // the next tile's, most likely
                if (row + i < y.height && column + j < y.width) vector_at(to) = v;
            });
}

// What a thread needs for some tiles: products of pixels with channels `from`, and their sums with channels `to`.
class Workspace {
public:
    Workspace(npy_intp tiles, npy_intp from, npy_intp to)
        : from_step(apart(tiles * from)), to_step(apart(tiles * to)), pixels(PRODUCTS * from_step),
          sums(PRODUCTS * to_step), from_(from), to_(to) {}
    float* pixels_of(npy_intp tile) { return &pixels[tile * from_]; }
    const float* sums_of(npy_intp tile) const { return &sums[tile * to_]; }
    void multiply(npy_intp tiles, const float* packed) {
        for (int product = 0; product < PRODUCTS; ++product)
            ladder::multiply(&pixels[product * from_step], tiles, from_, packed + product * from_ * to_, to_,
                             &sums[product * to_step], to_);
    }
    const npy_intp from_step, to_step;

private:
    std::vector<float> pixels, sums;
    const npy_intp from_, to_;
};

// Down: y from x with packed filters, by tiles of y.
inline void gather(const Maps& x, npy_intp pad, const float* packed, const MapsOut& y) {
    const Tiling tiling(y.count, y.height, y.width);
    const npy_intp tiles = tiles_at_a_time(x.channels, y.channels);
    const std::vector<float> zeros(x.channels);
#pragma omp parallel
    {
        Workspace work(tiles, x.channels, y.channels);
#pragma omp for schedule(dynamic)
        for (npy_intp start = 0; start < tiling.count; start += tiles) {
            const npy_intp count = std::min(tiles, tiling.count - start);
            for (npy_intp t = 0; t < count; ++t)
                transform_pixels<Pixels>(x, zeros.data(), tiling.image(start + t), tiling.row(start + t) - pad,
                                         tiling.column(start + t) - pad, work.pixels_of(t), work.from_step);
            work.multiply(count, packed);
            for (npy_intp t = 0; t < count; ++t)
                transform_back(work.sums_of(t), work.to_step, tiling.image(start + t), tiling.row(start + t),
                               tiling.column(start + t), y);
        }
    }
}

// Adds a tile's pixels, as far as they lie inside the image.
inline void add_back(const float* sums, npy_intp step, npy_intp image, npy_intp row, npy_intp column,
                     const MapsOut& y) {
    for (npy_intp f = 0; f < y.channels; f += LANES)
        transform<PixelsAdjoint>(
            [&](int i, int j) LADDER_LAMBDA { return vector_at(sums + (i * POINTS + j) * step + f); },
            [&](int i, int j, Vector v) LADDER_LAMBDA {
                const npy_intp k = row + i, l = column + j;
                float* const to = y.at(image, k, l) + f;
                if (j >= POINTS - RESULTS) __builtin_prefetch(to + RESULTS * y.channels, 0, 2);
                if (k >= 0 && k < y.height && l >= 0 && l < y.width) vector_at(to) += v;
            });
}

// Up: y from x with packed filters, by tiles of x, whose results overlap.  If y is larger than x, these tiles may be
// fewer than those of y.
inline void spread(const Maps& x, npy_intp pad, const float* packed, const MapsOut& y) {
    const Tiling tiling(x.count, x.height, x.width);
    const npy_intp tiles = tiles_at_a_time(x.channels, y.channels), of_image = tiling.rows * tiling.columns;
    npy_intp images = 1;  // so many that their tiles are a multiple of PIXELS
    while (images * of_image % PIXELS) ++images;
    const std::vector<float> zeros(x.channels);
#pragma omp parallel
    {
        Workspace work(tiles, x.channels, y.channels);
#pragma omp for schedule(dynamic)
        for (npy_intp image = 0; image < x.count; image += images) {
            const npy_intp last = std::min(image + images, x.count);
            std::fill(y.at(image, 0, 0), y.at(last, 0, 0), 0.0f);
            for (npy_intp start = image * of_image; start < last * of_image; start += tiles) {
                const npy_intp count = std::min(tiles, last * of_image - start);
                for (npy_intp t = 0; t < count; ++t)
                    transform_pixels<ResultsAdjoint>(x, zeros.data(), tiling.image(start + t), tiling.row(start + t),
                                                     tiling.column(start + t), work.pixels_of(t), work.from_step);
                work.multiply(count, packed);
                for (npy_intp t = 0; t < count; ++t)
                    add_back(work.sums_of(t), work.to_step, tiling.image(start + t), tiling.row(start + t) - pad,
                             tiling.column(start + t) - pad, y);
            }
        }
    }
}

}  // namespace winograd

}  // namespace ladder
