#include "data/loader.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// A batch being made, ready, or lent to the caller. Batch k is made in slot k % slots.
typedef struct slot {
    batch b;
    bool ready;
    foil_status status;
    char error[1024];
} slot;

struct loader {
    loader_options o;
    int64_t *index;
    slot *slot;
    uint64_t slots; // one more than are prepared ahead: that is the caller's

    pthread_mutex_t lock;
    pthread_cond_t room, ready;
    uint64_t next_made, next_taken; // batches
    bool stop;

    pthread_t *thread;
    int threads;
    double waited;
};

// The order of one epoch, as each thread remembers it.
typedef struct order {
    uint64_t epoch;
    int64_t *place; // [n]; NULL = not shuffled
    bool known;
} order;

static uint64_t batches_per_epoch(const loader_options *o) {
    return ((uint64_t)o->n + (uint64_t)o->batch - 1) / (uint64_t)o->batch;
}

static philox_key key_of(const loader_options *o, philox_stream stream, uint64_t step) {
    return (philox_key){o->seed, (uint32_t)stream | o->stream << 16, step};
}

// Shuffled samples are one endless stream that goes from epoch to epoch within a batch; unshuffled epochs are whole batches.
static int64_t pick(const loader *l, order *known, uint64_t k, int j) {
    const loader_options *o = &l->o;
    uint64_t n = (uint64_t)o->n, at = k * (uint64_t)o->batch + (uint64_t)j;
    if (!o->shuffle) return l->index[(k % batches_per_epoch(o) * (uint64_t)o->batch + (uint64_t)j) % n];
    if (!known->known || known->epoch != at / n) {
        *known = (order){at / n, known->place, true};
        philox_permutation(key_of(o, STREAM_SHUFFLE, known->epoch), known->place, n);
    }
    return l->index[known->place[at % n]];
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

static foil_status make(const loader *l, order *known, uint64_t k, batch *b) {
    const loader_options *o = &l->o;
    size_t bytes = (size_t)o->height * (size_t)o->width * (size_t)o->channels;
    for (int j = 0; j < o->batch; j++) {
        int64_t i = pick(l, known, k, j);
        TRY(load(l, i, k * (uint64_t)o->batch + (uint64_t)j, b->pixels + (size_t)j * bytes)); // checks i
        b->index[j] = i;
        b->label[j] = set_label_at(o->set, i);
    }
    return FOIL_OK;
}

// Claims the next batch once its slot is free; false when it is time to go.
static bool claim(loader *l, uint64_t *k) {
    pthread_mutex_lock(&l->lock);
    while (!l->stop && l->next_made + 1 >= l->next_taken + l->slots) pthread_cond_wait(&l->room, &l->lock);
    bool go = !l->stop;
    if (go) *k = l->next_made++;
    pthread_mutex_unlock(&l->lock);
    return go;
}

static void *work(void *context) {
    loader *l = context;
    order known = {0, NULL, false};
    size_t n = (size_t)l->o.n;
    if (l->o.shuffle) known.place = malloc(n * sizeof *known.place);
    for (uint64_t k; claim(l, &k);) {
        slot *s = &l->slot[k % l->slots];
        foil_status status = l->o.shuffle && !known.place ? foil_fail_memory(n * sizeof *known.place, "a shuffle") : make(l, &known, k, &s->b);
        pthread_mutex_lock(&l->lock);
        s->status = status;
        if (status != FOIL_OK) snprintf(s->error, sizeof s->error, "%s", foil_error());
        s->ready = true;
        pthread_cond_broadcast(&l->ready);
        pthread_mutex_unlock(&l->lock);
    }
    free(known.place);
    return NULL;
}

void loader_close(loader *l) {
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->room);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->threads; i++) pthread_join(l->thread[i], NULL);
    pthread_cond_destroy(&l->room);
    pthread_cond_destroy(&l->ready);
    pthread_mutex_destroy(&l->lock);
    for (uint64_t i = 0; l->slot && i < l->slots; i++) {
        free(l->slot[i].b.pixels);
        free(l->slot[i].b.label);
        free(l->slot[i].b.index);
    }
    free(l->slot);
    free(l->index);
    free(l->thread);
    free(l);
}

static foil_status allocate(loader *l) {
    const loader_options *o = &l->o;
    size_t n = (size_t)o->batch, bytes = n * (size_t)o->height * (size_t)o->width * (size_t)o->channels;
    l->index = malloc((size_t)o->n * sizeof *l->index);
    l->slot = calloc(l->slots, sizeof *l->slot);
    l->thread = calloc((size_t)o->threads, sizeof *l->thread);
    if (!l->index || !l->slot || !l->thread) return foil_fail_memory((size_t)o->n * sizeof *l->index, "a loader");
    memcpy(l->index, o->index, (size_t)o->n * sizeof *l->index);
    l->o.index = NULL;
    for (uint64_t i = 0; i < l->slots; i++) {
        batch *b = &l->slot[i].b;
        *b = (batch){malloc(bytes), malloc(n * sizeof *b->label), malloc(n * sizeof *b->index), o->batch};
        if (!b->pixels || !b->label || !b->index) return foil_fail_memory(l->slots * bytes, "batches");
    }
    return FOIL_OK;
}

// Signals are for the program's own threads.
static foil_status start(loader *l) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = 0;
    while (error == 0 && l->threads < l->o.threads) {
        error = pthread_create(&l->thread[l->threads], NULL, work, l);
        if (error == 0) l->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error ? foil_fail_errno(error, "no thread for loading") : FOIL_OK;
}

foil_status loader_open(const loader_options *o, uint64_t first_batch, loader **out) {
    *out = NULL;
    if (o->n < 1) return foil_fail(FOIL_INVALID, "no pictures to load");
    if (o->batch < 1 || o->height < 1 || o->width < 1 || (o->channels != 1 && o->channels != 3))
        return foil_fail(FOIL_INVALID, "cannot load batches of %d x %d x %d x %d", o->batch, o->height, o->width, o->channels);
    loader *l = calloc(1, sizeof *l);
    if (!l) return foil_fail_memory(sizeof *l, "a loader");
    l->o = *o;
    if (l->o.threads == 0) l->o.threads = 1;
    l->slots = (uint64_t)(o->prefetch ? o->prefetch : 4) + 1;
    l->next_made = l->next_taken = first_batch;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->room, NULL);
    pthread_cond_init(&l->ready, NULL);
    foil_status s = allocate(l);
    if (s == FOIL_OK) s = start(l);
    if (s != FOIL_OK) {
        loader_close(l);
        return s;
    }
    *out = l;
    return FOIL_OK;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

foil_status loader_next(loader *l, const batch **out) {
    *out = NULL;
    pthread_mutex_lock(&l->lock);
    slot *s = &l->slot[l->next_taken++ % l->slots];
    pthread_cond_broadcast(&l->room); // the batch before is given back
    if (!s->ready) {
        double since = now();
        while (!s->ready) pthread_cond_wait(&l->ready, &l->lock);
        l->waited += now() - since;
    }
    s->ready = false;
    foil_status status = s->status;
    pthread_mutex_unlock(&l->lock);
    if (status != FOIL_OK) return foil_fail(status, "%s", s->error);
    *out = &s->b;
    return FOIL_OK;
}

double loader_waited(const loader *l) {
    return l->waited;
}
