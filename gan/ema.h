// A running average of a store: what is shown and shipped instead of the last step's generator.
#ifndef FOIL_GAN_EMA_H
#define FOIL_GAN_EMA_H

#include "nn/store.h"

// average = decay · average + (1 - decay) · current over values; buffers are copied. Before `start` steps the average is a copy.
void ema_update(store *average, const store *current, double decay, int64_t step, int64_t start);

#endif
