// How a fast convolution (winograd.h) is divided: into tiles, blocks of them, and matrices in the scratch memory.
#ifndef FOIL_NN_OPS_WINOGRAD_LAYOUT_H
#define FOIL_NN_OPS_WINOGRAD_LAYOUT_H

#include "nn/ops/winograd.h"
#include "nn/ops/winograd_inner.h"

// One matrix for each point: a row for each tile or for each input channel, whose columns lie together or in panels.
typedef struct matrices {
    int64_t point, row;   // how far apart they are, in elements
    int64_t width, panel; // columns of a panel, and how far apart panels are
    size_t size;          // of an element
} matrices;

struct winograd {
    onednn_conv conv;
    const winograd_machine *machine;
    winograd_form form;
    dtype type;                  // of pictures
    int types;                   // WINOGRAD_F32, WINOGRAD_BF16 or WINOGRAD_PAIRED
    int64_t m, r, a;             // of F(m, r); a = m + r - 1
    int64_t step, grid[2];       // of views (winograd.c); tiles of one view's picture along each axis
    int64_t tiles;               // of all pictures
    int64_t views_in, views_out; // step² of x, 1 of y
    int64_t depth, out;          // of the products: [tiles, depth] · [depth, out]; of conv_weights [depth, tiles] · [tiles, out]
    int64_t block, blocks;       // tiles of a block
    int threads;
    matrices input, filters, products; // of a block; of conv_weights `filters` is the transformed y, and `products` the gradient
    // Scratch memory, in bytes: the filters at 0, if they are not constant; then, for each thread if the convolution is not conv_weights, what follows.
    size_t input_at, products_at, outside_at, private_bytes, bytes;
    size_t filter_bytes; // transformed filters of one view
    float *zeros;        // a pixel outside
    char implementation[32];
};

int64_t divide_up(int64_t n, int64_t by);
int64_t round_up(int64_t n, int64_t to);
enum { WINOGRAD_TOGETHER = 1 << 30 }; // `width` of columns that lie together: a multiple of WINOGRAD_LANES

#endif
