// Convolutions as operations: checking shapes and choosing the best kernel.

namespace ladder {

inline Maps maps(const Input& x, PyArrayObject* array) {
    const npy_intp* n = PyArray_DIMS(array);
    return {x.floats(), n[0], n[1], n[2], n[3]};
}

// False, with a Python error set, if sizes do not fit.
inline bool fit(bool fits, const char* what, npy_intp a, npy_intp b) {
    if (!fits) PyErr_Format(PyExc_ValueError, "convolution: %s (%zd, %zd)", what, (Py_ssize_t)a, (Py_ssize_t)b);
    return fits;
}

// A convolution and the direction in which it is computed.
struct Plan {
    Geometry g;
    Filters w;
    bool down;  // towards the coarse side

    // With a stride of 1, the directions differ only in the padding and the order of the taps.
    void other_way() {
        g.pad = w.size - 1 - g.pad;
        w = w.turned();
        down = !down;
    }
};

// Whether Winograd's fewer products are worth the transforms; costs are in multiplications, or what takes as long.
inline bool worth_winograd(npy_intp K, npy_intp stride, npy_intp tiles, const Maps& x, npy_intp height,
                           npy_intp width, npy_intp channels) {
    if (K != winograd::TAPS || stride != 1 || x.channels % LANES || channels % LANES) return false;
    // Each pixel of the smaller side meets one of the other through every tap.
    const npy_intp pairs = K * K * x.count * std::min(x.height, height) * std::min(x.width, width);
    const double TRANSFORM = 300.0, both = x.channels * channels;  // TRANSFORM is per channel of a tile
    return tiles * (winograd::PRODUCTS * both + TRANSFORM * (x.channels + channels)) < 0.9 * pairs * both;
}

inline npy_intp tiles_of(npy_intp images, npy_intp height, npy_intp width) {
    return winograd::Tiling(images, height, width).count;
}

inline int convolve_winograd(const Maps& x, const Plan& plan, const MapsOut& y) {
    const Buffer packed(winograd::PRODUCTS * plan.w.from * plan.w.to);
    if (!packed.ok()) return 1;
    winograd::pack_filters(plan.w, packed.get());
    if (plan.down) winograd::gather(x, plan.g.pad, packed.get(), y);
    else winograd::spread(x, plan.g.pad, packed.get(), y);
    return 0;
}

// Whether zeros around the images are worth the memory: runs of few channels are short, and become K times longer.
inline bool worth_surrounding(const Maps& x, npy_intp pad) {
    return x.channels < 16 && (x.height + 2 * pad) * (x.width + 2 * pad) < 3 * x.pixels();
}

// Whether channels are that few and each pixel of the result has a complete window, counting the zeros around images.
inline bool are_windows(const Maps& x, const Plan& plan, const MapsOut& y) {
    const npy_intp K = plan.w.size, pad = plan.g.pad;
    return plan.down && worth_surrounding(x, pad) &&
           complete({plan.g.stride, 0}, K, x.height + 2 * pad, y.height) &&
           complete({plan.g.stride, 0}, K, x.width + 2 * pad, y.width);
}

inline int convolve_many(const Maps& x, const Plan& plan, const MapsOut& y) {
    const npy_intp K = plan.w.size;
    const Buffer packed(packed_size(plan.w));
    if (!packed.ok()) return 1;
    pack_filters(plan.w, packed.get());
    const Axis rows(plan.g, x.height, y.height, K, plan.down), columns(plan.g, x.width, y.width, K, plan.down);
    if (are_windows(x, plan, y)) gather_windows(x, plan.g.pad, K, plan.g.stride, packed.get(), y);
    else gather(x, rows, columns, packed.get(), y);
    return 0;
}

// Filters of one pixel, to so few channels that pixels are read only once and packing them would not pay.
inline int convolve_pixels(const Maps& x, const Filters& w, const MapsOut& y) {
    const Buffer packed(packed_size(w));
    if (!packed.ok()) return 1;
    pack_filters(w, packed.get());
    const Maps rows = {x.data, 1, x.count, x.pixels(), x.channels};  // one per image
    gather_windows(rows, 0, 1, 1, packed.get(), {y.data, 1, y.count, y.pixels(), y.channels});
    return 0;
}

inline Maps surrounded(const Maps& x, npy_intp pad, const Buffer& to) {
    const Maps larger = {to.get(), x.count, x.height + 2 * pad, x.width + 2 * pad, x.channels};
#pragma omp parallel for schedule(static)
    for (npy_intp n = 0; n < x.count; ++n)
        surround(x, pad, n, -pad, larger.height, to.get() + n * larger.image_size());
    return larger;
}

inline npy_intp surrounded_size(const Maps& x, npy_intp pad) {
    return x.count * (x.height + 2 * pad) * (x.width + 2 * pad) * x.channels;
}

// Whether there are so few channels that more than a quarter of a vector would be empty.
inline bool worth_spreading(npy_intp channels) { return channels * 4 < LANES * 3; }

inline int convolve(const Maps& x, Plan plan, const MapsOut& y) {
    if (is_product(plan.w.size, plan.g))
        return plan.w.to <= BLOCK ? convolve_pixels(x, plan.w, y) : !multiply_rows(x.data, x.channels, plan.w, y);
    if (plan.down && is_product_of_patches(x, plan.w, plan.g, y)) return !multiply_patches(x, plan.w, y);
    const npy_intp F = plan.w.to;
    const bool either = plan.g.stride == 1;
    if (worth_spreading(F) && (either || !plan.down)) {
        if (plan.down) plan.other_way();
        return !spread(x, plan.w, plan.g, y);
    }
    if (!plan.down && either) plan.other_way();
    const npy_intp up = tiles_of(x.count, x.height, x.width), down = tiles_of(y.count, y.height, y.width);
    if (worth_winograd(plan.w.size, plan.g.stride, std::min(up, down), x, y.height, y.width, F)) {
        if (up < down) plan.other_way();
        return convolve_winograd(x, plan, y);
    }
    return convolve_many(x, plan, y);
}

inline npy_intp number(PyArrayObject* scalar) { return (npy_intp) * (const npy_int64*)PyArray_DATA(scalar); }

// y (N, height, width, F) from x (N, h, w, C) and w (F, C, K, K).
inline int convolve(PyArrayObject* x_array, PyArrayObject* w_array, PyArrayObject* height, PyArrayObject* width,
                    npy_intp stride, bool full, bool turned, bool down, PyArrayObject** y_out) {
    const Input x_input(x_array);
    if (!x_input.ok()) return 1;
    const Maps x = maps(x_input, x_array);
    const npy_intp *n = PyArray_DIMS(w_array), *strides = PyArray_STRIDES(w_array), K = n[2];
    const Filters w = {PyArray_BYTES(w_array), n[0], n[1], K, {strides[0], strides[1], strides[2], strides[3]}};
    const npy_intp shape[4] = {x.count, number(height), number(width), w.to};
    if (!fit(K == n[3] && K > 0, "filters are empty or not square", K, n[3])) return 1;
    if (!fit(w.from == x.channels, "filters and maps differ in channels", w.from, x.channels)) return 1;
    if (!fit(shape[1] > 0 && shape[2] > 0, "no pixel is left of maps", x.height, x.width)) return 1;
    if (!allocate(y_out, 4, shape)) return 1;
    const MapsOut y = {floats(*y_out), shape[0], shape[1], shape[2], shape[3]};
    if (!y.size()) return 0;
    if (!x.size()) {
        std::fill(y.data, y.data + y.size(), 0.0f);
        return 0;
    }
    return convolve(x, Plan{{stride, full ? K - 1 : 0}, turned ? w.turned() : w, down}, y);
}

struct FiltersOut {
    float* data;
    npy_intp coarse_stride, fine_stride;
    bool turned;
};

inline int filter_gradient_winograd(const Maps& fine, const Maps& coarse, npy_intp pad, const FiltersOut& to) {
    const Buffer scratch(winograd::scratch_size(fine, coarse)), sums(winograd::sums_size(fine, coarse), true);
    if (!scratch.ok() || !sums.ok()) return 1;
    winograd::filter_sums(fine, coarse, pad, scratch.get(), sums.get());
    winograd::filters_from(sums.get(), fine.channels, coarse.channels, to.turned, to.data, to.coarse_stride,
                           to.fine_stride);
    return 0;
}

inline int filter_gradient(Maps fine, Maps coarse, Geometry g, npy_intp K, FiltersOut to) {
    if (is_product(K, g)) return !outer_pixels(fine, coarse, to.fine_stride == 1, to.data);
    if (is_gradient_of_patches(fine, coarse, g, K) && to.fine_stride == K * K)
        return !outer_patches(fine, coarse, K, to.turned, to.data);
    // Vectors run over coarse's channels: if those are too few to fill one and fine has more, the sides are swapped.
    if (g.stride == 1 && coarse.channels < LANES && coarse.channels < fine.channels) {
        std::swap(fine, coarse);
        std::swap(to.coarse_stride, to.fine_stride);
        g.pad = K - 1 - g.pad;
        to.turned = !to.turned;
    }
    if (worth_winograd(K, g.stride, tiles_of(coarse.count, coarse.height, coarse.width), fine, coarse.height,
                       coarse.width, coarse.channels))
        return filter_gradient_winograd(fine, coarse, g.pad, to);
    const bool around = g.pad > 0 && worth_surrounding(fine, g.pad);
    const Buffer larger(around ? surrounded_size(fine, g.pad) : 0);
    const npy_intp parts = parts_of(coarse), size = round_up(coarse.channels, BLOCK) * K * K * fine.channels;
    const Buffer sums(parts * size, true);
    if (!larger.ok() || !sums.ok()) return 1;
    if (around) {
        fine = surrounded(fine, g.pad, larger);
        g.pad = 0;
    }
    filter_sums(fine, coarse, g, K, parts, sums.get());
    filters_from(sums.get(), parts, K, coarse.channels, fine.channels, to.turned, to.data, to.coarse_stride,
                 to.fine_stride);
    return 0;
}

// The gradient for filters, (coarse, fine, K, K) if they lead down, (fine, coarse, K, K) if not.
inline int filter_gradient(PyArrayObject* fine_array, PyArrayObject* coarse_array, PyArrayObject* size,
                           npy_intp stride, bool full, bool turned, bool down, PyArrayObject** w_out) {
    const Input fine_input(fine_array), coarse_input(coarse_array);
    if (!fine_input.ok() || !coarse_input.ok()) return 1;
    const Maps fine = maps(fine_input, fine_array), coarse = maps(coarse_input, coarse_array);
    const npy_intp K = number(size), F = down ? coarse.channels : fine.channels;
    const npy_intp C = down ? fine.channels : coarse.channels, shape[4] = {F, C, K, K};
    if (!fit(fine.count == coarse.count, "numbers of images differ", fine.count, coarse.count)) return 1;
    if (!fit(K > 0, "filters are empty", K, K)) return 1;
    if (!allocate(w_out, 4, shape)) return 1;
    float* const w = floats(*w_out);
    if (!fine.size() || !coarse.size()) {
        std::fill(w, w + F * C * K * K, 0.0f);
        return 0;
    }
    const npy_intp outer = C * K * K, inner = K * K;
    return filter_gradient(fine, coarse, Geometry{stride, full ? K - 1 : 0}, K,
                           FiltersOut{w, down ? outer : inner, down ? inner : outer, turned});
}

}  // namespace ladder
