// Everything is a convolution at stride 1 between views. A view is the pictures' pixels at every step-th row and column from some first one on:
//
//     conv          y = Σ over the step² views of x, each with its taps
//     conv_data     each of the step² views of x = y with mirrored taps
//     conv_weights  the taps of each view of x = view · y
//
// Tiles are worked on in blocks whose transforms stay in the cache; in between is one matrix product for each of the a² points.
#include "nn/ops/winograd.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/ops/winograd_inner.h"

// Bytes of a block's transforms: of the thread's own, and of all threads' together.
enum { MOST_PRIVATE = 2 << 20, MOST_SHARED = 8 << 20 };

typedef struct view {
    int64_t height, width, channels; // of a picture
    int64_t step, first[2];
} view;

// A matrix for each point, a row for each tile or input channel; or panels, groups of columns that lie apart.
typedef struct matrices {
    int64_t point, row, width, panel;
} matrices;

struct winograd {
    onednn_conv conv;
    const winograd_machine *machine;
    winograd_form form;
    int64_t m, r, a; // of F(m, r)
    int64_t step, grid[2], tiles;
    int64_t depth, out; // of the products
    int64_t views_in, views_out;
    int64_t block, blocks; // of tiles
    int threads;
    matrices input, filters, products; // of a block; of conv_weights `filters` are those of y, and `products` the gradient
    size_t input_at, products_at, outside_at, private_bytes, bytes; // where in the scratch memory; each thread's from private_at on
    float *zeros;                                                   // a pixel outside
    char implementation[32];
};

static int64_t round_up(int64_t n, int64_t to) {
    return (n + to - 1) / to * to;
}

static int64_t divide_up(int64_t n, int64_t by) {
    return (n + by - 1) / by;
}

// Setting up. ------------------------------------------------------------------------------------------------------------------------------------------

static bool has_form(const onednn_conv *c) {
    const conv_params *p = &c->params;
    bool three = c->rows == 3 && c->cols == 3 && p->stride[0] == 1 && p->stride[1] == 1;
    bool four = c->rows == 4 && c->cols == 4 && p->stride[0] == 2 && p->stride[1] == 2;
    return (three || four) && p->groups == 1 && p->dilation[0] == 1 && p->dilation[1] == 1 && c->x == F32 && c->y == F32;
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

// Transforms of the filters cost as much as some tiles.
static int64_t cost_of(const onednn_conv *c, int64_t m) {
    int64_t a = m + c->rows / c->params.stride[0] - 1;
    return a * a * (c->n * tiles_of(c, 0, m) * tiles_of(c, 1, m) + 64);
}

int winograd_choose(const onednn_conv *c) {
    if (!has_form(c) || c->channels < 32 || c->out < 32) return 0;
    return cost_of(c, 2) < cost_of(c, 4) ? 2 : 4;
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
static matrices rows_matrices(int64_t rows, int64_t cols) {
    int64_t row = round_up(cols, WINOGRAD_LANES) + WINOGRAD_LANES;
    return (matrices){round_up(rows, WINOGRAD_LANES) * row, row, INT64_MAX / 2 / WINOGRAD_LANES * WINOGRAD_LANES, 0};
}

static matrices panel_matrices(int64_t rows, int64_t cols, int64_t width) {
    return (matrices){divide_up(cols, width) * rows * width, width, width, rows * width};
}

static size_t take(size_t *at, int64_t floats) {
    size_t start = *at;
    *at += (size_t)round_up(floats, 1024) * sizeof(float) + 256;
    return start;
}

static void lay_out(winograd *w) {
    int64_t points = w->a * w->a, width = w->machine->width;
    int64_t columns = round_up(w->out, width);
    size_t at = 0;
    if (w->conv.kind == ONEDNN_CONV_WEIGHTS) {
        w->input = rows_matrices(w->block, w->depth);
        w->filters = panel_matrices(w->block, w->out, width);
        w->products = rows_matrices(w->depth, columns);
        take(&at, points * w->filters.point);
        w->input_at = take(&at, points * w->input.point);
        w->products_at = take(&at, points * w->products.point);
        w->bytes = at;
        return;
    }
    w->input = rows_matrices(w->block, w->depth);
    w->filters = panel_matrices(w->depth, w->out, width);
    w->products = rows_matrices(w->block, columns);
    size_t shared = 0;
    take(&shared, points * w->filters.point);
    w->input_at = take(&at, points * w->input.point);
    w->products_at = take(&at, points * w->products.point);
    w->outside_at = take(&at, columns);
    w->private_bytes = at;
    w->bytes = shared + (size_t)w->threads * at;
    w->input_at += shared, w->products_at += shared, w->outside_at += shared;
}

static void choose_block(winograd *w) {
    int64_t bytes = w->a * w->a * (w->depth + w->out) * (int64_t)sizeof(float);
    int64_t limit = w->conv.kind == ONEDNN_CONV_WEIGHTS ? MOST_SHARED : MOST_PRIVATE, most = limit / bytes < 16 ? 16 : limit / bytes;
    if (w->conv.kind == ONEDNN_CONV_WEIGHTS) {
        w->blocks = divide_up(w->tiles, most);
        w->block = divide_up(w->tiles, w->blocks);
    } else {
        int64_t each = divide_up(w->tiles, w->threads), rounds = divide_up(each, most);
        w->block = round_up(divide_up(each, rounds), 8);
        w->blocks = divide_up(w->tiles, w->block);
    }
}

foil_status winograd_create(const onednn_conv *c, int m, int machine, winograd **out) {
    winograd *w = calloc(1, sizeof *w);
    if (!w) return foil_fail_memory(sizeof *w, "a convolution");
    w->conv = *c;
    w->machine = winograd_machine_at(machine);
    w->threads = omp_get_max_threads();
    set_form(w, m);
    bool data = c->kind == ONEDNN_CONV_DATA;
    int64_t views = w->step * w->step;
    w->views_in = data ? 1 : views;
    w->views_out = data ? views : 1;
    w->depth = data ? c->out : views * c->channels;
    w->out = data ? c->channels : c->out;
    choose_block(w);
    lay_out(w);
    snprintf(w->implementation, sizeof w->implementation, "foil:winograd F(%d,%d)", (int)w->m, (int)w->r);
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

size_t winograd_scratch(const winograd *w) {
    return w->bytes;
}

const char *winograd_implementation(const winograd *w) {
    return w->implementation;
}

bool winograd_by_input(const winograd *w) {
    return w->conv.kind != ONEDNN_CONV_DATA;
}

// Views and tiles. -------------------------------------------------------------------------------------------------------------------------------------

static view view_of_x(const winograd *w, int64_t phase) {
    const onednn_conv *c = &w->conv;
    view v = {c->height, c->width, c->channels, w->step, {0}};
    for (int i = 0; i < 2; i++) {
        int64_t p = i ? phase % w->step : phase / w->step, pad = c->params.pad[i];
        v.first[i] = p - pad;
        if (c->kind == ONEDNN_CONV_DATA) v.first[i] += (pad - p + w->step - 1) / w->step * w->step; // the first in the picture
    }
    return v;
}

static view view_of_y(const winograd *w, int64_t phase) {
    const onednn_conv *c = &w->conv;
    view v = {c->out_height, c->out_width, c->out, 1, {0}};
    for (int i = 0; i < 2; i++) {
        int64_t p = i ? phase % w->step : phase / w->step, pad = c->params.pad[i];
        if (c->kind == ONEDNN_CONV_DATA) v.first[i] = (pad - p + w->step - 1) / w->step - (w->r - 1);
    }
    return v;
}

// Where the `size`² pixels of a tile are; `outside` for those that the picture does not have.
static void tile_pixels(const winograd *w, const view *v, const float *pictures, int64_t tile, int64_t size, const float *outside, const float **at) {
    int64_t j = tile % w->grid[1], i = tile / w->grid[1] % w->grid[0], n = tile / w->grid[1] / w->grid[0];
    const float *picture = pictures + n * v->height * v->width * v->channels;
    int64_t top = i * w->m * v->step + v->first[0], left = j * w->m * v->step + v->first[1];
    for (int64_t h = top; h < top + size * v->step; h += v->step)
        for (int64_t x = left; x < left + size * v->step; x += v->step)
            *at++ = h >= 0 && h < v->height && x >= 0 && x < v->width ? picture + (h * v->width + x) * v->channels : outside;
}

// The r² taps of one row of filters that belong to a view.
static void filter_taps(const winograd *w, int64_t phase, const float *row, int64_t channels, const float **at) {
    const onednn_conv *c = &w->conv;
    bool mirrored = c->kind == ONEDNN_CONV_DATA;
    for (int64_t i = 0; i < w->r; i++)
        for (int64_t j = 0; j < w->r; j++) {
            int64_t h = (mirrored ? w->r - 1 - i : i) * w->step + phase / w->step, x = (mirrored ? w->r - 1 - j : j) * w->step + phase % w->step;
            *at++ = row + (h * c->cols + x) * channels;
        }
}

static void matrix_elements(const winograd *w, const matrices *m, const float *base, int64_t row, const float **at) {
    for (int64_t i = 0; i < w->a * w->a; i++) at[i] = base + i * m->point + row * m->row;
}

// Transforms n channels, the last few through copies with room.
static void transform(const winograd *w, winograd_side side, int64_t n, const float *const *from, int n_from, float *const *to, int n_to,
                      const matrices *m) {
    winograd_transform *run = w->machine->transform[w->form][side];
    int64_t whole = n / WINOGRAD_LANES * WINOGRAD_LANES, rest = n - whole;
    if (whole) run(whole, from, to, m->width, m->panel);
    if (!rest) return;
    float in[WINOGRAD_POINTS][WINOGRAD_LANES] = {{0}}, out[WINOGRAD_POINTS][WINOGRAD_LANES];
    const float *in_at[WINOGRAD_POINTS];
    float *out_at[WINOGRAD_POINTS];
    for (int i = 0; i < WINOGRAD_POINTS; i++) in_at[i] = in[i], out_at[i] = out[i];
    for (int i = 0; i < n_from; i++) memcpy(in[i], from[i] + whole, (size_t)rest * sizeof(float));
    run(WINOGRAD_LANES, in_at, out_at, WINOGRAD_LANES, 0);
    int64_t at = whole / m->width * m->panel + whole % m->width;
    for (int i = 0; i < n_to; i++) memcpy(to[i] + at, out[i], (size_t)rest * sizeof(float));
}

typedef struct tile_pointers {
    const float *from[WINOGRAD_POINTS];
    float *to[WINOGRAD_POINTS];
} tile_pointers;

// The steps. -----------------------------------------------------------------------------------------------------------------------------------------------

static const matrices PICTURE = {0, 0, INT64_MAX / 2 / WINOGRAD_LANES *WINOGRAD_LANES, 0};

// A row of filters: those of one input channel of the products.
static void transform_filter(const winograd *w, int64_t k, int64_t out_phase, const float *filters, float *to) {
    tile_pointers p;
    int64_t rows = w->depth / w->views_in, taps = w->conv.rows * w->conv.cols;
    filter_taps(w, out_phase + k / rows, filters + k % rows * taps * w->out, w->out, p.from);
    matrix_elements(w, &w->filters, to, k, (const float **)p.to);
    transform(w, WINOGRAD_FILTER, w->out, p.from, (int)(w->r * w->r), p.to, (int)(w->a * w->a), &w->filters);
}

static void transform_input(const winograd *w, int64_t tile, int64_t row, int64_t out_phase, const float *in, float *to) {
    int64_t channels = w->depth / w->views_in;
    for (int64_t phase = 0; phase < w->views_in; phase++) {
        tile_pointers p;
        view v = w->conv.kind == ONEDNN_CONV_DATA ? view_of_y(w, out_phase) : view_of_x(w, phase);
        tile_pixels(w, &v, in, tile, w->a, w->zeros, p.from);
        matrix_elements(w, &w->input, to + phase * channels, row, (const float **)p.to);
        transform(w, WINOGRAD_INPUT, channels, p.from, (int)(w->a * w->a), p.to, (int)(w->a * w->a), &w->input);
    }
}

static void transform_output(const winograd *w, int64_t tile, int64_t row, int64_t phase, const float *products, float *outside, float *out) {
    tile_pointers p;
    view v = w->conv.kind == ONEDNN_CONV_DATA ? view_of_x(w, phase) : view_of_y(w, phase);
    matrix_elements(w, &w->products, products, row, p.from);
    tile_pixels(w, &v, out, tile, w->m, outside, (const float **)p.to);
    transform(w, WINOGRAD_OUTPUT, w->out, p.from, (int)(w->a * w->a), p.to, (int)(w->m * w->m), &PICTURE);
}

static void multiply(const winograd *w, int64_t rows, const float *input, const float *filters, float *products) {
    for (int64_t point = 0; point < w->a * w->a; point++)
        for (int64_t c = 0; c < w->out; c += w->machine->width)
            w->machine->product(&(winograd_product){
                .rows = round_up(rows, w->machine->rows),
                .depth = w->depth,
                .a = input + point * w->input.point,
                .a_row = w->input.row,
                .a_depth = 1,
                .b = filters + point * w->filters.point + c / w->machine->width * w->filters.panel,
                .c = products + point * w->products.point + c,
                .c_row = w->products.row,
            });
}

static int64_t block_tiles(const winograd *w, int64_t b) {
    int64_t left = w->tiles - b * w->block;
    return left < w->block ? left : w->block;
}

static void run_block(const winograd *w, int64_t b, int64_t phase, const float *in, const float *filters, float *out, char *scratch) {
    char *mine = scratch + (size_t)omp_get_thread_num() * w->private_bytes;
    float *input = (float *)(mine + w->input_at), *products = (float *)(mine + w->products_at), *outside = (float *)(mine + w->outside_at);
    int64_t first = b * w->block, n = block_tiles(w, b);
    for (int64_t i = 0; i < n; i++) transform_input(w, first + i, i, phase, in, input);
    multiply(w, n, input, filters, products);
    for (int64_t i = 0; i < n; i++) transform_output(w, first + i, i, phase, products, outside, out);
}

static void run_pictures(const winograd *w, const float *in, const float *filters, float *out, char *scratch) {
    float *transformed = (float *)(void *)scratch;
#pragma omp parallel num_threads(w->threads)
    for (int64_t phase = 0; phase < w->views_out; phase++) {
#pragma omp for schedule(static)
        for (int64_t k = 0; k < w->depth; k++) transform_filter(w, k, phase, filters, transformed);
#pragma omp for schedule(static)
        for (int64_t b = 0; b < w->blocks; b++) run_block(w, b, phase, in, transformed, out, scratch);
    }
}

static void transform_gradient(const winograd *w, int64_t tile, int64_t row, const float *y, float *to) {
    tile_pointers p;
    view v = view_of_y(w, 0);
    tile_pixels(w, &v, y, tile, w->m, w->zeros, p.from);
    matrix_elements(w, &w->filters, to, row, (const float **)p.to);
    transform(w, WINOGRAD_GRADIENT, w->out, p.from, (int)(w->m * w->m), p.to, (int)(w->a * w->a), &w->filters);
}

static void transform_filter_gradient(const winograd *w, int64_t k, const float *products, float *out) {
    tile_pointers p;
    int64_t rows = w->depth / w->views_in, taps = w->conv.rows * w->conv.cols;
    matrix_elements(w, &w->products, products, k, p.from);
    filter_taps(w, k / rows, out + k % rows * taps * w->out, w->out, (const float **)p.to);
    transform(w, WINOGRAD_FILTER_GRADIENT, w->out, p.from, (int)(w->a * w->a), p.to, (int)(w->r * w->r), &PICTURE);
}

// One point's product of a block, a panel of it: added to those of the blocks before.
static void multiply_weights(const winograd *w, int64_t point, int64_t panel, int64_t b, const float *input, const float *gradient, float *products) {
    w->machine->product(&(winograd_product){
        .rows = round_up(w->depth, w->machine->rows),
        .depth = block_tiles(w, b),
        .a = input + point * w->input.point,
        .a_row = 1,
        .a_depth = w->input.row,
        .b = gradient + point * w->filters.point + panel * w->filters.panel,
        .c = products + point * w->products.point + panel * w->machine->width,
        .c_row = w->products.row,
        .add = b > 0,
    });
}

static void run_weights(const winograd *w, const float *x, const float *y, float *out, char *scratch) {
    float *gradient = (float *)(void *)scratch, *input = (float *)(void *)(scratch + w->input_at),
          *products = (float *)(void *)(scratch + w->products_at);
    int64_t points = w->a * w->a, panels = divide_up(w->out, w->machine->width);
#pragma omp parallel num_threads(w->threads)
    {
        for (int64_t b = 0; b < w->blocks; b++) {
#pragma omp for schedule(static)
            for (int64_t i = 0; i < block_tiles(w, b); i++) {
                transform_input(w, b * w->block + i, i, 0, x, input);
                transform_gradient(w, b * w->block + i, i, y, gradient);
            }
#pragma omp for schedule(static)
            for (int64_t i = 0; i < points * panels; i++) multiply_weights(w, i / panels, i % panels, b, input, gradient, products);
        }
#pragma omp for schedule(static)
        for (int64_t k = 0; k < w->depth; k++) transform_filter_gradient(w, k, products, out);
    }
}

void winograd_run(const winograd *w, const void *in0, const void *in1, void *out, void *scratch) {
    if (w->conv.kind == ONEDNN_CONV_WEIGHTS)
        run_weights(w, in0, in1, out, scratch);
    else
        run_pictures(w, in0, in1, out, scratch);
}
