// Inference by micro-batches. Where no sample looks at another, a batch whose activations leave the caches takes longer by the sample than a smaller one, and
// memory for nothing (docs/performance.md).
#ifndef FOIL_NN_MICRO_BATCH_H
#define FOIL_NN_MICRO_BATCH_H

#include "nn/plan.h"

typedef struct micro_batch {
    graph *graph;
    plan *plan;  // of one phase
    int samples; // at once
} micro_batch;

// Emits into `g` what is computed of `samples` samples, and says what is wanted of it; that must last until micro_batch_compile returns. Called with fewer and fewer
// of them: the last call's nodes are those of micro_batch.graph.
typedef plan_phase micro_batch_build(void *context, graph *g, int samples);

// For a batch of so many samples: all of them at once, or half, or a quarter …; but all if it is to stay `whole` (net_compares_batch). The errors of
// plan_compile; nothing is to be freed then.
foil_status micro_batch_compile(micro_batch_build *build, void *context, dtype compute, int batch, bool whole, workspace *w, micro_batch *out);
void micro_batch_free(micro_batch *m); // zeros are fine

#endif
