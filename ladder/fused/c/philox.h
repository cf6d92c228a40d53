// Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011), and normals from it.
//
// A block of four words is a function of a counter (number of the block,
// update, upper half of the seed) and a key (lower half of the seed, stream),
// so blocks can be made in any order.

namespace ladder {

const int BLOCKS = 64;            // blocks that are made together as a group of 4 * BLOCKS normals
const npy_intp GROUP = 4 * BLOCKS;
const npy_intp MANY = 20000;      // fewer numbers are not worth a second thread

// A uniform in (0, 1]: the upper 31 bits select one of 2^31 steps, whose middle is rounded to float.
inline float to_unit(uint32_t word) { return (int32_t)(word >> 1) * 0x1p-31f + 0x1p-32f; }

// Words 0 and 1 of all blocks give the radii and angles of the first normals, words 2 and 3 those of the second ones.
inline void philox_group(uint32_t first, const uint32_t* state, float* __restrict uniforms) {
    const uint32_t seed = state[0], seed_high = state[1], stream = state[2], update = state[4], update_high = state[5];
    for (int i = 0; i < BLOCKS; ++i) {
        // Words of 32 bits in 64, whose upper half may hold anything: one multiplication then gives both halves.
        uint64_t x0 = first + i, x1 = update, x2 = update_high, x3 = seed_high;
        uint32_t key0 = seed, key1 = stream;
        for (int round = 0; round < 10; ++round) {
            const uint64_t p = (x0 & 0xffffffff) * 0xd2511f53u, q = (x2 & 0xffffffff) * 0xcd9e8d57u;
            x0 = (q >> 32) ^ x1 ^ key0, x1 = q;
            x2 = (p >> 32) ^ x3 ^ key1, x3 = p;
            key0 += 0x9e3779b9u, key1 += 0xbb67ae85u;
        }
        uniforms[i] = to_unit((uint32_t)x0);
        uniforms[2 * BLOCKS + i] = to_unit((uint32_t)x1);
        uniforms[BLOCKS + i] = to_unit((uint32_t)x2);
        uniforms[3 * BLOCKS + i] = to_unit((uint32_t)x3);
    }
}

// Normals of one group: cosines of words 0 and 1, of words 2 and 3, then sines likewise.
inline void philox_normals(const uint32_t* state, npy_intp group, float* normals, npy_intp count) {
    float drawn[GROUP];
    philox_group((uint32_t)(group * BLOCKS), state, drawn);
    box_muller(drawn, drawn + 2 * BLOCKS, 2 * BLOCKS);
    std::copy(drawn, drawn + count, normals);
}

// Next state (seed, stream, update) and normals for Aesara; 1, with a Python error set, on failure.
inline int philox_normal(PyArrayObject* state, int ndim, const npy_intp* dims, PyArrayObject** next,
                         PyArrayObject** normals) {
    const npy_intp entries = 3;
    const Input input(state);
    if (!input.ok() || !allocate(next, 1, &entries, NPY_INT64) || !allocate(normals, ndim, dims)) return 1;
    const npy_intp size = PyArray_SIZE(*normals);
    if (PyArray_SIZE(state) != entries || size > (npy_intp)4 << 32) {
        PyErr_SetString(PyExc_ValueError, "Philox's state has three entries, and blocks are numbered in 32 bits");
        return 1;
    }
    uint64_t numbers[3];
    std::memcpy(numbers, input.data<int64_t>(), sizeof numbers);
    uint32_t words[6];
    for (int k = 0; k < 3; ++k) words[2 * k] = (uint32_t)numbers[k], words[2 * k + 1] = (uint32_t)(numbers[k] >> 32);
    float* z = floats(*normals);
#pragma omp parallel for schedule(static) if (size > MANY)
    for (npy_intp i = 0; i < size; i += GROUP) philox_normals(words, i / GROUP, z + i, std::min(GROUP, size - i));
    ++numbers[2];
    std::memcpy(PyArray_DATA(*next), numbers, sizeof numbers);
    return 0;
}

}  // namespace ladder
