// Everything is a convolution at stride 1 between views. A view is the pictures' pixels at every step-th row and column from some first one on:
//
//     conv          y = Σ over the step² views of x, each with its taps
//     conv_data     each of the step² views of x = y with mirrored taps
//     conv_weights  the taps of each view of x = view · y
//
// In between the transforms is one matrix product for each of the a² points (winograd_layout.h).
#include "nn/ops/winograd.h"

#include <omp.h>
#include <string.h>

#include "nn/ops/pieces.h"
#include "nn/ops/winograd_layout.h"

typedef struct view {
    int64_t height, width, channels; // of a picture
    int64_t step, first[2];
} view;

// Views and tiles. -------------------------------------------------------------------------------------------------------------------------------------

static view view_of_x(const winograd *w, int64_t phase) {
    const onednn_conv *c = &w->conv;
    view v = {c->height, c->width, c->channels, w->step, {0}};
    for (int i = 0; i < 2; i++) {
        int64_t p = i ? phase % w->step : phase / w->step, pad = c->params.pad[i];
        v.first[i] = p - pad;
        if (c->kind == ONEDNN_CONV_DATA) v.first[i] += round_up(pad - p, w->step); // the first in the picture
    }
    return v;
}

static view view_of_y(const winograd *w, int64_t phase) {
    const onednn_conv *c = &w->conv;
    view v = {c->out_height, c->out_width, c->out, 1, {0}};
    for (int i = 0; i < 2; i++) {
        int64_t p = i ? phase % w->step : phase / w->step, pad = c->params.pad[i];
        if (c->kind == ONEDNN_CONV_DATA) v.first[i] = divide_up(pad - p, w->step) - (w->r - 1);
    }
    return v;
}

// Where the `size`² pixels of a tile are; `outside` for those that the picture does not have.
static void tile_pixels(const winograd *w, const view *v, const void *pictures, int64_t tile, int64_t size, void *outside, void **at) {
    int64_t j = tile % w->grid[1], i = tile / w->grid[1] % w->grid[0], n = tile / w->grid[1] / w->grid[0];
    size_t pixel = (size_t)v->channels * dtype_size(w->conv.x);
    char *picture = (char *)(uintptr_t)pictures + (size_t)(n * v->height * v->width) * pixel;
    int64_t top = i * w->m * v->step + v->first[0], left = j * w->m * v->step + v->first[1];
    for (int64_t h = top; h < top + size * v->step; h += v->step)
        for (int64_t x = left; x < left + size * v->step; x += v->step)
            *at++ = h >= 0 && h < v->height && x >= 0 && x < v->width ? picture + (size_t)(h * v->width + x) * pixel : outside;
}

static char *address(const void *base, int64_t element) {
    return (char *)(uintptr_t)base + element * WINOGRAD_ELEMENT;
}

// Transforms. ----------------------------------------------------------------------------------------------------------------------------------------------

typedef struct pointers {
    void *at[2 * WINOGRAD_POINTS]; // pixels of a tile or two; taps of a filter or two in all views
} pointers;

// How far points are apart, in elements.
static int64_t point_of(const winograd *w, winograd_side side) {
    return side == WINOGRAD_INPUT ? w->a_point : side == WINOGRAD_FILTER || side == WINOGRAD_GRADIENT ? w->b_point : w->c_point;
}

static winograd_transform *transform_of(const winograd *w, winograd_side side) {
    return w->machine->transform[w->types][w->form][side];
}

// Channels [at, at + n), the last few, n < WINOGRAD_LANES, of `count` pixels, through copies with room. Points have it.
static void transform_rest(const winograd *w, winograd_side side, int64_t n, void *const *list, int64_t count, int64_t at,
                           const winograd_points *points, const winograd_post *post) {
    const size_t size = dtype_size(w->conv.x);
    float copy[WINOGRAD_POINTS][WINOGRAD_LANES] = {{0}}, bias[WINOGRAD_LANES] = {0};
    pointers copies;
    for (int64_t i = 0; i < count; i++) {
        copies.at[i] = copy[i];
        memcpy(copy[i], (char *)list[i] + (size_t)at * size, (size_t)n * size);
    }
    winograd_post rest = post ? *post : (winograd_post){0};
    if (rest.bias) rest.bias = memcpy(bias, rest.bias + at, (size_t)n * sizeof *bias);
    transform_of(w, side)(WINOGRAD_LANES, copies.at, 0, points, &rest);
    for (int64_t i = 0; side == WINOGRAD_OUTPUT && i < count; i++) memcpy((char *)list[i] + (size_t)at * size, copy[i], (size_t)n * size);
}

// Channels [at, at + n) of `count` pixels or taps; those of points begin at `points`.
static void transform(const winograd *w, winograd_side side, int64_t n, const pointers *p, int64_t count, int64_t at, char *points,
                      const winograd_post *post) {
    const int64_t whole = n / WINOGRAD_LANES * WINOGRAD_LANES;
    winograd_points to = {points, point_of(w, side) * WINOGRAD_ELEMENT, 1, 0};
    if (whole) transform_of(w, side)(whole, p->at, at, &to, post);
    to.first += whole * WINOGRAD_ELEMENT;
    if (whole < n) transform_rest(w, side, n - whole, p->at, count, at + whole, &to, post);
}

// Pixels of a tile, and if tiles are paired of the next one. Behind the last tile is nothing.
static void pixels_of(const winograd *w, const view *v, const void *pictures, int64_t tile, int64_t size, pointers *p) {
    const int64_t tiles = w->types == WINOGRAD_PAIRED_TILES ? 2 : 1; // tiles_together, which the analyser cannot know to be positive
    for (int64_t t = 0; t < tiles; t++) {
        void **at = p->at + t * size * size;
        if (tile + t < w->tiles)
            tile_pixels(w, v, pictures, tile + t, size, w->zeros, at);
        else
            for (int64_t i = 0; i < size * size; i++) at[i] = w->zeros;
    }
}

static int64_t tiles_of_block(const winograd *w, int64_t b) {
    return smaller(w->tiles - b * w->block, w->block);
}

static int64_t channels_of(const winograd *w, int64_t part) {
    return smaller(w->channels - part * w->part, w->part);
}

// Of products with it, in pictures.
static int64_t depth_of(const winograd *w, int64_t part) {
    return w->views_in * channels_of(w, part) / w->channels_together;
}

static int64_t columns_of(const winograd *w, int64_t panel) {
    return smaller(w->out - panel * w->width, w->width);
}

// Of parts.
typedef struct span {
    int64_t first, end;
} span;

static span all_parts(const winograd *w) {
    return (span){0, w->parts};
}

// Some parts of tile i of block b for one view of the result. A view's last vector may reach into the next view, which comes later.
static void transform_input(const winograd *w, int64_t b, int64_t i, int64_t out_phase, span parts, const void *in, void *a) {
    char *row = address(a, i / w->tiles_together * w->a_tile);
    for (int64_t phase = 0; phase < w->views_in; phase++) {
        pointers p;
        const view v = w->conv.kind == ONEDNN_CONV_DATA ? view_of_y(w, out_phase) : view_of_x(w, phase);
        pixels_of(w, &v, in, b * w->block + i, w->a, &p);
        for (int64_t part = parts.first; part < parts.end; part++) {
            const int64_t n = channels_of(w, part);
            transform(w, WINOGRAD_INPUT, n, &p, w->points, part * w->part, address(row + (size_t)part * w->a_bytes, phase * n / w->channels_together),
                      NULL);
        }
    }
}

static void multiply(const winograd *w, const winograd_product *p) {
    (w->paired ? w->machine->paired : w->machine->product)(p);
}

// Filters. -------------------------------------------------------------------------------------------------------------------------------------------------

// Those of an input channel and a panel.
static const float *filters_at(const winograd *w, int64_t channel, int64_t panel, const float *filters) {
    return filters + channel * w->of_channel + panel * w->width * w->of_column;
}

// The last few of a panel, n < WINOGRAD_LANES, go through copies with room.
static void collect(const winograd *w, int64_t channel, int64_t panel, const float *filters, winograd_taps *to) {
    const int64_t taps = w->conv.rows * w->conv.cols, n = columns_of(w, panel), whole = n / WINOGRAD_LANES * WINOGRAD_LANES;
    const float *from = filters_at(w, channel, panel, filters);
    winograd_call_ahead(n, from, w->of_column, w->of_channel);
    w->machine->collect(taps, whole, from, w->of_column, to, 0);
    if (whole == n) return;
    float copy[WINOGRAD_LANES][WINOGRAD_TAPS] = {{0}};
    for (int64_t i = 0; i < n - whole; i++) memcpy(copy[i], from + (whole + i) * w->of_column, (size_t)taps * sizeof(float));
    w->machine->collect(taps, WINOGRAD_LANES, copy[0], WINOGRAD_TAPS, to, whole);
}

// Gives the sum of their squares.
static double spread(const winograd *w, int64_t channel, int64_t panel, float *filters, const winograd_taps *from) {
    const int64_t taps = w->conv.rows * w->conv.cols, n = columns_of(w, panel), whole = n / WINOGRAD_LANES * WINOGRAD_LANES;
    float *to = (float *)(uintptr_t)filters_at(w, channel, panel, filters);
    double squares = w->machine->spread(taps, whole, to, w->of_column, from, 0);
    if (whole == n) return squares;
    float copy[WINOGRAD_LANES][WINOGRAD_TAPS];
    squares += w->machine->spread(taps, WINOGRAD_LANES, copy[0], WINOGRAD_TAPS, from, whole); // behind the last one all is 0
    for (int64_t i = 0; i < n - whole; i++) memcpy(to + (whole + i) * w->of_column, copy[i], (size_t)taps * sizeof(float));
    return squares;
}

// Where the taps of each of `views` views from `phase` on are, in `count` neighbouring rows.
static void list_taps(const winograd *w, int64_t phase, int64_t views, winograd_taps *rows, int64_t count, pointers *taps) {
    const int64_t r2 = w->r * w->r, all = count * r2;
    for (int64_t v = 0; v < views; v++)
        for (int64_t i = 0; i < all; i++) taps->at[v * all + i] = rows[i / r2].tap[w->taps[phase + v][i % r2]];
}

// Filters in pieces that one product each can call into the cache while it multiplies and memory is idle.
typedef struct pieces {
    int64_t left, together; // pieces; of a product
    const float *run;       // neighbouring filters that the next piece is of
    int64_t next_run;       // floats to those after them
    int64_t of_run, piece;  // pieces of a run; which one is next
    int64_t length, step;   // floats of a piece; from one that is called to the next
} pieces;

// Those of a part and a panel, for so many products.
static pieces pieces_of(const winograd *w, const float *filters, int64_t part, int64_t panel, int64_t depth, int64_t products) {
    const int64_t taps = w->conv.rows * w->conv.cols, n = channels_of(w, part), columns = columns_of(w, panel);
    const bool by_column = w->of_channel < w->of_column;
    const int64_t runs = by_column ? columns : n, length = taps * (by_column ? n : columns);
    pieces p = {.run = filters_at(w, part * w->part, panel, filters), .next_run = by_column ? w->of_column : w->of_channel};
    p.of_run = divide_up(length, depth * WINOGRAD_LINE);
    p.length = divide_up(length, p.of_run);
    p.step = divide_up(p.length, depth);
    p.left = runs * p.of_run;
    p.together = smaller(divide_up(p.left, products), WINOGRAD_LATER);
    return p;
}

static void call_pieces(pieces *from, winograd_product *p) {
    for (p->laters = 0; p->laters < from->together && from->left > 0; from->left--) {
        p->later[p->laters++] = (winograd_ahead){from->run + from->piece * from->length, from->step};
        if (++from->piece < from->of_run) continue;
        from->piece = 0;
        from->run += from->next_run;
    }
}

// Transforms a panel's whole vectors of all views' taps, from the rows or to them; points of views begin `apart` elements from one another.
static void transform_taps(const winograd *w, winograd_side side, int64_t panel, int64_t views, const pointers *taps, char *points, int64_t apart) {
    const winograd_points to = {points, point_of(w, side) * WINOGRAD_ELEMENT, views, apart * WINOGRAD_ELEMENT};
    transform_of(w, side)(round_up(columns_of(w, panel), WINOGRAD_LANES), taps->at, 0, &to, NULL);
}

// Pictures. ------------------------------------------------------------------------------------------------------------------------------------------------

// What a run is given, and who works on it.
typedef struct task {
    const winograd *w;
    const void *in;
    const float *filters;
    const winograd_post *post;
    void *out;
    int64_t phase; // the first of the result's views that are together
    char *shared, *own;
} task;

// Whether who multiplies with a part of the filters transforms it before.
static bool is_by_part(const winograd *w) {
    return w->shares && !w->prepared;
}

// For all views of the result that are together, from `phase` on.
static void transform_part(const winograd *w, int64_t phase, int64_t panel, int64_t part, const float *filters, char *to) {
    const int64_t n = channels_of(w, part), together = w->channels_together, views = w->views_together * w->views_in;
    winograd_taps rows[2];
    const int64_t apart = w->views_in > 1 ? n / together * w->width : (int64_t)w->b_bytes / WINOGRAD_ELEMENT; // of neighbouring views
    pointers taps;
    list_taps(w, phase, views, rows, together, &taps);
    for (int64_t k = 0; k < n; k += together) {
        for (int64_t i = 0; i < together; i++) collect(w, part * w->part + k + i, panel, filters, &rows[i]);
        transform_taps(w, WINOGRAD_FILTER, panel, views, &taps, address(to, k / together * w->width), apart);
    }
}

// Where a part is among all of them.
static char *part_at(const winograd *w, int64_t phase, int64_t panel, int64_t part, const void *all) {
    return (char *)(uintptr_t)all + (size_t)(((phase / w->views_together * w->panels + panel) * w->parts + part) * w->views_together) * w->b_bytes;
}

void winograd_transform_filters(const winograd *w, const float *filters, void *to) {
#pragma omp parallel for schedule(static) collapse(3)
    for (int64_t phase = 0; phase < w->views_out; phase += w->views_together)
        for (int64_t panel = 0; panel < w->panels; panel++)
            for (int64_t part = 0; part < w->parts; part++) transform_part(w, phase, panel, part, filters, part_at(w, phase, panel, part, to));
}

// What belongs to view v of those that are together.
static char *input_of(const winograd *w, int64_t v, int64_t part, char *a) {
    return a + (size_t)(v * w->parts + part) * w->a_bytes;
}

static const char *filters_of(const task *t, int64_t v, int64_t panel, int64_t part) {
    const winograd *w = t->w;
    const size_t of_view = (size_t)v * w->b_bytes;
    if (w->prepared) return part_at(w, t->phase, panel, part, t->filters) + of_view;
    return (w->shares ? t->own + w->b_at : part_at(w, 0, panel, part, t->shared + w->b_at)) + of_view;
}

static char *products_of(const task *t, int64_t v) {
    return t->own + t->w->c_at + (size_t)v * t->w->c_bytes;
}

// Columns of a view of the result from panel `first` on, as many as `c` has.
static void transform_output(const task *t, int64_t view_out, int64_t tile, char *c, int64_t first) {
    const winograd *w = t->w;
    pointers p;
    const view v = w->conv.kind == ONEDNN_CONV_DATA ? view_of_x(w, t->phase + view_out) : view_of_y(w, 0);
    tile_pixels(w, &v, t->out, tile, w->m, t->own + w->outside_at, p.at);
    transform(w, WINOGRAD_OUTPUT, smaller(w->out - first * w->width, w->columns), &p, w->m * w->m, first * w->width, c, t->post);
}

// All points of `rows` tiles in view v, of panels from `first` on. `next`: filters that are transformed afterwards.
static void multiply_part(const task *t, int64_t v, int64_t rows, int64_t part, int64_t first, const char *a, pieces *next) {
    const winograd *w = t->w;
    const int64_t panels = w->columns / w->width;
    winograd_product p = {
        .rows = round_up(rows, w->machine->rows), .depth = depth_of(w, part), .a_row = w->a_tile, .a_depth = 1, .c_row = w->c_row, .add = part > 0};
    for (int64_t point = 0; point < w->points; point++)
        for (int64_t panel = 0; panel < panels; panel++) {
            p.a = address(a, point * w->a_point);
            p.b = address(filters_of(t, v, first + panel, part), point * w->b_point);
            p.c = (float *)(void *)address(products_of(t, v), point * w->c_point + panel * w->width);
            p.next = is_by_part(w) ? NULL : address(p.b, w->b_point); // they come from its transform
            call_pieces(next, &p);
            multiply(w, &p);
        }
}

static void transform_inputs(const task *t, int64_t b, int64_t i, char *a) {
    for (int64_t v = 0; v < t->w->views_together; v++) transform_input(t->w, b, i, t->phase + v, all_parts(t->w), t->in, input_of(t->w, v, 0, a));
}

// What is transformed after a part of item i, or part 0 of a later one that this thread most likely has next.
static pieces find_next(const task *t, int64_t i, int64_t part) {
    const winograd *w = t->w;
    const bool last = part + 1 == w->parts;
    const int64_t panel = (last ? i + w->threads : i) / w->groups;
    if (!is_by_part(w) || panel >= w->panels) return (pieces){0};
    return pieces_of(w, t->filters, last ? 0 : part + 1, panel, depth_of(w, part), w->views_together * w->points);
}

// Item i of block b: the tiles of a group, those channels of the result that begin with a panel, as many as `c` has.
static void run_group(const task *t, int64_t b, int64_t item, char *a) {
    const winograd *w = t->w;
    const int64_t group = item % w->groups, first = item / w->groups, top = group * w->group, n = smaller(tiles_of_block(w, b) - top, w->group);
    for (int64_t part = 0; n > 0 && part < w->parts; part++) {
        if (is_by_part(w)) transform_part(w, t->phase, first, part, t->filters, t->own + w->b_at);
        pieces next = find_next(t, item, part);
        for (int64_t v = 0; v < w->views_together; v++) multiply_part(t, v, n, part, first, address(input_of(w, v, part, a), top * w->a_tile), &next);
    }
    for (int64_t v = 0; v < w->views_together; v++)
        for (int64_t i = 0; i < n; i++) transform_output(t, v, b * w->block + top + i, address(products_of(t, v), i * w->c_row), first);
}

static void run_block_together(const task *t, int64_t b) {
    const winograd *w = t->w;
    char *a = t->shared + w->a_at;
#pragma omp for schedule(static)
    for (int64_t i = 0; i < tiles_of_block(w, b); i++) transform_inputs(t, b, i, a);
#pragma omp for schedule(dynamic)
    for (int64_t i = 0; i < w->panels * w->groups; i++) run_group(t, b, i, a);
}

static void run_blocks_apart(const task *t) {
    const winograd *w = t->w;
    char *a = t->own + w->a_at;
#pragma omp for schedule(static)
    for (int64_t i = 0; i < (w->prepared ? 0 : w->panels * w->parts); i++)
        transform_part(w, t->phase, i / w->parts, i % w->parts, t->filters, part_at(w, 0, i / w->parts, i % w->parts, t->shared + w->b_at));
#pragma omp for schedule(static)
    for (int64_t b = 0; b < w->blocks; b++) {
        for (int64_t i = 0; i < tiles_of_block(w, b); i++) transform_inputs(t, b, i, a);
        run_group(t, b, 0, a);
    }
}

static char *own_memory(const winograd *w, char *scratch) {
    return scratch + w->private_at + (size_t)omp_get_thread_num() * w->private_bytes;
}

static void run_pictures(const winograd *w, const void *in, const float *filters, const float *bias, void *out, char *scratch) {
    const onednn_post *p = &w->conv.post;
    const winograd_post post = {bias, p->adds, p->rectifies, p->slope};
#pragma omp parallel num_threads(w->threads)
    for (int64_t phase = 0; phase < w->views_out; phase += w->views_together) {
        const task t = {w, in, filters, &post, out, phase, scratch, own_memory(w, scratch)};
        if (w->shares)
            for (int64_t b = 0; b < w->blocks; b++) run_block_together(&t, b);
        else
            run_blocks_apart(&t);
    }
}

// Gradients of filters. --------------------------------------------------------------------------------------------------------------------------------------

static void transform_gradient(const winograd *w, int64_t b, int64_t i, const void *y, char *to) {
    pointers p;
    const view v = view_of_y(w, 0);
    pixels_of(w, &v, y, b * w->block + i, w->m, &p);
    for (int64_t panel = 0; panel < w->panels; panel++)
        transform(w, WINOGRAD_GRADIENT, columns_of(w, panel), &p, w->m * w->m, panel * w->width,
                  address(to + (size_t)panel * w->b_bytes, i / w->tiles_together * w->width), NULL);
}

// Gives the sum of their squares.
static double transform_filter_gradients(const winograd *w, int64_t part, int64_t panel, const void *c, float *out) {
    const int64_t n = channels_of(w, part);
    winograd_taps rows;
    pointers taps;
    list_taps(w, 0, w->views_in, &rows, 1, &taps);
    double squares = 0;
    for (int64_t k = 0; k < n; k++) {
        transform_taps(w, WINOGRAD_FILTER_GRADIENT, panel, w->views_in, &taps, address(c, k * w->c_row), n * w->c_row);
        squares += spread(w, part * w->part + k, panel, out, &rows);
    }
    return squares;
}

// What block b has for a part and a panel; after the last block all that is done with it.
static void add_gradient(const winograd *w, int64_t b, int64_t part, int64_t panel, char *shared, char *own, float *out, double *squares) {
    const int64_t rows = round_up(w->views_in * channels_of(w, part), w->machine->rows), depth = divide_up(tiles_of_block(w, b), w->tiles_together);
    const char *a = shared + w->a_at + (size_t)part * w->a_bytes, *gradient = shared + w->b_at + (size_t)panel * w->b_bytes;
    char *c = w->blocks > 1 ? shared + w->c_at + (size_t)(part * w->panels + panel) * w->c_bytes : own + w->c_at;
    for (int64_t point = 0; point < w->points; point++)
        multiply(w, &(winograd_product){.rows = rows,
                                        .depth = depth,
                                        .a = address(a, point * w->a_point),
                                        .a_row = 1,
                                        .a_depth = w->a_tile,
                                        .b = address(gradient, point * w->b_point),
                                        .next = address(gradient, (point + 1) * w->b_point),
                                        .c = (float *)(void *)address(c, point * w->c_point),
                                        .c_row = w->c_row,
                                        .add = b > 0});
    if (b == w->blocks - 1) *squares = transform_filter_gradients(w, part, panel, c, out);
}

// Of the products of block b, by all threads. Who transforms channels of x adds to their sums next, as far as there are parts enough: from its own cache.
static void transform_operands(const winograd *w, int64_t b, const void *x, const void *y, char *shared) {
    const int64_t tiles = tiles_of_block(w, b), lots = smaller(w->threads, w->parts);
#pragma omp for schedule(static) collapse(2) nowait
    for (int64_t lot = 0; lot < lots; lot++)
        for (int64_t i = 0; i < tiles; i += w->tiles_together)
            transform_input(w, b, i, 0, (span){lot * w->parts / lots, (lot + 1) * w->parts / lots}, x, shared + w->a_at);
#pragma omp for schedule(static)
    for (int64_t i = 0; i < tiles; i += w->tiles_together) transform_gradient(w, b, i, y, shared + w->b_at);
}

// By all threads. Sums that are added to for each block stay with one thread, and in its cache; of a single block whoever is free takes the next.
static void add_gradients(const winograd *w, int64_t b, char *shared, char *own, float *out, double *each) {
    const int64_t items = w->parts * w->panels;
    if (w->blocks > 1) {
#pragma omp for schedule(static)
        for (int64_t i = 0; i < items; i++) add_gradient(w, b, i / w->panels, i % w->panels, shared, own, out, each + i);
    } else {
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < items; i++) add_gradient(w, b, i / w->panels, i % w->panels, shared, own, out, each + i);
    }
}

static void run_weights(const winograd *w, const void *x, const void *y, float *out, double *squares, char *scratch) {
    double *each = (double *)(void *)(scratch + w->squares_at);
#pragma omp parallel num_threads(w->threads)
    for (int64_t b = 0; b < w->blocks; b++) {
        char *own = own_memory(w, scratch);
        transform_operands(w, b, x, y, scratch);
        add_gradients(w, b, scratch, own, out, each);
        if (b == w->blocks - 1) winograd_spread_end();
    }
    winograd_sum_squares(w->parts * w->panels, each, squares);
}

void winograd_run(const winograd *w, const void *in0, const void *in1, const float *bias, void *out, double *squares, void *scratch) {
    if (w->conv.kind == ONEDNN_CONV_WEIGHTS)
        run_weights(w, in0, in1, out, squares, scratch);
    else
        run_pictures(w, in0, in1, bias, out, scratch);
}
