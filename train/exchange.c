#include "train/exchange.h"

#include <stdlib.h>

#include "base/ranks.h"

// In floats: a network of 25 Gb/s needs the third of a millisecond for 1 MB, much more than to begin a sum, and much less than a layer's backward pass takes.
enum { BUCKET = 1 << 18 };

typedef struct bucket {
    size_t first, n; // of the slab
    int complete;    // the plan's step after which it is
} bucket;

struct exchange {
    plan *plan;
    int phase;
    float *slab;
    int buckets, begun;
    bucket bucket[]; // in the order in which all ranks begin their sums
};

static int cut(exchange *e, const store *parameters) {
    int n = 0;
    size_t end = parameters->value_count;
    bucket b = {.complete = -1};
    for (int i = parameters->n - 1; i >= 0; i--) {
        const store_tensor *t = &parameters->tensor[i];
        if (!t->trainable) continue;
        int complete = plan_writer(e->plan, e->slab + t->offset);
        if (complete > b.complete) b.complete = complete;
        b.first = t->offset;
        b.n = end - t->offset;
        if (b.n < BUCKET && t->offset > 0) continue;
        e->bucket[n++] = b;
        end = t->offset;
        b = (bucket){.complete = -1};
    }
    return n;
}

foil_status exchange_new(plan *p, int phase, const store *parameters, float *slab, exchange **out) {
    size_t bytes = sizeof(exchange) + (size_t)parameters->n * sizeof(bucket); // at most one per tensor
    *out = calloc(1, bytes);
    if (!*out) return foil_fail_memory(bytes, "an exchange of gradients");
    **out = (exchange){.plan = p, .phase = phase, .slab = slab};
    (*out)->buckets = cut(*out, parameters);
    return FOIL_OK;
}

void exchange_free(exchange *e) {
    free(e);
}

static void begin_complete(void *context, int step) {
    exchange *e = context;
    for (; e->begun < e->buckets && e->bucket[e->begun].complete <= step; e->begun++) {
        const bucket *b = &e->bucket[e->begun];
        ranks_sum_begin(e->slab + b->first, b->n);
    }
}

void exchange_run(exchange *e, uint64_t seed, uint64_t step) {
    e->begun = 0;
    plan_observe(e->plan, begin_complete, e);
    plan_run(e->plan, e->phase, seed, step);
    plan_observe(e->plan, NULL, NULL);
}
