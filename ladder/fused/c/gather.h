// Convolutions by pixels of the result: a tile of them times the filters, skipping taps that meet no pixel.

namespace ladder {

// Packs filters in blocks of channels `to`: (block, tap row, tap column, from, width of the block).
inline void pack_filters(const Filters& w, float* packed) {
    const npy_intp K = w.size, taps = K * K, blocks = (w.to + BLOCK - 1) / BLOCK;
#pragma omp parallel for schedule(static)
    for (npy_intp block = 0; block < blocks; ++block) {
        const npy_intp first = block * BLOCK, width = block_width(first, w.to);
        float* const to = packed + first * taps * w.from;
        for (npy_intp c = 0; c < w.from; ++c)
            for (npy_intp tap = 0; tap < taps; ++tap)
                for (npy_intp j = 0; j < width; ++j)
                    to[(tap * w.from + c) * width + j] =
                        first + j < w.to ? w.at(first + j, c, tap / K, tap % K) : 0.0f;
    }
}

inline npy_intp packed_size(const Filters& w) { return round_up(w.to, BLOCK) * w.from * w.size * w.size; }

// Tiles of pixels of the result, across several images.
class Gather {
public:
    Gather(const Maps& x, const Axis& rows, const Axis& columns, const MapsOut& y, const float* zeros)
        : x_(x), y_(y), rows_(rows), columns_(columns), zeros_(zeros), row_order_(rows.order()),
          column_order_(columns.order()) {}

    // The pixels at places [place, place + PIXELS) of images [image, image + images).  Places follow the axes' orders,
    // with the images interleaved.  The last one is repeated to fill the tile: it gets the same result several times.
    void tile(npy_intp image, npy_intp images, npy_intp place, Runs& runs, float** to) const {
        npy_intp n[PIXELS], i[PIXELS], j[PIXELS];
        for (int p = 0; p < PIXELS; ++p) {
            const npy_intp at = std::min(place + p, images * y_.pixels() - 1), position = at / images;
            n[p] = image + at % images;
            i[p] = row_order_[position / y_.width];
            j[p] = column_order_[position % y_.width];
            to[p] = y_.at(n[p], i[p], j[p]);
        }
        runs.rows.clear();
        runs.number.clear();
        for (npy_intp d = 0; d < rows_.taps; ++d)
            for (npy_intp e = 0; e < columns_.taps; ++e) {
                const float* from[PIXELS];
                bool any = false;
                for (int p = 0; p < PIXELS; ++p) {
                    const npy_intp row = rows_[i[p]][d], column = columns_[j[p]][e];
                    const bool there = row >= 0 && column >= 0;
                    from[p] = there ? x_.at(n[p], row, column) : zeros_;
                    any |= there;
                }
                if (!any) continue;
                runs.rows.insert(runs.rows.end(), from, from + PIXELS);
                runs.number.push_back((int)(d * columns_.taps + e));
            }
    }

private:
    const Maps x_;
    const MapsOut y_;
    const Axis &rows_, &columns_;
    const float* const zeros_;
    const std::vector<npy_intp> row_order_, column_order_;
};

// y from x with packed filters.
inline void gather(const Maps& x, const Axis& rows, const Axis& columns, const float* packed, const MapsOut& y) {
    const npy_intp MOST = 16, depth = rows.taps * columns.taps * x.channels;
    const std::vector<float> zeros(x.channels);
    const Gather of(x, rows, columns, y, zeros.data());
    // Small images are taken together, large ones in equal chunks of at most MOST tiles, so that the tiles' inputs stay
    // in the second-level cache while all filters pass.
    const npy_intp images = std::min(y.count, std::max<npy_intp>(1, MOST * PIXELS / y.pixels()));
    const npy_intp groups = (y.count + images - 1) / images, all = (images * y.pixels() + PIXELS - 1) / PIXELS;
    const npy_intp chunks = (all + MOST - 1) / MOST, each = (all + chunks - 1) / chunks;
#pragma omp parallel
    {
        Runs runs[MOST];
        float* to[MOST][PIXELS];
#pragma omp for schedule(dynamic)
        for (npy_intp task = 0; task < groups * chunks; ++task) {
            const npy_intp image = task / chunks * images, together = std::min(images, y.count - image);
            const npy_intp start = task % chunks * each * PIXELS, places = together * y.pixels() - start;
            const npy_intp tiles = std::min(each, (places + PIXELS - 1) / PIXELS);
            for (npy_intp t = 0; t < tiles; ++t) of.tile(image, together, start + t * PIXELS, runs[t], to[t]);
            for (npy_intp first = 0; first < y.channels; first += BLOCK)
                for (npy_intp t = 0; t < tiles; ++t)
                    multiply_block(runs[t].rows.data(), runs[t].number.data(), (int)runs[t].number.size(),
                                   x.channels, packed, depth, to[t], first, y.channels);
        }
    }
}

}  // namespace ladder
