// Factors of a matrix product laid out in strips, as tiles read them: all that a tile needs for one k lies side by side.

namespace ladder {

// A factor of a sum over k: its entry (k, j) is data[k * k_step + j * j_step], and one of the steps is 1.
struct Factor {
    const float* data;
    npy_intp k_step, j_step;
};

const npy_intp LINE = 16;  // floats in a cache line

// One step of a transposition: for two rows S apart, swaps the columns of the upper one whose number has bit S set with
// the columns of the lower one that lie S to their left.
template <int S, int... J>
LADDER_INLINE void exchange(Vector& upper, Vector& lower, std::integer_sequence<int, J...>) {
#if defined(__clang__) || __GNUC__ >= 12
    const Vector above = __builtin_shufflevector(upper, lower, (J & S ? LANES + J - S : J)...);
    lower = __builtin_shufflevector(upper, lower, (J & S ? LANES + J : J + S)...);
#else
    typedef int32_t Positions __attribute__((vector_size(4 * LANES)));
    const Vector above = __builtin_shuffle(upper, lower, Positions{(J & S ? LANES + J - S : J)...});
    lower = __builtin_shuffle(upper, lower, Positions{(J & S ? LANES + J : J + S)...});
#endif
    upper = above;
}

template <int S = LANES / 2> LADDER_INLINE void transpose(Vector (&rows)[LANES]) {
#pragma GCC unroll 16
    for (int i = 0; i < LANES; ++i)
        if (!(i & S)) exchange<S>(rows[i], rows[i + S], std::make_integer_sequence<int, LANES>());
    if constexpr (S > 1) transpose<S / 2>(rows);
}

// Packs row by row, for factors whose rows are consecutive floats.
template <int STRIP>
inline void pack_rows(const float* from, npy_intp step, npy_intp depth, int width, float* to) {
    if (width == STRIP)
        // Whole vectors: if the strip is narrower, its next row overwrites the excess.
        for (; depth > 1; --depth, from += step, to += STRIP)
#pragma GCC unroll 2
            for (int part = 0; part < STRIP; part += LANES) vector_at(to + part) = vector_at(from + part);
    for (; depth > 0; --depth, from += step, to += STRIP)
        for (int j = 0; j < STRIP; ++j) to[j] = j < width ? from[j] : 0.0f;
}

// Packs column by column, a square of vectors at a time, the last squares first: if a strip is not a whole number of
// vectors wide, they reach into the next row.
template <int STRIP, bool WHOLE>
inline void pack_columns(const float* from, npy_intp step, npy_intp depth, int width, float* to) {
    for (; depth >= LANES; depth -= LANES, from += LANES, to += LANES * STRIP)
        for (int part = (STRIP - 1) / LANES * LANES; part >= 0; part -= LANES) {
            Vector rows[LANES];
#pragma GCC unroll 16
            for (int j = 0; j < LANES; ++j)
                rows[j] = part + j < (WHOLE ? STRIP : width) ? vector_at(from + (part + j) * step) : Vector{};
            transpose(rows);
#pragma GCC unroll 16
            for (int i = 0; i < LANES; ++i) vector_at(to + i * STRIP + part) = rows[i];
        }
    for (; depth > 0; --depth, ++from, to += STRIP)
        for (int j = 0; j < STRIP; ++j) to[j] = j < width ? from[j * step] : 0.0f;
}

// Packs columns [first, first + width) of a factor, from row k on, into a strip (depth, STRIP), with 0 beyond the
// width.  Up to LANES floats after the strip are written, too.
template <int STRIP>
inline void pack(const Factor& factor, npy_intp k, npy_intp depth, npy_intp first, int width, float* to) {
    const float* const from = factor.data + k * factor.k_step + first * factor.j_step;
    if (factor.j_step == 1) pack_rows<STRIP>(from, factor.k_step, depth, width, to);
    else if (width == STRIP) pack_columns<STRIP, true>(from, factor.j_step, depth, width, to);
    else pack_columns<STRIP, false>(from, factor.j_step, depth, width, to);
}

// Appends the cache lines that hold those columns to `lines`.
inline void add_lines(const Factor& factor, npy_intp k, npy_intp depth, npy_intp first, npy_intp width,
                      std::vector<const float*>& lines) {
    const bool rows = factor.j_step == 1;  // whether rows are consecutive floats
    const npy_intp runs = rows ? depth : width, length = rows ? width : depth, step = factor.k_step * factor.j_step;
    const float* const from = factor.data + k * factor.k_step + first * factor.j_step;
    for (npy_intp run = 0; run < runs; ++run) {
        const float* const begin = from + run * step;
        const npy_intp before = (uintptr_t)begin / sizeof(float) % LINE;
        for (npy_intp j = -before; j < length; j += LINE) lines.push_back(begin + j);
    }
}

}  // namespace ladder
