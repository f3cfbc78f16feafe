// The forward pass of max pooling: the largest of a window's rows for each of their elements, then of its columns.
#include "nn/ops/max_pool.h"

#include <omp.h>

#include "nn/blocks.h"
#include "nn/ops/elementwise.h"

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

VECTOR_CLONES static void keep_larger_f32(int64_t n, float *restrict best, const float *restrict x) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) best[i] = larger(best[i], x[i]);
}

VECTOR_CLONES static void keep_larger_bf16(int64_t n, float *restrict best, const uint16_t *restrict x) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const union {
            uint32_t bits;
            float value;
        } v = {(uint32_t)x[i] << 16};
        best[i] = larger(best[i], v.value);
    }
}

// Of the rows that window i covers.
static void largest_of_rows(const picture *p, const char *x, dtype t, int64_t i, float *best) {
    const int64_t start = i * p->pool.stride[0] - p->pool.pad[0], stop = start + p->pool.kernel[0], n = p->width * p->channels;
    const int64_t first = start < 0 ? 0 : start, last = stop > p->height ? p->height : stop;
    blocks_load((int)n, best, x + (size_t)(first * n) * dtype_size(t), t);
    for (int64_t r = first + 1; r < last; r++) {
        const void *row = x + (size_t)(r * n) * dtype_size(t);
        if (t == F32)
            keep_larger_f32(n, best, row);
        else
            keep_larger_bf16(n, best, row);
    }
}

// n <= 16 channels of `taps` neighbours, of which one takes `step` elements.
static inline __attribute__((always_inline)) void largest(int n, const float *restrict x, int64_t step, int64_t taps, float *restrict y) {
    float best[16];
    for (int c = 0; c < n; c++) best[c] = x[c];
    for (int64_t q = 1; q < taps; q++)
        for (int c = 0; c < n; c++) best[c] = larger(best[c], x[q * step + c]);
    for (int c = 0; c < n; c++) y[c] = best[c];
}

// All channels of a window.
static inline __attribute__((always_inline)) void largest_of_window(const float *restrict x, int64_t channels, int64_t taps, float *restrict y) {
    int64_t c = 0; // in numbers that the compiler knows
    for (; c + 16 <= channels; c += 16) largest(16, x + c, channels, taps, y + c);
    for (; c + 8 <= channels; c += 8) largest(8, x + c, channels, taps, y + c);
    for (; c < channels; c++) largest(1, x + c, channels, taps, y + c);
}

// Pairs of neighbours that do not overlap.
static inline __attribute__((always_inline)) void largest_of_pairs(const float *restrict x, int64_t windows, int n, float *restrict y) {
    for (int64_t j = 0; j < windows; j++)
        for (int c = 0; c < n; c++) y[j * n + c] = larger(x[2 * j * n + c], x[(2 * j + 1) * n + c]);
}

VECTOR_CLONES static void largest_of_columns(const picture *p, const float *restrict x, float *restrict y) {
    const int64_t channels = p->channels, taps = p->pool.kernel[1], step = p->pool.stride[1];
    if (taps == 2 && step == 2 && !p->pool.pad[1] && channels == 8) {
        largest_of_pairs(x, p->out_width, 8, y);
        return;
    }
    if (taps == 2 && step == 2 && !p->pool.pad[1] && channels == 16) {
        largest_of_pairs(x, p->out_width, 16, y);
        return;
    }
    for (int64_t j = 0; j < p->out_width; j++, y += channels) {
        const int64_t start = j * step - p->pool.pad[1], stop = start + taps;
        const int64_t first = start < 0 ? 0 : start, last = stop > p->width ? p->width : stop;
        if (last - first == 3)
            largest_of_window(x + first * channels, channels, 3, y);
        else
            largest_of_window(x + first * channels, channels, last - first, y);
    }
}

// Two rows in f32 for each thread.
foil_status max_pool_prepare(kernel *k, struct plan *owner) {
    (void)owner;
    const picture p = picture_of(k->node);
    k->scratch_bytes = (size_t)omp_get_max_threads() * (size_t)((p.width + p.out_width) * p.channels) * sizeof(float);
    return FOIL_OK;
}

void max_pool_run(const kernel *k) {
    const picture p = picture_of(k->node);
    const dtype t = k->node->type;
    const int64_t lines = k->node->shape.d[0] * p.out_height, in = p.width * p.channels, out = p.out_width * p.channels;
#pragma omp parallel for schedule(static)
    for (int64_t line = 0; line < lines; line++) {
        float *best = (float *)k->scratch + omp_get_thread_num() * (in + out), *row = best + in;
        char *to = (char *)k->out + (size_t)(line * out) * dtype_size(t);
        const char *from = (const char *)k->in[0] + (size_t)(line / p.out_height * p.height * in) * dtype_size(t);
        largest_of_rows(&p, from, t, line % p.out_height, best);
        if (t == F32) {
            largest_of_columns(&p, best, (float *)(void *)to);
        } else {
            largest_of_columns(&p, best, row);
            blocks_store((int)out, to, row, t);
        }
    }
}
