// Elementary functions that g++ can vectorise; infinities and NaN pass through, results below 2^-125 may become 0.

namespace ladder {

inline float maximum(float x, float y) { return y < x ? x : (x < y ? y : (x == x ? y : x)); }

// Cephes' expf: 2^k times a polynomial on [-log(2)/2, log(2)/2]; off by at most 1 ulp.
inline float exp(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 89.0f ? 89.0f : x;
    const float shift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, which is in the lowest bits
    const float shifted = x * 1.44269504088896341f + shift, k = shifted - shift;
    const float r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r + 1.0f;
    uint32_t bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 126) << 23;  // 2^(k-1), as 2^128 is not a float; 0 for the smallest x
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return (y + y) * power;
}

// exp(x) - 1 without loss near 0: with x = k log(2) + r, 2^k (exp(r) - 1) + (2^k - 1), whose second term is 0 there.
// Off by at most 2 ulp.
inline float expm1(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 89.0f ? 89.0f : x;
    const float shift = 12582912.0f;
    const float shifted = x * 1.44269504088896341f + shift, k = shifted - shift;
    const float r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r;
    uint32_t bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 126) << 23;  // half of 2^k, as above
    float power;
    std::memcpy(&power, &bits, sizeof power);
    const float half = y * power + (power - 0.5f);
    return half + half;
}

// expm1(2 |x|) / (expm1(2 |x|) + 2) with the sign of x.  Off by at most 3 ulp.
inline float tanh(float x) {
    const float y = expm1(2.0f * std::fabs(x < -20.0f ? -20.0f : (x > 20.0f ? 20.0f : x)));
    return std::copysign(y / (y + 2.0f), x);
}

// Off by at most 2 ulp.
inline float sigmoid(float x) { return 1.0f / (1.0f + exp(-x)); }

// log(1 + exp(x)): the larger of x and 0, plus log(1 + y) = 2 artanh(y / (2 + y)) with y = exp(-|x|).
// Off by at most 3 ulp.
inline float softplus(float x) {
    const float y = exp(-std::fabs(x)), s = y / (2.0f + y), s2 = s * s;
    float series = 1.0f / 13.0f;
    series = series * s2 + 1.0f / 11.0f;
    series = series * s2 + 1.0f / 9.0f;
    series = series * s2 + 1.0f / 7.0f;
    series = series * s2 + 1.0f / 5.0f;
    series = series * s2 + 1.0f / 3.0f;
    series = series * s2 * s + s;
    return maximum(x, 0.0f) + 2.0f * series;
}

}  // namespace ladder
