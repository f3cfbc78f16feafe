#include "train/validation.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/ranks.h"
#include "data/loader.h"
#include "eval/detector.h"
#include "eval/json.h"

typedef struct contender {
    store *weights;
    scorer *scorer;
    float *judged; // [n] logits, of all ranks after they were summed: 0 where another rank's
    double value[METRICS];
    calibration calibration;
    arena memory; // of the calibration
} contender;

struct validation {
    run *run;
    contender contender[2]; // the detector of this step, and the best before
    const contender *best;  // of both
    selection stored;       // pictures of the set
    int64_t made, n;        // fakes that the forgers make, both
    int batch, together;    // of this rank, of all
    double *logit, *score;
    bool *fake;
    uint8_t *pixels;
    const char **method;
};

// Forgers' steps below this are the training's.
static const uint64_t FIRST_STEP = (uint64_t)1 << 40;

static int64_t fakes_of(const validation *v) {
    int64_t fakes = 0;
    for (int64_t i = 0; i < v->stored.n; i++) fakes += set_label_at(v->run->set, selection_at(&v->stored, i)).fake;
    return fakes;
}

static foil_status open_index(validation *v) {
    const config *c = v->run->config;
    const char *split = SPLIT_NAMES[c->evaluate.split];
    TRY(set_select(v->run->set, (set_split)c->evaluate.split, portion_has, &c->data.portion, &v->stored));
    const int64_t all = v->stored.n, all_fakes = fakes_of(v);
    if (c->evaluate.max > 0) TRY(selection_thin(v->run->set, &v->stored, c->evaluate.max));
    const int64_t fakes = fakes_of(v);
    if ((all > all_fakes && fakes == v->stored.n) || (all_fakes > 0 && fakes == 0))
        return foil_fail(FOIL_INVALID,
                         "evaluate.max is %" PRId64 ", which leaves no %s of the %" PRId64 " reals and %" PRId64
                         " fakes of the split '%s': expected more",
                         c->evaluate.max, fakes ? "reals" : "fakes", all - all_fakes, all_fakes, split);
    if (fakes == v->stored.n)
        return foil_fail(FOIL_INVALID, "%s: the split '%s' has %s%s, expected reals and fakes to choose the best detector on", c->data.set, split,
                         fakes ? "only fakes" : "no pictures", c->data.portion.without.n ? " that are not left out" : "");
    v->made = fakes ? 0 : v->stored.n;
    v->n = v->stored.n + v->made;
    return FOIL_OK;
}

static foil_status open_contender(validation *v, store *weights, contender *c) {
    c->weights = weights;
    if (!(c->judged = calloc((size_t)v->n, sizeof *c->judged))) return foil_fail_memory((size_t)v->n * sizeof *c->judged, "the validation's logits");
    return scorer_new(v->run->discriminator_net, weights, "detect", v->batch, v->run->workspace, &c->scorer);
}

static foil_status open_best(validation *v) {
    run *r = v->run;
    if (!(r->best.weights = store_clone(r->discriminator.store)))
        return foil_fail_memory(r->discriminator.store->value_count * sizeof(float), "the best detector");
    return open_contender(v, r->best.weights, &v->contender[1]);
}

static foil_status open_all(validation *v) {
    run *r = v->run;
    TRY(open_index(v));
    size_t bytes = (size_t)shape_count(net_input(r->discriminator_net));
    v->batch = (int)(r->config->run.share / 2); // what the forgers are prepared for
    v->together = (int)(r->config->run.batch / 2);
    v->logit = calloc((size_t)v->n, sizeof *v->logit);
    v->score = calloc((size_t)v->n, sizeof *v->score);
    v->fake = calloc((size_t)v->n, sizeof *v->fake);
    v->method = calloc((size_t)v->batch, sizeof *v->method);
    v->pixels = malloc((size_t)v->batch * bytes);
    if (!v->logit || !v->score || !v->fake || !v->method || !v->pixels)
        return foil_fail_memory((size_t)v->batch * bytes, "the validation's pictures");
    for (int64_t i = 0; i < v->n; i++) v->fake[i] = i >= v->stored.n || set_label_at(r->set, selection_at(&v->stored, i)).fake;
    TRY(open_contender(v, r->discriminator.store, &v->contender[0]));
    return v->made ? open_best(v) : FOIL_OK;
}

foil_status validation_open(run *r, validation **out) {
    *out = NULL;
    validation *v = calloc(1, sizeof *v);
    if (!v) return foil_fail_memory(sizeof *v, "the validation");
    v->run = r;
    foil_status status = open_all(v);
    if (status == FOIL_OK) {
        *out = v;
    } else {
        validation_close(v);
    }
    return status;
}

static void close_contender(contender *c) {
    scorer_free(c->scorer);
    free(c->judged);
    arena_free(&c->memory);
}

void validation_close(validation *v) {
    if (!v) return;
    close_contender(&v->contender[0]);
    close_contender(&v->contender[1]);
    selection_free(&v->stored);
    free(v->logit);
    free(v->score);
    free(v->fake);
    free(v->method);
    free(v->pixels);
    free(v);
}

// Whether there is one before to be judged again.
static int contenders(const validation *v) {
    return v->contender[1].scorer && !isnan(v->run->best.metric) ? 2 : 1;
}

// Ranks take turns: each so many-th batch of v->batch pictures.
static int64_t first_of_rank(const validation *v) {
    return (int64_t)v->batch * ranks_self();
}

static int up_to(int64_t left, int most) {
    return left < most ? (int)left : most;
}

static foil_status score_pictures(validation *v, const uint8_t *pixels, int n, int64_t at) {
    for (int i = 0; i < contenders(v); i++) TRY(scorer_run(v->contender[i].scorer, pixels, n, v->contender[i].judged + at));
    return FOIL_OK;
}

static foil_status score_batches(validation *v, loader *l) {
    for (int64_t at = first_of_rank(v); at < v->stored.n; at += (int64_t)v->batch * ranks_count()) {
        const batch *b;
        TRY(loader_next(l, &b));
        TRY(score_pictures(v, b->pixels, up_to(v->stored.n - at, v->batch), at));
    }
    return FOIL_OK;
}

static foil_status score_stored(validation *v) {
    const run *r = v->run;
    shape picture = net_input(r->discriminator_net);
    loader_options o = {
        .set = r->set,
        .from = &v->stored,
        .batch = v->batch,
        .height = (int)picture.d[0],
        .width = (int)picture.d[1],
        .channels = (int)picture.d[2],
        .fit = (image_fit)r->config->data.fit,
        .every = ranks_count(),
    };
    loader *l;
    TRY(loader_open(&o, (uint64_t)ranks_self(), &l));
    foil_status status = score_batches(v, l);
    loader_close(l);
    return status;
}

static foil_status score_made(validation *v) {
    const int64_t first = first_of_rank(v);
    for (int64_t done = 0; done + first < v->made; done += v->together) {
        int together = up_to(v->made - done, v->together), n = up_to(v->made - done - first, v->batch);
        TRY(forgery_make(v->run->forgery, FIRST_STEP + (uint64_t)(done / v->together), together, (int)first, n, v->pixels, v->method));
        TRY(score_pictures(v, v->pixels, n, v->stored.n + done + first));
    }
    return FOIL_OK;
}

// The scores of all ranks, by each of them.
static foil_status judge(validation *v, contender *c) {
    for (int64_t i = 0; i < v->n; i++) {
        v->logit[i] = (double)c->judged[i];
        if (!isfinite(v->logit[i]))
            return foil_fail(FOIL_DIVERGED, "what the detect head says of a picture is %s", isnan(v->logit[i]) ? "not a number" : "infinite");
    }
    arena_free(&c->memory);
    const config *from = v->run->config;
    const calibrate_options o = {(calibration_method)from->evaluate.calibration, from->evaluate.fpr.at, from->evaluate.fpr.n};
    TRY(calibrate(&o, v->logit, v->fake, v->n, &c->memory, &c->calibration));
    for (int64_t i = 0; i < v->n; i++) v->score[i] = calibrated_score(&c->calibration, v->logit[i]);
    return metrics(&(metric_input){.score = v->score, .fake = v->fake, .n = v->n, .threshold = c->calibration.threshold[0].score}, c->value);
}

// What the configuration chooses by.
static double chosen_metric(const validation *v, const contender *c) {
    return c->value[v->run->config->evaluate.metric];
}

static bool is_better(const config *c, double now, double before) {
    if (isnan(before)) return true;
    return METRIC_LOWER_IS_BETTER[c->evaluate.metric] ? now < before : now > before;
}

static void choose(validation *v, bool judged_again, bool *write) {
    run *r = v->run;
    const contender *now = &v->contender[0], *before = &v->contender[1];
    if (judged_again) r->best.metric = chosen_metric(v, before);
    const bool better = is_better(r->config, chosen_metric(v, now), r->best.metric);
    *write = better || judged_again;
    v->best = better ? now : before;
    if (!better) return;
    r->best.step = r->step;
    r->best.metric = chosen_metric(v, now);
    if (r->best.weights) store_copy(r->best.weights, now->weights);
}

foil_status validation_run(validation *v, double value[METRICS], bool *write) {
    const int n = contenders(v);
    for (int i = 0; i < n; i++) memset(v->contender[i].judged, 0, (size_t)v->n * sizeof(float));
    foil_status status = score_stored(v);
    TRY(ranks_agree(status == FOIL_OK ? score_made(v) : status));
    for (int i = 0; i < n; i++) {
        ranks_sum(v->contender[i].judged, (size_t)v->n);
        TRY(ranks_agree(judge(v, &v->contender[i]))); // memory may be short on one of them alone
    }
    memcpy(value, v->contender[0].value, sizeof v->contender[0].value);
    choose(v, n == 2, write);
    return FOIL_OK;
}

static void count_methods(const set *s, const selection *of, int64_t *count) {
    for (int64_t k = 0; k < of->ranges; k++) {
        int64_t end = of->range[k].first + (k + 1 < of->ranges ? of->range[k + 1].before : of->n) - of->range[k].before;
        for (int64_t i = of->range[k].first, n; i < end; i += n) {
            set_label l;
            n = set_label_run(s, i, &l);
            if (n > end - i) n = end - i;
            if (l.method >= 0) count[l.method] += n;
        }
    }
}

// What a detector learnt from, as JSON: how many pictures of each source and method it could be shown.
static foil_status methods_of(const run *r, json_t **out) {
    const int n = set_methods(r->set);
    selection fakes;
    TRY(portion_select(r->set, &r->config->data.portion, true, NULL, &fakes));
    int64_t *count = calloc((size_t)n + 1, sizeof *count);
    if (count) {
        count_methods(r->set, &r->real, count);
        count_methods(r->set, &fakes, count);
    }
    selection_free(&fakes);
    json_t *methods = count ? json_object() : NULL;
    for (int m = 0; m < n; m++) {
        json_t *name = text_json(set_method_name(r->set, m));
        json_object_set_new(methods, json_string_value(name), json_integer(count ? count[m] : 0));
        json_decref(name);
    }
    free(count);
    *out = methods;
    return methods ? FOIL_OK : foil_fail_memory((size_t)n * 64, "the detector's provenance");
}

static json_t *forgers_of(const forgery *f) {
    json_t *forgers = json_array();
    for (int i = 0; i < forgery_count(f); i++)
        json_array_append_new(forgers, json_pack("{s:s, s:f}", "forger", forgery_at(f, i)->type->name, "share", forgery_at(f, i)->share));
    return forgers;
}

static json_t *metrics_of(const double value[METRICS]) {
    json_t *object = json_object();
    for (int m = 0; m < METRICS; m++) json_object_set_new(object, METRIC_NAMES[m], number_json(value[m]));
    return object;
}

static foil_status provenance(const run *r, const double value[METRICS], char **out) {
    const config *c = r->config;
    char *document;
    json_t *methods;
    TRY(config_emit_portable(c, &document));
    foil_status status = methods_of(r, &methods);
    if (status != FOIL_OK) {
        free(document);
        return status;
    }
    json_t *calibrated = json_pack("{s:o, s:s, s:s, s:I}", "set", text_json(file_name(c->data.set)), "fingerprint", set_fingerprint(r->set), "split",
                                   SPLIT_NAMES[c->evaluate.split], "step", (json_int_t)r->step);
    json_t *json = json_pack("{s:o, s:s, s:o, s:o, s:I, s:I, s:o, s:o, s:s}", "set", text_json(file_name(c->data.set)), "fingerprint",
                             set_fingerprint(r->set), "methods", methods, "forgers", forgers_of(r->forgery), "seed", (json_int_t)c->run.seed, "step",
                             (json_int_t)r->best.step, "validation", metrics_of(value), "calibrated", calibrated, "config", document);
    *out = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    free(document);
    return *out ? FOIL_OK : foil_fail_memory(4096, "the detector's provenance");
}

foil_status validation_write(const validation *v, const char *path) {
    const run *r = v->run;
    const contender *best = v->best;
    char *json;
    TRY(provenance(r, best->value, &json));
    detector_card card = {
        .fit = (image_fit)r->config->data.fit, .filter = set_filter(r->set), .calibration = best->calibration, .head = "detect", .provenance = json};
    foil_status status = detector_write(path, r->discriminator_net, best->weights, &card);
    free(json);
    return status;
}
