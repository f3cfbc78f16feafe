#include "nn/blocks.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/vectorised.h"

VECTORISED static void load_bf16(int n, float *restrict to, const uint16_t *restrict from) {
    for (int i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)from[i] << 16;
        memcpy(to + i, &bits, sizeof bits);
    }
}

VECTORISED static void load_u8(int n, float *restrict to, const uint8_t *restrict from) {
    for (int i = 0; i < n; i++) to[i] = from[i];
}

VECTORISED static void load_i32(int n, float *restrict to, const int32_t *restrict from) {
    for (int i = 0; i < n; i++) to[i] = (float)from[i];
}

void blocks_load(int n, float *to, const void *from, dtype type) {
    switch (type) {
    case F32:
        memcpy(to, from, (size_t)n * sizeof *to);
        break;
    case BF16:
        load_bf16(n, to, from);
        break;
    case U8:
        load_u8(n, to, from);
        break;
    case I32:
        load_i32(n, to, from);
        break;
    }
}

// Rounds to nearest even; a NaN stays one. The shift keeps the sign, which is how compilers know vector instructions to pack 16 bits.
static inline uint16_t rounded(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    const uint32_t near = f != f ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
    return (uint16_t)((int32_t)near >> 16);
}

VECTORISED static void store_bf16(int n, uint16_t *restrict to, const float *restrict from) {
    for (int i = 0; i < n; i++) to[i] = rounded(from[i]);
}

void blocks_store(int n, void *to, const float *from, dtype type) {
    assert(type == F32 || type == BF16);
    if (type == F32)
        memcpy(to, from, (size_t)n * sizeof *from);
    else
        store_bf16(n, to, from);
}

VECTORISED void blocks_pair(int n, uint32_t *restrict to, const uint16_t *restrict even, const uint16_t *restrict odd) {
    for (int i = 0; i < n; i++) to[i] = (uint32_t)even[i] | (uint32_t)odd[i] << 16;
}

VECTORISED void blocks_pair_rounded(int n, uint32_t *restrict to, const float *restrict even, const float *restrict odd) {
    for (int i = 0; i < n; i++) to[i] = (uint32_t)rounded(even[i]) | (uint32_t)rounded(odd[i]) << 16;
}

VECTORISED void blocks_gather_bf16(int n, uint16_t *restrict to, const float *restrict from, const int32_t *restrict index) {
    for (int i = 0; i < n; i++) to[i] = rounded(from[index[i]]);
}

VECTORISED void blocks_fill(int n, float *to, float value) {
    for (int i = 0; i < n; i++) to[i] = value;
}

VECTORISED double blocks_sum(int n, const float *x) {
    double s = 0;
#pragma omp simd reduction(+ : s)
    for (int i = 0; i < n; i++) s += (double)x[i];
    return s;
}

// A NaN wins.
VECTORISED double blocks_max(int n, const float *x) {
    float m = -INFINITY;
    int nan = 0;
#pragma omp simd reduction(max : m) reduction(| : nan)
    for (int i = 0; i < n; i++) {
        m = x[i] > m ? x[i] : m;
        nan |= x[i] != x[i];
    }
    return nan ? (double)NAN : (double)m;
}

// Four rows are added up in f32 first: conversions are what takes time here.
VECTORISED static void add_four_rows(int n, double *restrict to, const float *restrict x) {
    const float *a = x, *b = x + n, *c = b + n, *d = c + n;
    for (int i = 0; i < n; i++) to[i] += (double)((a[i] + b[i]) + (c[i] + d[i]));
}

VECTORISED static void add_row(int n, double *restrict to, const float *restrict x) {
    for (int i = 0; i < n; i++) to[i] += (double)x[i];
}

void blocks_add_rows(int rows, int n, double *to, const float *x) {
    for (; rows >= 4; rows -= 4, x += 4 * n) add_four_rows(n, to, x);
    for (; rows > 0; rows--, x += n) add_row(n, to, x);
}

VECTORISED static void max_row(int n, double *restrict to, const float *restrict x) {
    for (int i = 0; i < n; i++) {
        double v = (double)x[i];
        to[i] = v <= to[i] || to[i] != to[i] ? to[i] : v;
    }
}

void blocks_max_rows(int rows, int n, double *to, const float *x) {
    for (; rows > 0; rows--, x += n) max_row(n, to, x);
}
