#include "eval/scoring.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ahead.h"
#include "base/thread.h"

// Batches are small: activations stay in the cache, and threads finish together. What a batch gains over single pictures is its weights, read once for all.
enum { BATCH = 8, FEW = SCORING_ROW }; // fewer pictures than FEW are spread over the threads one by one
enum { AHEAD = 8 };                    // portions of results that wait for one that takes long, for each thread

typedef struct runner { // a detector in one thread
    scorer *scorer;
    uint8_t *pixels; // [batch, H, W, C]
    size_t bytes;    // of one picture
} runner;

typedef struct worker {
    runner *runner; // [detectors]
    float *logit;   // [batch]
    image picture;  // the one whose variants are being scored
    bool open;
} worker;

// A portion is a batch of pictures, or one picture with its variants.
typedef struct crew {
    const scoring *job;
    int portion, batch, threads;
    int64_t rows; // of a picture: itself and its variants
    uint64_t slots;
    worker *worker;
    foil_status *status; // [slots, portion]
    char **why;          // [slots, portion]; it could not be read
    double *logit;       // [slots, portion, rows, detectors]
} crew;

static foil_status open_runner(foil_detector *d, int batch, runner *r) {
    r->bytes = (size_t)shape_count(detector_input(d));
    r->pixels = malloc((size_t)batch * r->bytes);
    if (!r->pixels) return foil_fail_memory((size_t)batch * r->bytes, "a batch of pictures");
    return detector_scorer(d, batch, &r->scorer);
}

static foil_status open_parts(const crew *c, worker *w) {
    int detectors = c->job->detectors;
    w->runner = calloc((size_t)detectors, sizeof *w->runner);
    w->logit = malloc((size_t)c->batch * sizeof *w->logit);
    if (!w->runner || !w->logit) return foil_fail_memory((size_t)detectors * sizeof *w->runner, "detectors of a thread");
    for (int d = 0; d < detectors; d++) TRY(open_runner(c->job->detector[d], c->batch, &w->runner[d]));
    return FOIL_OK;
}

static void close_worker(const crew *c, worker *w) {
    for (int d = 0; w->runner && d < c->job->detectors; d++) {
        scorer_free(w->runner[d].scorer);
        free(w->runner[d].pixels);
    }
    free(w->runner);
    free(w->logit);
    image_free(&w->picture);
    *w = (worker){0};
}

// Fails whole: the thread may be asked for its next portion before it is stopped.
static foil_status open_worker(const crew *c, worker *w) {
    thread_compute_alone();
    foil_status status = open_parts(c, w);
    w->open = status == FOIL_OK;
    if (!w->open) close_worker(c, w);
    return status;
}

static foil_status fit(const crew *c, const worker *w, const image *picture, int at) {
    for (int d = 0; d < c->job->detectors; d++)
        TRY(detector_fit(c->job->detector[d], picture, w->runner[d].pixels + (size_t)at * w->runner[d].bytes));
    return FOIL_OK;
}

// Variant `v` of picture i to place `at` of each detector's batch. Variant 0 comes first: it is read.
static foil_status put_one(const crew *c, worker *w, int64_t i, int v, int at) {
    const scoring *job = c->job;
    if (v == 0) {
        image_free(&w->picture);
        TRY(job->read(job->from, i, &w->picture));
        return fit(c, w, &w->picture, at);
    }
    image varied = {0};
    TRY(job->vary(job->from, i, v, &w->picture, &varied));
    foil_status status = fit(c, w, &varied, at);
    image_free(&varied);
    return status;
}

static foil_status note(foil_status status, foil_status *to, char **why) {
    *to = status;
    if (status == FOIL_OK) return FOIL_OK;
    *why = strdup(foil_error());
    return *why ? FOIL_OK : foil_fail_memory(strlen(foil_error()), "a message");
}

// logit [n, detectors] of a batch's first n places.
static foil_status score_batch(const crew *c, const worker *w, int n, double *logit) {
    int detectors = c->job->detectors;
    for (int d = 0; d < detectors; d++) {
        TRY(scorer_run(w->runner[d].scorer, w->runner[d].pixels, n, w->logit));
        for (int k = 0; k < n; k++) logit[(size_t)k * (size_t)detectors + (size_t)d] = (double)w->logit[k];
    }
    return FOIL_OK;
}

// A picture's place in its batch depends on its number alone; that of one that cannot be read stays empty.
static foil_status score_portion(void *context, int number, uint64_t slot, uint64_t k) {
    const crew *c = context;
    worker *w = &c->worker[number];
    if (!w->open) TRY(open_worker(c, w));
    int64_t first = (int64_t)k * c->portion, n = c->job->n - first < c->portion ? c->job->n - first : c->portion;
    uint64_t to = slot * (uint64_t)c->portion;
    double *logit = c->logit + to * (uint64_t)c->rows * (uint64_t)c->job->detectors;
    int at = 0;
    for (int64_t row = 0; row < n * c->rows; row++) {
        int64_t i = row / c->rows;
        int v = (int)(row % c->rows);
        if (v == 0 || c->status[to + (uint64_t)i] == FOIL_OK)
            TRY(note(put_one(c, w, first + i, v, at), &c->status[to + (uint64_t)i], &c->why[to + (uint64_t)i]));
        if (c->status[to + (uint64_t)i] != FOIL_OK)
            for (int d = 0; d < c->job->detectors; d++) memset(w->runner[d].pixels + (size_t)at * w->runner[d].bytes, 0, w->runner[d].bytes);
        if (++at < c->batch && row + 1 < n * c->rows) continue;
        TRY(score_batch(c, w, at, logit));
        logit += (size_t)at * (size_t)c->job->detectors;
        at = 0;
    }
    return FOIL_OK;
}

static foil_status take_one(const crew *c, int64_t i, uint64_t place) {
    const scoring *job = c->job;
    if (c->why[place]) {
        foil_status status = foil_fail(c->status[place], "%s", c->why[place]);
        free(c->why[place]);
        c->why[place] = NULL;
        return job->take(job->to, i, status, NULL);
    }
    const double *logit = c->logit + place * (uint64_t)c->rows * (uint64_t)job->detectors;
    for (int64_t k = 0; k < c->rows * job->detectors; k++) {
        if (isfinite(logit[k])) continue;
        const char *by = detector_path(job->detector[k % job->detectors]);
        return job->take(job->to, i, foil_fail(FOIL_INVALID, "the output of the detector %s is not a number", by), NULL);
    }
    return job->take(job->to, i, FOIL_OK, logit);
}

static foil_status take_all(const crew *c, ahead *a) {
    for (int64_t i = 0; i < c->job->n;) {
        uint64_t slot;
        TRY(ahead_next(a, &slot));
        for (int at = 0; at < c->portion && i < c->job->n; at++, i++) TRY(take_one(c, i, slot * (uint64_t)c->portion + (uint64_t)at));
    }
    return FOIL_OK;
}

static foil_status run(crew *c, uint64_t portions) {
    ahead *a;
    uint64_t places = c->slots * (uint64_t)c->portion, logits = places * (uint64_t)c->rows * (uint64_t)c->job->detectors;
    c->worker = calloc((size_t)c->threads, sizeof *c->worker);
    c->status = calloc(places, sizeof *c->status);
    c->why = calloc(places, sizeof *c->why);
    c->logit = calloc(logits, sizeof *c->logit);
    if (!c->worker || !c->status || !c->why || !c->logit) return foil_fail_memory(logits * sizeof *c->logit, "scores");
    TRY(ahead_open(&(ahead_options){.make = score_portion, .context = c, .threads = c->threads, .slots = c->slots, .end = portions}, &a));
    foil_status status = take_all(c, a);
    ahead_close(a);
    return status;
}

foil_status score_pictures(const scoring *s) {
    crew c = {.job = s, .rows = 1 + s->variants, .threads = threads_count()};
    bool few = s->n < FEW;
    c.portion = few || s->variants ? 1 : BATCH;
    c.batch = s->variants ? (c.rows < BATCH ? (int)c.rows : BATCH) : c.portion;
    uint64_t portions = (uint64_t)((s->n + c.portion - 1) / c.portion);
    if ((uint64_t)c.threads > portions) c.threads = (int)portions;
    if (c.threads == 0) return FOIL_OK; // no pictures
    c.slots = (uint64_t)c.threads * AHEAD + 1;
    foil_status status = run(&c, portions);
    for (int i = 0; c.worker && i < c.threads; i++) close_worker(&c, &c.worker[i]);
    for (uint64_t i = 0; c.why && i < c.slots * (uint64_t)c.portion; i++) free(c.why[i]);
    free(c.worker);
    free(c.status);
    free(c.why);
    free(c.logit);
    return status;
}
