// Elementary functions for kernels: f32, branch-free so that loops over them vectorise, within a few units in the last place of the true value
// (tests/nn/test_fastmath.c states the bounds). Infinities and NaN behave as in C.
//
// Method: reduction to a short interval (Cody, Waite: Software Manual for the Elementary Functions, 1980), then a truncated Taylor series (exp, log) or a
// Chebyshev fit (erf, made in f64).
#ifndef FOIL_NN_OPS_FASTMATH_H
#define FOIL_NN_OPS_FASTMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define FASTMATH static inline __attribute__((always_inline))

FASTMATH int32_t fast_bits(float f) {
    int32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}
FASTMATH float fast_from_bits(int32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

FASTMATH float fast_power_of_two(int32_t n) {
    return fast_from_bits((int32_t)((uint32_t)(n + 127) << 23));
}

// x = n ln 2 + r with |r| <= ln(2)/2; gives e^r - 1, and n.
FASTMATH float fast_reduced_expm1(float x, int32_t *n) {
    const float magic = 12582912.0f; // 1.5 · 2^23: adding it rounds to an integer, which then stands in the low bits
    const float shifted = x * 1.44269504f + magic;
    *n = fast_bits(shifted) - fast_bits(magic);
    const float whole = shifted - magic;
    const float r = (x - whole * 0.693359375f) - whole * -2.12194440e-4f; // the first product is exact
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    return p * (r * r) + r;
}

FASTMATH float fast_exp(float x) {
    int32_t n;
    x = x > 89 ? 89 : x; // beyond: infinity
    x = x < -104 ? -104 : x;
    const float y = 1 + fast_reduced_expm1(x, &n);
    const int32_t half = n >> 1; // 2^n in two steps: n may be 128 or below -126
    return y * fast_power_of_two(half) * fast_power_of_two(n - half);
}

// e^x - 1 for x <= 0, else 0
FASTMATH float fast_expm1_negative(float x) {
    int32_t n;
    const float q = fast_reduced_expm1(x > 0 ? 0 : x < -80 ? -80 : x, &n), power = fast_power_of_two(n);
    return power * q + (power - 1);
}

// ln x = e ln 2 + 2 atanh((m - 1)/(m + 1)), x = m 2^e, sqrt(1/2) <= m < sqrt(2)
FASTMATH float fast_log(float x) {
    const float tiny = x < 1.17549435e-38f ? 8388608.0f : 1.0f;
    const float scaled = x * tiny;
    const int32_t above = (int32_t)((uint32_t)fast_bits(scaled) - 0x3f3504f3); // bits of sqrt(1/2)
    const int32_t e = above >> 23;
    const float m = fast_from_bits((int32_t)((uint32_t)fast_bits(scaled) - ((uint32_t)e << 23)));
    const float exponent = (float)e - (tiny > 1 ? 23.0f : 0.0f);
    const float f = m - 1, s = f / (2 + f), z = s * s;
    float p = 1.0f / 11;
    p = p * z + 1.0f / 9;
    p = p * z + 1.0f / 7;
    p = p * z + 1.0f / 5;
    p = p * z + 1.0f / 3;
    const float half = 0.5f * f * f; // ln(1 + f) = f - (f²/2 - s (f²/2 + 2 z p)): the leading term is exact
    const float y = exponent * 0.693359375f + (f - (half - (s * (half + 2 * z * p) + exponent * -2.12194440e-4f)));
    const float special = x == 0 ? -INFINITY : x < 0 ? NAN : x; // NaN and infinity give themselves
    return x > 0 && x < INFINITY ? y : special;
}

// ln(1 + t), 0 <= t <= 1
FASTMATH float fast_log1p_unit(float t) {
    const float s = t / (2 + t), z = s * s;
    float p = 1.0f / 15;
    p = p * z + 1.0f / 13;
    p = p * z + 1.0f / 11;
    p = p * z + 1.0f / 9;
    p = p * z + 1.0f / 7;
    p = p * z + 1.0f / 5;
    p = p * z + 1.0f / 3;
    return 2 * s + 2 * s * z * p;
}

FASTMATH float fast_softplus(float x) {
    return (x > 0 ? x : 0) + fast_log1p_unit(fast_exp(-fabsf(x)));
}

FASTMATH float fast_sigmoid(float x) {
    return 1 / (1 + fast_exp(-x));
}

// (e^2|x| - 1) / (e^2|x| + 1), exact near 0 because e^r - 1 is
FASTMATH float fast_tanh(float x) {
    int32_t n;
    const float a = fabsf(x) > 10 ? 10 : fabsf(x); // 1 in f32
    const float q = fast_reduced_expm1(2 * a, &n), power = fast_power_of_two(n);
    const float expm1 = power * q + (power - 1);
    return copysignf(expm1 / (expm1 + 2), x);
}

FASTMATH float fast_erf(float x) {
    const float a = fabsf(x), z = x * x;
    float near = 7.882497110620961e-05f;
    near = near * z - 0.0008018854992380081f;
    near = near * z + 0.005189311942569211f;
    near = near * z - 0.02685432879596383f;
    near = near * z + 0.11283597463484472f;
    near = near * z - 0.37612626903580026f;
    near = near * z + 1.1283791658815032f;
    const float t = a > 4 ? 4 : a; // 1 in f32
    float far = 1.6150450269995313e-06f;
    far = far * t - 4.561102111482119e-05f;
    far = far * t + 0.000592950530988716f;
    far = far * t - 0.004741117935267372f;
    far = far * t + 0.026367415341008064f;
    far = far * t - 0.10998330229147742f;
    far = far * t - 0.6319313444724037f;
    far = far * t - 1.1301702936854177f;
    far = far * t + 0.00030417676129564954f; // ln erfc(t) on [0.95, 4]
    return a < 1 ? x * near : copysignf(1 - fast_exp(far), x);
}

#endif
