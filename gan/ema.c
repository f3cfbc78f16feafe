#include "gan/ema.h"

#include <assert.h>
#include <string.h>

void ema_update(store *average, const store *current, double decay, int64_t step, int64_t start) {
    assert(average->value_count == current->value_count && average->buffer_count == current->buffer_count);
    if (step < start) {
        store_copy(average, current);
        return;
    }
    float *restrict a = average->values;
    const float *restrict c = current->values;
    const float weight = (float)(1 - decay);
    const size_t n = average->value_count;
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < n; i++) a[i] += weight * (c[i] - a[i]);
    if (average->buffer_count) memcpy(average->buffers, current->buffers, average->buffer_count * sizeof(float));
}
