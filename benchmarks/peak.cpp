// Upper limits on the speed of any kernel: fused multiply-adds with registers of one width, and reading memory, or
// reading it and writing it back.

#include <cstdint>

#if defined(__AVX512F__)
const int LANES = 16;
#elif defined(__AVX__)
const int LANES = 8;
#else
const int LANES = 4;
#endif

typedef float Vector __attribute__((vector_size(4 * LANES)));

extern "C" {

int lanes() { return LANES; }

// Does `steps` times 12 independent multiply-adds of vectors on each of the threads.
void multiply_add(int64_t steps, int threads) {
#pragma omp parallel num_threads(threads)
    {
        Vector sum[12] = {}, factor = Vector{} + 1.0000001f, term = Vector{} + 1e-9f;
        for (int64_t k = 0; k < steps; ++k)
#pragma GCC unroll 12
            for (int i = 0; i < 12; ++i) {
                sum[i] = sum[i] * factor + term;
#if defined(__x86_64__)
                __asm__ volatile("" : "+v"(sum[i]));  // each is computed, one after the other
#elif defined(__aarch64__)
                __asm__ volatile("" : "+w"(sum[i]));
#endif
            }
    }
}

// Adds up n floats (a multiple of 8 vectors), a part on each thread; the sum is of no use.
float read(const float* x, int64_t n, int threads) {
    float total = 0.0f;
#pragma omp parallel num_threads(threads) reduction(+ : total)
    {
        Vector sum[8] = {};
#pragma omp for schedule(static)
        for (int64_t i = 0; i < n; i += 8 * LANES)
            for (int k = 0; k < 8; ++k) sum[k] += *(const Vector*)(x + i + k * LANES);
        for (int k = 1; k < 8; ++k) sum[0] += sum[k];
        total += sum[0][0];
    }
    return total;
}

// Multiplies the floats by a factor, in place.
void read_and_write(float* x, int64_t n, float factor, int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t i = 0; i < n; i += LANES) *(Vector*)(x + i) *= factor;
}
}
