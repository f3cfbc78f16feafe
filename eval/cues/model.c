#include "eval/cues/model.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/logistic.h"

static const double CLIP = 5; // standard deviations: cues have long tails

// The standardised number i.
static double standard(const cue_model *m, int i, double value) {
    double z = (value - (double)m->mean[i]) / (double)m->scale[i];
    return isnan(z) ? 0 : fmax(-CLIP, fmin(CLIP, z));
}

double cue_model_logit(const cue_model *m, const double *value) {
    double logit = (double)m->bias;
    for (int i = 0; i < m->n; i++) logit += (double)m->weight[i] * standard(m, i, value[i]);
    return logit;
}

foil_status cue_model_score(const cue_model *m, const uint8_t *pixels, float *logit) {
    double value[CUE_FEATURES_MOST];
    const image im = {(int)m->input.d[0], (int)m->input.d[1], (int)m->input.d[2], (uint8_t *)(uintptr_t)pixels}; // only read
    TRY(cue_features_measure(&im, value));
    *logit = (float)cue_model_logit(m, value);
    return FOIL_OK;
}

// Files. ----------------------------------------------------------------------------------------------------------------------------------------------

static foil_status read_tensor(const safetensors *file, const char *path, const char *name, int n, float *out) {
    safetensors_entry e;
    if (!safetensors_find(file, name, &e) || strcmp(e.type, "F32") != 0 || e.bytes != (size_t)n * sizeof *out)
        return foil_fail(FOIL_INVALID, "%s: tensor '%s' is missing or not F32 [%d]", path, name, n);
    memcpy(out, e.data, e.bytes);
    for (int i = 0; i < n; i++)
        if (!isfinite(out[i])) return foil_fail(FOIL_INVALID, "%s: tensor '%s' has a value that is not finite", path, name);
    return FOIL_OK;
}

static bool same_names(const json_t *names) {
    char name[64];
    if ((int)json_array_size(names) != cue_features()) return false;
    for (int i = 0; i < cue_features(); i++) {
        const char *theirs = json_string_value(json_array_get(names, (size_t)i));
        if (!theirs || strcmp(theirs, cue_feature_name(i, name)) != 0) return false;
    }
    return true;
}

static foil_status check_cues(const char *value, const char *path) {
    json_t *cues = json_loads(value, 0, NULL);
    bool same = json_integer_value(json_object_get(cues, "version")) == CUE_VERSION && same_names(json_object_get(cues, "names"));
    json_decref(cues);
    return same ? FOIL_OK
                : foil_fail(FOIL_UNSUPPORTED,
                            "%s: a baseline on other cues than this version measures (version %d): fit it again, with foil cues --fit", path,
                            CUE_VERSION);
}

static foil_status read_input(const char *value, const char *path, shape *out) {
    json_t *input = value ? json_loads(value, 0, NULL) : NULL;
    bool good = json_array_size(input) == 3;
    *out = (shape){.n = 3};
    for (size_t i = 0; good && i < 3; i++) {
        out->d[i] = json_integer_value(json_array_get(input, i));
        good = out->d[i] >= 1 && out->d[i] <= 1 << 14;
    }
    json_decref(input);
    if (good && (out->d[2] == 1 || out->d[2] == 3)) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: input is '%s': expected [height, width, 1 or 3]", path, value ? value : "");
}

foil_status cue_model_read(const safetensors *file, const char *path, cue_model *out) {
    *out = (cue_model){0};
    TRY(check_cues(safetensors_metadata(file, "cues"), path));
    TRY(read_input(safetensors_metadata(file, "input"), path, &out->input));
    const int n = cue_features();
    TRY(read_tensor(file, path, "cue.mean", n, out->mean));
    TRY(read_tensor(file, path, "cue.scale", n, out->scale));
    TRY(read_tensor(file, path, "cue.weight", n, out->weight));
    TRY(read_tensor(file, path, "cue.bias", 1, &out->bias));
    for (int i = 0; i < n; i++)
        if (!(out->scale[i] > 0)) return foil_fail(FOIL_INVALID, "%s: tensor 'cue.scale' has a value that is not above 0", path);
    out->n = n;
    return FOIL_OK;
}

void cue_model_save(const cue_model *m, safetensors_writer *w) {
    text cues = {0}, input = {0};
    char name[64];
    text_format(&cues, "{\"version\": %d, \"names\": [", CUE_VERSION);
    for (int i = 0; i < m->n; i++) text_format(&cues, "%s\"%s\"", i ? ", " : "", cue_feature_name(i, name));
    text_add(&cues, "]}");
    text_format(&input, "[%d, %d, %d]", (int)m->input.d[0], (int)m->input.d[1], (int)m->input.d[2]);
    safetensors_set(w, "cues", cues.failed ? NULL : cues.data);
    safetensors_set(w, "input", input.failed ? NULL : input.data);
    text_free(&cues);
    text_free(&input);
    safetensors_add(w, "cue.mean", "F32", SHAPE(m->n), m->mean);
    safetensors_add(w, "cue.scale", "F32", SHAPE(m->n), m->scale);
    safetensors_add(w, "cue.weight", "F32", SHAPE(m->n), m->weight);
    safetensors_add(w, "cue.bias", "F32", SHAPE(1), &m->bias);
}

// Fitting. ----------------------------------------------------------------------------------------------------------------------------------------------

// Mean and deviation of the numbers that are there; a number that never is, or never changes, weighs nothing.
static void standardise(const cue_table *t, cue_model *m) {
    for (int i = 0; i < m->n; i++) {
        double sum = 0, square = 0, n = 0;
        for (int64_t k = 0; k < t->n; k++) {
            double v = t->x[k * m->n + i];
            if (isnan(v)) continue;
            sum += v;
            n++;
        }
        m->mean[i] = n > 0 ? (float)(sum / n) : 0;
        for (int64_t k = 0; k < t->n; k++) {
            double v = t->x[k * m->n + i] - (double)m->mean[i];
            if (!isnan(v)) square += v * v;
        }
        double deviation = n > 1 ? sqrt(square / n) : 0;
        m->scale[i] = deviation > 1e-6 * (1 + fabs((double)m->mean[i])) ? (float)deviation : 1;
    }
}

// The rows [n, k + 1] of standardised numbers and a one.
static void fill_rows(const cue_table *t, const cue_model *m, double *rows) {
    for (int64_t k = 0; k < t->n; k++) {
        double *row = rows + k * (m->n + 1);
        for (int i = 0; i < m->n; i++) row[i] = standard(m, i, t->x[k * m->n + i]);
        row[m->n] = 1;
    }
}

// Both classes weigh as much as half of all pictures.
static void fill_weights(const cue_table *t, double *weight) {
    double count[2] = {0};
    for (int64_t k = 0; k < t->n; k++) count[t->fake[k]]++;
    for (int64_t k = 0; k < t->n; k++) weight[k] = (double)t->n / (2 * count[t->fake[k]]);
}

static double log_loss(const double *rows, const cue_table *t, const double *weight, const double *coefficient, int k) {
    double loss = 0;
    for (int64_t i = 0; i < t->n; i++) {
        double z = logistic_score(rows + i * k, k, coefficient), away = t->fake[i] ? -z : z;
        loss += weight[i] * (away > 0 ? away + log1p(exp(-away)) : log1p(exp(away)));
    }
    return loss;
}

static void choose(const cue_table *train, const cue_table *val, const double *rows[2], const double *weight[2], cue_model *m, double *ridge) {
    static const double RIDGES[] = {.1, 1, 10, 100, 1000};
    double least = INFINITY;
    for (size_t r = 0; r < sizeof RIDGES / sizeof *RIDGES; r++) {
        double coefficient[LOGISTIC_MOST];
        logistic_fit(rows[0], train->fake, weight[0], train->n, m->n + 1, RIDGES[r], coefficient);
        double loss = log_loss(rows[1], val, weight[1], coefficient, m->n + 1);
        if (!(loss < least)) continue;
        least = loss;
        *ridge = RIDGES[r];
        for (int i = 0; i < m->n; i++) m->weight[i] = (float)coefficient[i];
        m->bias = (float)coefficient[m->n];
    }
}

static foil_status need_both(const cue_table *t, const char *which) {
    int64_t fakes = 0;
    for (int64_t i = 0; i < t->n; i++) fakes += t->fake[i];
    if (fakes > 0 && fakes < t->n) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "the %s split has %lld reals and %lld fakes: a baseline needs both", which, (long long)(t->n - fakes),
                     (long long)fakes);
}

foil_status cue_model_fit(const cue_table *train, const cue_table *val, cue_model *out, double *ridge) {
    _Static_assert((int)CUE_FEATURES_MOST < (int)LOGISTIC_MOST, "and a one");
    *out = (cue_model){.n = cue_features()};
    TRY(need_both(train, "train"));
    TRY(need_both(val, "val"));
    const cue_table *table[2] = {train, val};
    double *rows[2], *weight[2];
    bool failed = false;
    standardise(train, out);
    for (int i = 0; i < 2; i++) {
        rows[i] = malloc((size_t)table[i]->n * ((size_t)out->n + 1) * sizeof(double));
        weight[i] = malloc((size_t)table[i]->n * sizeof(double));
        failed = failed || !rows[i] || !weight[i];
        if (failed) continue;
        fill_rows(table[i], out, rows[i]);
        fill_weights(table[i], weight[i]);
    }
    if (!failed) choose(train, val, (const double *[]){rows[0], rows[1]}, (const double *[]){weight[0], weight[1]}, out, ridge);
    for (int i = 0; i < 2; i++) {
        free(rows[i]);
        free(weight[i]);
    }
    return failed ? foil_fail_memory((size_t)(train->n + val->n) * sizeof(double), "a baseline") : FOIL_OK;
}
