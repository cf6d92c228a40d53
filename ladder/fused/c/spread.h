// Convolutions to few channels, pixel by pixel of the source: what it adds to the result is one matrix product for all
// taps, in which few channels are rows and not columns, as they would not fill vectors.

namespace ladder {

// Filters as a matrix (from, to x tap row x tap column).
inline void tap_columns(const Filters& w, float* to) {
    for (npy_intp c = 0; c < w.from; ++c)
        for (npy_intp f = 0; f < w.to; ++f)
            for (npy_intp row = 0; row < w.size; ++row)
                for (npy_intp column = 0; column < w.size; ++column) *to++ = w.at(f, c, row, column);
}

inline npy_intp tap_columns_count(const Filters& w) { return w.size * w.size * w.to; }

// Adds up what each tap of each filter makes of the source's pixels: (to, tap row, tap column, pixel of all images).
class Spread {
public:
    Spread(const Maps& x, npy_intp K, Geometry g, const MapsOut& y)
        : x_(x), y_(y), K_(K), rows_(g, x.height, y.height, K, false), columns_(g, x.width, y.width, K, false) {
        // Columns that all taps reach, from neighbouring ones.
        auto reached = [&](npy_intp j) { return *std::min_element(columns_[j], columns_[j] + K) >= 0; };
        while (begin_ < y.width && (g.stride > 1 || !reached(begin_))) ++begin_;
        end_ = begin_;
        while (end_ < y.width && reached(end_)) ++end_;
    }

    // Row i of an image's result.
    void add_up(const float* products, npy_intp image, npy_intp i) const {
        for (npy_intp f = 0; f < y_.channels; ++f, products += K_ * K_ * x_.count * x_.pixels()) {
            float* const to = y_.at(image, i, 0) + f;
            for (npy_intp j = 0; j < y_.width;) {
                if (j < begin_ || j >= end_ || end_ - begin_ < LANES) {
                    to[j * y_.channels] = sum<float>(products, image, i, j);
                    ++j;
                    continue;
                }
                const npy_intp first = std::min(j, end_ - LANES);  // the last ones once more, to fill a vector
                const Vector sums = sum<Vector>(products, image, i, first);
                for (int lane = 0; lane < LANES; ++lane) to[(first + lane) * y_.channels] = sums[lane];
                j = first + LANES;
            }
        }
    }

private:
    const Maps x_;
    const MapsOut y_;
    const npy_intp K_;
    const Axis rows_, columns_;
    npy_intp begin_ = 0, end_;

    // Column j of one map, or as many as a vector has.
    template <class T> LADDER_INLINE T sum(const float* products, npy_intp image, npy_intp i, npy_intp j) const {
        T total = {};
        for (npy_intp d = K_ - 1; d >= 0; --d) {
            if (rows_[i][d] < 0) continue;
            for (npy_intp e = K_ - 1; e >= 0; --e)
                if (columns_[j][e] >= 0)
                    total += *(const T*)(products + (((d * K_ + e) * x_.count + image) * x_.height + rows_[i][d]) * x_.width +
                                         columns_[j][e]);
        }
        return total;
    }
};

// y from x, towards the fine side.  False if there was no memory.
inline bool spread(const Maps& x, const Filters& w, Geometry g, const MapsOut& y) {
    const npy_intp SIZE = 1 << 18;  // floats that one product may have
    const npy_intp rows = tap_columns_count(w), pixels = x.pixels();
    const npy_intp together = std::min(x.count, std::max<npy_intp>(1, SIZE / (pixels * rows)));
    const Buffer taps(w.from * rows), products(together * pixels * rows);
    if (!taps.ok() || !products.ok()) return false;
    tap_columns(w, taps.get());
    for (npy_intp image = 0; image < x.count; image += together) {
        const npy_intp images = std::min(together, x.count - image);
        const Maps part = {x.at(image, 0, 0), images, x.height, x.width, x.channels};
        const Section all = {{Factor{taps.get(), rows, 1}}, rows, products.get()};
        if (!Product({Factor{part.data, 1, x.channels}}, {x.channels}, images * pixels, {all}).compute()) return false;
        const Spread of(part, w.size, g, {y.at(image, 0, 0), images, y.height, y.width, y.channels});
#pragma omp parallel for schedule(static)
        for (npy_intp row = 0; row < images * y.height; ++row) of.add_up(products.get(), row / y.height, row % y.height);
    }
    return true;
}

}  // namespace ladder
