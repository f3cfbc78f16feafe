#include "gan/ema.h"

#include <assert.h>
#include <string.h>

#include "base/vectorised.h"

VECTORISED static void move(size_t n, float *restrict average, const float *restrict current, float weight) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) average[i] += weight * (current[i] - average[i]);
}

void ema_update(store *average, const store *current, double decay, int64_t step, int64_t start) {
    assert(average->value_count == current->value_count && average->buffer_count == current->buffer_count);
    if (step < start) {
        store_copy(average, current);
        return;
    }
    enum { PIECE = 1 << 12 };
    const size_t n = average->value_count;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i += PIECE) move(n - i < PIECE ? n - i : PIECE, average->values + i, current->values + i, (float)(1 - decay));
    if (average->buffer_count) memcpy(average->buffers, current->buffers, average->buffer_count * sizeof(float));
}
