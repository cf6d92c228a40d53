// Matrix products: several that share a right factor, which is then packed once for all of them, or the sum of several.
//
// For each block of k's, the left factors are packed in strips as high as a tile, and the right one panel by panel, a
// panel being a strip as wide as a tile; each tile of the result is then the product of two strips.  An entry of the
// result is always the same sum in the same order, whatever its neighbours and the number of threads.

#ifdef _OPENMP
#include <omp.h>
#endif

namespace ladder {

// Rows of the result with left factors of their own, one for each right factor.
struct Section {
    std::vector<Factor> left;
    npy_intp rows;
    float* to;
};

class Product {
public:
    // Every section (rows, columns) becomes the sum of the products of its left factors and the right ones, which have
    // `depths` k's.
    Product(std::vector<Factor> right, std::vector<npy_intp> depths, npy_intp columns, std::vector<Section> sections)
        : right_(right), depths_(depths), columns_(columns), sections_(sections),
          depth_(std::accumulate(depths.begin(), depths.end(), npy_intp(0))),
          blocks_(std::max<npy_intp>(1, (depth_ + DEPTH - 1) / DEPTH)) {
        for (const Section& section : sections_) {
            const npy_intp n = (section.rows + PIXELS - 1) / PIXELS;  // tiles, as equal as possible
            for (npy_intp t = 0; t < n; ++t) {
                const npy_intp first = t * section.rows / n;
                tiles_.push_back({&section, first, (int)((t + 1) * section.rows / n - first)});
            }
        }
    }
    Product(const Product&) = delete;  // tiles point to sections

    // False if there was no memory, with a Python error set.
    bool compute() const {
        const npy_intp n = (npy_intp)tiles_.size(), panels = (columns_ + BLOCK - 1) / BLOCK;
        if (!n || !panels) return true;
        const npy_intp longest = depth_ / blocks_ + 1, apart = longest * PIXELS + LANES;
        const Buffer buffer(n * apart);
        if (!buffer.ok()) return false;
        float* const left = buffer.get();
#pragma omp parallel if (n * PIXELS * depth_ * columns_ > WORTH_THREADS)
        {
            alignas(64) float right[BLOCK * (DEPTH + 1) + LANES];
            std::vector<const float*> lines;  // of the first panel
            // Groups of tiles come one after the other, and all panels are packed again for each, so that all threads
            // have work and a group's strips stay cached.
            const npy_intp busy = (2 * number_of_threads() + panels - 1) / panels, small = n * apart / CACHED + 1;
            const npy_intp groups = std::min(n, std::max(busy, small));
            for (npy_intp block = 0; block < blocks_; ++block) {
                const npy_intp begin = block * depth_ / blocks_, end = (block + 1) * depth_ / blocks_;
#pragma omp for schedule(static)
                for (npy_intp t = 0; t < n; ++t) pack_left(tiles_[t], begin, end, left + t * apart);
                if (panels > 1) find_lines(begin, end, lines);
#pragma omp for schedule(dynamic)
                for (npy_intp task = 0; task < panels * groups; ++task) {
                    const npy_intp first = task % panels * BLOCK, group = task / panels;
                    const int width = (int)std::min<npy_intp>(BLOCK, columns_ - first);
                    if (width > LANES) pack_pieces<BLOCK>(right_, begin, end, first, width, right);
                    else pack_pieces<LANES>(right_, begin, end, first, width, right);
                    const npy_intp from = group * n / groups, until = (group + 1) * n / groups;
                    for (npy_intp t = from; t < until; ++t) {
                        const Ahead ahead = share(lines, first + number_of_threads() * BLOCK, t - from, until - from);
                        tile(tiles_[t], left + t * apart, right, end - begin, first, width, block > 0, ahead);
                    }
                }
            }
        }
        return true;
    }

private:
    static const npy_intp DEPTH = 400;              // most k's of a strip, so that a panel and many tiles stay cached
    static const npy_intp CACHED = 160 << 10;       // floats that stay in a second-level cache
    static const npy_intp WORTH_THREADS = 1 << 20;  // multiplications

    struct Tile {
        const Section* section;
        npy_intp first;
        int rows;
    };

    const std::vector<Factor> right_;
    const std::vector<npy_intp> depths_;
    const npy_intp columns_;
    const std::vector<Section> sections_;
    const npy_intp depth_, blocks_;
    std::vector<Tile> tiles_;

    static npy_intp number_of_threads() {
#ifdef _OPENMP
        return omp_get_num_threads();
#else
        return 1;
#endif
    }

    // Packs rows [begin, end) of factors stacked on one another.
    template <int STRIP>
    void pack_pieces(const std::vector<Factor>& factors, npy_intp begin, npy_intp end, npy_intp first, int width,
                     float* to) const {
        for (size_t piece = 0; piece < factors.size(); ++piece) {
            const npy_intp from = std::max<npy_intp>(0, begin), until = std::min(end, depths_[piece]);
            if (from < until) {
                pack<STRIP>(factors[piece], from, until - from, first, width, to);
                to += (until - from) * STRIP;
            }
            begin -= depths_[piece];
            end -= depths_[piece];
        }
    }

    void find_lines(npy_intp begin, npy_intp end, std::vector<const float*>& lines) const {
        lines.clear();
        for (size_t piece = 0; piece < right_.size(); ++piece) {
            const npy_intp from = std::max<npy_intp>(0, begin), until = std::min(end, depths_[piece]);
            if (from < until) add_lines(right_[piece], from, until - from, 0, BLOCK, lines);
            begin -= depths_[piece];
            end -= depths_[piece];
        }
    }

    // A share of the panel that this thread is likely to pack next, at column `first`.
    Ahead share(const std::vector<const float*>& lines, npy_intp first, npy_intp number, npy_intp shares) const {
        if (first >= columns_) return {nullptr, 0, 0};
        const npy_intp count = (npy_intp)lines.size(), begin = number * count / shares;
        return {lines.data() + begin, (number + 1) * count / shares - begin, first * right_[0].j_step};
    }

    void pack_left(const Tile& tile, npy_intp begin, npy_intp end, float* to) const {
        pack_pieces<PIXELS>(tile.section->left, begin, end, tile.first, tile.rows, to);
    }

    void tile(const Tile& tile, const float* left, const float* right, npy_intp depth, npy_intp first, int width,
              bool add, const Ahead& ahead) const {
        float* const to = tile.section->to + tile.first * columns_ + first;
        if (width == BLOCK) return tile_rows<2>(tile.rows, left, right, depth, to, columns_, add, ahead);
        // The last columns, too few for a tile, go through a whole one.
        alignas(64) float whole[PIXELS * BLOCK];
        for (int i = 0; add && i < tile.rows; ++i) std::copy_n(to + i * columns_, width, whole + i * BLOCK);
        if (width > LANES) tile_rows<2>(tile.rows, left, right, depth, whole, BLOCK, add, ahead);
        else tile_rows<1>(tile.rows, left, right, depth, whole, BLOCK, add, ahead);
        for (int i = 0; i < tile.rows; ++i) std::copy_n(whole + i * BLOCK, width, to + i * columns_);
    }

    template <int V, int R = PIXELS>
    static void tile_rows(int rows, const float* left, const float* right, npy_intp depth, float* to, npy_intp step,
                          bool add, const Ahead& ahead) {
        if (rows == R) return tile_packed<R, V>(left, right, depth, to, step, add, ahead);
        if constexpr (R > 1) tile_rows<V, R - 1>(rows, left, right, depth, to, step, add, ahead);
    }
};

// Matrices of an operation, all (…, columns); some may have no rows.
class Matrices {
public:
    Matrices(PyArrayObject* const* arrays, int count, npy_intp columns) {
        for (int k = 0; k < count; ++k) {
            inputs_.emplace_back(new Input(arrays[k]));
            if (!inputs_.back()->ok() || differ(*inputs_.back(), inputs_.back()->rows(), columns)) return;
        }
        ok_ = true;
    }
    bool ok() const { return ok_; }
    const Input& operator[](int k) const { return *inputs_[k]; }

private:
    std::vector<std::unique_ptr<Input>> inputs_;
    bool ok_ = false;
};

// to[k] = x[k] W, or x[k] W' if transposed.
inline int dense(PyArrayObject* W_array, PyArrayObject* const* x_arrays, int count, bool transposed,
                 PyArrayObject** const* to) {
    const Input W(W_array);
    if (!W.ok()) return 1;
    const npy_intp depth = transposed ? W.columns() : W.rows(), columns = transposed ? W.rows() : W.columns();
    const Matrices x(x_arrays, count, depth);
    if (!x.ok()) return 1;
    std::vector<Section> sections;
    for (int k = 0; k < count; ++k) {
        const npy_intp shape[2] = {x[k].rows(), columns};
        if (!allocate(to[k], 2, shape)) return 1;
        sections.push_back({{Factor{x[k].floats(), 1, depth}}, x[k].rows(), floats(*to[k])});
    }
    const Factor right = transposed ? Factor{W.floats(), 1, depth} : Factor{W.floats(), columns, 1};
    return !Product({right}, {depth}, columns, sections).compute();
}

// *to = the sum over k of x[k]' y[k].
inline int outer_products(PyArrayObject* const* x_arrays, PyArrayObject* const* y_arrays, int count,
                          PyArrayObject** to) {
    const npy_intp shape[2] = {PyArray_DIM(x_arrays[0], 1), PyArray_DIM(y_arrays[0], 1)};
    const Matrices x(x_arrays, count, shape[0]), y(y_arrays, count, shape[1]);
    if (!x.ok() || !y.ok() || !allocate(to, 2, shape)) return 1;
    Section section = {{}, shape[0], floats(*to)};
    std::vector<Factor> right;
    std::vector<npy_intp> depths;
    for (int k = 0; k < count; ++k) {
        if (differ(y[k], x[k].rows(), shape[1])) return 1;
        section.left.push_back({x[k].floats(), shape[0], 1});
        right.push_back({y[k].floats(), shape[1], 1});
        depths.push_back(x[k].rows());
    }
    return !Product(right, depths, shape[1], {section}).compute();
}

}  // namespace ladder
