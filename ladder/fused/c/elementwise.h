// Elementary functions that g++ can vectorise; infinities and NaN pass through.

namespace ladder {

inline float maximum(float x, float y) { return y < x ? x : (x < y ? y : (x == x ? y : x)); }

// Cephes' expf: 2^k times a polynomial on [-log(2)/2, log(2)/2]; off by 1 unit in the last place at most.
inline float exp(float x) {
    x = x < -88.0f ? -88.0f : x;
    x = x > 89.0f ? 89.0f : x;
    const float round = 12582912.0f;  // 1.5 * 2^23: what is added to it is rounded to an integer
    const float k = (x * 1.44269504088896341f + round) - round;
    const float r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r + 1.0f;
    const int32_t bits = ((int32_t)k + 127) << 23;
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return y * power;
}

inline float log(float x) { return std::log(x); }

inline float sigmoid(float x) { return 1.0f / (1.0f + exp(-x)); }

}  // namespace ladder
