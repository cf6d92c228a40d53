// The gradient for filters: the sum over all pixels of one side's channels times the other side's.

namespace ladder {

// A sum is carried from registers to memory after about this many pixels: floats stay accurate, caches warm.
const npy_intp STRIP_PIXELS = 384;

// Parts of a batch, whose sums are kept apart until the end, whatever the number of threads.
const npy_intp MOST_PARTS = 16;
inline npy_intp parts_of(const Maps& coarse) {
    return std::min(coarse.count, std::min(MOST_PARTS, coarse.count * coarse.pixels() / 2048 + 1));
}

template <int V, int P = PIXELS>
inline void outer_rows(npy_intp rows, const std::vector<Strip>& strips, npy_intp left_step, npy_intp right_step,
                       npy_intp ahead, float* total) {
    if (rows == P)
        return tile_outer<P, V, true>(strips.data(), (npy_intp)strips.size(), left_step, right_step, ahead, total);
    if constexpr (P > 1) outer_rows<V, P - 1>(rows, strips, left_step, right_step, ahead, total);
}

// Adds the strips' sums to total (rows, width of the block), for `rows` consecutive floats of left; tiles are as equal
// as possible.
template <int V>
inline void outer(npy_intp rows, std::vector<Strip>& strips, npy_intp left_step, npy_intp right_step, npy_intp ahead,
                  float* total) {
    const npy_intp tiles = (rows + PIXELS - 1) / PIXELS;
    for (npy_intp t = 0; t < tiles; ++t) {
        const npy_intp first = t * rows / tiles, count = (t + 1) * rows / tiles - first;
        outer_rows<V>(count, strips, left_step, right_step, ahead, total + first * V * LANES);
        for (Strip& strip : strips) strip.left += count;
    }
}

// Sums over pixels: (block of coarse's channels, tap row, tap column, channels of fine, width of the block).
class FilterSums {
public:
    FilterSums(const Maps& fine, const Maps& coarse, Geometry g, npy_intp K)
        : fine_(fine), coarse_(coarse), g_(g), K_(K),
          merged_(complete(g, K, fine.height, coarse.height) && complete(g, K, fine.width, coarse.width)) {}

    // Adds coarse's pixels [first, last), counted across all images, to the sums of blocks [begin, end).
    void add(npy_intp first, npy_intp last, npy_intp begin, npy_intp end, float* sums) {
        for (; first < last; first += STRIP_PIXELS)
            for (npy_intp block = begin; block < end; ++block)
                add_strip(first, std::min(first + STRIP_PIXELS, last), block * BLOCK, sums);
    }

private:
    const Maps fine_, coarse_;
    const Geometry g_;
    const npy_intp K_;
    const bool merged_;          // all taps of a row at once, as their channels are consecutive
    std::vector<float> padded_;  // pixels of coarse where its last channels do not fill a vector
    std::vector<Strip> strips_;

    // Adds one strip to the sums of the block of coarse's channels that starts with `channel`.
    void add_strip(npy_intp first, npy_intp last, npy_intp channel, float* sums) {
        const npy_intp width = block_width(channel, coarse_.channels), there = coarse_.channels - channel;
        const float* right = coarse_.at(0, 0, first) + channel;
        npy_intp step = coarse_.channels;
        if (there < width) {
            padded_.assign((last - first) * width, 0.0f);
            for (npy_intp p = 0; p < last - first; ++p) std::copy_n(right + p * step, there, &padded_[p * width]);
            right = padded_.data();
            step = width;
        }
        const npy_intp steps = merged_ ? 1 : K_, channels = merged_ ? K_ * fine_.channels : fine_.channels;
        for (npy_intp d = 0; d < K_; ++d)
            for (npy_intp e = 0; e < steps; ++e) {
                find(first, last, d, e, right, step);
                // Each tap prefetches one vector of the next strip's pixels, to spread the memory requests.
                const npy_intp ahead = STRIP_PIXELS * step + (d * steps + e) * LANES % width;
                float* const total = sums + channel * K_ * K_ * fine_.channels + (d * K_ + e) * fine_.channels * width;
                if (width == BLOCK) outer<2>(channels, strips_, g_.stride * fine_.channels, step, ahead, total);
                else outer<1>(channels, strips_, g_.stride * fine_.channels, step, ahead, total);
            }
    }

    // Pairs pixels [first, last) of coarse, the first of which is at `right`, with those they meet through tap (d, e).
    void find(npy_intp first, npy_intp last, npy_intp d, npy_intp e, const float* right, npy_intp step) {
        const npy_intp s = g_.stride, shift = e - g_.pad, room = fine_.width - 1 - shift;
        // Columns j with 0 <= j s + shift < width.
        const npy_intp least = shift < 0 ? (-shift + s - 1) / s : 0;
        const npy_intp most = room < 0 ? 0 : std::min(coarse_.width, room / s + 1);
        strips_.clear();
        for (npy_intp row = first / coarse_.width; row * coarse_.width < last; ++row) {
            const npy_intp start = row * coarse_.width;  // the number of its first pixel
            const npy_intp n = row / coarse_.height, i = row % coarse_.height * s + d - g_.pad;
            const npy_intp begin = std::max(least, first - start), end = std::min(most, last - start);
            if (i >= 0 && i < fine_.height && begin < end)
                strips_.push_back(
                    {fine_.at(n, i, begin * s + shift), right + (start + begin - first) * step, end - begin});
        }
    }
};

// sums (part, block of coarse's channels, tap row, tap column, channels of fine, width of the block); zero on entry.
inline void filter_sums(const Maps& fine, const Maps& coarse, Geometry g, npy_intp K, npy_intp parts, float* sums) {
    const npy_intp blocks = (coarse.channels + BLOCK - 1) / BLOCK, depth = K * K * fine.channels;
    const npy_intp pixels = coarse.count * coarse.pixels();
    // A strip's blocks share cache lines, so one task takes them in turn if there are enough parts for all threads.
    const npy_intp groups = parts < MOST_PARTS ? blocks : 1;
#pragma omp parallel for schedule(dynamic)
    for (npy_intp task = 0; task < parts * groups; ++task) {
        const npy_intp part = task / groups, group = task % groups;
        FilterSums(fine, coarse, g, K)
            .add(part * pixels / parts, (part + 1) * pixels / parts, group * blocks / groups,
                 (group + 1) * blocks / groups, sums + part * blocks * depth * BLOCK);
    }
}

// Adds up the parts in order and writes the sums to filters, whose strides are in floats.
inline void filters_from(const float* sums, npy_intp parts, npy_intp K, npy_intp coarse, npy_intp fine, bool turned,
                         float* filters, npy_intp coarse_stride, npy_intp fine_stride) {
    const npy_intp blocks = (coarse + BLOCK - 1) / BLOCK, taps = K * K, size = blocks * taps * fine * BLOCK;
#pragma omp parallel for schedule(static)
    for (npy_intp block = 0; block < blocks; ++block) {
        const npy_intp first = block * BLOCK, width = block_width(first, coarse);
        for (npy_intp c = 0; c < fine; ++c)
            for (npy_intp j = 0; j < std::min<npy_intp>(width, coarse - first); ++j)
                for (npy_intp tap = 0; tap < taps; ++tap) {
                    const float* from = sums + block * taps * fine * BLOCK + (tap * fine + c) * width + j;
                    double total = 0.0;
                    for (npy_intp part = 0; part < parts; ++part) total += from[part * size];
                    filters[(first + j) * coarse_stride + c * fine_stride + (turned ? taps - 1 - tap : tap)] =
                        (float)total;
                }
    }
}

}  // namespace ladder
