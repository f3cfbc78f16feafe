#include "nn/ops/winograd_layout.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "nn/ops/pieces.h"

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

// In the same units. With their transforms, products take a third longer than direct ones, and those in bf16 half as long.
static double direct_cost(const onednn_conv *c) {
    int64_t r = c->rows / c->params.stride[0];
    return (double)(r * r * c->n * rows_of(c, 0) * rows_of(c, 1)) / (c->x == BF16 ? 2.6 : 1.3);
}

// Products of bf16. Those of F(4, r) err more than twice as much as those of F(2, r): little beside how the pictures of batches differ, and more than a
// detector's scores need, so they are for filters that learn.
static bool may_pair(const onednn_conv *c, int m) {
    return c->x == BF16 && c->channels % WINOGRAD_LANES == 0 && c->out % WINOGRAD_LANES == 0 && (m == 2 || !c->constant);
}

// In units of a product of channel vectors in f32; so is what transforming a filter, or its gradient, takes.
static double cost_of(const onednn_conv *c, int m) {
    const int64_t a = m + c->rows / c->params.stride[0] - 1, tiles = c->n * tiles_of(c, 0, m) * tiles_of(c, 1, m);
    return (double)(a * a) * (may_pair(c, m) ? (double)tiles * .5 + 5 : (double)tiles + 8);
}

int winograd_choose(const onednn_conv *c) {
    if (!has_form(c) || c->channels < 32 || c->out < 32) return 0;
    const double two = cost_of(c, 2), four = cost_of(c, 4);
    return direct_cost(c) < fmin(two, four) ? 0 : two < four ? 2 : 4;
}

static void set_form(winograd *w, int m) {
    const onednn_conv *c = &w->conv;
    w->step = c->params.stride[0];
    w->m = m;
    w->r = c->rows / w->step;
    w->a = m + w->r - 1;
    w->points = w->a * w->a;
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
        if (FORMS[i].m == m && FORMS[i].r == w->r) w->form = FORMS[i].form;
    for (int i = 0; i < 2; i++) w->grid[i] = tiles_of(c, i, m);
    w->tiles = c->n * w->grid[0] * w->grid[1];
}

static size_t take(size_t *at, int64_t bytes) {
    size_t start = *at;
    *at += (size_t)round_up(bytes, 8192) + 256; // not in the same lines of the cache
    return start;
}

static void find_taps(winograd *w) {
    const bool mirrored = w->conv.kind == ONEDNN_CONV_DATA;
    for (int64_t phase = 0; phase < w->step * w->step; phase++)
        for (int64_t i = 0; i < w->r * w->r; i++) {
            const int64_t tap = mirrored ? w->r * w->r - 1 - i : i, h = tap / w->r * w->step + phase / w->step,
                          x = tap % w->r * w->step + phase % w->step;
            w->taps[phase][i] = h * w->conv.cols + x;
        }
}

// Of `channels` input channels in all views.
static int64_t elements_of(const winograd *w, int64_t channels) {
    return w->views_in * channels / w->channels_together;
}

// `all` in equal pieces of at most `most`, multiples of `of`.
static int64_t equal_pieces(int64_t all, int64_t most, int64_t of) {
    return round_up(divide_up(all, divide_up(all, larger(most, of))), of);
}

// The same, but up to half of that if pieces are all alike then.
static int64_t like_pieces(int64_t all, int64_t most, int64_t of) {
    const int64_t piece = equal_pieces(all, most, of);
    for (int64_t p = piece; 2 * p >= piece; p -= of)
        if (all % p == 0) return p;
    return piece;
}

// Of at most `most` tiles, and about half of that at least: such that who has most blocks has the fewest tiles.
static int64_t fair_block(const winograd *w, int64_t most) {
    const int64_t rows = w->machine->rows, top = round_up(larger(smaller(most, divide_up(w->tiles, w->threads)), 1), rows);
    int64_t best = top, fewest = INT64_MAX;
    for (int64_t block = top; block >= rows && 2 * block >= top; block -= rows) {
        const int64_t tiles = divide_up(divide_up(w->tiles, block), w->threads) * block;
        if (tiles < fewest) fewest = tiles, best = block;
    }
    return best;
}

enum {
    PART_BYTES = 256 << 10,     // of transformed filters
    GROUP_BYTES = 512 << 10,    // of products
    GRADIENT_BYTES = 256 << 10, // the same of conv_weights
    OWN_BYTES = 1 << 20,        // of a thread's block
    SHARED_BYTES = 8 << 20,     // of a block of all threads
    LEAST_BYTES = 2 << 20,      // the same of conv_weights
    MOST_BYTES = 16 << 20,
    FEW_FILTERS = 4 << 20,
};

// Filters are transformed by who needs them, part by part in its cache, if they outweigh the tiles (by how much was measured; those of several views outweigh
// more): larger ones than the cache would be written to memory and read from there, which takes longer than their transform. So do constant ones, but in bf16,
// where transformed ones are not larger. For few filters it does not pay that threads wait for one another. A filter's taps are collected once for all views of
// the result that are together: all, if who needs filters transforms them and a group holds the tiles of all views; half of them, if whole filters are
// transformed before and those of a half are few; else one.
static void divide_pictures(winograd *w) {
    const int64_t row = w->points * WINOGRAD_ELEMENT, a = row * elements_of(w, w->channels), c = row * w->width, filters = a * w->out * w->views_out;
    w->shares = filters > FEW_FILTERS && w->tiles <= (w->views_in > 1 ? 2 * w->out / 5 : w->out / 4);
    w->prepared = w->conv.constant && (!w->shares || w->paired);
    if (w->shares) {
        if (round_up(w->tiles, w->machine->rows) * c * w->views_out <= GROUP_BYTES) w->views_together = w->views_out;
        w->part = equal_pieces(w->channels, PART_BYTES / c * w->channels_together / w->views_in / w->views_together, WINOGRAD_LANES);
        w->block = equal_pieces(w->tiles, SHARED_BYTES / a / w->views_together, w->machine->rows);
        const int64_t groups = larger(divide_up(w->block * c, GROUP_BYTES), divide_up(w->threads, w->panels));
        w->group = round_up(divide_up(w->block, groups), w->machine->rows);
        w->columns = w->width;
    } else {
        if (!w->prepared && filters / 2 <= FEW_FILTERS) w->views_together = divide_up(w->views_out, 2);
        const int64_t all = w->views_together * (a + row * w->out);
        w->part = round_up(w->channels, WINOGRAD_LANES);
        w->block = fair_block(w, larger(OWN_BYTES, filters / 4) / all);
        w->group = w->block;
        w->columns = w->panels * w->width;
    }
    w->groups = divide_up(w->block, w->group);
}

// All gradients are added to for each block: the more they are, the larger are blocks. They stay in the cache from their product to their transform if one
// block holds all tiles, which it does where those are no more than all gradients would be. Not by threads: sums would depend on them.
static void divide_weights(winograd *w) {
    const int64_t row = w->points * WINOGRAD_ELEMENT, channels = w->views_in * w->channels, tile = row * (channels + w->out) / w->tiles_together,
                  gradients = row * channels * w->out, block = smaller(larger(LEAST_BYTES, gradients), MOST_BYTES) / tile;
    w->shares = true;
    w->block = equal_pieces(w->tiles, w->tiles * tile <= gradients ? w->tiles : block, 2);
    w->part = like_pieces(w->channels, GRADIENT_BYTES / (row * w->width * w->views_in), WINOGRAD_LANES);
    w->columns = w->width;
}

static void lay_out_pictures(winograd *w) {
    const int64_t views = w->views_together, a = views * w->parts * (int64_t)w->a_bytes, b = views * (int64_t)w->b_bytes,
                  c = views * (int64_t)w->c_bytes;
    size_t at = 0;
    if (w->shares) w->a_at = take(&at, a);
    if (!w->shares && !w->prepared) w->b_at = take(&at, w->panels * w->parts * b);
    w->private_at = at;
    if (!w->shares) w->a_at = take(&at, a) - w->private_at;
    if (w->shares && !w->prepared) w->b_at = take(&at, b) - w->private_at;
    w->c_at = take(&at, c) - w->private_at;
    w->outside_at = take(&at, w->panels * w->width * (int64_t)sizeof(float)) - w->private_at;
    w->private_bytes = at - w->private_at;
}

static void lay_out_weights(winograd *w) {
    size_t at = 0;
    w->a_at = take(&at, w->parts * (int64_t)w->a_bytes);
    w->b_at = take(&at, w->panels * (int64_t)w->b_bytes);
    w->squares_at = take(&at, w->parts * w->panels * (int64_t)sizeof(double));
    const int64_t c = (int64_t)w->c_bytes;
    if (w->blocks > 1) w->c_at = take(&at, w->parts * w->panels * c);
    w->private_at = at;
    if (w->blocks == 1) w->c_at = take(&at, c) - w->private_at;
    w->private_bytes = at - w->private_at;
}

// At least n elements, and an odd number of lines: what lies that far apart is spread over all sets of a cache.
static int64_t apart(int64_t n) {
    return (divide_up(n, WINOGRAD_LINE) | 1) * WINOGRAD_LINE;
}

static void lay_out(winograd *w) {
    const bool weights = w->conv.kind == ONEDNN_CONV_WEIGHTS;
    (weights ? divide_weights : divide_pictures)(w);
    w->blocks = divide_up(w->tiles, w->block);
    w->parts = divide_up(w->channels, w->part);
    w->deep = elements_of(w, w->part);
    const int64_t tiles = w->block / w->tiles_together;
    w->a_tile = apart(w->deep + WINOGRAD_LANES); // room for the last vector of the last view
    w->a_point = apart(round_up(tiles, w->machine->rows) * w->a_tile);
    w->b_point = apart((weights ? tiles : w->deep) * w->width);
    w->c_row = w->columns > w->width ? apart(w->columns) : w->width;
    w->c_point = apart((weights ? w->deep : w->group) * w->c_row);
    w->a_bytes = (size_t)(w->points * w->a_point * WINOGRAD_ELEMENT);
    w->b_bytes = (size_t)(w->points * w->b_point * WINOGRAD_ELEMENT);
    w->c_bytes = (size_t)(w->points * w->c_point * WINOGRAD_ELEMENT);
    (weights ? lay_out_weights : lay_out_pictures)(w);
    w->bytes = w->private_at + (size_t)w->threads * w->private_bytes;
}

foil_status winograd_create(const onednn_conv *c, int m, int machine, winograd **out) {
    winograd *w = calloc(1, sizeof *w);
    if (!w) return foil_fail_memory(sizeof *w, "a convolution");
    w->conv = *c;
    const bool weights = c->kind == ONEDNN_CONV_WEIGHTS;
    w->paired = may_pair(c, m);
    w->types = w->paired ? (weights ? WINOGRAD_PAIRED_TILES : WINOGRAD_PAIRED) : c->x == BF16 ? WINOGRAD_BF16 : WINOGRAD_F32;
    w->channels_together = w->types == WINOGRAD_PAIRED ? 2 : 1;
    w->tiles_together = w->types == WINOGRAD_PAIRED_TILES ? 2 : 1;
    w->machine = winograd_machine_at(machine);
    w->threads = omp_get_max_threads();
    set_form(w, m);
    bool data = c->kind == ONEDNN_CONV_DATA;
    int64_t views = w->step * w->step;
    w->views_in = data ? 1 : views;
    w->views_out = data ? views : 1;
    w->views_together = 1;
    w->channels = data ? c->out : c->channels;
    w->out = data ? c->channels : c->out;
    find_taps(w);
    const int64_t filter = c->rows * c->cols, filters = filter * c->channels; // of one output channel of the convolution
    w->of_channel = data ? filters : filter;
    w->of_column = data ? filter : filters;
    w->width = w->machine->width;
    w->panels = divide_up(w->out, w->width);
    lay_out(w);
    snprintf(w->implementation, sizeof w->implementation, "foil:winograd%s F(%d,%d)", w->paired ? "_bf16" : "", (int)w->m, (int)w->r);
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
    return w->prepared ? (size_t)(w->views_out * w->panels * w->parts) * w->b_bytes : 0;
}

size_t winograd_scratch(const winograd *w) {
    return w->bytes;
}

const char *winograd_implementation(const winograd *w) {
    return w->implementation;
}
