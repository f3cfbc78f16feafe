// Fakes on disk: the set's own, of its training split.
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "data/shuffle.h"
#include "gan/forger.h"

typedef struct dataset_keys {
    double share;
    key_texts methods;
} dataset_keys;

static const key KEYS[] = {
    {"share", KEY_FLOAT, offsetof(dataset_keys, share), .fallback = "1", .min = 0, .max = 1, .doc = "of the fakes"},
    {"methods", KEY_TEXTS, offsetof(dataset_keys, methods), .fallback = "", .doc = "names of the set's methods; none = all"},
    {0},
};

typedef struct dataset {
    selection fakes;
    shuffle order;
    int64_t *drawn; // of one batch
} dataset;

static foil_status open_dataset(forger *f, const void *keys, const yaml_node *at) {
    const dataset_keys *k = keys;
    TRY(set_check_methods(f->world->set, &k->methods, at));
    dataset *d = calloc(1, sizeof *d);
    if (!d) return foil_fail_memory(sizeof *d, "a forger");
    f->state = d;
    TRY(portion_select(f->world->set, f->world->portion, true, &k->methods, &d->fakes));
    if (d->fakes.n == 0)
        return yaml_fail(at, "the training split has no fakes%s%s, expected some for the forger 'dataset'", k->methods.n ? " of these methods" : "",
                         f->world->portion && f->world->portion->without.n ? " that are not left out" : "");
    size_t bytes = (size_t)forger_most(f) * sizeof *d->drawn;
    d->drawn = malloc(bytes);
    if (!d->drawn) return foil_fail_memory(bytes, "a forger");
    return shuffle_open(&d->fakes, f->world->seed, f->stream, &d->order);
}

static foil_status read_one(const forger *f, int64_t index, uint8_t *pixels) {
    const forger_world *w = f->world;
    image as_stored = {0}, fitted = {0};
    TRY(set_read(w->set, index, &as_stored));
    foil_status status = image_fitted(&as_stored, w->height, w->width, w->channels, w->fit, set_filter(w->set), &fitted);
    if (status == FOIL_OK) memcpy(pixels, fitted.pixels, image_bytes(&fitted));
    image_free(&as_stored);
    image_free(&fitted);
    return status;
}

static foil_status make(forger *f, uint64_t step, int first, int n, uint8_t *pixels, const char **methods) {
    dataset *d = f->state;
    const forger_world *w = f->world;
    const size_t bytes = (size_t)w->height * (size_t)w->width * (size_t)w->channels;
    for (int i = 0; i < n; i++) {
        d->drawn[i] = shuffle_at(&d->order, step * (uint64_t)w->together + (uint64_t)(first + i));
        methods[i] = set_method_name(w->set, set_label_at(w->set, d->drawn[i]).method);
    }
    failure failed = {0};
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < n; i++) failure_note(&failed, i, read_one(f, d->drawn[i], pixels + (size_t)i * bytes));
    return failure_status(&failed);
}

static void close_dataset(forger *f) {
    dataset *d = f->state;
    if (!d) return;
    shuffle_close(&d->order);
    selection_free(&d->fakes);
    free(d->drawn);
    free(d);
}

extern const forger_type FORGER_DATASET;
const forger_type FORGER_DATASET = {
    .name = "dataset",
    .doc = "Fakes of the set's training split.",
    .keys = KEYS,
    .size = sizeof(dataset_keys),
    .open = open_dataset,
    .make = make,
    .close = close_dataset,
};
