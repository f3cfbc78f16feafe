#include "data/loader.h"

#include <stdlib.h>
#include <string.h>

#include "base/ahead.h"
#include "data/shuffle.h"

struct loader {
    loader_options o;
    batch *slot;    // being made, ready, or lent to the caller
    uint64_t slots; // one more than are prepared ahead: that is the caller's
    shuffle *order; // of each thread
    uint64_t first; // batch
    ahead *ahead;
};

static uint64_t batches_per_epoch(const loader_options *o) {
    return ((uint64_t)o->from->n + (uint64_t)o->batch - 1) / (uint64_t)o->batch;
}

static philox_key key_of(const loader_options *o, philox_stream stream, uint64_t step) {
    return (philox_key){o->seed, (uint32_t)stream | o->stream << 16, step};
}

// Shuffled samples are one endless stream that goes from epoch to epoch within a batch; unshuffled epochs are whole batches.
static int64_t pick(const loader *l, shuffle *order, uint64_t k, int j) {
    const loader_options *o = &l->o;
    uint64_t size = (uint64_t)o->batch;
    if (o->shuffle) return shuffle_at(order, k * size + (uint64_t)j);
    return selection_at(o->from, (int64_t)((k % batches_per_epoch(o) * size + (uint64_t)j) % (uint64_t)o->from->n));
}

static foil_status load(const loader *l, int64_t i, uint64_t sample, uint8_t *to) {
    const loader_options *o = &l->o;
    image im, fitted;
    TRY(set_read(o->set, i, &im));
    foil_status s = FOIL_OK;
    if (im.height != o->height || im.width != o->width || im.channels != o->channels) {
        s = image_fitted(&im, o->height, o->width, o->channels, o->fit, set_filter(o->set), &fitted);
        image_free(&im);
        im = fitted;
    }
    if (s == FOIL_OK && o->transform) s = transform_apply(o->transform, &im, key_of(o, STREAM_AUGMENT, sample));
    if (s == FOIL_OK) memcpy(to, im.pixels, image_bytes(&im));
    image_free(&im);
    return s;
}

static foil_status make(const loader *l, shuffle *order, uint64_t k, batch *b) {
    const loader_options *o = &l->o;
    size_t bytes = (size_t)o->height * (size_t)o->width * (size_t)o->channels;
    for (int j = 0; j < o->batch; j++) {
        int64_t i = pick(l, order, k, j);
        TRY(load(l, i, k * (uint64_t)o->batch + (uint64_t)j, b->pixels + (size_t)j * bytes)); // checks i
        b->index[j] = i;
        b->label[j] = set_label_at(o->set, i);
    }
    return FOIL_OK;
}

// The k-th batch that this loader gives. Every thread remembers its own order.
static foil_status work(void *context, int worker, uint64_t slot, uint64_t k) {
    loader *l = context;
    return make(l, &l->order[worker], l->first + k * (uint64_t)l->o.every, &l->slot[slot]);
}

void loader_close(loader *l) {
    if (!l) return;
    ahead_close(l->ahead);
    for (uint64_t i = 0; l->slot && i < l->slots; i++) {
        free(l->slot[i].pixels);
        free(l->slot[i].label);
        free(l->slot[i].index);
    }
    for (int i = 0; l->order && i < l->o.threads; i++) shuffle_close(&l->order[i]);
    free(l->order);
    free(l->slot);
    free(l);
}

static foil_status allocate(loader *l) {
    const loader_options *o = &l->o;
    size_t n = (size_t)o->batch, bytes = n * (size_t)o->height * (size_t)o->width * (size_t)o->channels;
    l->slot = calloc(l->slots, sizeof *l->slot);
    l->order = calloc((size_t)o->threads, sizeof *l->order);
    if (!l->slot || !l->order) return foil_fail_memory(l->slots * sizeof *l->slot, "a loader");
    for (int i = 0; o->shuffle && i < o->threads; i++) TRY(shuffle_open(o->from, o->seed, o->stream, &l->order[i]));
    for (uint64_t i = 0; i < l->slots; i++) {
        batch *b = &l->slot[i];
        *b = (batch){malloc(bytes), malloc(n * sizeof *b->label), malloc(n * sizeof *b->index), o->batch};
        if (!b->pixels || !b->label || !b->index) return foil_fail_memory(l->slots * bytes, "batches");
    }
    return FOIL_OK;
}

foil_status loader_open(const loader_options *o, uint64_t first_batch, loader **out) {
    *out = NULL;
    if (o->from->n < 1) return foil_fail(FOIL_INVALID, "no pictures to load");
    if (o->batch < 1 || o->height < 1 || o->width < 1 || (o->channels != 1 && o->channels != 3))
        return foil_fail(FOIL_INVALID, "cannot load batches of %d x %d x %d x %d", o->batch, o->height, o->width, o->channels);
    loader *l = calloc(1, sizeof *l);
    if (!l) return foil_fail_memory(sizeof *l, "a loader");
    l->o = *o;
    if (l->o.threads == 0) l->o.threads = 1;
    if (l->o.every == 0) l->o.every = 1;
    l->first = first_batch;
    l->slots = (uint64_t)(o->prefetch ? o->prefetch : 4) + 1;
    ahead_options a = {.make = work, .context = l, .threads = l->o.threads, .slots = l->slots, .end = UINT64_MAX};
    foil_status s = allocate(l);
    if (s == FOIL_OK) s = ahead_open(&a, &l->ahead);
    if (s == FOIL_OK)
        *out = l;
    else
        loader_close(l);
    return s;
}

foil_status loader_next(loader *l, const batch **out) {
    uint64_t slot;
    *out = NULL;
    TRY(ahead_next(l->ahead, &slot));
    *out = &l->slot[slot];
    return FOIL_OK;
}

double loader_waited(const loader *l) {
    return ahead_waited(l->ahead);
}
