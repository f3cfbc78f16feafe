// Everything is a convolution at stride 1 between views. A view is the pictures' pixels at every step-th row and column from some first one on:
//
//     conv          y = Σ over the step² views of x, each with its taps
//     conv_data     each of the step² views of x = y with mirrored taps
//     conv_weights  the taps of each view of x = view · y
//
// Tiles are worked on in blocks whose transforms stay in the cache; in between is one matrix product for each of the a² points.
#include "nn/ops/winograd.h"

#include <omp.h>
#include <string.h>

#include "nn/ops/winograd_layout.h"

typedef struct view {
    int64_t height, width, channels; // of a picture
    int64_t step, first[2];
    size_t size; // of an element
} view;

// Views and tiles. -------------------------------------------------------------------------------------------------------------------------------------

static view view_of_x(const winograd *w, int64_t phase) {
    const onednn_conv *c = &w->conv;
    view v = {c->height, c->width, c->channels, w->step, {0}, dtype_size(w->type)};
    for (int i = 0; i < 2; i++) {
        int64_t p = i ? phase % w->step : phase / w->step, pad = c->params.pad[i];
        v.first[i] = p - pad;
        if (c->kind == ONEDNN_CONV_DATA) v.first[i] += (pad - p + w->step - 1) / w->step * w->step; // the first in the picture
    }
    return v;
}

static view view_of_y(const winograd *w, int64_t phase) {
    const onednn_conv *c = &w->conv;
    view v = {c->out_height, c->out_width, c->out, 1, {0}, dtype_size(w->type)};
    for (int i = 0; i < 2; i++) {
        int64_t p = i ? phase % w->step : phase / w->step, pad = c->params.pad[i];
        if (c->kind == ONEDNN_CONV_DATA) v.first[i] = (pad - p + w->step - 1) / w->step - (w->r - 1);
    }
    return v;
}

// Where the `size`² pixels of a tile are; `outside` for those that the picture does not have.
static void tile_pixels(const winograd *w, const view *v, const void *pictures, int64_t tile, int64_t size, const void *outside, const void **at) {
    int64_t j = tile % w->grid[1], i = tile / w->grid[1] % w->grid[0], n = tile / w->grid[1] / w->grid[0];
    size_t pixel = (size_t)v->channels * v->size;
    const char *picture = (const char *)pictures + (size_t)(n * v->height * v->width) * pixel;
    int64_t top = i * w->m * v->step + v->first[0], left = j * w->m * v->step + v->first[1];
    for (int64_t h = top; h < top + size * v->step; h += v->step)
        for (int64_t x = left; x < left + size * v->step; x += v->step)
            *at++ = h >= 0 && h < v->height && x >= 0 && x < v->width ? picture + (size_t)(h * v->width + x) * pixel : outside;
}

// The r² taps of one row of filters that belong to a view.
static void filter_taps(const winograd *w, int64_t phase, const float *row, int64_t channels, const void **at) {
    const onednn_conv *c = &w->conv;
    bool mirrored = c->kind == ONEDNN_CONV_DATA;
    for (int64_t i = 0; i < w->r; i++)
        for (int64_t j = 0; j < w->r; j++) {
            int64_t h = (mirrored ? w->r - 1 - i : i) * w->step + phase / w->step, x = (mirrored ? w->r - 1 - j : j) * w->step + phase % w->step;
            *at++ = row + (h * c->cols + x) * channels;
        }
}

// Where a point's element in some row and column is.
static void *element(const matrices *m, const void *base, int64_t point, int64_t row, int64_t column) {
    return (char *)(uintptr_t)base + (size_t)(point * m->point + row * m->row + column) * m->size;
}

static void matrix_elements(const winograd *w, const matrices *m, const void *base, int64_t row, int64_t column, const void **at) {
    for (int64_t i = 0; i < w->a * w->a; i++) at[i] = element(m, base, i, row, column);
}

static size_t size_of(const winograd *w, bool picture) {
    return picture ? dtype_size(w->type) : sizeof(float);
}

// The last few channels, n < WINOGRAD_LANES, through copies with room.
static void transform_rest(const winograd *w, winograd_side side, int64_t n, const void *const *from, int n_from, void *const *to, int n_to,
                           int64_t from_at, int64_t to_at, const winograd_post *post) {
    size_t in_size = size_of(w, side == WINOGRAD_INPUT || side == WINOGRAD_GRADIENT), out_size = size_of(w, side == WINOGRAD_OUTPUT);
    float in[WINOGRAD_POINTS][WINOGRAD_LANES] = {{0}}, out[WINOGRAD_POINTS][WINOGRAD_LANES] = {{0}}, bias[WINOGRAD_LANES] = {0};
    const void *in_at[WINOGRAD_POINTS];
    void *out_at[WINOGRAD_POINTS];
    for (int i = 0; i < WINOGRAD_POINTS; i++) in_at[i] = in[i], out_at[i] = out[i];
    for (int i = 0; i < n_from; i++) memcpy(in[i], (const char *)from[i] + (size_t)from_at * in_size, (size_t)n * in_size);
    winograd_post rest = post ? *post : (winograd_post){0};
    for (int i = 0; rest.adds && i < n_to; i++) memcpy(out[i], (char *)to[i] + (size_t)to_at * out_size, (size_t)n * out_size);
    if (rest.bias) rest.bias = memcpy(bias, rest.bias + from_at, (size_t)n * sizeof *bias);
    w->machine->transform[w->types][w->form][side](WINOGRAD_LANES, in_at, out_at, WINOGRAD_LANES, 0, &rest);
    for (int i = 0; i < n_to; i++) memcpy((char *)to[i] + (size_t)to_at * out_size, out[i], (size_t)n * out_size);
}

static void transform(const winograd *w, winograd_side side, int64_t n, const void *const *from, int n_from, void *const *to, int n_to,
                      const matrices *m, const winograd_post *post) {
    int64_t whole = n / WINOGRAD_LANES * WINOGRAD_LANES;
    if (whole) w->machine->transform[w->types][w->form][side](whole, from, to, m->width, m->panel, post);
    if (whole < n) transform_rest(w, side, n - whole, from, n_from, to, n_to, whole, whole / m->width * m->panel + whole % m->width, post);
}

// What a transform reads and writes.
typedef struct tile_pointers {
    const void *from[WINOGRAD_POINTS];
    void *to[WINOGRAD_POINTS];
} tile_pointers;

// The steps. -----------------------------------------------------------------------------------------------------------------------------------------------

static const matrices PIXELS = {.width = WINOGRAD_TOGETHER};

// A row of filters: those of one input channel of the products.
static void transform_filter(const winograd *w, int64_t k, int64_t out_phase, const float *filters, void *to) {
    tile_pointers p;
    int64_t rows = w->depth / w->views_in, taps = w->conv.rows * w->conv.cols;
    filter_taps(w, out_phase + k / rows, filters + k % rows * taps * w->out, w->out, p.from);
    matrix_elements(w, &w->filters, to, k, 0, (const void **)p.to);
    transform(w, WINOGRAD_FILTER, w->out, p.from, (int)(w->r * w->r), p.to, (int)(w->a * w->a), &w->filters, NULL);
}

// Two rows of filters, as pairs of bf16.
static void transform_filter_pair(const winograd *w, int64_t k, int64_t out_phase, const float *filters, void *to) {
    float row[2][WINOGRAD_POINTS][WINOGRAD_LANES];
    tile_pointers p[2];
    const int64_t rows = w->depth / w->views_in, taps = w->conv.rows * w->conv.cols, points = w->a * w->a;
    for (int64_t c = 0; c < w->out; c += WINOGRAD_LANES) {
        for (int i = 0; i < 2; i++) {
            filter_taps(w, out_phase + (k + i) / rows, filters + (k + i) % rows * taps * w->out + c, w->out, p[i].from);
            for (int64_t point = 0; point < points; point++) p[i].to[point] = row[i][point];
            w->machine->transform[w->types][w->form][WINOGRAD_FILTER](WINOGRAD_LANES, p[i].from, p[i].to, WINOGRAD_TOGETHER, 0, NULL);
        }
        const int64_t column = c / w->filters.width * w->filters.panel + 2 * (c % w->filters.width);
        for (int64_t point = 0; point < points; point++) w->machine->pair(row[0][point], row[1][point], element(&w->filters, to, point, k, column));
    }
}

static void transform_filters(const winograd *w, int64_t k, int64_t out_phase, const float *filters, void *to) {
    if (w->types == WINOGRAD_PAIRED)
        transform_filter_pair(w, 2 * k, out_phase, filters, to);
    else
        transform_filter(w, k, out_phase, filters, to);
}

// Of how many rows each transform_filters is called for.
static int64_t filter_rows(const winograd *w) {
    return w->types == WINOGRAD_PAIRED ? w->depth / 2 : w->depth;
}

static void transform_input(const winograd *w, int64_t tile, int64_t row, int64_t out_phase, const void *in, void *to) {
    int64_t channels = w->depth / w->views_in;
    for (int64_t phase = 0; phase < w->views_in; phase++) {
        tile_pointers p;
        view v = w->conv.kind == ONEDNN_CONV_DATA ? view_of_y(w, out_phase) : view_of_x(w, phase);
        tile_pixels(w, &v, in, tile, w->a, w->zeros, p.from);
        matrix_elements(w, &w->input, to, row, phase * channels, (const void **)p.to);
        transform(w, WINOGRAD_INPUT, channels, p.from, (int)(w->a * w->a), p.to, (int)(w->a * w->a), &w->input, NULL);
    }
}

static void transform_output(const winograd *w, int64_t tile, int64_t row, int64_t phase, const float *products, const winograd_post *post,
                             float *outside, void *out) {
    tile_pointers p;
    view v = w->conv.kind == ONEDNN_CONV_DATA ? view_of_x(w, phase) : view_of_y(w, phase);
    matrix_elements(w, &w->products, products, row, 0, p.from);
    tile_pixels(w, &v, out, tile, w->m, outside, (const void **)p.to);
    transform(w, WINOGRAD_OUTPUT, w->out, p.from, (int)(w->a * w->a), p.to, (int)(w->m * w->m), &PIXELS, post);
}

static void multiply_paired(const winograd *w, int64_t rows, const void *input, const void *filters, float *products) {
    for (int64_t point = 0; point < w->a * w->a; point++)
        for (int64_t c = 0; c < w->out; c += w->machine->width)
            w->machine->paired(&(winograd_paired){
                .rows = round_up(rows, w->machine->rows),
                .pairs = w->depth / 2,
                .a = element(&w->input, input, point, 0, 0),
                .a_row = w->input.row,
                .b = element(&w->filters, filters, point, 0, c / w->machine->width * w->filters.panel),
                .c = products + point * w->products.point + c,
                .c_row = w->products.row,
            });
}

static void multiply_f32(const winograd *w, int64_t rows, const void *inputs, const void *all_filters, float *products) {
    const float *input = inputs, *filters = all_filters;
    for (int64_t point = 0; point < w->a * w->a; point++)
        for (int64_t c = 0; c < w->out; c += w->machine->width)
            w->machine->product(&(winograd_product){
                .rows = round_up(rows, w->machine->rows),
                .depth = w->depth,
                .a = input + point * w->input.point,
                .a_row = w->input.row,
                .a_depth = 1,
                .b = filters + point * w->filters.point + c / w->machine->width * w->filters.panel,
                .next = filters + point * w->filters.point + (c / w->machine->width + 1) * w->filters.panel,
                .c = products + point * w->products.point + c,
                .c_row = w->products.row,
            });
}

static int64_t block_tiles(const winograd *w, int64_t b) {
    int64_t left = w->tiles - b * w->block;
    return left < w->block ? left : w->block;
}

static void run_block(const winograd *w, int64_t b, int64_t phase, const void *in, const void *filters, const winograd_post *post, void *out,
                      char *scratch) {
    char *mine = scratch + (size_t)omp_get_thread_num() * w->private_bytes;
    void *input = mine + w->input_at;
    float *products = (float *)(mine + w->products_at), *outside = (float *)(mine + w->outside_at);
    int64_t first = b * w->block, n = block_tiles(w, b);
    for (int64_t i = 0; i < n; i++) transform_input(w, first + i, i, phase, in, input);
    (w->types == WINOGRAD_PAIRED ? multiply_paired : multiply_f32)(w, n, input, filters, products);
    for (int64_t i = 0; i < n; i++) transform_output(w, first + i, i, phase, products, post, outside, out);
}

// Where the transformed filters of a view are among those of all.
static void *filters_of(const winograd *w, int64_t phase, const void *all) {
    return (char *)(uintptr_t)all + (size_t)phase * w->filter_bytes;
}

void winograd_transform_filters(const winograd *w, const float *filters, void *to) {
#pragma omp parallel for schedule(static) collapse(2)
    for (int64_t phase = 0; phase < w->views_out; phase++)
        for (int64_t k = 0; k < filter_rows(w); k++) transform_filters(w, k, phase, filters, filters_of(w, phase, to));
}

static void run_pictures(const winograd *w, const void *in, const float *filters, const float *bias, void *out, char *scratch) {
    const onednn_post *p = &w->conv.post;
    const winograd_post post = {bias, p->adds, p->rectifies, p->slope};
    const bool constant = w->conv.constant;
#pragma omp parallel num_threads(w->threads)
    for (int64_t phase = 0; phase < w->views_out; phase++) {
        void *transformed = constant ? filters_of(w, phase, filters) : scratch;
#pragma omp for schedule(static)
        for (int64_t k = 0; k < (constant ? 0 : filter_rows(w)); k++) transform_filters(w, k, phase, filters, transformed);
#pragma omp for schedule(static)
        for (int64_t b = 0; b < w->blocks; b++) run_block(w, b, phase, in, transformed, &post, out, scratch);
    }
}

static void transform_gradient(const winograd *w, int64_t tile, int64_t row, const void *y, float *to) {
    tile_pointers p;
    view v = view_of_y(w, 0);
    tile_pixels(w, &v, y, tile, w->m, w->zeros, p.from);
    matrix_elements(w, &w->filters, to, row, 0, (const void **)p.to);
    transform(w, WINOGRAD_GRADIENT, w->out, p.from, (int)(w->m * w->m), p.to, (int)(w->a * w->a), &w->filters, NULL);
}

static void transform_filter_gradient(const winograd *w, int64_t k, const float *products, float *out) {
    tile_pointers p;
    int64_t rows = w->depth / w->views_in, taps = w->conv.rows * w->conv.cols;
    matrix_elements(w, &w->products, products, k, 0, p.from);
    filter_taps(w, k / rows, out + k % rows * taps * w->out, w->out, (const void **)p.to);
    transform(w, WINOGRAD_FILTER_GRADIENT, w->out, p.from, (int)(w->a * w->a), p.to, (int)(w->r * w->r), &PIXELS, NULL);
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

static void run_weights(const winograd *w, const void *x, const void *y, float *out, char *scratch) {
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

void winograd_run(const winograd *w, const void *in0, const void *in1, const float *bias, void *out, void *scratch) {
    if (w->conv.kind == ONEDNN_CONV_WEIGHTS)
        run_weights(w, in0, in1, out, scratch);
    else
        run_pictures(w, in0, in1, bias, out, scratch);
}
