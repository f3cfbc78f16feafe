#include "nn/store.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "base/arena.h"

store *store_new(void) {
    store *s = calloc(1, sizeof *s);
    if (s) s->names = calloc(1, sizeof *s->names);
    if (s && !s->names) {
        free(s);
        return NULL;
    }
    return s;
}

void store_free(store *s) {
    if (!s) return;
    arena_free(s->names);
    free(s->names);
    free(s->tensor);
    free(s->values);
    free(s->buffers);
    free(s);
}

int store_declare(store *s, const char *name, shape dims, init how, bool trainable) {
    assert(!s->values && !s->buffers && store_find(s, name) < 0);
    if ((s->n & (s->n - 1)) == 0) { // full at each power of two
        int capacity = s->n ? 2 * s->n : 1;
        store_tensor *larger = realloc(s->tensor, (size_t)capacity * sizeof *larger);
        if (!larger) return -1;
        s->tensor = larger;
    }
    const char *copy = arena_text(s->names, name);
    if (!copy) return -1;
    size_t *end = trainable ? &s->value_count : &s->buffer_count;
    s->tensor[s->n] = (store_tensor){.name = copy, .shape = dims, .init = how, .trainable = trainable, .offset = *end};
    *end += (size_t)shape_count(dims);
    return s->n++;
}

static foil_status allocate_slab(float **slab, size_t count) {
    *slab = aligned_zeros(count * sizeof **slab); // an empty slab is a slab too
    return *slab ? FOIL_OK : foil_fail_memory(count * sizeof **slab, "parameters");
}

foil_status store_allocate(store *s) {
    assert(!s->values && !s->buffers);
    TRY(allocate_slab(&s->values, s->value_count));
    return allocate_slab(&s->buffers, s->buffer_count);
}

void store_freeze(store *s) {
    s->frozen = true;
}

int store_find(const store *s, const char *name) {
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->tensor[i].name, name) == 0) return i;
    return -1;
}

float *store_data(const store *s, int index) {
    assert(index >= 0 && index < s->n && s->values && s->buffers);
    const store_tensor *t = &s->tensor[index];
    return (t->trainable ? s->values : s->buffers) + t->offset;
}

static bool are_finite(const float *at, int64_t n) {
    bool all = true;
    for (int64_t i = 0; i < n; i++) all &= isfinite(at[i]) != 0;
    return all;
}

const char *store_not_finite(const store *s) {
    for (int i = 0; i < s->n; i++)
        if (!are_finite(store_data(s, i), shape_count(s->tensor[i].shape))) return s->tensor[i].name;
    return NULL;
}

void store_copy(store *dst, const store *src) {
    assert(!dst->frozen && dst->n == src->n && dst->value_count == src->value_count && dst->buffer_count == src->buffer_count);
    memcpy(dst->values, src->values, src->value_count * sizeof(float));
    memcpy(dst->buffers, src->buffers, src->buffer_count * sizeof(float));
}

store *store_clone(const store *s) {
    store *copy = store_new();
    if (!copy) return NULL;
    for (int i = 0; i < s->n; i++) {
        const store_tensor *t = &s->tensor[i];
        if (store_declare(copy, t->name, t->shape, t->init, t->trainable) < 0) goto fail;
    }
    if (s->values && store_allocate(copy) != FOIL_OK) goto fail;
    if (s->values) store_copy(copy, s);
    return copy;
fail:
    store_free(copy);
    return NULL;
}
