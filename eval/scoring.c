#include "eval/scoring.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ahead.h"
#include "base/thread.h"

// Batches are small: activations stay in the cache, and threads finish together. What a batch gains over single pictures is its weights, read once for all.
enum { BATCH = 8, FEW = SCORING_ROW }; // fewer pictures than FEW are spread over the threads one by one
enum { AHEAD = 8 };                    // batches of results that wait for one that takes long, for each thread

typedef struct result {
    foil_status status;
    char *why; // it could not be read
    float logit;
} result;

typedef struct worker {
    scorer *scorer;
    uint8_t *pixels; // [batch, H, W, C]
} worker;

typedef struct crew {
    foil_detector *detector;
    const scoring *job;
    int batch, threads;
    uint64_t slots;
    worker *worker;
    result *result; // [slots, batch]
} crew;

static foil_status open_worker(const crew *c, worker *w) {
    const foil_detector *d = c->detector;
    size_t bytes = (size_t)c->batch * (size_t)shape_count(net_input(detector_net(d)));
    thread_compute_alone();
    if (!w->pixels) w->pixels = malloc(bytes);
    if (!w->pixels) return foil_fail_memory(bytes, "a batch of pictures");
    return detector_scorer(d, c->batch, &w->scorer);
}

static foil_status read_one(const crew *c, int64_t i, uint8_t *pixels) {
    image picture = {0};
    TRY(c->job->read(c->job->from, i, &picture));
    foil_status status = detector_fit(c->detector, &picture, pixels);
    image_free(&picture);
    return status;
}

static foil_status note(result *r, foil_status status) {
    r->status = status;
    if (status == FOIL_OK) return FOIL_OK;
    r->why = strdup(foil_error());
    return r->why ? FOIL_OK : foil_fail_memory(strlen(foil_error()), "a message");
}

// A picture's place in its batch depends on its number alone; that of one that cannot be read stays empty.
static foil_status score_batch(void *context, int number, uint64_t slot, uint64_t k) {
    const crew *c = context;
    worker *w = &c->worker[number];
    if (!w->scorer) TRY(open_worker(c, w));
    int64_t first = (int64_t)k * c->batch, n = c->job->n - first < c->batch ? c->job->n - first : c->batch;
    size_t bytes = (size_t)shape_count(net_input(detector_net(c->detector)));
    result *r = &c->result[slot * (uint64_t)c->batch];
    float logit[BATCH];
    for (int64_t i = 0; i < n; i++) {
        uint8_t *pixels = w->pixels + (size_t)i * bytes;
        TRY(note(&r[i], read_one(c, first + i, pixels)));
        if (r[i].status != FOIL_OK) memset(pixels, 0, bytes);
    }
    TRY(scorer_run(w->scorer, w->pixels, (int)n, logit));
    for (int64_t i = 0; i < n; i++) r[i].logit = logit[i];
    return FOIL_OK;
}

static foil_status take_one(const crew *c, int64_t i, result *r) {
    if (r->why) {
        foil_status status = foil_fail(r->status, "%s", r->why);
        free(r->why);
        r->why = NULL;
        return c->job->take(c->job->to, i, status, NAN);
    }
    if (!isfinite(r->logit))
        return foil_fail(FOIL_INVALID, "the network's output for picture %" PRId64 " of %" PRId64 " is not a number", i + 1, c->job->n);
    return c->job->take(c->job->to, i, FOIL_OK, (double)r->logit);
}

static foil_status take_all(const crew *c, ahead *a) {
    for (int64_t i = 0; i < c->job->n;) {
        uint64_t slot;
        TRY(ahead_next(a, &slot));
        for (int at = 0; at < c->batch && i < c->job->n; at++, i++) TRY(take_one(c, i, &c->result[slot * (uint64_t)c->batch + (uint64_t)at]));
    }
    return FOIL_OK;
}

static foil_status run(crew *c, uint64_t batches) {
    ahead *a;
    c->worker = calloc((size_t)c->threads, sizeof *c->worker);
    c->result = calloc(c->slots * (uint64_t)c->batch, sizeof *c->result);
    if (!c->worker || !c->result) return foil_fail_memory(c->slots * (uint64_t)c->batch * sizeof *c->result, "scores");
    TRY(ahead_open(&(ahead_options){.make = score_batch, .context = c, .threads = c->threads, .slots = c->slots, .end = batches}, &a));
    foil_status status = take_all(c, a);
    ahead_close(a);
    return status;
}

foil_status score_pictures(foil_detector *d, const scoring *s) {
    crew c = {.detector = d, .job = s, .batch = s->n < FEW ? 1 : BATCH, .threads = threads_count()};
    uint64_t batches = (uint64_t)((s->n + c.batch - 1) / c.batch);
    if ((uint64_t)c.threads > batches) c.threads = (int)batches;
    if (c.threads == 0) return FOIL_OK; // no pictures
    c.slots = (uint64_t)c.threads * AHEAD + 1;
    foil_status status = run(&c, batches);
    for (int i = 0; c.worker && i < c.threads; i++) {
        scorer_free(c.worker[i].scorer);
        free(c.worker[i].pixels);
    }
    for (uint64_t i = 0; c.result && i < c.slots * (uint64_t)c.batch; i++) free(c.result[i].why);
    free(c.worker);
    free(c.result);
    return status;
}
