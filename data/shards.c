#include "data/shards.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// A place for one shard. It is taken while the shard is being opened, when `shard` is still NULL, and while it is lent.
typedef struct place {
    int number; // -1 = free
    shard *shard;
    int lent;
    uint64_t used; // when: counts up
} place;

struct shards {
    const set_index *index;
    place place[SET_OPEN];
    bool *verified; // by shard: its fingerprint was right
    uint64_t now;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

foil_status shards_new(const set_index *x, shards **out) {
    *out = NULL;
    shards *s = calloc(1, sizeof *s);
    if (s) s->verified = calloc((size_t)x->shards, sizeof *s->verified);
    if (!s || !s->verified) {
        free(s);
        return foil_fail_memory(sizeof *s + (size_t)x->shards, "the shards of a set");
    }
    s->index = x;
    for (int i = 0; i < SET_OPEN; i++) s->place[i].number = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    *out = s;
    return FOIL_OK;
}

void shards_free(shards *s) {
    if (!s) return;
    for (int i = 0; i < SET_OPEN; i++) shard_close(s->place[i].shard);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s->verified);
    free(s);
}

// The shard's own place, else the one to give it, else NULL: all are lent.
static place *find(shards *s, int number) {
    place *best = NULL;
    for (int i = 0; i < SET_OPEN; i++) {
        place *p = &s->place[i];
        if (p->number == number) return p;
        if (p->lent == 0 && (!best || p->used < best->used)) best = p;
    }
    return best;
}

static foil_status verify(const shards *s, int number, const shard *opened) {
    char is[65];
    const char *expected = s->index->shard[number].fingerprint;
    TRY(index_check(s->index, number, opened));
    if (s->verified[number]) return FOIL_OK;
    TRY(shard_fingerprint(opened, is));
    if (!strcmp(is, expected)) return FOIL_OK;
    return foil_fail(FOIL_INVALID,
                     "%s: fingerprint %.12s…, expected %.12s… by %s: it is a shard of another set, or was changed after the index was written",
                     opened->path, is, expected, s->index->path);
}

static foil_status open_verified(const shards *s, int number, shard **out) {
    shard *opened;
    TRY(shard_open(s->index->shard[number].file, &opened));
    foil_status status = verify(s, number, opened);
    if (status == FOIL_OK)
        *out = opened;
    else
        shard_close(opened);
    return status;
}

// Fills a place that was found free. The lock is given up while files are closed and opened.
static foil_status fill(shards *s, place *p, int number) {
    shard *before = p->shard, *opened = NULL;
    *p = (place){.number = number, .lent = 1};
    pthread_mutex_unlock(&s->lock);
    shard_close(before);
    foil_status status = open_verified(s, number, &opened);
    pthread_mutex_lock(&s->lock);
    p->shard = opened;
    p->lent = 0;
    if (status == FOIL_OK)
        s->verified[number] = true;
    else
        p->number = -1;
    pthread_cond_broadcast(&s->changed);
    return status;
}

foil_status shards_borrow(shards *s, int number, const shard **out) {
    foil_status status = FOIL_OK;
    *out = NULL;
    pthread_mutex_lock(&s->lock);
    while (status == FOIL_OK && !*out) {
        place *p = find(s, number);
        if (!p || (p->number == number && !p->shard)) { // all are lent, or another thread is opening it
            pthread_cond_wait(&s->changed, &s->lock);
        } else if (p->number != number) {
            status = fill(s, p, number);
        } else {
            p->lent++;
            p->used = ++s->now;
            *out = p->shard;
        }
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

void shards_return(shards *s, int number) {
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < SET_OPEN; i++) {
        place *p = &s->place[i];
        if (p->number != number) continue;
        if (--p->lent == 0) pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
}
