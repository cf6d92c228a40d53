// Winograd's gradient for filters: the adjoint of his convolution, products summed over tiles.

namespace ladder {

namespace winograd {

// sums (product, block of coarse's channels, channels of fine, width of the block) += of tiles [start, start + count).
// One product's pixels (tile, channels) and gradients (tile, channels).
inline void add_products(const float* pixels, npy_intp from, const float* gradients, npy_intp to, npy_intp count,
                         npy_intp first, float* sums, std::vector<Strip>& strips) {
    strips.assign(1, Strip{pixels, gradients + first, count});
    if (block_width(first, to) == BLOCK) outer<2>(from, strips, from, to, sums + first * from);
    else outer<1>(from, strips, from, to, sums + first * from);
}

// Filters from the sums; strides are in floats.
inline void filters_from(const float* sums, npy_intp fine, npy_intp coarse, bool turned, float* filters,
                         npy_intp coarse_stride, npy_intp fine_stride) {
    const npy_intp step = fine * coarse;
#pragma omp parallel for schedule(static)
    for (npy_intp f = 0; f < coarse; f += LANES) {
        const npy_intp first = f / BLOCK * BLOCK, width = block_width(first, coarse);
        for (npy_intp c = 0; c < fine; ++c) {
            const float* const from = sums + first * fine + c * width + f - first;
            transform<TapsAdjoint>(
                [&](int i, int j) LADDER_LAMBDA { return vector_at(from + (i * POINTS + j) * step); },
                [&](int i, int j, Vector v) LADDER_LAMBDA {
                    const int tap = i * TAPS + j, at = turned ? TAPS * TAPS - 1 - tap : tap;
                    for (int lane = 0; lane < LANES; ++lane)
                        filters[(f + lane) * coarse_stride + c * fine_stride + at] = v[lane];
                });
        }
    }
}

const npy_intp SUM_TILES = 256;  // at a time: their sums are carried from registers to memory

inline npy_intp scratch_size(const Maps& fine, const Maps& coarse) {
    return PRODUCTS * (apart(SUM_TILES * fine.channels) + apart(SUM_TILES * coarse.channels));
}

inline npy_intp sums_size(const Maps& fine, const Maps& coarse) { return PRODUCTS * fine.channels * coarse.channels; }

// All tiles' products; sums are zero before.
inline void filter_sums(const Maps& fine, const Maps& coarse, npy_intp pad, float* scratch, float* sums) {
    const Tiling tiling(coarse.count, coarse.height, coarse.width, pad);
    const npy_intp from_step = apart(SUM_TILES * fine.channels), to_step = apart(SUM_TILES * coarse.channels);
    const npy_intp blocks = (coarse.channels + BLOCK - 1) / BLOCK;
    float *const pixels = scratch, *const gradients = scratch + PRODUCTS * from_step;
#pragma omp parallel
    {
        std::vector<Strip> strips;
        for (npy_intp start = 0; start < tiling.count; start += SUM_TILES) {
            const npy_intp count = std::min(SUM_TILES, tiling.count - start);
#pragma omp for schedule(static)
            for (npy_intp t = 0; t < count; ++t) {
                const npy_intp n = tiling.image(start + t), i = tiling.row(start + t), j = tiling.column(start + t);
                transform_pixels<Pixels>(fine, n, i - pad, j - pad, pixels + t * fine.channels, from_step);
                transform_pixels<ResultsAdjoint>(coarse, n, i, j, gradients + t * coarse.channels, to_step);
            }
#pragma omp for schedule(static)
            for (npy_intp task = 0; task < PRODUCTS * blocks; ++task) {
                const npy_intp product = task / blocks;
                add_products(pixels + product * from_step, fine.channels, gradients + product * to_step,
                             coarse.channels, count, task % blocks * BLOCK,
                             sums + product * fine.channels * coarse.channels, strips);
            }
        }
    }
}

}  // namespace winograd

}  // namespace ladder
