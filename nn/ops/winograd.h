// Fast convolution: fewer multiplications by minimal filtering (Winograd 1980; Lavin and Gray 2015), for 3x3 filters at stride 1 and 4x4 ones at stride 2,
// all pads, sizes and numbers of channels, and the gradients of both. Pictures are f32 or bf16, everything in between is f32; but on bf16 pictures of
// whole vectors of channels products are of bf16, too (twice as fast on processors that have them): with m = 2, whose transforms only add and subtract,
// and with m = 4 where filters learn.
//
// A tile of m x m results takes (m + r - 1)² products of channel vectors instead of m² r². At stride 2 a picture is four pictures of half the size, and a
// filter of 4x4 taps four of r = 2. Products as a share of the definition's, and errors:
//
//              products       largest error, in units of the largest Σ |x| |w| of a result     typical error,
//              3x3    4x4     f32          bf16         bf16, toward filters                   beside results, bf16
//     m = 2    .44    .56     2.5e-7       4e-3         1e-2                                   .5 %
//     m = 4    .25    .39     6e-7         5e-3         1.5e-2                                 1.4 %
//     direct   1      1       2.5e-7       2e-3         4e-3                                   .3 %
//
// Errors are measured against f64 on uniform x and w of either sign (tests/nn/test_winograd.c holds all three kinds to these bounds).
// They are relative to a tile's neighbourhood, not to each result: where a picture is 0 next to large values, a fast result is not exactly 0.
#ifndef FOIL_NN_OPS_WINOGRAD_H
#define FOIL_NN_OPS_WINOGRAD_H

#include "nn/dnnl.h"

typedef struct winograd winograd;

// The m that is fastest: 2 or 4; 0 = there is no such form, or it does not pay.
int winograd_choose(const onednn_conv *c);

// `machine`: whose inner loops (winograd_inner.h), 0 = the best for this processor.
foil_status winograd_create(const onednn_conv *c, int m, int machine, winograd **out);
void winograd_free(winograd *w);
size_t winograd_scratch(const winograd *w);
const char *winograd_implementation(const winograd *w);

// What is made of filters that are c->constant, once: the bytes, 0 = nothing, and how. winograd_run takes that in their place.
size_t winograd_filter_bytes(const winograd *w);
void winograd_transform_filters(const winograd *w, const float *filters, void *to);
// Arguments as of onednn_run_biased, but filters and their gradients are always f32 in PyTorch's order, [O, C, R, S]; c->post is done. Results do not depend
// on the number of threads. `squares`: where the sum of the squares of filters' gradients is put, as plan_sum_squares says, or NULL; other kinds
// leave it alone.
void winograd_run(const winograd *w, const void *in0, const void *in1, const float *bias, void *out, double *squares, void *scratch);

#endif
