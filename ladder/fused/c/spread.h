// Convolutions to few channels, by pixels of the source: what they add to the result is one matrix product for all
// taps, in which the few channels are rows, not columns, as they would not fill vectors.

namespace ladder {

// Filters as a matrix (from, to x tap row x tap column).
inline void tap_columns(const Filters& w, float* to) {
    for (npy_intp c = 0; c < w.from; ++c)
        for (npy_intp f = 0; f < w.to; ++f)
            for (npy_intp row = 0; row < w.size; ++row)
                for (npy_intp column = 0; column < w.size; ++column) *to++ = w.at(f, c, row, column);
}

inline npy_intp tap_columns_count(const Filters& w) { return w.size * w.size * w.to; }

// Adds up the products of each tap of each filter with the source's pixels: (to, tap row, tap column, pixel of all
// images).
class Spread {
public:
    Spread(const Maps& x, npy_intp K, Geometry g, const MapsOut& y)
        : x_(x), y_(y), K_(K), g_(g), rows_(g, x.height, y.height, K, false), columns_(g, x.width, y.width, K, false),
          there_(round_up(y.width, LANES) * K) {
        for (npy_intp j = 0; j < y.width; ++j)
            for (npy_intp e = 0; e < K; ++e)
                there_[(j / LANES * K + e) * LANES + j % LANES] = columns_[j][e] >= 0 ? -1 : 0;
    }

    // Row i of an image's result.  Up to LANES floats before and after the products are read, too.
    void add_up(const float* products, npy_intp image, npy_intp i) const {
        for (npy_intp f = 0; f < y_.channels; ++f, products += K_ * K_ * x_.count * x_.pixels())
            for (npy_intp j = 0; j < y_.width; j += LANES) {
                float sums[LANES] = {};
                if (g_.stride == 1) add_neighbours(products, image, i, j, sums);
                else add_each(products, image, i, j, sums);
                for (npy_intp lane = 0; lane < std::min<npy_intp>(LANES, y_.width - j); ++lane)
                    y_.at(image, i, j + lane)[f] = sums[lane];
            }
    }

private:
    typedef int32_t Lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

    const Maps x_;
    const MapsOut y_;
    const npy_intp K_;
    const Geometry g_;
    const Axis rows_, columns_;
    std::vector<int32_t> there_;  // (vector of the result's columns, tap column, column in the vector): all bits or none

    // Columns from j on: without a stride, neighbouring pixels receive from neighbouring ones.
    void add_neighbours(const float* products, npy_intp image, npy_intp i, npy_intp j, float* sums) const {
        Vector sum = {};
        for (npy_intp d = K_ - 1; d >= 0; --d)
            for (npy_intp e = K_ - 1; e >= 0 && rows_[i][d] >= 0; --e) {
                const npy_intp from = j + g_.pad - e;
                if (from <= -LANES || from >= x_.width) continue;
                const Lanes there = *(const Lanes*)&there_[(j / LANES * K_ + e) * LANES];
                sum += (Vector)((Lanes)vector_at(row(products, image, i, d, e) + from) & there);
            }
        vector_at(sums) = sum;
    }

    void add_each(const float* products, npy_intp image, npy_intp i, npy_intp j, float* sums) const {
        for (npy_intp d = K_ - 1; d >= 0; --d)
            for (npy_intp e = K_ - 1; e >= 0 && rows_[i][d] >= 0; --e)
                for (npy_intp lane = 0; lane < std::min<npy_intp>(LANES, y_.width - j); ++lane)
                    if (columns_[j + lane][e] >= 0)
                        sums[lane] += row(products, image, i, d, e)[columns_[j + lane][e]];
    }

    // The source row that row i of the result receives from through tap (d, e): its products with that tap.
    const float* row(const float* products, npy_intp image, npy_intp i, npy_intp d, npy_intp e) const {
        return products + (((d * K_ + e) * x_.count + image) * x_.height + rows_[i][d]) * x_.width;
    }
};

// y from x, towards the fine side.  False if there was no memory.
inline bool spread(const Maps& x, const Filters& w, Geometry g, const MapsOut& y) {
    const npy_intp SIZE = 1 << 18;  // floats that one product may have
    const npy_intp rows = tap_columns_count(w), pixels = x.pixels();
    const npy_intp together = std::min(x.count, std::max<npy_intp>(1, SIZE / (pixels * rows)));
    const Buffer taps(w.from * rows), buffer(LANES + together * pixels * rows + LANES);
    if (!taps.ok() || !buffer.ok()) return false;
    float* const products = buffer.get() + LANES;
    tap_columns(w, taps.get());
    for (npy_intp image = 0; image < x.count; image += together) {
        const npy_intp images = std::min(together, x.count - image);
        const Maps part = {x.at(image, 0, 0), images, x.height, x.width, x.channels};
        const Section all = {{Factor{taps.get(), rows, 1}}, rows, products};
        if (!Product({Factor{part.data, 1, x.channels}}, {x.channels}, images * pixels, {all}).compute()) return false;
        const Spread of(part, w.size, g, {y.at(image, 0, 0), images, y.height, y.width, y.channels});
#pragma omp parallel for schedule(static)
        for (npy_intp row = 0; row < images * y.height; ++row) of.add_up(products, row / y.height, row % y.height);
    }
    return true;
}

}  // namespace ladder
