// The detector: pictures of any size in, logits out.
#include "eval/detector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/card.h"

struct foil_detector {
    const char *path;
    net *net; // NULL: a baseline
    store *store;
    cue_model cues;
    arena texts;
    detector_card card;
    scorer *scorer;  // of one picture; made when first needed
    uint8_t *pixels; // of one picture
};

static foil_status load_weights(foil_detector *d, const safetensors *file) {
    d->store = store_new();
    if (!d->store) return foil_fail_memory(sizeof *d->store, "a detector");
    TRY(net_declare(d->net, d->store));
    TRY(store_allocate(d->store));
    TRY(safetensors_load_store(file, "", d->store));
    for (int i = 0; i < safetensors_count(file); i++) {
        const char *name = safetensors_at(file, i).name;
        if (store_find(d->store, name) < 0) return foil_fail(FOIL_INVALID, "tensor '%.200s' is none of the network's %d", name, d->store->n);
    }
    store_freeze(d->store);
    return scorer_check(d->net, d->store, d->card.head);
}

foil_status detector_open(const char *path, foil_detector **out) {
    *out = NULL;
    safetensors *file;
    if (file_is_folder(path)) return foil_fail(FOIL_INVALID, "%s: is a folder, expected a detector (of a run: its best.safetensors)", path);
    TRY(safetensors_open(path, &file));
    foil_detector *d = calloc(1, sizeof *d);
    if (d) d->path = arena_text(&d->texts, path);
    foil_status status = d && d->path ? FOIL_OK : foil_fail_memory(sizeof *d, "a detector");
    if (status == FOIL_OK) status = card_read(file, path, &d->texts, &d->card, &d->net);
    if (status == FOIL_OK) {
        status = d->net ? load_weights(d, file) : cue_model_read(file, path, &d->cues);
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
    scorer_free(d->scorer);
    store_free(d->store);
    net_free(d->net);
    arena_free(&d->texts);
    free(d->pixels);
    free(d);
}

const char *detector_path(const foil_detector *d) {
    return d->path;
}

const detector_card *detector_card_of(const foil_detector *d) {
    return &d->card;
}

shape detector_input(const foil_detector *d) {
    return d->net ? net_input(d->net) : d->cues.input;
}

const net *detector_net(const foil_detector *d) {
    return d->net;
}

const store *detector_store(const foil_detector *d) {
    return d->store;
}

const cue_model *detector_cues(const foil_detector *d) {
    return d->net ? NULL : &d->cues;
}

foil_status detector_need_network(const foil_detector *d, const char *needs) {
    if (d->net) return FOIL_OK;
    return foil_fail(FOIL_UNSUPPORTED, "a baseline of cues has no network, and %s needs one", needs);
}

foil_status detector_rewrite(const char *path, const foil_detector *d, const detector_card *card) {
    return d->net ? detector_write(path, d->net, d->store, card) : detector_write_cues(path, &d->cues, card);
}

double detector_score(const foil_detector *d, double logit) {
    return calibrated_score(&d->card.calibration, logit);
}

foil_status detector_set_prior(foil_detector *d, double prior) {
    return calibration_set_prior(&d->card.calibration, prior);
}

foil_status detector_fit(const foil_detector *d, const image *picture, uint8_t *pixels) {
    shape in = detector_input(d);
    image fitted = {0};
    TRY(image_fitted(picture, (int)in.d[0], (int)in.d[1], (int)in.d[2], d->card.fit, d->card.filter, &fitted));
    memcpy(pixels, fitted.pixels, image_bytes(&fitted));
    image_free(&fitted);
    return FOIL_OK;
}

foil_status detector_scorer(const foil_detector *d, int batch, scorer **out) {
    if (!d->net) return scorer_new_cues(&d->cues, batch, out);
    return scorer_new(d->net, d->store, d->card.head, batch, NULL, out);
}

static foil_status get_ready(foil_detector *d) {
    size_t bytes = (size_t)shape_count(detector_input(d));
    if (!d->pixels) d->pixels = malloc(bytes);
    if (!d->pixels) return foil_fail_memory(bytes, "a picture");
    return d->scorer ? FOIL_OK : detector_scorer(d, 1, &d->scorer);
}

foil_status detector_logit(foil_detector *d, const image *picture, double *logit) {
    float y;
    TRY(get_ready(d));
    TRY(detector_fit(d, picture, d->pixels));
    TRY(scorer_run(d->scorer, d->pixels, 1, &y));
    *logit = y;
    return isfinite(y) ? FOIL_OK : foil_fail(FOIL_INVALID, "the detector's output for this picture is not a number");
}
