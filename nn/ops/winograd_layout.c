#include "nn/ops/winograd_layout.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

int64_t round_up(int64_t n, int64_t to) {
    return (n + to - 1) / to * to;
}

int64_t divide_up(int64_t n, int64_t by) {
    return (n + by - 1) / by;
}

static bool has_form(const onednn_conv *c) {
    const conv_params *p = &c->params;
    bool three = c->rows == 3 && c->cols == 3 && p->stride[0] == 1 && p->stride[1] == 1;
    bool four = c->rows == 4 && c->cols == 4 && p->stride[0] == 2 && p->stride[1] == 2;
    return (three || four) && p->groups == 1 && p->dilation[0] == 1 && p->dilation[1] == 1 && c->x == c->y;
}

static int64_t rows_of(const onednn_conv *c, int axis) {
    if (c->kind == ONEDNN_CONV_DATA) return divide_up(axis ? c->width : c->height, c->params.stride[0]);
    return axis ? c->out_width : c->out_height;
}

static const struct {
    winograd_form form;
    int m, r;
} FORMS[] = {{WINOGRAD_2_2, 2, 2}, {WINOGRAD_4_2, 4, 2}, {WINOGRAD_2_3, 2, 3}, {WINOGRAD_4_3, 4, 3}};

static int64_t tiles_of(const onednn_conv *c, int axis, int64_t m) {
    return divide_up(rows_of(c, axis), m);
}

// Products of channel vectors; the transform of a filter, or reading one that has been transformed, costs as much as its product with some tiles.
static int64_t cost_of(const onednn_conv *c, int64_t m) {
    enum { TRANSFORM = 64, READ = 16 };
    int64_t a = m + c->rows / c->params.stride[0] - 1;
    return a * a * (c->n * tiles_of(c, 0, m) * tiles_of(c, 1, m) + (c->constant ? READ : TRANSFORM));
}

// In the same units. With their transforms, products take a third longer than direct ones, and those in bf16 half as long.
static double direct_cost(const onednn_conv *c) {
    int64_t r = c->rows / c->params.stride[0];
    return (double)(r * r * c->n * rows_of(c, 0) * rows_of(c, 1)) / (c->x == BF16 ? 2.6 : 1.3);
}

// Products of bf16: those of F(2, r), whose transforms only add and subtract, so that what they round to bf16 is hardly larger than what they are given.
static bool may_pair(const onednn_conv *c, int m) {
    return m == 2 && c->x == BF16 && c->kind != ONEDNN_CONV_WEIGHTS && c->channels % WINOGRAD_LANES == 0 && c->out % WINOGRAD_LANES == 0;
}

// Products of bf16 beside as many of f32. F(2, 3) is hardly faster than F(4, 3) in f32, which errs less: better for filters that learn.
static double paired_cost(const onednn_conv *c) {
    if (!winograd_machine_at(0)->multiplies_bf16) return 2;
    return c->rows == 3 && !c->constant ? .6 : .5;
}

int winograd_choose(const onednn_conv *c) {
    if (!has_form(c) || c->channels < 32 || c->out < 32) return 0;
    double two = (double)cost_of(c, 2), four = (double)cost_of(c, 4);
    if (may_pair(c, 2)) two *= paired_cost(c);
    return direct_cost(c) < fmin(two, four) ? 0 : two < four ? 2 : 4;
}

static void set_form(winograd *w, int m) {
    const onednn_conv *c = &w->conv;
    w->step = c->params.stride[0];
    w->m = m;
    w->r = c->rows / w->step;
    w->a = m + w->r - 1;
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
        if (FORMS[i].m == m && FORMS[i].r == w->r) w->form = FORMS[i].form;
    for (int i = 0; i < 2; i++) w->grid[i] = tiles_of(c, i, m);
    w->tiles = c->n * w->grid[0] * w->grid[1];
}

// Rows a little apart from powers of two, which would meet in the same lines of the cache.
static matrices together(int64_t rows, int64_t cols, size_t size) {
    int64_t row = round_up(cols, WINOGRAD_LANES) + WINOGRAD_LANES;
    return (matrices){round_up(rows, WINOGRAD_LANES) * row, row, WINOGRAD_TOGETHER, 0, size};
}

static matrices in_panels(int64_t rows, int64_t cols, int64_t width, size_t size) {
    return (matrices){divide_up(cols, width) * rows * width, width, width, rows * width, size};
}

static size_t take(size_t *at, int64_t elements, size_t size) {
    size_t start = *at;
    *at += (size_t)round_up(elements, 2048) * size + 256; // not in the same lines of the cache
    return start;
}

static void lay_out(winograd *w) {
    bool weights = w->conv.kind == ONEDNN_CONV_WEIGHTS;
    int64_t points = w->a * w->a, width = w->machine->width, columns = round_up(w->out, width);
    size_t size = w->types == WINOGRAD_PAIRED ? sizeof(uint16_t) : sizeof(float);
    w->input = together(w->block, w->depth, size);
    w->filters = in_panels(weights ? w->block : w->depth, w->out, width, size);
    w->products = together(weights ? w->depth : w->block, columns, sizeof(float));
    size_t at = 0;
    take(&at, points * w->filters.point, size);
    w->filter_bytes = at; // a multiple of 64, as `take` gives
    if (w->conv.constant) at = 0;
    size_t shared = at;
    w->input_at = take(&at, points * w->input.point, size);
    w->products_at = take(&at, points * w->products.point, sizeof(float));
    w->outside_at = take(&at, columns, sizeof(float));
    w->private_bytes = at - shared;
    w->bytes = weights ? at : shared + (size_t)w->threads * w->private_bytes;
}

// A block's transforms stay in the cache: the thread's own, or that of all threads, which work on one block of conv_weights. But for each block all filters are
// read, or all their gradients added to; where they are many, blocks are larger.
static void divide(winograd *w) {
    enum { LEAST_PRIVATE = 1 << 20, LEAST_SHARED = 8 << 20, LEAST_TILES = 16 };
    bool weights = w->conv.kind == ONEDNN_CONV_WEIGHTS;
    int64_t element = w->a * w->a * (int64_t)sizeof(float), tile = element * (w->depth + w->out), part = element * w->depth * w->out / 4;
    int64_t least = weights ? LEAST_SHARED : LEAST_PRIVATE, bytes = part > least ? part : least;
    int64_t most = bytes / tile < LEAST_TILES ? LEAST_TILES : bytes / tile, each = weights ? w->tiles : divide_up(w->tiles, w->threads);
    w->block = round_up(divide_up(each, divide_up(each, most)), w->machine->rows);
    w->blocks = divide_up(w->tiles, w->block);
}

foil_status winograd_create(const onednn_conv *c, int m, int machine, winograd **out) {
    winograd *w = calloc(1, sizeof *w);
    if (!w) return foil_fail_memory(sizeof *w, "a convolution");
    w->conv = *c;
    w->type = c->x;
    w->types = may_pair(c, m) ? WINOGRAD_PAIRED : c->x == BF16 ? WINOGRAD_BF16 : WINOGRAD_F32;
    w->machine = winograd_machine_at(machine);
    w->threads = omp_get_max_threads();
    set_form(w, m);
    bool data = c->kind == ONEDNN_CONV_DATA;
    int64_t views = w->step * w->step;
    w->views_in = data ? 1 : views;
    w->views_out = data ? views : 1;
    w->depth = data ? c->out : views * c->channels;
    w->out = data ? c->channels : c->out;
    divide(w);
    lay_out(w);
    snprintf(w->implementation, sizeof w->implementation, "foil:winograd%s F(%d,%d)", w->types == WINOGRAD_PAIRED ? "_bf16" : "", (int)w->m,
             (int)w->r);
    w->zeros = calloc((size_t)(c->channels > c->out ? c->channels : c->out), sizeof(float));
    if (!w->zeros) {
        winograd_free(w);
        return foil_fail_memory(sizeof(float), "a convolution");
    }
    *out = w;
    return FOIL_OK;
}

void winograd_free(winograd *w) {
    if (w) free(w->zeros);
    free(w);
}

size_t winograd_filter_bytes(const winograd *w) {
    return (size_t)w->views_out * w->filter_bytes;
}

size_t winograd_scratch(const winograd *w) {
    return w->bytes;
}

const char *winograd_implementation(const winograd *w) {
    return w->implementation;
}

bool winograd_by_input(const winograd *w) {
    return w->conv.kind != ONEDNN_CONV_DATA;
}
