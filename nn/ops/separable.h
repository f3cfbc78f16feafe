// Linear maps of pictures that work along rows and along columns alike: average pooling, resampling, and their adjoints. Each is two tables of taps.
#ifndef FOIL_NN_OPS_SEPARABLE_H
#define FOIL_NN_OPS_SEPARABLE_H

#include "nn/op.h"

// Along one axis: out[i] = sum over j < count[i] of weight[i * width + j] · in[first[i] + j].
typedef struct taps {
    int64_t out, in, width;
    int64_t *first, *count;
    float *weight;
} taps;

// All weights 0 and no taps counted; `t` owns its memory.
foil_status taps_make(taps *t, int64_t out, int64_t in, int64_t width);
void taps_free(taps *t);
// The adjoint's table.
foil_status taps_transpose(const taps *t, taps *out);

// For op tables: make the state from rows and columns (which it takes, also when it fails), run it, free it. Pictures are [N,H,W,C].
foil_status separable_prepare(kernel *k, taps *rows, taps *cols);
void separable_run(const kernel *k);
void separable_release(kernel *k);

#endif
