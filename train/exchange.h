// The gradients of all ranks, summed while they are still being computed.
//
// A backward pass finishes the last layers' gradients first. The slab of gradients is cut into buckets from its end, and each bucket's sum begins as soon as
// the plan's step that completes it is done; what is left over when the pass ends is to be waited for (ranks_sum_end).
#ifndef FOIL_TRAIN_EXCHANGE_H
#define FOIL_TRAIN_EXCHANGE_H

#include "nn/plan.h"

typedef struct exchange exchange;

// Of a phase of `p` that writes this rank's gradients of `parameters` into `slab`, laid out like the store's values: there will be the sum.
foil_status exchange_new(plan *p, int phase, const store *parameters, float *slab, exchange **out);
void exchange_free(exchange *e);
// plan_run, and sums begin.
void exchange_run(exchange *e, uint64_t seed, uint64_t step);

#endif
