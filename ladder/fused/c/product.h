// A tile of pixels times filters, and whole matrix products made of such tiles.

namespace ladder {

// Where a tile's left factor lies: for each run, an address per pixel, and the run's number in the right factor.
struct Runs {
    std::vector<const float*> rows;  // (count, PIXELS)
    std::vector<int> number;         // (count)
};

// Multiplies a tile by the block of filters that starts at column `first`; to: each pixel's columns.
template <int V>
inline void multiply_block(const float* const* rows, const int* number, int count, npy_intp length,
                           const float* right, float* const* to, npy_intp first, npy_intp columns) {
    float spare[PIXELS][V * LANES], *at[PIXELS];
    const npy_intp width = std::min<npy_intp>(V * LANES, columns - first);
    const bool whole = width == V * LANES;
    for (int p = 0; p < PIXELS; ++p) at[p] = whole ? to[p] + first : spare[p];
    tile_product<V>(rows, number, count, length, right, at);
    for (int p = 0; !whole && p < PIXELS; ++p) std::copy_n(spare[p], width, to[p] + first);
}

// The same for filters packed as (block, depth, width of the block).
inline void multiply_block(const float* const* rows, const int* number, int count, npy_intp length,
                           const float* packed, npy_intp depth, float* const* to, npy_intp first, npy_intp columns) {
    const float* const right = packed + first * depth;
    if (block_width(first, columns) == BLOCK) multiply_block<2>(rows, number, count, length, right, to, first, columns);
    else multiply_block<1>(rows, number, count, length, right, to, first, columns);
}

// to (rows, columns), rows `step` apart, = left (rows, depth) times packed (block, depth, width of the block).
inline void multiply(const float* left, npy_intp rows, npy_intp depth, const float* packed, npy_intp columns,
                     float* to, npy_intp step) {
    const int only = 0;
    for (npy_intp first = 0; first < columns; first += BLOCK)
        for (npy_intp start = 0; start < rows; start += PIXELS) {
            const float* from[PIXELS];
            float* at[PIXELS];
            for (int p = 0; p < PIXELS; ++p) {
                const npy_intp row = std::min(start + p, rows - 1);  // the last one is repeated to fill the tile
                from[p] = left + row * depth;
                at[p] = to + row * step;
            }
            multiply_block(from, &only, 1, depth, packed, depth, at, first, columns);
        }
}

}  // namespace ladder
