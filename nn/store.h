// Named f32 tensors in one slab: what a network has learnt.
//
// Optimizers, checkpoints, exports and averages work on stores and never see a graph. Two slabs: `values` of the trainable parameters (an optimizer
// walks it in one pass), and `buffers` for state that no gradient reaches (running statistics, vectors of the spectral norm).
#ifndef FOIL_NN_STORE_H
#define FOIL_NN_STORE_H

#include "base/status.h"
#include "nn/tensor.h"

typedef enum init_kind {
    INIT_ZEROS,
    INIT_ONES,
    INIT_CONSTANT,        // a
    INIT_NORMAL,          // mean 0, deviation a
    INIT_NORMAL_ONE,      // mean 1, deviation a: DCGAN's batch-norm scale
    INIT_UNIFORM,         // in [-a, a]
    INIT_XAVIER_UNIFORM,  // gain a: bound a·sqrt(6 / (fan_in + fan_out)) (Glorot, Bengio 2010)
    INIT_KAIMING_NORMAL,  // deviation sqrt(2 / fan_out) (He et al. 2015)
    INIT_KAIMING_UNIFORM, // PyTorch's default of conv and linear: bound 1 / sqrt(fan_in)
    INIT_ORTHOGONAL,      // gain a (Saxe et al. 2014)
    INIT_UNIT_VECTOR,     // normal, divided by its norm: u and v of the spectral norm
} init_kind;

typedef struct init {
    init_kind kind;
    float a;
    int64_t fan_in, fan_out; // for the kinds that use them
} init;

typedef struct store_tensor {
    const char *name; // PyTorch's: "layers.3.weight"
    shape shape;
    init init;
    bool trainable; // in `values`, else in `buffers`
    size_t offset;  // in elements
} store_tensor;

typedef struct store {
    int n;
    store_tensor *tensor; // in order of declaration
    size_t value_count, buffer_count;
    float *values, *buffers; // 64-byte aligned; NULL until store_allocate
    bool frozen;
    struct arena *names;
} store;

store *store_new(void); // NULL when out of memory
void store_free(store *s);

// Declares a tensor and gives its index, or -1 when out of memory. Not after store_allocate. The name must be new (assert).
int store_declare(store *s, const char *name, shape shape, init init, bool trainable);
// Makes the slabs, zeroed.
foil_status store_allocate(store *s);
// Fills every tensor from its `init`, keyed by (seed, index of the tensor).
void store_initialize(store *s, uint64_t seed);

// Promises that its values will not change any more. Plans that are compiled from then on compute what depends on them alone once (plan.h).
void store_freeze(store *s);

int store_find(const store *s, const char *name); // index or -1
float *store_data(const store *s, int index);
// The name of the first tensor that holds something else than finite numbers; NULL: none does.
const char *store_not_finite(const store *s);
// dst = src; both from the same network (assert).
void store_copy(store *dst, const store *src);
// A second store with the same tensors and values; NULL when out of memory.
store *store_clone(const store *s);

#endif
