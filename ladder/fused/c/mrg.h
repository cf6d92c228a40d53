// MRG31k3p (L'Ecuyer and Touzin 2000), many substreams side by side, and normals from it.

namespace ladder {

const int BLOCK = 64;                  // substreams that are advanced together
const npy_intp PAIRS = 1024;           // pairs that a thread turns into normals at a time
const npy_intp MANY = 20000;           // fewer numbers are not worth a second thread
const uint32_t M1 = 2147483647u;       // 2^31 - 1
const uint32_t M2 = 2147462579u;       // 2^31 - 21069
const float TO_UNIT = 4.6566126e-10f;  // the float below 2^-31, so that no uniform is 1

// y modulo m, for y below 2 m; y - m wraps around if y is less than m.
inline uint32_t modulo(uint32_t y, uint32_t m) { return y < y - m ? y : y - m; }

// States of some substreams; x[k] holds number k of all of them.
struct Substreams {
    uint32_t x[6][BLOCK];
};

inline void read(Substreams& streams, const int32_t* __restrict state, int count) {
    for (int i = 0; i < count; ++i)
        for (int k = 0; k < 6; ++k) streams.x[k][i] = state[6 * i + k];
}

inline void write(const Substreams& streams, int32_t* __restrict state, int count) {
    for (int i = 0; i < count; ++i)
        for (int k = 0; k < 6; ++k) state[6 * i + k] = streams.x[k][i];
}

// The next uniform, in (0, 1), of each substream.  Aesara's arithmetic (cpu_rng_mrg_uniform), without its branches.
inline void draw(Substreams& streams, float* __restrict uniforms, int count) {
    uint32_t(&x)[6][BLOCK] = streams.x;
    for (int i = 0; i < count; ++i) {
        const uint32_t x12 = x[1][i], x13 = x[2][i], x21 = x[3][i], x23 = x[5][i];
        uint32_t y1 = modulo(((x12 & 511) << 22) + (x12 >> 9) + ((x13 & 0xffffff) << 7) + (x13 >> 24), M1);
        y1 = modulo(y1 + x13, M1);
        const uint32_t y2 = modulo(((x21 & 0xffff) << 15) + 21069 * (x21 >> 16), M2);
        uint32_t y3 = modulo(((x23 & 0xffff) << 15) + 21069 * (x23 >> 16), M2);
        y3 = modulo(modulo(y3 + x23, M2) + y2, M2);
        x[2][i] = x12, x[1][i] = x[0][i], x[0][i] = y1;
        x[5][i] = x[4][i], x[4][i] = x21, x[3][i] = y3;
        uniforms[i] = (int32_t)(y1 <= y3 ? y1 - y3 + M1 : y1 - y3) * TO_UNIT;
    }
}

// All uniforms of up to BLOCK substreams, of which `first` is the first: numbers first, first + n_streams, ...
// Box-Muller takes an even number of them; if `size` is odd, the last one goes to *spare.
inline void draw_block(int32_t* state, npy_intp n_streams, npy_intp first, float* uniforms, npy_intp size,
                       float* spare) {
    const int count = (int)std::min<npy_intp>(BLOCK, n_streams - first);
    const npy_intp even = size + size % 2;
    Substreams streams;
    read(streams, state + 6 * first, count);
    npy_intp at = first;
    if (count == BLOCK)
        for (; at + BLOCK <= size; at += n_streams) draw(streams, uniforms + at, BLOCK);
    for (; at < even; at += n_streams) {
        float drawn[BLOCK];
        const npy_intp n = std::min<npy_intp>(count, even - at), inside = std::min(n, size - at);
        draw(streams, drawn, (int)n);
        std::copy(drawn, drawn + inside, uniforms + at);
        if (inside < n) *spare = drawn[inside];
    }
    write(streams, state + 6 * first, count);
}

// Normals j and j + half are made of uniforms j and j + half, whatever the number of threads.
inline void mrg_normals(int32_t* state, npy_intp n_streams, float* normals, npy_intp size) {
    const npy_intp even = size + size % 2, half = even / 2, pairs = size - half, used = std::min(n_streams, even);
    float spare = 0.0f;
#pragma omp parallel for schedule(static) if (size > MANY)
    for (npy_intp first = 0; first < used; first += BLOCK)
        draw_block(state, n_streams, first, normals, size, &spare);
#pragma omp parallel for schedule(static) if (size > MANY)
    for (npy_intp first = 0; first < pairs; first += PAIRS)
        box_muller(normals + first, normals + half + first, std::min(PAIRS, pairs - first));
    if (pairs < half) box_muller(normals + pairs, &spare, 1);
}

// Next state and normals for Aesara; 1, with a Python error set, on failure.
template <bool in_place>
inline int mrg_normal(PyArrayObject* state, int ndim, const npy_intp* dims, PyArrayObject** next,
                      PyArrayObject** normals) {
    if (PyArray_DIM(state, 0) == 0 || PyArray_DIM(state, 1) != 6) {
        PyErr_SetString(PyExc_ValueError, "MRG's state is no matrix of 6 columns");
        return 1;
    }
    Py_XDECREF(*next);
    *next = (PyArrayObject*)PyArray_FROM_OF((PyObject*)state,
                                            in_place ? NPY_ARRAY_CARRAY : NPY_ARRAY_CARRAY | NPY_ARRAY_ENSURECOPY);
    if (!*next || !allocate(normals, ndim, dims)) return 1;
    mrg_normals((int32_t*)PyArray_DATA(*next), PyArray_DIM(state, 0), floats(*normals), PyArray_SIZE(*normals));
    return 0;
}

}  // namespace ladder
