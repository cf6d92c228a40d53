// The gradient for filters: the sum over all pixels of one side's channels times the other side's.

namespace ladder {

// A sum is carried from registers to memory after about so many pixels: floats stay accurate, caches warm.
const npy_intp STRIP_PIXELS = 384;
// Channels [first, first + P) of `left` with all strips, some of which an earlier tile has done.
template <int V>
inline void outer_rows(int P, const Strip* strips, npy_intp count, npy_intp left_step, npy_intp right_step,
                       float* total, int skip) {
    const int T = PIXELS;
    auto run = [&](auto size) __attribute__((always_inline)) {
        tile_outer<size.value, V>(strips, count, left_step, right_step, total, skip);
    };
    if (P == T) run(std::integral_constant<int, T>());
    else if (P == T / 3 * 2) run(std::integral_constant<int, T / 3 * 2>());
    else if (P == T / 3) run(std::integral_constant<int, T / 3>());
    else run(std::integral_constant<int, 1>());
}

// total (rows, width of the block) += for `rows` consecutive floats of left, whose addresses move with them.
template <int V>
inline void outer(npy_intp rows, std::vector<Strip>& strips, npy_intp left_step, npy_intp right_step,
                  float* total) {
    npy_intp done = 0, at = 0;
    auto move = [&](npy_intp by) {
        for (Strip& strip : strips) strip.left += by;
        at += by;
    };
    while (done < rows) {
        int P = 1;
        for (int size : {PIXELS, PIXELS / 3 * 2, PIXELS / 3})
            if (size <= rows && (P == 1 || size >= rows - done)) P = size;
        const npy_intp start = std::min(done, rows - P);
        move(start - at);
        outer_rows<V>(P, strips.data(), (npy_intp)strips.size(), left_step, right_step, total + start * V * LANES,
                      (int)(done - start));
        done = start + P;
    }
    move(-at);
}

// Sums over pixels for one block of coarse's channels: (tap row, tap column, channels of fine, width of the block).
class FilterSums {
public:
    FilterSums(const Maps& fine, const Maps& coarse, Geometry g, npy_intp K, npy_intp block)
        : fine_(fine), coarse_(coarse), g_(g), K_(K), first_(block * BLOCK),
          width_(block_width(first_, coarse.channels)),
          merged_(complete(g, K, fine.height, coarse.height) && complete(g, K, fine.width, coarse.width)) {}

    // Adds images [first, last) to sums.
    void add(npy_intp first, npy_intp last, float* sums) {
        const npy_intp rows = std::max<npy_intp>(1, STRIP_PIXELS / coarse_.width);  // at a time, of all images
        for (npy_intp start = first * coarse_.height; start < last * coarse_.height; start += rows)
            add_rows(start, std::min(start + rows, last * coarse_.height), sums);
    }

private:
    const Maps fine_, coarse_;
    const Geometry g_;
    const npy_intp K_, first_;
    const int width_;
    const bool merged_;          // all taps of a row at once: their channels are consecutive
    std::vector<float> padded_;  // rows of coarse where its last channels do not fill a vector
    std::vector<Strip> strips_;

    void add_rows(npy_intp first, npy_intp last, float* sums) {
        const float* right = coarse_.at(0, first, 0) + first_;
        npy_intp step = coarse_.channels;
        if (first_ + width_ > coarse_.channels) {
            const npy_intp pixels = (last - first) * coarse_.width;
            padded_.assign(pixels * width_, 0.0f);
            for (npy_intp p = 0; p < pixels; ++p)
                std::copy_n(right + p * step, coarse_.channels - first_, &padded_[p * width_]);
            right = padded_.data();
            step = width_;
        }
        const npy_intp steps = merged_ ? 1 : K_, channels = merged_ ? K_ * fine_.channels : fine_.channels;
        for (npy_intp d = 0; d < K_; ++d)
            for (npy_intp e = 0; e < steps; ++e) {
                find(first, last, d, e, right, step);
                float* total = sums + (d * K_ + e) * fine_.channels * width_;
                if (width_ == BLOCK) outer<2>(channels, strips_, g_.stride * fine_.channels, step, total);
                else outer<1>(channels, strips_, g_.stride * fine_.channels, step, total);
            }
    }

    // Rows [first, last) of coarse with what tap (d, e) makes them meet.
    void find(npy_intp first, npy_intp last, npy_intp d, npy_intp e, const float* right, npy_intp step) {
        const npy_intp s = g_.stride, shift = e - g_.pad, room = fine_.width - 1 - shift;
        // Columns j with 0 <= j s + shift < width.
        const npy_intp begin = shift < 0 ? (-shift + s - 1) / s : 0;
        const npy_intp end = room < 0 ? 0 : std::min(coarse_.width, room / s + 1);
        strips_.clear();
        if (begin >= end) return;
        for (npy_intp row = first; row < last; ++row) {
            const npy_intp n = row / coarse_.height, i = row % coarse_.height * s + d - g_.pad;
            if (i < 0 || i >= fine_.height) continue;
            strips_.push_back({fine_.at(n, i, begin * s + shift),
                               right + ((row - first) * coarse_.width + begin) * step, end - begin});
        }
    }
};

// sums (part, block of coarse's channels, tap row, tap column, channels of fine, width of the block); all zero before.
inline void filter_sums(const Maps& fine, const Maps& coarse, Geometry g, npy_intp K, npy_intp parts, float* sums) {
    const npy_intp blocks = (coarse.channels + BLOCK - 1) / BLOCK, depth = K * K * fine.channels;
#pragma omp parallel for schedule(dynamic)
    for (npy_intp task = 0; task < parts * blocks; ++task) {
        const npy_intp part = task / blocks, block = task % blocks;
        FilterSums(fine, coarse, g, K, block)
            .add(part * coarse.count / parts, (part + 1) * coarse.count / parts,
                 sums + (part * blocks + block) * depth * BLOCK);
    }
}

// Adds up the parts in their order, and writes them to filters, whose strides are in floats.
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
