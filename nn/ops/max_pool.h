// Max pooling forward, for pool.c.
#ifndef FOIL_NN_OPS_MAX_POOL_H
#define FOIL_NN_OPS_MAX_POOL_H

#include "nn/op.h"

foil_status max_pool_prepare(kernel *k, struct plan *p);
void max_pool_run(const kernel *k);

#endif
