// The detector: pictures of any size in, logits out.
#include "eval/detector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/card.h"
#include "eval/failure.h"

enum { SINGLE, BATCHED, SCORERS };
static const int BATCH[SCORERS] = {1, 32};
enum { FEW = 8 }; // fewer than this are cheaper one by one than as a padded batch

struct foil_detector {
    net *net;
    store *store;
    arena texts;
    detector_card card;
    workspace *workspace;
    scorer *scorer[SCORERS]; // made when first needed
    uint8_t *pixels;         // of the largest batch
};

static size_t picture_bytes(const foil_detector *d) {
    return (size_t)shape_count(net_input(d->net));
}

static foil_status scorer_of(foil_detector *d, int which, scorer **out) {
    if (!d->scorer[which]) TRY(scorer_new(d->net, d->store, d->card.head, BATCH[which], d->workspace, &d->scorer[which]));
    *out = d->scorer[which];
    return FOIL_OK;
}

static foil_status load_weights(foil_detector *d, const safetensors *file) {
    d->store = store_new();
    d->workspace = workspace_new();
    if (!d->store || !d->workspace) return foil_fail_memory(sizeof *d->store, "a detector");
    TRY(net_declare(d->net, d->store));
    TRY(store_allocate(d->store));
    TRY(safetensors_load_store(file, "", d->store));
    if (safetensors_count(file) != d->store->n)
        return foil_fail(FOIL_INVALID, "%d tensors, but the network has %d", safetensors_count(file), d->store->n);
    store_freeze(d->store);
    scorer *first; // shows whether the network and its head make a detector
    TRY(scorer_of(d, SINGLE, &first));
    d->pixels = malloc((size_t)BATCH[BATCHED] * picture_bytes(d));
    return d->pixels ? FOIL_OK : foil_fail_memory((size_t)BATCH[BATCHED] * picture_bytes(d), "a batch of pictures");
}

foil_status detector_open(const char *path, foil_detector **out) {
    *out = NULL;
    safetensors *file;
    TRY(safetensors_open(path, &file));
    foil_detector *d = calloc(1, sizeof *d);
    foil_status status = d ? FOIL_OK : foil_fail_memory(sizeof *d, "a detector");
    if (status == FOIL_OK) status = card_read(file, path, &d->texts, &d->card, &d->net);
    if (status == FOIL_OK) {
        status = load_weights(d, file);
        if (status != FOIL_OK && !strstr(foil_error(), path)) foil_fail_within(status, "%s", path);
    }
    safetensors_close(file);
    if (status == FOIL_OK)
        *out = d;
    else
        foil_detector_free(d);
    return status;
}

void foil_detector_free(foil_detector *d) {
    if (!d) return;
    for (int i = 0; i < SCORERS; i++) scorer_free(d->scorer[i]);
    workspace_free(d->workspace);
    store_free(d->store);
    net_free(d->net);
    arena_free(&d->texts);
    free(d->pixels);
    free(d);
}

const detector_card *detector_card_of(const foil_detector *d) {
    return &d->card;
}

const net *detector_net(const foil_detector *d) {
    return d->net;
}

const store *detector_store(const foil_detector *d) {
    return d->store;
}

double detector_score(const foil_detector *d, double logit) {
    return calibrated_score(logit, d->card.calibration.temperature);
}

// Brings one picture to the network's size and channels.
static foil_status fit_picture(const foil_detector *d, const image *picture, uint8_t *pixels) {
    shape in = net_input(d->net);
    image fitted = {0};
    TRY(image_fitted(picture, (int)in.d[0], (int)in.d[1], (int)in.d[2], d->card.fit, d->card.filter, &fitted));
    memcpy(pixels, fitted.pixels, picture_bytes(d));
    image_free(&fitted);
    return FOIL_OK;
}

// At most one batch.
static foil_status some_logits(foil_detector *d, const image *const *pictures, int n, scorer *s, double *logit) {
    failure f = {0};
#pragma omp parallel for schedule(dynamic) if (n > 1)
    for (int i = 0; i < n; i++) failure_note(&f, i, fit_picture(d, pictures[i], d->pixels + (size_t)i * picture_bytes(d)));
    TRY(failure_status(&f));
    float y[BATCH[BATCHED]];
    TRY(scorer_run(s, d->pixels, n, y));
    for (int i = 0; i < n; i++) logit[i] = y[i];
    return FOIL_OK;
}

foil_status detector_logits(foil_detector *d, const image *const *pictures, int n, double *logit) {
    for (int done = 0; done < n;) {
        int which = n - done < FEW ? SINGLE : BATCHED;
        int some = n - done < BATCH[which] ? n - done : BATCH[which];
        scorer *s;
        TRY(scorer_of(d, which, &s));
        TRY(some_logits(d, pictures + done, some, s, logit + done));
        done += some;
    }
    for (int i = 0; i < n; i++)
        if (!isfinite(logit[i])) return foil_fail(FOIL_INVALID, "the network's output for picture %d of %d is not a number", i + 1, n);
    return FOIL_OK;
}
