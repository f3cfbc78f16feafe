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

// All weights 0 and no taps counted.
foil_status taps_make(taps *t, int64_t out, int64_t in, int64_t width);

// The table of a map of n's kind from `in` to `out` pixels along rows (axis 0) or columns, made by taps_make.
typedef foil_status taps_of_axis(const node *n, int axis, int64_t in, int64_t out, taps *t);

// For op tables: make the state, run it, free it. Pictures are [N,H,W,C]; `adjoint`: of the map back, from the result to the operand.
foil_status separable_prepare(kernel *k, bool adjoint, taps_of_axis *table);
void separable_run(const kernel *k);
void separable_release(kernel *k);

#endif
