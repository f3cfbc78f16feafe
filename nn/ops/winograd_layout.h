// How a fast convolution (winograd.h) is divided: into tiles, blocks of them, and the matrices of their products in the scratch memory.
//
// At each of the points is a product c = a · b, [rows, depth] · [depth, out]: rows are tiles and the depth input channels, of conv_weights the other way
// around. `out` is divided into panels, input channels into parts, and tiles into groups, so that what a thread multiplies at a time stays in its cache:
//
//     a     of a block                      [parts, points, tiles, deep]
//     b     of a panel                      [parts, points, deep, width], of conv_weights [points, tiles, width]
//     c     of a group and some panels      [points, group, columns], of conv_weights of a part and a panel [points, deep, width]
//     squares of conv_weights               [parts, panels]: sums of those of its result
//
// All taps of a filter are wanted at the same time. So a part has its channels of the first view of the input, then those of the next one, together `deep`; and
// where the result has views, there is an a, a b and a c of each of those that are together.
//
// Elements have 32 bits: f32, or a pair of bf16, which are neighbours along the depth.
#ifndef FOIL_NN_OPS_WINOGRAD_LAYOUT_H
#define FOIL_NN_OPS_WINOGRAD_LAYOUT_H

#include "nn/ops/winograd.h"
#include "nn/ops/winograd_inner.h"

enum { WINOGRAD_ELEMENT = 4, WINOGRAD_VIEWS = 4 }; // bytes; of a picture at most

struct winograd {
    onednn_conv conv;
    const winograd_machine *machine;
    winograd_form form;
    winograd_types types;
    int64_t m, r, a;                           // of F(m, r); a = m + r - 1
    int64_t step, grid[2];                     // of views (winograd.c); tiles of one view's picture along each axis
    int64_t tiles;                             // of all pictures
    int64_t views_in, views_out;               // step² of x, 1 of y
    int64_t views_together;                    // of the result, that are made at the same time
    int64_t taps[WINOGRAD_VIEWS][9];           // of each view: which r² of a filter's taps
    int64_t of_channel, of_column;             // filters: how far those of input and of output channels are apart, in floats
    int64_t points;                            // a²
    int64_t channels, out;                     // input and output channels
    bool paired;                               // products are of bf16: two neighbours along the depth are one element
    int64_t channels_together, tiles_together; // that an element has
    int64_t block, blocks;                     // tiles that are transformed at a time
    int64_t part, parts, deep;                 // input channels; elements of all views
    int64_t group, groups;                     // tiles that are rows of `c`; groups of a block
    int64_t panels, width, columns;            // of `out`; columns of `c`
    bool shares;                               // threads work on one block, each on other panels and groups; or each on a block of its own
    bool prepared;                             // filters are given transformed
    int threads;
    int64_t a_tile, a_point, b_point, c_row, c_point; // how far tiles, rows and points are apart, in elements
    size_t a_bytes, b_bytes, c_bytes;                 // of a part, of a part of a panel, of a group; of one view of the result
    // Scratch memory, in bytes: what threads share from 0 on, then for each thread what it has alone, at private_at + thread * private_bytes.
    size_t a_at, b_at, c_at, squares_at, outside_at, private_at, private_bytes, bytes;
    float *zeros; // a pixel outside
    char implementation[32];
};

#endif
