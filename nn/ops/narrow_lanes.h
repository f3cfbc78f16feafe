// Pictures of few channels, pixels next to one another, into a plane for each channel and back: shuffles of AVX-512 for narrow_conv.c and plane_weights.c.
// Elements have 32 bits, or 16 where `half`; it and `n` are known to the compiler.
#ifndef FOIL_NN_OPS_NARROW_LANES_H
#define FOIL_NN_OPS_NARROW_LANES_H

#include <immintrin.h>
#include <string.h>

#include "nn/tensor.h"

#define V4 __attribute__((target("avx512f,avx512bw")))
#define V4_BF16 __attribute__((target("avx512f,avx512bw,avx512bf16")))
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

enum { LANES_MOST = 16 }; // registers that are shuffled at a time

// Whether this processor has what products of `type` need.
static inline bool narrow_lanes_run(dtype type) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && (type == F32 || __builtin_cpu_supports("avx512bf16"));
}

INLINE V4 __m512i lane_numbers(bool half) {
    static const uint16_t in_16[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                     16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
    return half ? _mm512_loadu_si512(in_16) : _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i_u *)(const void *)in_16));
}

// Elements `at` of those of a, then b.
INLINE V4 __m512 pick(bool half, __m512 a, __m512i at, __m512 b) {
    return half ? (__m512)_mm512_permutex2var_epi16((__m512i)a, at, (__m512i)b) : _mm512_permutex2var_ps(a, at, b);
}

// The elements of `n` registers, of which every n-th belong together, into one register for each.
INLINE V4 void take_apart(bool half, int n, __m512 *v) {
    const __m512i lane = lane_numbers(half), one = half ? _mm512_set1_epi16(1) : _mm512_set1_epi32(1);
    const __m512i even = _mm512_slli_epi32(lane, 1), odd = _mm512_or_si512(even, one); // twice a number below 32 carries nothing into its neighbour
    UNROLL for (int done = 1; done < n; done *= 2) {
        __m512 t[LANES_MOST];
        UNROLL for (int i = 0; i < n / 2; i++) {
            t[i] = pick(half, v[2 * i], even, v[2 * i + 1]);
            t[i + n / 2] = pick(half, v[2 * i], odd, v[2 * i + 1]);
        }
        UNROLL for (int i = 0; i < n; i++) v[i] = t[i];
    }
}

// And back, of 32 bits.
INLINE V4 void put_together(int n, __m512 *v) {
    const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i high = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
    UNROLL for (int done = 1; done < n; done *= 2) {
        __m512 t[LANES_MOST];
        UNROLL for (int i = 0; i < n / 2; i++) {
            t[2 * i] = _mm512_permutex2var_ps(v[i], low, v[i + n / 2]);
            t[2 * i + 1] = _mm512_permutex2var_ps(v[i], high, v[i + n / 2]);
        }
        UNROLL for (int i = 0; i < n; i++) v[i] = t[i];
    }
}

// Three registers of pixels of three channels into one register for each channel.
INLINE V4 void take_three_apart(bool half, __m512 *v) {
    const __m512i lane = lane_numbers(half);
    __m512 t[3];
    UNROLL for (int c = 0; c < 3; c++) { // where the elements are in all three; those of the third are picked from it
        __m512i at, then;
        if (half) {
            at = _mm512_add_epi16(_mm512_add_epi16(lane, _mm512_slli_epi16(lane, 1)), _mm512_set1_epi16((short)c));
            then = _mm512_mask_sub_epi16(lane, _mm512_cmpge_epi16_mask(at, _mm512_set1_epi16(64)), at, _mm512_set1_epi16(32));
        } else {
            at = _mm512_add_epi32(_mm512_add_epi32(lane, _mm512_slli_epi32(lane, 1)), _mm512_set1_epi32(c));
            then = _mm512_mask_sub_epi32(lane, _mm512_cmpge_epi32_mask(at, _mm512_set1_epi32(32)), at, _mm512_set1_epi32(16));
        }
        t[c] = pick(half, pick(half, v[0], at, v[1]), then, v[2]);
    }
    UNROLL for (int c = 0; c < 3; c++) v[c] = t[c];
}

// `from`, or a copy of its `bytes` with zeros up to `all` behind them.
INLINE const char *filled(const char *from, int64_t bytes, int64_t all, char *copy) {
    if (bytes >= all) return from;
    memset(copy, 0, (size_t)all);
    memcpy(copy, from, (size_t)bytes);
    return copy;
}

// A row of pixels of n channels into planes, `plane` bytes apart and filled up with zeros to whole registers.
INLINE V4 void copy_apart(bool half, int n, const char *row, int64_t width, char *to, int64_t plane) {
    const int64_t element = half ? 2 : 4, lanes = 64 / element, pixel = n * element;
    for (int64_t j = 0; j < width; j += lanes) {
        char copy[64 * LANES_MOST];
        __m512 v[LANES_MOST];
        const char *from = filled(row + j * pixel, (width - j) * pixel, lanes * pixel, copy);
        UNROLL for (int i = 0; i < n; i++) v[i] = _mm512_loadu_ps(from + (size_t)i * 64);
        if (n == 3)
            take_three_apart(half, v);
        else
            take_apart(half, n, v);
        UNROLL for (int i = 0; i < n; i++) _mm512_storeu_ps(to + i * plane + j * element, v[i]);
    }
}

#define MULTIPLY_ADD(sum, a, b) _mm512_fmadd_ps(a, b, sum)
#define DOT(sum, a, b) _mm512_dpbf16_ps(sum, (__m512bh)(a), (__m512bh)(b)) // of pairs

#endif
