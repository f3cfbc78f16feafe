// Inference by pieces of a batch. Where no sample looks at another, a batch whose activations leave the caches takes longer by the sample than a smaller one, and
// memory for nothing (docs/performance.md).
#ifndef FOIL_NN_PIECE_H
#define FOIL_NN_PIECE_H

#include "nn/plan.h"

typedef struct piece {
    graph *graph;
    plan *plan;  // of one phase
    int samples; // at a time
} piece;

// Emits into `g` what is computed of `samples` samples, and says what is wanted of it; that must last until piece_compile returns. Called with fewer and fewer
// of them: the last call's nodes are those of piece.graph.
typedef plan_phase piece_build(void *context, graph *g, int samples);

// For a batch of so many samples: all of them at a time, or half, or a quarter …; but all if it is to stay `whole` (net_compares_batch). The errors of
// plan_compile; nothing is to be freed then.
foil_status piece_compile(piece_build *build, void *context, dtype compute, int batch, bool whole, workspace *w, piece *out);
void piece_free(piece *p); // a piece of zeros is fine

#endif
