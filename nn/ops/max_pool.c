// The forward pass of max pooling: the largest of a window's rows for each of their elements, then of its columns.
#include "nn/ops/max_pool.h"

#include <omp.h>
#include <string.h>

#include "base/vectorised.h"
#include "nn/ops.h"

typedef struct picture {
    int64_t height, width, channels, out_height, out_width;
    pool_params pool;
} picture;

static picture picture_of(const node *n) {
    const int64_t *x = n->in[0]->shape.d, *y = n->shape.d;
    return (picture){x[1], x[2], x[3], y[1], y[2], *(const pool_params *)n->params};
}

// NaN is larger than all, and stays.
static inline float larger(float best, float v) {
    return v > best || v != v ? v : best;
}

VECTORISED static void keep_larger_f32(int64_t n, float *restrict best, const float *restrict x) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) best[i] = larger(best[i], x[i]);
}

// Of bf16, whole numbers in the same order: 16 bits are as many again at a time. NaN, of either sign, is the largest.
static inline int16_t key_of(uint16_t bits) {
    const int16_t magnitude = (int16_t)(bits & 0x7fff);
    return magnitude > 0x7f80 || !(bits & 0x8000) ? magnitude : (int16_t)(bits ^ 0x7fff);
}

static inline int16_t larger_key(int16_t best, int16_t v) {
    return v > best ? v : best;
}

VECTORISED static void load_keys(int64_t n, int16_t *restrict to, const uint16_t *restrict x) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) to[i] = key_of(x[i]);
}

VECTORISED static void keep_larger_keys(int64_t n, int16_t *restrict best, const uint16_t *restrict x) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) best[i] = larger_key(best[i], key_of(x[i]));
}

VECTORISED static void store_keys(int64_t n, int16_t *x) { // in place
#pragma omp simd
    for (int64_t i = 0; i < n; i++) x[i] = x[i] < 0 ? (int16_t)(x[i] ^ 0x7fff) : x[i];
}

// Of the rows that window i covers.
static void largest_of_rows(const picture *p, const char *x, dtype t, int64_t i, void *best) {
    const int64_t start = i * p->pool.stride[0] - p->pool.pad[0], stop = start + p->pool.kernel[0], n = p->width * p->channels;
    const int64_t first = start < 0 ? 0 : start, last = stop > p->height ? p->height : stop;
    const size_t row = (size_t)n * dtype_size(t);
    x += (size_t)first * row;
    if (t == F32)
        memcpy(best, x, row);
    else
        load_keys(n, best, (const void *)x);
    for (int64_t r = first + 1; r < last; r++) {
        x += row;
        if (t == F32)
            keep_larger_f32(n, best, (const void *)x);
        else
            keep_larger_keys(n, best, (const void *)x);
    }
}

// Columns, for elements of each type: `WIDE` of them at a time, in numbers that the compiler knows.
#define INLINE static inline __attribute__((always_inline))
#define COLUMNS(type, name, WIDE, larger)                                                                                                            \
    INLINE void name##_block(int n, const type *restrict x, int64_t step, int64_t taps, type *restrict y) {                                          \
        type best[WIDE];                                                                                                                             \
        for (int c = 0; c < n; c++) best[c] = x[c];                                                                                                  \
        for (int64_t q = 1; q < taps; q++)                                                                                                           \
            for (int c = 0; c < n; c++) best[c] = larger(best[c], x[q * step + c]);                                                                  \
        for (int c = 0; c < n; c++) y[c] = best[c];                                                                                                  \
    }                                                                                                                                                \
    INLINE void name##_window(const type *restrict x, int64_t channels, int64_t taps, type *restrict y) {                                            \
        int64_t c = 0;                                                                                                                               \
        for (; c + WIDE <= channels; c += WIDE) name##_block(WIDE, x + c, channels, taps, y + c);                                                    \
        for (; c + 8 <= channels; c += 8) name##_block(8, x + c, channels, taps, y + c);                                                             \
        for (; c < channels; c++) name##_block(1, x + c, channels, taps, y + c);                                                                     \
    }                                                                                                                                                \
    /* neighbours that do not overlap */                                                                                                             \
    INLINE void name##_pairs(const type *restrict x, int64_t windows, int n, type *restrict y) {                                                     \
        for (int64_t j = 0; j < windows; j++)                                                                                                        \
            for (int c = 0; c < n; c++) y[j * n + c] = larger(x[2 * j * n + c], x[(2 * j + 1) * n + c]);                                             \
    }                                                                                                                                                \
    VECTORISED static void name(const picture *p, const type *restrict x, type *restrict y) {                                                        \
        const int64_t channels = p->channels, taps = p->pool.kernel[1], step = p->pool.stride[1];                                                    \
        const bool pairs = taps == 2 && step == 2 && !p->pool.pad[1] && 2 * p->out_width <= p->width;                                                \
        if (pairs && channels == 8) {                                                                                                                \
            name##_pairs(x, p->out_width, 8, y);                                                                                                     \
            return;                                                                                                                                  \
        }                                                                                                                                            \
        if (pairs && channels == 16) {                                                                                                               \
            name##_pairs(x, p->out_width, 16, y);                                                                                                    \
            return;                                                                                                                                  \
        }                                                                                                                                            \
        for (int64_t j = 0; j < p->out_width; j++, y += channels) {                                                                                  \
            const int64_t start = j * step - p->pool.pad[1], stop = start + taps;                                                                    \
            const int64_t first = start < 0 ? 0 : start, last = stop > p->width ? p->width : stop;                                                   \
            if (last - first == 3)                                                                                                                   \
                name##_window(x + first * channels, channels, 3, y);                                                                                 \
            else                                                                                                                                     \
                name##_window(x + first * channels, channels, last - first, y);                                                                      \
        }                                                                                                                                            \
    }
COLUMNS(float, columns_f32, 16, larger)
COLUMNS(int16_t, columns_of_keys, 32, larger_key)

// The largest of rows, for each thread.
foil_status max_pool_prepare(kernel *k, struct plan *owner) {
    (void)owner;
    const picture p = picture_of(k->node);
    k->scratch_bytes = (size_t)(omp_get_max_threads() * p.width * p.channels) * dtype_size(k->node->type);
    return FOIL_OK;
}

void max_pool_run(const kernel *k) {
    const picture p = picture_of(k->node);
    const dtype t = k->node->type;
    const int64_t lines = k->node->shape.d[0] * p.out_height, in = p.width * p.channels, out = p.out_width * p.channels;
    const size_t row = (size_t)in * dtype_size(t);
#pragma omp parallel for schedule(static)
    for (int64_t line = 0; line < lines; line++) {
        void *best = (char *)k->scratch + (size_t)omp_get_thread_num() * row, *to = (char *)k->out + (size_t)(line * out) * dtype_size(t);
        const char *from = (const char *)k->in[0] + (size_t)(line / p.out_height * p.height) * row;
        largest_of_rows(&p, from, t, line % p.out_height, best);
        if (t == F32) {
            columns_f32(&p, best, to);
        } else {
            columns_of_keys(&p, best, to);
            store_keys(out, to);
        }
    }
}
