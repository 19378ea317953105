// scalar_math.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_SCALAR_MATH_H
#define KERNEL_SCALAR_MATH_H

#include "base.h"

// Elementary functions of one float, without branches, tables or calls, so that a loop around
// any of them becomes vector code. Errors are in units in the last place (ulp) of the result,
// the worst of 300 million floats. NaN gives NaN; infinities and overflow are as in libm.

static inline uint32_t float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float bits_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// 2^n for -126 <= n <= 127: n lands in the exponent's bits.
static inline float power_of_two(int n) { return bits_float((uint32_t)(n + 127) << 23); }

// Adding 1.5 * 2^23 rounds a small float to an integer, which is left in the low bits.
#define ROUND_MAGIC 12582912.0f
#define ROUND_MAGIC_BITS 0x4b400000

// ln 2 in two parts; n * LN2_HIGH is exact for every exponent n.
#define LN2_HIGH 0.693145752f
#define LN2_LOW 1.42860677e-6f
#define LOG2_E 1.44269504f

// e^r - 1 for |r| <= ln(2) / 2.
static inline float expm1_reduced(float r) {
    float q = 0.00138207758f;
    q = q * r + 0.00836924929f;
    q = q * r + 0.041668281f;
    q = q * r + 0.166665167f;
    q = q * r + 0.49999994f;
    return r + r * r * q;
}

// e^x, as 2^n e^r with n = round(x / ln 2). 2^n is applied in two halves so that the ends of
// the range, infinity and subnormals, come out right. Below -104 the result is 0, without the
// arithmetic underflow that costs processors more than the function itself: softmax of masked
// elements comes here often. Error: 1.02 ulp.
KERNEL inline float exp_f(float x) {
    float inside = x > 89.0f ? 89.0f : x;
    inside = x < -104.0f ? 0.0f : inside;
    float rounded = inside * LOG2_E + ROUND_MAGIC;
    int n = (int)float_bits(rounded) - ROUND_MAGIC_BITS;
    float n_f = rounded - ROUND_MAGIC;
    float r = (inside - n_f * LN2_HIGH) - n_f * LN2_LOW;
    int half = n >> 1;
    float y = (1.0f + expm1_reduced(r)) * power_of_two(half) * power_of_two(n - half);
    return x < -104.0f ? 0.0f : y;
}

// (ln(1 + f) - f + f^2 / 2) / f^3 for sqrt(1/2) - 1 <= f <= sqrt(2) - 1.
static inline float log_polynomial(float f) {
    float g = -0.0763642788f;
    g = g * f + 0.127622128f;
    g = g * f - 0.131596103f;
    g = g * f + 0.1420158f;
    g = g * f - 0.166234091f;
    g = g * f + 0.200012416f;
    g = g * f - 0.250008196f;
    return g * f + 0.333333313f;
}

// ln x, as e ln 2 + ln m with m in [sqrt(1/2), sqrt(2)). ln 0 is -infinity, ln of x < 0 NaN.
// Error: 0.9 ulp.
KERNEL inline float log_f(float x) {
    float scale = x < 1.17549435e-38f ? 8388608.0f : 1.0f;  // subnormals become normal
    float bias = x < 1.17549435e-38f ? 23.0f : 0.0f;
    uint32_t shifted = float_bits(x * scale) - 0x3f3504f3;  // the bits of sqrt(1/2)
    float e = (float)((int)shifted >> 23) - bias;
    float f = bits_float((shifted & 0x7fffff) + 0x3f3504f3) - 1.0f;
    float square = f * f;
    float y = e * LN2_LOW + square * f * log_polynomial(f);
    y = e * LN2_HIGH + (f + (y - 0.5f * square));
    y = x < INFINITY ? y : x;
    float outside = x == 0.0f ? -INFINITY : NAN;
    return x > 0.0f ? y : outside;
}

// The square root; of a number below 0 NaN. Error: 0.5 ulp.
KERNEL inline float sqrt_f(float x) { return sqrtf(x); }

// ln x of normal x, good to 6e-9: what log_f adds up, in double precision.
static inline double log_wide(float x) {
    uint32_t shifted = float_bits(x) - 0x3f3504f3;
    double e = (double)((float)((int)shifted >> 23));
    float f = bits_float((shifted & 0x7fffff) + 0x3f3504f3) - 1.0f;
    double wide = (double)f;
    float cube = f * f * f * log_polynomial(f);
    return e * 0.6931471805599453 + (wide - 0.5 * wide * wide + (double)cube);
}

// x^p, as e^(p ln |x|) with the exponent in double precision; of a number below 0 NaN, unless p
// is whole. Subnormal x counts as 0. Relative error: 1e-7 + 6e-9 |p|.
KERNEL inline float power_f(float x, float p) {
    float a = bits_float(float_bits(x) & 0x7fffffff);
    double t = (double)p * log_wide(a);
    float near = (float)t;  // within what exp_f has floats for
    near = near > 89.0f ? 89.0f : near;
    near = near < -104.0f ? -104.0f : near;
    float rounded = near * LOG2_E + ROUND_MAGIC;
    int n = (int)float_bits(rounded) - ROUND_MAGIC_BITS, half = n >> 1;
    float r = (float)(t - (double)(rounded - ROUND_MAGIC) * 0.6931471805599453);
    float y = (1.0f + expm1_reduced(r)) * power_of_two(half) * power_of_two(n - half);
    y = t > 89.0 ? INFINITY : t < -104.0 ? 0.0f : y;
    float end = (a < 1.17549435e-38f) == (p > 0.0f) ? 0.0f : INFINITY;
    y = a < 1.17549435e-38f || a == INFINITY ? end : y;
    y = x != x ? x : y;
    float whole = rintf(0.5f * p) == 0.5f * p ? y : -y;
    float below = rintf(p) == p ? whole : NAN;
    y = x < 0.0f ? below : y;
    return p == 0.0f ? 1.0f : y;
}

// The larger of two numbers, a where they are equal; NaN if one is.
KERNEL inline float max_f(float a, float b) {
    float y = a < b ? b : a;
    return b != b ? b : y;
}

// The smaller of two numbers, a where they are equal; NaN if one is.
KERNEL inline float min_f(float a, float b) {
    float y = a > b ? b : a;
    return b != b ? b : y;
}

// tanh x = (e^2|x| - 1) / (e^2|x| + 1) with the sign of x. The numerator is formed without
// cancellation: 2^n e^r - 1 = 2^n (e^r - 1) + (2^n - 1). Error: 2.7 ulp.
KERNEL inline float tanh_f(float x) {
    uint32_t sign = float_bits(x) & 0x80000000u;
    float y = 2.0f * bits_float(float_bits(x) & 0x7fffffff);
    y = y > 20.0f ? 20.0f : y;
    float rounded = y * LOG2_E + ROUND_MAGIC;
    int n = (int)float_bits(rounded) - ROUND_MAGIC_BITS;
    float n_f = rounded - ROUND_MAGIC;
    float r = (y - n_f * LN2_HIGH) - n_f * LN2_LOW;
    float power = power_of_two(n);
    float numerator = power * expm1_reduced(r) + (power - 1.0f);
    return bits_float(float_bits(numerator / (numerator + 2.0f)) | sign);
}

// 1 / (1 + e^-x), from e^-|x| so that neither end overflows or loses its small values.
// Error: 2.5 ulp.
KERNEL inline float sigmoid_f(float x) {
    float e = exp_f(x < 0.0f ? x : -x);
    float numerator = x < 0.0f ? e : 1.0f;
    return numerator / (1.0f + e);
}

// ln(1 + e^x) = max(x, 0) + ln(1 + e), e = e^-|x|. The logarithm is 2 artanh(e / (2 + e)), an
// odd series in an argument of at most 1/3. Large x gives x itself. Error: 2.8 ulp.
KERNEL inline float softplus_f(float x) {
    float e = exp_f(x < 0.0f ? x : -x);
    float s = e / (2.0f + e);
    float z = s * s;
    float g = 0.242531285f;
    g = g * z + 0.214420825f;
    g = g * z + 0.286153436f;
    g = g * z + 0.399989456f;
    g = g * z + 0.666666746f;
    float log1p = 2.0f * s + s * z * g;
    return (x > 0.0f ? x : 0.0f) + log1p;
}

// erf x: an odd polynomial below 0.9, and 1 - e^q(|x|) above, with the sign of x. Error: 1.4
// ulp.
KERNEL inline float erf_f(float x) {
    uint32_t sign = float_bits(x) & 0x80000000u;
    float a = bits_float(float_bits(x) & 0x7fffffff);
    float near = a > 4.0f ? 4.0f : a;  // erf(4) is 1 in float
    float z = near * near;
    float g = 7.90986742e-5f;
    g = g * z - 0.000803278119f;
    g = g * z + 0.00519124046f;
    g = g * z - 0.0268554073f;
    g = g * z + 0.112836227f;
    g = g * z - 0.376126289f;
    g = g * z + 0.128379166f;
    float small = near + near * g;
    float q = 0.000197181565f;
    q = q * near - 0.0030556079f;
    q = q * near + 0.0222770907f;
    q = q * near - 0.104037367f;
    q = q * near - 0.637059748f;
    q = q * near - 1.12774956f;
    q = q * near - 0.000177495735f;
    float large = 1.0f - exp_f(q);
    return bits_float(float_bits(a < 0.9f ? small : large) | sign);
}

// cos(2 pi u) for 0 <= u <= 1, as sin(2 pi t) with t = 1/4 - |u - round(u)|, exact for the
// uniforms of random.h. Error: 3.1 ulp.
KERNEL inline float cos_turns_f(float u) {
    float v = u - ((u + ROUND_MAGIC) - ROUND_MAGIC);
    float t = 0.25f - bits_float(float_bits(v) & 0x7fffffff);
    float z = t * t;
    float g = -13.7438707f;
    g = g * z + 41.9121704f;
    g = g * z - 76.6992569f;
    g = g * z + 81.6051254f;
    g = g * z - 41.3417015f;
    g = g * z - 1.74845553e-7f;  // 2 pi less its nearest float
    return 6.28318531f * t + t * g;
}

#endif
