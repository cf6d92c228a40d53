// As many fused multiply-adds as registers of one width take: what no product can beat.

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

// Makes `steps` times 12 multiply-adds of vectors that do not wait for each other, on each of so many threads.
void multiply_add(int64_t steps, int threads) {
#pragma omp parallel num_threads(threads)
    {
        Vector sum[12] = {}, factor = Vector{} + 1.0000001f, term = Vector{} + 1e-9f;
        for (int64_t k = 0; k < steps; ++k)
#pragma GCC unroll 12
            for (int i = 0; i < 12; ++i) {
                sum[i] = sum[i] * factor + term;
#if defined(__x86_64__)
                __asm__ volatile("" : "+v"(sum[i]));  // each is made, one after the other
#elif defined(__aarch64__)
                __asm__ volatile("" : "+w"(sum[i]));
#endif
            }
    }
}
}
