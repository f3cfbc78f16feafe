// Inference by micro-batches. Where no sample looks at another, a batch whose activations leave the caches takes longer by the sample than a smaller one, and
// memory for nothing (docs/performance.md).
#ifndef FOIL_NN_MICRO_BATCH_H
#define FOIL_NN_MICRO_BATCH_H

#include "nn/plan.h"

enum { MICRO_BATCH_OUTPUTS = 15 };
typedef struct micro_batch {
    graph *graph;
    plan *plan;  // of one phase
    int samples; // at once
    node *input; // [samples,…]
    plan_output output[MICRO_BATCH_OUTPUTS];
    int outputs;
} micro_batch;

// Emits into m->graph what is computed of m->samples samples, and sets input, output and outputs. Called anew for fewer and fewer of them.
typedef void micro_batch_build(const void *context, micro_batch *m);

// For a batch of so many samples: all of them at once, or half, or a quarter …; but all if it is to stay `whole` (net_compares_batch). The errors of
// plan_compile; nothing is to be freed then.
foil_status micro_batch_compile(micro_batch_build *build, const void *context, dtype compute, int batch, bool whole, workspace *w, micro_batch *out);
void micro_batch_free(micro_batch *m); // zeros are fine

#endif
