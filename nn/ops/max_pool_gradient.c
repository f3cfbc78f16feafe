#include "nn/ops/max_pool_gradient.h"

#include <omp.h>
#include <string.h>

#include "base/vectorised.h"
#include "nn/blocks.h"
#include "nn/ops/table.h"

typedef struct pooling {
    pool_params pool;
    int64_t height, width, channels, out_height, out_width;
} pooling;

static pooling pooling_of(const node *n) {
    shape x = n->in[0]->shape, y = n->op == &OP_MAX_POOL_DATA ? n->in[1]->shape : n->shape;
    return (pooling){*(const pool_params *)n->params, x.d[1], x.d[2], x.d[3], y.d[1], y.d[2]};
}

typedef struct span { // of positions, inside the picture
    int64_t first, stop;
} span;

static span window_at(int64_t start, int64_t length, int64_t size) {
    int64_t stop = start + length;
    return (span){start < 0 ? 0 : start, stop > size ? size : stop};
}

static span window_rows(const pooling *p, int64_t i) {
    return window_at(i * p->pool.stride[0] - p->pool.pad[0], p->pool.kernel[0], p->height);
}

static span window_cols(const pooling *p, int64_t j) {
    return window_at(j * p->pool.stride[1] - p->pool.pad[1], p->pool.kernel[1], p->width);
}

// One line of windows: from the first picture row that they see, everything as f32.
typedef struct line {
    int64_t rows;
    const float *x;
    const float *values; // gather
    float *y;            // one element per window and channel: gathered values, or gradients
    float *sums;         // data: what is added to,
    bool covered;        // or written to, where each element is in one window
} line;

typedef enum task { GATHER, DATA } task;

// Channels are worked on as many at a time as a register holds; compilers do not find that themselves in loops as short as a window.
enum { LANES = 8 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t masks __attribute__((vector_size(LANES * sizeof(int32_t)))); // of all ones or all zeros
#define INLINE static inline __attribute__((always_inline))
#define CHOOSE(mask, a, b) (((mask) & (masks)(a)) | (~(mask) & (masks)(b)))

INLINE void load(lanes *to, int n, const float *from) {
    memcpy(to, from, (size_t)n * sizeof *from);
}

// One window, n <= LANES channels; callers mostly know `n`, and sometimes `rows` and `cols`.
INLINE void do_window(task what, int n, const line *l, int64_t at, int64_t rows, int64_t cols, int64_t row, int64_t pixel, float *y) {
    lanes best = {0}, picked = {0}, v = {0};
    masks where = {0}, tap = {0};
    load(&best, n, l->x + at);
    if (what == GATHER) load(&picked, n, l->values + at);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t q = 0; q < cols; q++, tap += 1) {
            const int64_t from = at + r * row + q * pixel;
            load(&v, n, l->x + from);
            const masks larger = ~(v <= best) & (best == best); // NOLINT(misc-redundant-expression): NaN is larger than all, and stays
            best = (lanes)CHOOSE(larger, v, best);
            if (what == DATA) where = CHOOSE(larger, tap, where);
            if (what == GATHER) load(&v, n, l->values + from);
            if (what == GATHER) picked = (lanes)CHOOSE(larger, v, picked);
        }
    if (what == GATHER) {
        memcpy(y, &picked, (size_t)n * sizeof *y);
        return;
    }
    load(&best, n, y); // the gradient, from here on
    tap = (masks){0};
    for (int64_t r = 0; r < rows; r++)
        for (int64_t q = 0; q < cols; q++, tap += 1) {
            float *to = l->sums + at + r * row + q * pixel;
            v = (lanes){0};
            if (!l->covered) load(&v, n, to);
            v += (lanes)((where == tap) & (masks)best);
            memcpy(to, &v, (size_t)n * sizeof *to);
        }
}

INLINE void do_line(task what, const pooling *p, const line *l) {
    const int64_t pixel = p->channels, row = p->width * pixel;
    for (int64_t j = 0; j < p->out_width; j++) {
        const span s = window_cols(p, j);
        const int64_t cols = s.stop - s.first;
        float *y = l->y + j * pixel;
        int64_t c = 0;
        if (l->rows == 2 && cols == 2)
            for (; c + LANES <= pixel; c += LANES) do_window(what, LANES, l, s.first * pixel + c, 2, 2, row, pixel, y + c);
        for (; c + LANES <= pixel; c += LANES) do_window(what, LANES, l, s.first * pixel + c, l->rows, cols, row, pixel, y + c);
        if (c < pixel) do_window(what, (int)(pixel - c), l, s.first * pixel + c, l->rows, cols, row, pixel, y + c);
    }
}

VECTORISED static void gather_line(const pooling *p, const line *l) {
    do_line(GATHER, p, l);
}
VECTORISED static void data_line(const pooling *p, const line *l) {
    do_line(DATA, p, l);
}

// A thread's memory, in floats: rows of two pictures and one line of results.
typedef struct buffers {
    float *x, *other, *y;
} buffers;

static bool covers(const pooling *p, int axis, int64_t size, int64_t out) {
    return p->pool.stride[axis] == p->pool.kernel[axis] && !p->pool.pad[axis] && out * p->pool.kernel[axis] == size;
}

// The rows of one picture whose gradients are summed together: those of one line of windows, or all where lines overlap.
static int64_t lines_per_part(const pooling *p) {
    return p->pool.stride[0] >= p->pool.kernel[0] ? 1 : p->out_height;
}

static span part_rows(const pooling *p, int64_t part) {
    const int64_t per = lines_per_part(p), parts = p->out_height / per;
    const int64_t first = part ? window_rows(p, part * per).first : 0;
    return (span){first, part + 1 < parts ? window_rows(p, (part + 1) * per).first : p->height};
}

static int64_t most_rows(const node *n, const pooling *p) {
    int64_t most = p->pool.kernel[0];
    for (int64_t part = 0; n->op == &OP_MAX_POOL_DATA && part < p->out_height / lines_per_part(p); part++) {
        const span s = part_rows(p, part);
        most = s.stop - s.first > most ? s.stop - s.first : most;
    }
    return most;
}

foil_status max_pool_gradient_prepare(kernel *k, struct plan *p) {
    (void)p;
    const pooling g = pooling_of(k->node);
    const int64_t floats = (2 * most_rows(k->node, &g) * g.width + g.out_width) * g.channels;
    k->scratch_bytes = (size_t)(omp_get_max_threads() * floats) * sizeof(float);
    return FOIL_OK;
}

static buffers own_buffers(const kernel *k, const pooling *p) {
    const int64_t rows = most_rows(k->node, p) * p->width * p->channels, floats = 2 * rows + p->out_width * p->channels;
    float *x = (float *)k->scratch + omp_get_thread_num() * floats;
    return (buffers){x, x + rows, x + 2 * rows};
}

static const float *as_f32(const void *data, dtype t, int64_t at, int64_t n, float *buffer) {
    if (t == F32) return (const float *)data + at;
    blocks_load((int)n, buffer, (const uint16_t *)data + at, t);
    return buffer;
}

void max_pool_gather_run(const kernel *k) {
    const node *n = k->node;
    const pooling p = pooling_of(n);
    const int64_t row = p.width * p.channels, out_row = p.out_width * p.channels;
#pragma omp parallel
    {
        const buffers b = own_buffers(k, &p);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < n->shape.d[0] * p.out_height; i++) {
            const span s = window_rows(&p, i % p.out_height);
            const int64_t at = (i / p.out_height * p.height + s.first) * row, count = (s.stop - s.first) * row;
            const float *x = as_f32(k->in[0], n->in[0]->type, at, count, b.x), *values = as_f32(k->in[1], n->in[1]->type, at, count, b.other);
            gather_line(&p, &(line){.rows = s.stop - s.first, .x = x, .values = values, .y = b.y});
            blocks_store((int)out_row, (char *)k->out + (size_t)(i * out_row) * dtype_size(n->type), b.y, n->type);
        }
    }
}

// Gradients of one part of one picture, which no other part touches.
static void run_part(const kernel *k, const pooling *p, int64_t picture, int64_t part, const buffers *b) {
    const node *n = k->node;
    const int64_t row = p->width * p->channels, out_row = p->out_width * p->channels, per = lines_per_part(p);
    const span rows = part_rows(p, part);
    const int64_t at = (picture * p->height + rows.first) * row, count = (rows.stop - rows.first) * row;
    float *sums = n->type == F32 ? (float *)k->out + at : b->other;
    const float *x = as_f32(k->in[0], n->in[0]->type, at, count, b->x);
    const bool covered = covers(p, 0, p->height, p->out_height) && covers(p, 1, p->width, p->out_width);
    if (!covered) memset(sums, 0, (size_t)count * sizeof *sums);
    for (int64_t i = part * per; i < (part + 1) * per; i++) {
        const span s = window_rows(p, i);
        const int64_t offset = (s.first - rows.first) * row;
        blocks_load((int)out_row, b->y, (const char *)k->in[1] + (size_t)((picture * p->out_height + i) * out_row) * dtype_size(n->in[1]->type),
                    n->in[1]->type);
        data_line(p, &(line){.rows = s.stop - s.first, .x = x + offset, .y = b->y, .sums = sums + offset, .covered = covered});
    }
    if (n->type == BF16) blocks_store((int)count, (uint16_t *)k->out + at, sums, BF16);
}

void max_pool_data_run(const kernel *k) {
    const pooling p = pooling_of(k->node);
    const int64_t parts = p.out_height / lines_per_part(&p);
#pragma omp parallel
    {
        const buffers b = own_buffers(k, &p);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < k->node->shape.d[0] * parts; i++) run_part(k, &p, i / parts, i % parts, &b);
    }
}
