// The inner loops of fast convolution (winograd.c), compiled for each kind of processor and chosen when the program runs.
#ifndef FOIL_NN_OPS_WINOGRAD_INNER_H
#define FOIL_NN_OPS_WINOGRAD_INNER_H

#include <stdbool.h>
#include <stdint.h>

enum { WINOGRAD_POINTS = 36, WINOGRAD_LANES = 16 }; // products of a tile at most; channels that transforms take at a time

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

// Transforms `n` channels, a multiple of WINOGRAD_LANES, of a tile whose elements begin at from[] and to[]. In `to`, groups of `width` channels lie `panel` apart.
// Elements are f32, those of pictures and of transformed inputs f32 or bf16 (winograd_machine). `post`: NULL on all sides but WINOGRAD_OUTPUT.
typedef void winograd_transform(int64_t n, const void *const *from, void *const *to, int64_t width, int64_t panel, const winograd_post *post);

// c = a · b, or c += a · b. `b` is a panel: for each of `depth` rows, `width` columns. One of a_row and a_depth is 1; rows: a multiple of the machine's.
typedef struct winograd_product {
    int64_t rows, depth;
    const float *a;
    int64_t a_row, a_depth;
    const float *b;
    const float *next; // the panel that will be wanted next, or NULL
    float *c;
    int64_t c_row;
    bool add;
} winograd_product;

// c = a · b of bf16 with sums in f32. Neighbours along the depth are pairs: a[row][depth / 2][2], and in a panel b[depth / 2][width][2].
typedef struct winograd_paired {
    int64_t rows, pairs;
    const uint16_t *a;
    int64_t a_row; // in elements, even
    const uint16_t *b;
    float *c;
    int64_t c_row;
} winograd_paired;

// The same where a row is a pixel, with results in bf16: y = rectify(a · b + bias + what y held). Rows of `a` lie together, and so may the next ones behind them.
typedef struct winograd_pixels {
    int64_t rows, pairs;
    const uint16_t *a, *b;
    winograd_post post; // its bias: that of the panel's first column
    uint16_t *y;
    int64_t y_row;
} winograd_pixels;

enum { WINOGRAD_F32, WINOGRAD_BF16, WINOGRAD_PAIRED, WINOGRAD_TYPES }; // pictures and points: f32, f32; bf16, f32; bf16, bf16

typedef struct winograd_machine {
    int64_t rows, width;  // of a product: rows at a time, columns of a panel
    bool multiplies_bf16; // by instructions of its own
    void (*product)(const winograd_product *p);
    void (*paired)(const winograd_paired *p);
    void (*pixels)(const winograd_pixels *p);
    void (*pair)(const float *even, const float *odd, uint16_t *to); // WINOGRAD_LANES of each, rounded: to[2 i] and to[2 i + 1]
    winograd_transform *transform[WINOGRAD_TYPES][WINOGRAD_FORMS][WINOGRAD_SIDES];
} winograd_machine;

// The loops that this processor can run, the fastest first; NULL after the last.
const winograd_machine *winograd_machine_at(int i);

#endif
