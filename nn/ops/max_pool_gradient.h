// How the partials of max pooling (pool.c) run; for op tables. Pictures are [N,H,W,C]. Of equal elements the first is the largest; NaN is larger than all.
#ifndef FOIL_NN_OPS_MAX_POOL_GRADIENT_H
#define FOIL_NN_OPS_MAX_POOL_GRADIENT_H

#include "nn/op.h"

foil_status max_pool_gradient_prepare(kernel *k, struct plan *p);
void max_pool_data_run(const kernel *k);   // x, gradient -> the gradient where each window's largest element lies, zeros elsewhere
void max_pool_gather_run(const kernel *k); // x, values -> the values where those lie

#endif
