// The inner loops of fast convolution (winograd.c) and of convolutions as products (panel_conv.c, place_conv.c), compiled for each kind of processor and
// chosen when the program runs.
#ifndef FOIL_NN_OPS_WINOGRAD_INNER_H
#define FOIL_NN_OPS_WINOGRAD_INNER_H

#include <stdbool.h>
#include <stdint.h>

// Products of a tile at most; channels that transforms take at a time; columns of a panel and taps of a filter at most; what a product calls at most;
// elements of a line of the cache.
enum { WINOGRAD_POINTS = 36, WINOGRAD_LANES = 16, WINOGRAD_WIDTH = 32, WINOGRAD_TAPS = 16, WINOGRAD_LATER = 4, WINOGRAD_LINE = 16 };

// F(m, r): m results of a filter with r taps from a = m + r - 1 products, along each axis. With the matrices of winograd_matrices.h
//
//     y = Aᵀ [(G w Gᵀ) ∘ (Bᵀ x B)] A,     and as the form is trilinear,     w' = Gᵀ [(A y' Aᵀ) ∘ (Bᵀ x B)] G.
typedef enum winograd_form { WINOGRAD_2_2, WINOGRAD_4_2, WINOGRAD_2_3, WINOGRAD_4_3, WINOGRAD_FORMS } winograd_form;
typedef enum winograd_side {
    WINOGRAD_INPUT,
    WINOGRAD_FILTER,
    WINOGRAD_OUTPUT,
    WINOGRAD_GRADIENT,
    WINOGRAD_FILTER_GRADIENT,
    WINOGRAD_SIDES
} winograd_side;

// What is done to results before they are stored: rectify(y + bias + what `to` held), as onednn_post.
typedef struct winograd_post {
    const float *bias; // one for each channel, or NULL
    bool adds, rectifies;
    float slope;
} winograd_post;

// Filters lie in PyTorch's order, the taps of each together: channels of a tap are gathered in rows first, from which transforms read, or to which they write.
typedef struct winograd_taps {
    _Alignas(64) float tap[WINOGRAD_TAPS][WINOGRAD_WIDTH];
} winograd_taps;

// Takes `n` filters of `taps` taps, 9 or 16, which lie `stride` floats apart, to columns [at, at + n) of the rows; or puts them back and gives the sum of their
// squares, which are f32. n and at: multiples of WINOGRAD_LANES.
typedef void winograd_collect(int64_t taps, int64_t n, const float *filters, int64_t stride, winograd_taps *to, int64_t at);
typedef double winograd_spread(int64_t taps, int64_t n, float *filters, int64_t stride, const winograd_taps *from, int64_t at);

// After a thread's last spread, before others read the filters.
void winograd_spread_end(void);

// What the spreads of n tasks gave, in the order of the tasks, so that the sum does not depend on threads. `to`: NULL where nobody asks.
static inline void winograd_sum_squares(int64_t n, const double *of_task, double *to) {
    if (!to) return;
    *to = 0;
    for (int64_t i = 0; i < n; i++) *to += of_task[i];
}

// Before filters are collected again and again, `step` floats on each time: calls what follows soon into the cache. It lies too far apart for
// the processor to see it coming.
static inline void winograd_call_ahead(int64_t n, const float *filters, int64_t stride, int64_t step) {
    enum { AHEAD = 8 };
    for (int64_t i = 0; i < n; i++) __builtin_prefetch(filters + AHEAD * step + i * stride, 0, 2);
}

// Where points lie, `distance` bytes apart; those of each further list begin `apart` bytes after those of the one before.
typedef struct winograd_points {
    char *first;
    int64_t distance, lists, apart;
} winograd_points;

// Transforms channels [at, at + n) of a tile, `n` a multiple of WINOGRAD_LANES. Its elements, pixels or taps, begin at list[]. Filters, inputs and gradients
// are read from the list, outputs and gradients of filters are written there. `post`: NULL for all but outputs.
// Pairs: from two tiles or filters, the lists of both one after the other. So are more lists.
typedef void winograd_transform(int64_t n, void *const *list, int64_t at, const winograd_points *points, const winograd_post *post);

// Memory that is called into the cache while the machine multiplies as many rows as it takes at a time: an address for each step along
// the depth, `step` floats apart.
typedef struct winograd_ahead {
    const float *first;
    int64_t step;
} winograd_ahead;

// c = a · b, or c += a · b, sums in f32. `b` is a panel: for each of `depth` rows, `width` elements. Elements of a and b are f32 or pairs of bf16, 32 bits; a
// pair stands for two products. One of a_row and a_depth is 1; rows: a multiple of the machine's.
typedef struct winograd_product {
    int64_t rows, depth;
    const void *a;
    int64_t a_row, a_depth;
    const void *b, *next;                 // the panel that will be wanted next, or NULL
    winograd_ahead later[WINOGRAD_LATER]; // what will be wanted after that
    int64_t laters;
    float *c;
    int64_t c_row;
    bool add;
} winograd_product;

// The same of pairs where a row is a pixel, with results in bf16: y = rectify(a · b + bias + what y held). Rows of `a` lie together, and so
// may the next ones behind them.
typedef struct winograd_pixels {
    int64_t rows, pairs;
    const uint16_t *a, *b;
    winograd_post post; // its bias: that of the panel's first column
    uint16_t *y;
    int64_t y_row;
} winograd_pixels;

// What pictures and points are. Neighbours along the depth are pairs: channels of pictures, two filters; or tiles, where products sum over those.
typedef enum winograd_types {
    WINOGRAD_F32,          // f32, f32
    WINOGRAD_BF16,         // bf16, f32
    WINOGRAD_PAIRED,       // bf16, pairs of channels
    WINOGRAD_PAIRED_TILES, // bf16, pairs of tiles
    WINOGRAD_TYPES
} winograd_types;

typedef struct winograd_machine {
    int64_t rows, width; // of a product: rows at a time, columns of a panel
    void (*product)(const winograd_product *p);
    void (*paired)(const winograd_product *p);
    void (*pixels)(const winograd_pixels *p);
    winograd_collect *collect;
    winograd_spread *spread;
    winograd_transform *transform[WINOGRAD_TYPES][WINOGRAD_FORMS][WINOGRAD_SIDES];
} winograd_machine;

// The loops that this processor can run, the fastest first; NULL after the last.
const winograd_machine *winograd_machine_at(int i);

#endif
