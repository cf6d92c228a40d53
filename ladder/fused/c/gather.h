// Convolutions pixel by pixel of the result: a tile of its pixels times the filters, taps that meet no pixel skipped.

namespace ladder {

// Filters in blocks of channels `to`: (block, tap row, tap column, from, width of the block).
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

// The pixels of several images' result, in tiles.
class Gather {
public:
    // Where `merged`, a filter's row is one run: that needs taps of a row always to be there.
    Gather(const Maps& x, const Axis& rows, const Axis& columns, bool merged, const MapsOut& y, const float* zeros)
        : x_(x), y_(y), rows_(rows), columns_(columns), merged_(merged), zeros_(zeros), row_order_(rows.order()),
          column_order_(columns.order()) {}

    npy_intp length() const { return merged_ ? columns_.taps * x_.channels : x_.channels; }

    // The pixels at [place, place + PIXELS) of images [image, image + images): positions in the axes' orders,
    // images side by side.  The last place is repeated to fill the tile: it gets the same result several times.
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
        const npy_intp steps = merged_ ? 1 : columns_.taps;
        for (npy_intp d = 0; d < rows_.taps; ++d)
            for (npy_intp e = 0; e < steps; ++e) {
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
                runs.number.push_back((int)(d * steps + e));
            }
    }

private:
    const Maps x_;
    const MapsOut y_;
    const Axis &rows_, &columns_;
    const bool merged_;
    const float* const zeros_;
    const std::vector<npy_intp> row_order_, column_order_;
};

// A tile of pixels times the block of filters that starts at `first`; to: a pixel's channels.
template <int V>
inline void gather_block(const Runs& runs, npy_intp length, const float* right, float* const* to, npy_intp first,
                         npy_intp columns) {
    float spare[PIXELS][V * LANES], *at[PIXELS];
    const npy_intp width = std::min<npy_intp>(V * LANES, columns - first);
    const bool whole = width == V * LANES;
    for (int p = 0; p < PIXELS; ++p) at[p] = whole ? to[p] + first : spare[p];
    tile_product<V>(runs, length, right, at);
    for (int p = 0; !whole && p < PIXELS; ++p) std::copy_n(spare[p], width, to[p] + first);
}

// The same for filters packed as (block, depth, width of the block).
inline void gather_block(const Runs& runs, npy_intp length, const float* packed, npy_intp depth, npy_intp first,
                         npy_intp columns, float* const* to) {
    if (block_width(first, columns) == BLOCK) gather_block<2>(runs, length, packed + first * depth, to, first, columns);
    else gather_block<1>(runs, length, packed + first * depth, to, first, columns);
}

// y from x with packed filters.
inline void gather(const Maps& x, const Axis& rows, const Axis& columns, bool merged, const float* packed,
                   const MapsOut& y) {
    const npy_intp TILES = 16;  // whose sources stay in the second-level cache while all filters pass
    const npy_intp depth = rows.taps * columns.taps * x.channels;
    const std::vector<float> zeros(merged ? columns.taps * x.channels : x.channels);
    const Gather of(x, rows, columns, merged, y, zeros.data());
    // Small images are taken together.
    const npy_intp images = std::min(y.count, TILES * PIXELS / y.pixels() + 1);
    const npy_intp groups = (y.count + images - 1) / images;
    const npy_intp chunks = (images * y.pixels() + TILES * PIXELS - 1) / (TILES * PIXELS);
#pragma omp parallel
    {
        Runs runs[TILES];
        float* to[TILES][PIXELS];
#pragma omp for schedule(dynamic)
        for (npy_intp task = 0; task < groups * chunks; ++task) {
            const npy_intp image = task / chunks * images, together = std::min(images, y.count - image);
            const npy_intp start = task % chunks * TILES * PIXELS, places = together * y.pixels() - start;
            const npy_intp tiles = std::min(TILES, (places + PIXELS - 1) / PIXELS);
            for (npy_intp t = 0; t < tiles; ++t) of.tile(image, together, start + t * PIXELS, runs[t], to[t]);
            for (npy_intp first = 0; first < y.channels; first += BLOCK)
                for (npy_intp t = 0; t < tiles; ++t)
                    gather_block(runs[t], of.length(), packed, depth, first, y.channels, to[t]);
        }
    }
}

}  // namespace ladder
