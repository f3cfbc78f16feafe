#include "nn/ops/wide_conv.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "nn/blocks.h"
#include "nn/ops/pieces.h"

// Bytes of copies at a time, whatever the number of threads, as sums depend on it. With half of it training takes 2 to 7 % longer,
// with four times as much 3 to 6.
enum { PART = 16 << 20 };
enum { BLOCK = 1 << 12 }; // elements that a thread copies at a time
enum { LINE = 64 };       // bytes of the cache

// x or y, of the whole batch: [N, picture].
typedef struct pictures {
    dtype type;
    int64_t picture; // elements
    size_t copy_at;
} pictures;

struct wide_conv {
    onednn_conv conv;
    conv_kernel *inner;
    pictures x, y;
    int64_t part, parts; // pictures; the last part is filled up with zeros
    size_t sums_at;      // gradients toward filters of a part but the first
    size_t inner_at, scratch;
    int threads;
};

static size_t take(size_t *at, size_t bytes) {
    const size_t start = *at;
    *at += (size_t)round_up((int64_t)bytes, LINE);
    return start;
}

onednn_conv wide_conv_inner(const onednn_conv *c) {
    const int64_t picture = (c->height * c->width * c->channels + c->out_height * c->out_width * c->out) * (int64_t)sizeof(float);
    const int64_t parts = divide_up(c->n, larger(1, PART / picture));
    onednn_conv inner = *c;
    inner.n = divide_up(c->n, parts);
    inner.x = inner.w = inner.y = F32;
    return inner;
}

static foil_status set_up(wide_conv *w, conv_algorithm how) {
    const onednn_conv inner = wide_conv_inner(&w->conv);
    w->part = inner.n;
    w->parts = divide_up(w->conv.n, w->part);
    TRY(conv_kernel_create(&inner, how, &w->inner));
    w->x.copy_at = take(&w->scratch, (size_t)(w->part * w->x.picture) * sizeof(float));
    w->y.copy_at = take(&w->scratch, (size_t)(w->part * w->y.picture) * sizeof(float));
    w->sums_at = w->scratch;
    if (w->conv.kind == ONEDNN_CONV_WEIGHTS && w->parts > 1) take(&w->scratch, onednn_layout_bytes(conv_kernel_weights(w->inner)));
    w->inner_at = take(&w->scratch, conv_kernel_scratch(w->inner));
    return FOIL_OK;
}

foil_status wide_conv_create(const onednn_conv *c, conv_algorithm how, wide_conv **out) {
    wide_conv *w = calloc(1, sizeof *w);
    if (!w) return foil_fail_memory(sizeof *w, "a convolution");
    w->conv = *c;
    w->x = (pictures){.type = c->x, .picture = c->height * c->width * c->channels};
    w->y = (pictures){.type = c->y, .picture = c->out_height * c->out_width * c->out};
    w->threads = omp_get_max_threads();
    const foil_status status = set_up(w, how);
    if (status == FOIL_OK)
        *out = w;
    else
        wide_conv_free(w);
    return status;
}

void wide_conv_free(wide_conv *w) {
    if (!w) return;
    conv_kernel_free(w->inner);
    free(w);
}

const conv_kernel *wide_conv_kernel(const wide_conv *w) {
    return w->inner;
}

size_t wide_conv_scratch(const wide_conv *w) {
    return w->scratch;
}

// A part of the batch. ---------------------------------------------------------------------------------------------------------------------------------------
typedef struct part {
    const wide_conv *w;
    int64_t first, n; // pictures
    char *scratch;
} part;

static size_t offset_of(const part *p, const pictures *of) {
    return (size_t)(p->first * of->picture) * dtype_size(of->type);
}

static float *copy_of(const part *p, const pictures *of) {
    return (float *)(void *)(p->scratch + of->copy_at);
}

// Where its pictures are in f32, behind them zeros up to a whole part: where they lie, if they are that.
static const void *widen(const part *p, const pictures *of, const void *from) {
    const int64_t n = p->n * of->picture, all = p->w->part * of->picture;
    const char *first = (const char *)from + offset_of(p, of);
    if (of->type == F32 && n == all) return first;
    float *to = copy_of(p, of);
#pragma omp parallel for schedule(static) num_threads(p->w->threads)
    for (int64_t i = 0; i < n; i += BLOCK) blocks_load((int)smaller(n - i, BLOCK), to + i, first + (size_t)i * dtype_size(of->type), of->type);
    memset(to + n, 0, (size_t)(all - n) * sizeof *to);
    return to;
}

static void round_back(const part *p, const pictures *of, void *out) {
    const int64_t n = p->n * of->picture;
    const float *from = copy_of(p, of);
    char *to = (char *)out + offset_of(p, of);
#pragma omp parallel for schedule(static) num_threads(p->w->threads)
    for (int64_t i = 0; i < n; i += BLOCK) blocks_store((int)smaller(n - i, BLOCK), to + (size_t)i * dtype_size(of->type), from + i, of->type);
}

static void add(const wide_conv *w, float *to, const float *from) {
    const int64_t n = (int64_t)(onednn_layout_bytes(conv_kernel_weights(w->inner)) / sizeof *to);
#pragma omp parallel for simd schedule(static) num_threads(w->threads)
    for (int64_t i = 0; i < n; i++) to[i] += from[i];
}

static void run_part(const part *p, const void *in0, const void *in1, const conv_vectors *v, void *out, double *squares) {
    const wide_conv *w = p->w;
    char *inner = p->scratch + w->inner_at;
    switch (w->conv.kind) {
    case ONEDNN_CONV:
        if (w->conv.post.adds) widen(p, &w->y, out);
        conv_kernel_run_post(w->inner, widen(p, &w->x, in0), in1, v, copy_of(p, &w->y), inner);
        round_back(p, &w->y, out);
        break;
    case ONEDNN_CONV_DATA:
        conv_kernel_run(w->inner, widen(p, &w->y, in0), in1, copy_of(p, &w->x), NULL, inner);
        round_back(p, &w->x, out);
        break;
    case ONEDNN_CONV_WEIGHTS: {
        const void *x = widen(p, &w->x, in0), *y = widen(p, &w->y, in1);
        float *sums = p->first ? (float *)(void *)(p->scratch + w->sums_at) : out;
        conv_kernel_run(w->inner, x, y, sums, w->parts == 1 ? squares : NULL, inner);
        if (p->first) add(w, out, sums);
        break;
    }
    }
}

void wide_conv_run(const wide_conv *w, const void *in0, const void *in1, const conv_vectors *v, void *out, double *squares, void *scratch) {
    for (int64_t first = 0; first < w->conv.n; first += w->part)
        run_part(&(part){w, first, smaller(w->part, w->conv.n - first), scratch}, in0, in1, v, out, squares);
}
