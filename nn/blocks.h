// What loops do with a block: conversions, fills, sums. Vectorised for the processor at hand.
#ifndef FOIL_NN_BLOCKS_H
#define FOIL_NN_BLOCKS_H

#include "nn/tensor.h"

void blocks_load(int n, float *to, const void *from, dtype type);
void blocks_store(int n, void *to, const float *from, dtype type);                     // F32 or BF16
void blocks_pair(int n, uint32_t *to, const uint16_t *even, const uint16_t *odd);      // even[i], odd[i] side by side in memory
void blocks_pair_rounded(int n, uint32_t *to, const float *even, const float *odd);    // of numbers in f32
void blocks_gather_bf16(int n, uint16_t *to, const float *from, const int32_t *index); // to[i] = from[index[i]]
void blocks_fill(int n, float *to, float value);

double blocks_sum(int n, const float *x);
double blocks_max(int n, const float *x);
void blocks_add_rows(int rows, int n, double *to, const float *x); // to[i] += each row's x[i]
void blocks_max_rows(int rows, int n, double *to, const float *x);

#endif
