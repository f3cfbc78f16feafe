#include "base/ahead.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"

typedef struct slot {
    bool ready;
    foil_status status;
    char error[1024];
} slot;

typedef struct worker {
    ahead *of;
    pthread_t thread;
} worker;

struct ahead {
    ahead_options o;
    slot *slot;
    worker *worker;
    int threads; // that run
    pthread_mutex_t lock;
    pthread_cond_t room, ready;
    uint64_t next_made, next_taken; // pieces
    bool stop;
    double waited;
};

// Claims the next piece once its slot is free; false when there is nothing more to do.
static bool claim(ahead *a, uint64_t *k) {
    pthread_mutex_lock(&a->lock);
    while (!a->stop && a->next_made < a->o.end && a->next_made + 1 >= a->next_taken + a->o.slots) pthread_cond_wait(&a->room, &a->lock);
    bool go = !a->stop && a->next_made < a->o.end;
    if (go) *k = a->next_made++;
    pthread_mutex_unlock(&a->lock);
    return go;
}

static void deliver(ahead *a, uint64_t k, foil_status status) {
    slot *s = &a->slot[k % a->o.slots];
    pthread_mutex_lock(&a->lock);
    s->status = status;
    if (status != FOIL_OK) snprintf(s->error, sizeof s->error, "%s", foil_error());
    s->ready = true;
    pthread_cond_signal(&a->ready);
    pthread_mutex_unlock(&a->lock);
}

static void *work(void *context) {
    worker *w = context;
    ahead *a = w->of;
    thread_flush_denormals();
    for (uint64_t k; claim(a, &k);) deliver(a, k, a->o.make(a->o.context, (int)(w - a->worker), k % a->o.slots, k));
    return NULL;
}

// Signals are for the program's own threads.
static foil_status start(ahead *a) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = 0;
    for (; error == 0 && a->threads < a->o.threads; a->threads += error == 0) {
        worker *w = &a->worker[a->threads];
        w->of = a;
        error = pthread_create(&w->thread, NULL, work, w);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error ? foil_fail_errno(error, "no thread to work ahead") : FOIL_OK;
}

foil_status ahead_open(const ahead_options *o, ahead **out) {
    assert(o->threads >= 1 && o->slots >= 2);
    *out = NULL;
    ahead *a = calloc(1, sizeof *a);
    if (!a) return foil_fail_memory(sizeof *a, "work ahead");
    a->o = *o;
    a->next_made = a->next_taken = o->first;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->room, NULL);
    pthread_cond_init(&a->ready, NULL);
    a->slot = calloc(o->slots, sizeof *a->slot);
    a->worker = calloc((size_t)o->threads, sizeof *a->worker);
    foil_status status = a->slot && a->worker ? start(a) : foil_fail_memory(o->slots * sizeof *a->slot, "work ahead");
    if (status == FOIL_OK)
        *out = a;
    else
        ahead_close(a);
    return status;
}

void ahead_close(ahead *a) {
    if (!a) return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_broadcast(&a->room);
    pthread_mutex_unlock(&a->lock);
    for (int i = 0; i < a->threads; i++) pthread_join(a->worker[i].thread, NULL);
    pthread_cond_destroy(&a->room);
    pthread_cond_destroy(&a->ready);
    pthread_mutex_destroy(&a->lock);
    free(a->slot);
    free(a->worker);
    free(a);
}

static void wait_for(ahead *a, const slot *s) {
    double since = clock_now();
    while (!s->ready) pthread_cond_wait(&a->ready, &a->lock);
    a->waited += clock_now() - since;
}

foil_status ahead_next(ahead *a, uint64_t *at) {
    assert(a->next_taken < a->o.end);
    pthread_mutex_lock(&a->lock);
    *at = a->next_taken++ % a->o.slots;
    pthread_cond_broadcast(&a->room); // the piece before is given back
    slot *s = &a->slot[*at];
    if (!s->ready) wait_for(a, s);
    s->ready = false;
    foil_status status = s->status;
    pthread_mutex_unlock(&a->lock);
    return status == FOIL_OK ? FOIL_OK : foil_fail(status, "%s", s->error);
}

double ahead_waited(const ahead *a) {
    return a->waited;
}
