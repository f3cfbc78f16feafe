// The same graph in plain C and f64: slow, obvious, independent of the planner, oneDNN and OpenBLAS. For tests and for folding constants.
#ifndef FOIL_NN_REFERENCE_H
#define FOIL_NN_REFERENCE_H

#include "nn/graph.h"

// Values of leaves that differ from their default (inputs have none; parameters default to their store's).
typedef struct reference_leaf {
    const node *node;
    const double *value; // shape_count(node->shape) elements
} reference_leaf;

// Computes `wanted[i]` into out[i], which the caller provides with shape_count elements. Types are ignored: all is f64. Random nodes draw as plan_run(seed,
// step). Assign nodes give their value and change nothing. Fails when memory is short or an input has no value.
foil_status reference_run(const graph *g, const reference_leaf *leaves, int n_leaves, uint64_t seed, uint64_t step, node *const *wanted, int n,
                          double *const *out);

#endif
