// Standard normals from pairs of uniforms (Box and Muller 1958).
//
// Logarithm, cosine and sine are those of Arm's optimized routines (MIT
// licence, https://github.com/ARM-software/optimized-routines, math/logf.c and
// math/sincosf.h), which glibc has used since 2.28 for logf, cosf and sinf:
// double precision inside, rounded to float once.  So the results have the same
// bits as glibc's; but as nothing branches here, g++ vectorises the loop.

namespace ladder {

const double LOG2 = 0x1.62e42fefa39efp-1, HALF_PI = 0x1.921fb54442d18p+0;
const double QUADRANTS = 0x1.45f306dc9c883p+23;  // 2 / pi * 2^24
const float TWO_PI = 6.283185307179586f;

// 1 / c and log(c) for a c near the middle of each sixteenth of [0.7, 1.4).
const double INVERSE[16] = {
    0x1.661ec79f8f3bep+0, 0x1.571ed4aaf883dp+0, 0x1.49539f0f010bp+0,  0x1.3c995b0b80385p+0,
    0x1.30d190c8864a5p+0, 0x1.25e227b0b8eap+0,  0x1.1bb4a4a1a343fp+0, 0x1.12358f08ae5bap+0,
    0x1.0953f419900a7p+0, 0x1p+0,               0x1.e608cfd9a47acp-1, 0x1.ca4b31f026aap-1,
    0x1.b2036576afce6p-1, 0x1.9c2d163a1aa2dp-1, 0x1.886e6037841edp-1, 0x1.767dcf5534862p-1};
const double LOG[16] = {
    -0x1.57bf7808caadep-2, -0x1.2bef0a7c06ddbp-2, -0x1.01eae7f513a67p-2, -0x1.b31d8a68224e9p-3,
    -0x1.6574f0ac07758p-3, -0x1.1aa2bc79c81p-3,   -0x1.a4e76ce8c0e5ep-4, -0x1.1973c5a611cccp-4,
    -0x1.252f438e10c1ep-5, 0x0p+0,                0x1.aa5aa5df25984p-5,  0x1.c5e53aa362eb4p-4,
    0x1.526e57720db08p-3,  0x1.bc2860d22477p-3,   0x1.1058bc8a07ee1p-2,  0x1.4043057b6ee09p-2};

inline uint32_t bits(float x) {
    uint32_t b;
    std::memcpy(&b, &x, sizeof b);
    return b;
}

inline float from_bits(uint32_t b) {
    float x;
    std::memcpy(&x, &b, sizeof x);
    return x;
}

// The sign bit of a float if the flag, 0 or 2, is 2.
inline uint32_t sign_if(int flag) { return (uint32_t)flag << 30; }

// A normal positive float is u = 2^k z with z in [0.7, 1.4); these are the bits of the least z.
const uint32_t LEAST = 0x3f330000u;

// The sixteenth that z is in.
inline int sixteenth(float u) { return ((bits(u) - LEAST) >> 19) & 15; }

// logf of u, given 1 / c and log(c) of its sixteenth: log u = log(z / c) + log c + k log 2.
inline float logarithm(float u, double inverse, double log) {
    const uint32_t b = bits(u), above = b - LEAST;
    const int k = (int32_t)above >> 23;
    const double z = from_bits(b - (above & 0xff800000u));
    const double r = z * inverse - 1.0, r2 = r * r;
    const double y = -0x1.00ea348b88334p-2 * r2 + (0x1.5575b0be00b6ap-2 * r + -0x1.ffffef20a4123p-2);
    return (float)(y * r2 + (log + k * LOG2 + r));
}

// sinf on [-pi/4, pi/4].
inline float sine(double x) {
    const double x2 = x * x, x3 = x * x2;
    const double low = x + x3 * -0x1.555545995a603p-3, high = 0x1.1107605230bc4p-7 + x2 * -0x1.994eb3774cf24p-13;
    return (float)(low + x3 * x2 * high);
}

// cosf on [-pi/4, pi/4].
inline float cosine(double x) {
    const double x2 = x * x, x4 = x2 * x2;
    const double low = 1.0 + x2 * -0x1.ffffffd0c621cp-2 + x4 * 0x1.55553e1068f19p-5;
    const double high = -0x1.6c087e89a359dp-10 + x2 * 0x1.99343027bf8c3p-16;
    return (float)(low + x4 * x2 * high);
}

// Turns n pairs of uniforms in (0, 1] into normals, in place.  Tables are read in a separate loop: where a processor's
// gather instructions are slow, g++ would otherwise not vectorise the other loop at all.
inline void box_muller(float* __restrict first, float* __restrict second, npy_intp n) {
    const npy_intp CHUNK = 64;
    double inverse[CHUNK], log[CHUNK];
    for (; n > 0; n -= CHUNK, first += CHUNK, second += CHUNK) {
        const npy_intp count = std::min(CHUNK, n);
        for (npy_intp j = 0; j < count; ++j) {
            const int i = sixteenth(first[j]);
            inverse[j] = INVERSE[i], log[j] = LOG[i];
        }
        for (npy_intp j = 0; j < count; ++j) {
            const float radius = std::sqrt(-2.0f * logarithm(first[j], inverse[j], log[j]));
            const double theta = TWO_PI * second[j];  // a product of floats, as in Aesara's graph
            const int quadrant = ((int32_t)(theta * QUADRANTS) + (1 << 23)) >> 24;
            const double x = theta - quadrant * HALF_PI;
            const uint32_t s = bits(sine(x)), c = bits(cosine(x));
            const bool odd = quadrant & 1;
            first[j] = radius * from_bits((odd ? s : c) ^ sign_if((quadrant + 1) & 2));
            second[j] = radius * from_bits((odd ? c : s) ^ sign_if(quadrant & 2));
        }
    }
}

}  // namespace ladder
