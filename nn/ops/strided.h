// Copies between two walks over memory: what permute, slice, place and concat have in common.
#ifndef FOIL_NN_OPS_STRIDED_H
#define FOIL_NN_OPS_STRIDED_H

#include "nn/tensor.h"

typedef struct walk {
    int64_t start;            // in elements
    int64_t stride[MAX_DIMS]; // one per axis of the box
} walk;

// The strides of a dense tensor.
walk walk_dense(shape s);

// For every index i of `box`: to[at_to(i)] = from[at_from(i)], elements of `size` bytes (1, 2, 4 or 8), by all threads. No element is written twice.
void strided_copy(shape box, size_t size, const void *from, walk at_from, void *to, walk at_to);

#endif
