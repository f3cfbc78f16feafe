#include "nn/ops/separable.h"

#include <stdlib.h>
#include <string.h>

#include "base/vectorised.h"
#include "nn/blocks.h"

enum { BLOCK = 256 }; // channels at a time: sums stay in the first-level cache

static void taps_free(taps *t) {
    free(t->first), free(t->count), free(t->weight);
    *t = (taps){0};
}

foil_status taps_make(taps *t, int64_t out, int64_t in, int64_t width) {
    size_t rows = (size_t)out, weights = rows * (size_t)width;
    *t = (taps){.out = out, .in = in, .width = width};
    t->first = calloc(rows, sizeof *t->first);
    t->count = calloc(rows, sizeof *t->count);
    t->weight = calloc(weights, sizeof *t->weight);
    if (t->first && t->count && t->weight) return FOIL_OK;
    taps_free(t);
    return foil_fail_memory(2 * rows * sizeof *t->first + weights * sizeof *t->weight, "a resampling table");
}

// The adjoint's table.
static foil_status taps_transpose(const taps *t, taps *out) {
    // As a function of i, first[i] and its last tap never fall, so the outputs that read one input are neighbours: [low, high).
    int64_t *low = malloc((size_t)t->in * sizeof *low), *high = calloc((size_t)t->in, sizeof *high), width = 1;
    foil_status status = low && high ? FOIL_OK : foil_fail_memory(2 * (size_t)t->in * sizeof *low, "a resampling table");
    for (int64_t i = t->out - 1; i >= 0 && status == FOIL_OK; i--)
        for (int64_t h = t->first[i]; h < t->first[i] + t->count[i]; h++) {
            if (!high[h]) high[h] = i + 1;
            low[h] = i;
            if (high[h] - i > width) width = high[h] - i;
        }
    if (status == FOIL_OK) status = taps_make(out, t->in, t->out, width);
    for (int64_t h = 0; h < t->in && status == FOIL_OK; h++) {
        out->first[h] = high[h] ? low[h] : 0;
        out->count[h] = high[h] ? high[h] - low[h] : 0;
        for (int64_t j = 0; j < out->count[h]; j++) {
            int64_t i = out->first[h] + j, tap = h - t->first[i];
            if (tap >= 0 && tap < t->count[i]) out->weight[h * width + j] = t->weight[i * t->width + tap];
        }
    }
    free(low), free(high);
    return status;
}

typedef struct separable {
    taps rows, cols;
    bool picks; // each output is one input: nearest
} separable;

static bool is_pick(const taps *t) {
    for (int64_t i = 0; i < t->out; i++)
        if (t->count[i] != 1 || t->weight[i * t->width] != 1) return false;
    return true;
}

static foil_status make_axis(const node *n, int axis, bool adjoint, taps_of_axis *table, taps *t) {
    const int64_t in = n->in[0]->shape.d[1 + axis], out = n->shape.d[1 + axis];
    if (!adjoint) return table(n, axis, in, out, t);
    taps forward;
    TRY(table(n, axis, out, in, &forward));
    const foil_status status = taps_transpose(&forward, t);
    taps_free(&forward);
    return status;
}

foil_status separable_prepare(kernel *k, bool adjoint, taps_of_axis *table) {
    separable *s = k->state = calloc(1, sizeof *s); // separable_release cleans up
    if (!s) return foil_fail_memory(sizeof *s, k->node->op->name);
    TRY(make_axis(k->node, 0, adjoint, table, &s->rows));
    TRY(make_axis(k->node, 1, adjoint, table, &s->cols));
    s->picks = is_pick(&s->rows) && is_pick(&s->cols);
    return FOIL_OK;
}

void separable_release(kernel *k) {
    separable *s = k->state;
    if (s) taps_free(&s->rows), taps_free(&s->cols);
    free(s);
}

VECTORISED static void add_scaled(int n, float *sum, float w, const float *x) {
    for (int i = 0; i < n; i++) sum[i] += w * x[i];
}

VECTORISED static void add_scaled_bf16(int n, float *sum, float w, const uint16_t *x) {
    for (int i = 0; i < n; i++) {
        union {
            uint32_t bits;
            float value;
        } v = {(uint32_t)x[i] << 16};
        sum[i] += w * v.value;
    }
}

// Channels [c, c + n) of output pixel (i, j) of one picture.
static void sum_taps(const separable *s, const char *picture, dtype type, int64_t channels, int64_t i, int64_t j, int64_t c, int n, float *sum) {
    const taps *rows = &s->rows, *cols = &s->cols;
    memset(sum, 0, (size_t)n * sizeof *sum);
    for (int64_t r = 0; r < rows->count[i]; r++)
        for (int64_t q = 0; q < cols->count[j]; q++) {
            float w = rows->weight[i * rows->width + r] * cols->weight[j * cols->width + q];
            int64_t at = ((rows->first[i] + r) * cols->in + cols->first[j] + q) * channels + c;
            if (type == BF16)
                add_scaled_bf16(n, sum, w, (const uint16_t *)(const void *)picture + at);
            else
                add_scaled(n, sum, w, (const float *)(const void *)picture + at);
        }
}

static void run_row(const kernel *k, int64_t row) {
    const separable *s = k->state;
    dtype from = k->node->in[0]->type, to = k->node->type;
    int64_t channels = k->node->shape.d[3], n = row / s->rows.out, i = row % s->rows.out;
    const char *picture = (const char *)k->in[0] + (size_t)(n * s->rows.in * s->cols.in * channels) * dtype_size(from);
    float block[BLOCK];
    for (int64_t j = 0; j < s->cols.out; j++)
        for (int64_t c = 0; c < channels; c += BLOCK) {
            int width = channels - c < BLOCK ? (int)(channels - c) : BLOCK;
            int64_t at = (row * s->cols.out + j) * channels + c;
            float *sum = to == F32 ? (float *)k->out + at : block;
            sum_taps(s, picture, from, channels, i, j, c, width, sum);
            if (to == BF16) blocks_store(width, (uint16_t *)k->out + at, sum, BF16);
        }
}

// Pixels of a size that the compiler knows.
static inline __attribute__((always_inline)) void copy_pixels(const taps *cols, size_t size, const char *from, char *to) {
    for (int64_t j = 0; j < cols->out; j++) memcpy(to + (size_t)j * size, from + (size_t)cols->first[j] * size, size);
}

static void copy_row(const kernel *k, int64_t row) {
    const separable *s = k->state;
    size_t size = (size_t)k->node->shape.d[3] * dtype_size(k->node->type); // of a pixel
    int64_t source = row / s->rows.out * s->rows.in + s->rows.first[row % s->rows.out];
    const char *from = (const char *)k->in[0] + (size_t)(source * s->cols.in) * size;
    char *to = (char *)k->out + (size_t)(row * s->cols.out) * size;
    switch (size) {
    case 3 * sizeof(float):
        copy_pixels(&s->cols, 3 * sizeof(float), from, to);
        break;
    case 3 * sizeof(uint16_t):
        copy_pixels(&s->cols, 3 * sizeof(uint16_t), from, to);
        break;
    default:
        copy_pixels(&s->cols, size, from, to);
        break;
    }
}

void separable_run(const kernel *k) {
    const separable *s = k->state;
    int64_t rows = k->node->shape.d[0] * s->rows.out;
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows; row++) (s->picks ? copy_row : run_row)(k, row);
}
