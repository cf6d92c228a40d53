// Convolutions that are plain matrix products: with filters of one pixel, pixels are rows of a matrix; with large
// filters over one map, each patch under a filter is a row of a matrix of patches.

namespace ladder {

const npy_intp MOST_PATCHES = 1 << 22;  // floats of a matrix of patches

inline bool is_product(npy_intp K, Geometry g) { return K == 1 && g.stride == 1 && g.pad == 0; }

// Filters (to, taps x from), taps first; null if there was no memory.
inline Buffer in_order(const Filters& w) {
    Buffer buffer(w.to * w.size * w.size * w.from);
    float* at = buffer.get();
    for (npy_intp f = 0; buffer.ok() && f < w.to; ++f)
        for (npy_intp d = 0; d < w.size; ++d)
            for (npy_intp e = 0; e < w.size; ++e)
                for (npy_intp c = 0; c < w.from; ++c) *at++ = w.at(f, c, d, e);
    return buffer;
}

// y (pixels, to) = rows (pixels, depth) times such filters.  This and the products below: false if there was no memory.
inline bool multiply_rows(const float* rows, npy_intp depth, const Filters& w, const MapsOut& y) {
    const npy_intp one = sizeof(float);
    const bool as_they_are = w.size == 1 && (w.strides[0] == one || w.strides[1] == one);
    const Buffer copy = as_they_are ? Buffer(0) : in_order(w);
    const Factor filters = as_they_are ? Factor{(const float*)w.data, w.strides[1] / one, w.strides[0] / one}
                                       : Factor{copy.get(), 1, depth};
    const Section all = {{Factor{rows, 1, depth}}, y.count * y.pixels(), y.data};
    return copy.ok() && Product({filters}, {depth}, w.to, {all}).compute();
}

// The gradient for such filters: (coarse, fine), or (fine, coarse).
inline bool outer_pixels(const Maps& fine, const Maps& coarse, bool coarse_first, float* to) {
    const Maps &left = coarse_first ? coarse : fine, &right = coarse_first ? fine : coarse;
    const Section all = {{Factor{left.data, left.channels, 1}}, left.channels, to};
    return Product({Factor{right.data, right.channels, 1}}, {right.count * right.pixels()}, right.channels, {all})
        .compute();
}

inline bool large_patches(const Maps& fine, npy_intp K, npy_intp stride, npy_intp coarse_pixels) {
    return fine.channels == 1 && stride == 1 && K > LANES && fine.count * coarse_pixels * K * K <= MOST_PATCHES;
}

inline bool is_product_of_patches(const Maps& x, const Filters& w, Geometry g, const MapsOut& y) {
    return large_patches(x, w.size, g.stride, y.pixels()) && complete(g, w.size, x.height, y.height) &&
           complete(g, w.size, x.width, y.width);
}

inline bool is_gradient_of_patches(const Maps& fine, const Maps& coarse, Geometry g, npy_intp K) {
    return large_patches(fine, K, g.stride, coarse.pixels()) && complete(g, K, fine.height, coarse.height) &&
           complete(g, K, fine.width, coarse.width);
}

// Patches (pixels of the coarse side, tap row, tap column) of one map.
inline void patches_of(const Maps& x, npy_intp K, npy_intp height, npy_intp width, float* to) {
#pragma omp parallel for schedule(static)
    for (npy_intp n = 0; n < x.count; ++n)
        for (npy_intp p = 0; p < height * width; ++p)
            for (npy_intp d = 0; d < K; ++d)
                std::copy_n(x.at(n, p / width + d, p % width), K, to + ((n * height * width + p) * K + d) * K);
}

inline bool multiply_patches(const Maps& x, const Filters& w, const MapsOut& y) {
    const npy_intp taps = w.size * w.size;
    const Buffer patches(y.count * y.pixels() * taps);
    if (!patches.ok()) return false;
    patches_of(x, w.size, y.height, y.width, patches.get());
    return multiply_rows(patches.get(), taps, w, y);
}

// The gradient for filters (coarse, 1, K, K).
inline bool outer_patches(const Maps& fine, const Maps& coarse, npy_intp K, bool turned, float* to) {
    const npy_intp taps = K * K, pixels = coarse.count * coarse.pixels();
    const Buffer patches(pixels * taps);
    if (!patches.ok()) return false;
    patches_of(fine, K, coarse.height, coarse.width, patches.get());
    const Section all = {{Factor{coarse.data, coarse.channels, 1}}, coarse.channels, to};
    if (!Product({Factor{patches.get(), taps, 1}}, {pixels}, taps, {all}).compute()) return false;
    for (npy_intp f = 0; turned && f < coarse.channels; ++f) std::reverse(to + f * taps, to + (f + 1) * taps);
    return true;
}

}  // namespace ladder
