// Convolutions from few channels: a row of a filter is shorter than a vector.  The pixels that a result depends on are
// copied side by side, and the rest is a matrix product.

namespace ladder {

// Whether K pixels side by side fill no more than a vector.
inline bool worth_patches(npy_intp K, npy_intp channels) { return K * channels <= LANES; }

// The patches of the coarse side's pixels, of all images, at most `most` at a time: (count, size).
class Patches {
public:
    Patches(const Maps& x, npy_intp K, npy_intp stride, npy_intp height, npy_intp width, npy_intp most)
        : size(K * K * x.channels), x_(x), K_(K), stride_(stride), height_(height), width_(width),
          last_vector_(x.data + x.size() - LANES), data_(most * size + LANES) {}

    // Those of pixels [first, first + count), as if they were an image's row.
    Maps find(npy_intp first, npy_intp count) {
        npy_intp j = first % width_, i = first / width_ % height_, n = first / width_ / height_;
        for (npy_intp p = 0; p < count; ++p) {
            copy(x_.at(n, i * stride_, j * stride_), &data_[p * size]);
            if (++j < width_) continue;
            j = 0;
            if (++i < height_) continue;
            i = 0;
            ++n;
        }
        return {data_.data(), 1, 1, count, size};
    }
    const npy_intp size;

private:
    const Maps x_;
    const npy_intp K_, stride_, height_, width_;
    const float* const last_vector_;
    std::vector<float> data_;

    // Whole vectors: the next row, or patch, overwrites what is too much.
    void copy(const float* from, float* to) const {
        const npy_intp row = K_ * x_.channels;
        for (npy_intp d = 0; d < K_; ++d, from += x_.width * x_.channels, to += row) {
            if (from <= last_vector_) vector_at(to) = vector_at(from);
            else std::copy_n(from, row, to);
        }
    }
};

// y from x with packed filters.
inline void gather_patches(const Maps& x, npy_intp K, npy_intp stride, const float* packed, const MapsOut& y) {
    const npy_intp pixels = y.count * y.pixels(), rows = rows_at_a_time(K * K * x.channels);
#pragma omp parallel
    {
        Patches patches(x, K, stride, y.height, y.width, rows);
#pragma omp for schedule(dynamic)
        for (npy_intp start = 0; start < pixels; start += rows) {
            const Maps found = patches.find(start, std::min(rows, pixels - start));
            multiply(found.data, found.width, patches.size, packed, y.channels, y.data + start * y.channels,
                     y.channels);
        }
    }
}

// Like filter_sums: (part, block of coarse's channels, patch, width of the block).
inline void filter_sums_of_patches(const Maps& fine, const Maps& coarse, npy_intp K, npy_intp stride, npy_intp parts,
                                   float* sums) {
    const npy_intp blocks = (coarse.channels + BLOCK - 1) / BLOCK, pixels = coarse.count * coarse.pixels();
#pragma omp parallel
    {
        Patches patches(fine, K, stride, coarse.height, coarse.width, STRIP_PIXELS);
#pragma omp for schedule(dynamic)
        for (npy_intp task = 0; task < parts * blocks; ++task) {
            const npy_intp part = task / blocks, end = (part + 1) * pixels / parts;
            for (npy_intp start = part * pixels / parts; start < end; start += STRIP_PIXELS) {
                const npy_intp count = std::min(STRIP_PIXELS, end - start);
                const Maps beside = {coarse.data + start * coarse.channels, 1, 1, count, coarse.channels};
                FilterSums(patches.find(start, count), beside, Geometry{1, 0}, 1, task % blocks)
                    .add(0, 1, sums + task * patches.size * BLOCK);
            }
        }
    }
}

}  // namespace ladder
