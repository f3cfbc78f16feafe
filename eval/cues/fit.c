#include "eval/cues/fit.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/detector.h"
#include "eval/metric.h"

// Reals and fakes of the train split, then of the val split.
typedef struct parts {
    selection of[2][2];
} parts;

static void free_parts(parts *p) {
    for (int i = 0; i < 4; i++) selection_free(&p->of[i / 2][i % 2]);
}

typedef struct wanted {
    const portion *portion;
    bool fake;
} wanted;

static bool is_wanted(const set *s, set_label label, const void *context) {
    const wanted *w = context;
    return label.fake == w->fake && portion_has(s, label, w->portion);
}

static foil_status open_parts(const cue_fitting *f, parts *out) {
    *out = (parts){0};
    foil_status status = FOIL_OK;
    for (int fake = 0; status == FOIL_OK && fake < 2; fake++) {
        status = portion_select(f->set, f->portion, fake, NULL, &out->of[0][fake]);
        if (status == FOIL_OK) status = set_select(f->set, SPLIT_VAL, is_wanted, &(wanted){f->portion, fake}, &out->of[1][fake]);
    }
    if (status != FOIL_OK) free_parts(out);
    return status;
}

foil_status cue_detector_possible(const cue_fitting *f, bool *out) {
    parts p;
    TRY(open_parts(f, &p));
    *out = true;
    for (int i = 0; i < 4; i++) *out = *out && p.of[i / 2][i % 2].n > 0;
    free_parts(&p);
    return FOIL_OK;
}

static int64_t some_of(const cue_fitting *f, const selection *s) {
    int64_t most = CUE_PIXELS / (f->input.d[0] * f->input.d[1]);
    most = most < 1 ? 1 : most < CUE_PICTURES ? most : CUE_PICTURES;
    return s->n < most ? s->n : most;
}

static foil_status measure_one(const cue_fitting *f, int64_t i, double *x) {
    image stored = {0}, fitted = {0};
    TRY(set_read(f->set, i, &stored));
    foil_status status = image_fitted(&stored, (int)f->input.d[0], (int)f->input.d[1], (int)f->input.d[2], f->fit, set_filter(f->set), &fitted);
    if (status == FOIL_OK) status = cue_features_measure(&fitted, x);
    image_free(&stored);
    image_free(&fitted);
    return status;
}

// The first failure's words reach the calling thread.
static foil_status measure_all(const cue_fitting *f, const selection of[2], cue_table *t) {
    const int64_t reals = some_of(f, &of[0]), fakes = some_of(f, &of[1]);
    char *why = NULL;
    foil_status failed = FOIL_OK;
    *t = (cue_table){.n = reals + fakes};
    t->x = malloc((size_t)t->n * (size_t)cue_features() * sizeof(double));
    t->fake = malloc((size_t)t->n * sizeof(bool));
    if (!t->x || !t->fake) return foil_fail_memory((size_t)t->n * (size_t)cue_features() * sizeof(double), "cues");
#pragma omp parallel for schedule(dynamic, 16)
    for (int64_t k = 0; k < t->n; k++) {
        const bool fake = k >= reals;
        const int64_t at = fake ? selection_at(&of[1], (int64_t)((__int128)(k - reals) * of[1].n / fakes))
                                : selection_at(&of[0], (int64_t)((__int128)k * of[0].n / reals));
        foil_status status = measure_one(f, at, t->x + k * cue_features());
        t->fake[k] = fake;
        if (status == FOIL_OK) continue;
#pragma omp critical
        if (!why) {
            failed = status;
            why = strdup(foil_error());
        }
    }
    if (failed != FOIL_OK) foil_fail(failed, "%s", why ? why : "out of memory");
    free(why);
    return failed;
}

static void free_table(cue_table *t) {
    free(t->x);
    free(t->fake);
}

typedef struct fitted {
    cue_model model;
    double ridge, validation[METRICS];
    detector_card card;
} fitted;

static foil_status judge(const cue_table *val, fitted *out, arena *memory) {
    double *logit = arena_alloc(memory, (size_t)val->n * sizeof *logit), *score = arena_alloc(memory, (size_t)val->n * sizeof *score);
    calibration *c = &out->card.calibration;
    if (!logit || !score) return foil_fail_memory((size_t)val->n * 2 * sizeof *logit, "scores");
    for (int64_t i = 0; i < val->n; i++) logit[i] = cue_model_logit(&out->model, val->x + i * out->model.n);
    TRY(calibrate(&(calibrate_options){0}, logit, val->fake, val->n, memory, c));
    for (int64_t i = 0; i < val->n; i++) score[i] = calibrated_score(c, logit[i]);
    return metrics(&(metric_input){.score = score, .fake = val->fake, .n = val->n, .threshold = c->threshold[0].score}, out->validation);
}

static char *provenance(const cue_fitting *f, const fitted *m, const cue_table *train) {
    int64_t fakes = 0;
    json_t *validation = json_object();
    for (int64_t i = 0; i < train->n; i++) fakes += train->fake[i];
    for (int i = 0; i < METRICS; i++)
        json_object_set_new(validation, METRIC_NAMES[i], isfinite(m->validation[i]) ? json_real(m->validation[i]) : json_null());
    json_t *json = json_pack("{s:s, s:{s:I, s:I, s:f}, s:o}", "fingerprint", set_fingerprint(f->set), "fitted_on", "reals",
                             (json_int_t)(train->n - fakes), "fakes", (json_int_t)fakes, "ridge", m->ridge, "validation", validation);
    char *dump = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return dump;
}

static foil_status fit_and_write(const cue_fitting *f, const cue_table *train, const cue_table *val, const char *path) {
    arena memory = {0};
    fitted m;
    foil_status status = cue_model_fit(train, val, &m.model, &m.ridge);
    m.model.input = f->input;
    m.card = (detector_card){.fit = f->fit, .filter = set_filter(f->set), .head = ""};
    if (status == FOIL_OK) status = judge(val, &m, &memory);
    char *json = status == FOIL_OK ? provenance(f, &m, train) : NULL;
    if (status == FOIL_OK && !json) status = foil_fail_memory(4096, "a baseline's provenance");
    m.card.provenance = json;
    if (status == FOIL_OK) status = detector_write_cues(path, &m.model, &m.card);
    free(json);
    arena_free(&memory);
    return status;
}

foil_status cue_detector_fit(const cue_fitting *f, const char *path) {
    cue_table train = {0}, val = {0};
    parts p;
    TRY(open_parts(f, &p));
    foil_status status = measure_all(f, p.of[0], &train);
    if (status == FOIL_OK) status = measure_all(f, p.of[1], &val);
    if (status == FOIL_OK) status = fit_and_write(f, &train, &val, path);
    free_table(&train);
    free_table(&val);
    free_parts(&p);
    return status;
}
