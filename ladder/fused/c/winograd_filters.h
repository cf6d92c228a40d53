// Winograd's gradient for filters: the adjoint of his convolution, products summed over tiles.

namespace ladder {

namespace winograd {

const npy_intp SUM_TILES = 256;  // at a time, before their sums are carried from registers to memory

// Products of one side: (product, vector of channels, tile, lane).
class Transformed {
public:
    Transformed(float* data, npy_intp channels)
        : vectors(channels / LANES), vector_step(SUM_TILES * LANES), product_step(apart(vectors * vector_step)),
          data_(data) {}
    static npy_intp size(npy_intp channels) { return PRODUCTS * Transformed(nullptr, channels).product_step; }

    float* at(npy_intp product, npy_intp vector) const {
        return data_ + product * product_step + vector * vector_step;
    }
    const npy_intp vectors, vector_step, product_step;

private:
    float* const data_;
};

// Filters from sums (product, vector of coarse, vector of fine, lane of fine, lane of coarse); strides in floats.
inline void filters_from(const float* sums, npy_intp fine, npy_intp coarse, bool turned, float* filters,
                         npy_intp coarse_stride, npy_intp fine_stride) {
    const npy_intp step = fine * coarse;
#pragma omp parallel for schedule(static)
    for (npy_intp f = 0; f < coarse; f += LANES)
        for (npy_intp c = 0; c < fine; ++c) {
            const float* const from = sums + f * fine + c * LANES;
            transform<TapsAdjoint>(
                [&](int i, int j) LADDER_LAMBDA { return vector_at(from + (i * POINTS + j) * step); },
                [&](int i, int j, Vector v) LADDER_LAMBDA {
                    const int tap = i * TAPS + j, at = turned ? TAPS * TAPS - 1 - tap : tap;
                    for (int lane = 0; lane < LANES; ++lane)
                        filters[(f + lane) * coarse_stride + c * fine_stride + at] = v[lane];
                });
        }
}

inline npy_intp scratch_size(const Maps& fine, const Maps& coarse) {
    return Transformed::size(fine.channels) + Transformed::size(coarse.channels);
}

inline npy_intp sums_size(const Maps& fine, const Maps& coarse) { return PRODUCTS * fine.channels * coarse.channels; }

// Adds up all tiles' products; sums must be zero on entry.
inline void filter_sums(const Maps& fine, const Maps& coarse, npy_intp pad, float* scratch, float* sums) {
    const Tiling tiling(coarse.count, coarse.height, coarse.width);
    const std::vector<float> zeros(std::max(fine.channels, coarse.channels));
    const Transformed pixels(scratch, fine.channels);
    const Transformed gradients(scratch + Transformed::size(fine.channels), coarse.channels);
    const npy_intp tasks = PRODUCTS * gradients.vectors;
#pragma omp parallel
    for (npy_intp start = 0; start < tiling.count; start += SUM_TILES) {
        const npy_intp count = std::min(SUM_TILES, tiling.count - start);
#pragma omp for schedule(static)
        for (npy_intp t = 0; t < count; ++t) {
            const npy_intp n = tiling.image(start + t), i = tiling.row(start + t), j = tiling.column(start + t);
            transform_pixels<Pixels>(fine, zeros.data(), n, i - pad, j - pad, pixels.at(0, 0) + t * LANES,
                                     pixels.product_step, pixels.vector_step);
            transform_pixels<ResultsAdjoint>(coarse, zeros.data(), n, i, j, gradients.at(0, 0) + t * LANES,
                                             gradients.product_step, gradients.vector_step);
        }
#pragma omp for schedule(static)
        for (npy_intp task = 0; task < tasks; ++task) {
            const npy_intp product = task / gradients.vectors, f = task % gradients.vectors;
            for (npy_intp c = 0; c < pixels.vectors; ++c) {
                const Strip strip = {pixels.at(product, c), gradients.at(product, f), count};
                tile_outer<LANES, 1, false>(&strip, 1, LANES, LANES, 0,
                                            sums + (task * pixels.vectors + c) * LANES * LANES);
            }
        }
    }
}

}  // namespace winograd

}  // namespace ladder
