// A calibration as metadata and back. Numbers keep all their digits: what was chosen on validation is what is used.
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/card.h"

// Writing. --------------------------------------------------------------------------------------------------------------------------------------

static json_t *numbers(const double *x, int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, json_real(x[i]));
    return list;
}

static json_t *method_of(const calibration *c) {
    json_t *method = json_pack("{ss sf sf sf}", "method", CALIBRATION_NAMES[c->method], "bias", c->bias, "prior", c->prior, "shift", c->shift);
    if (c->method == CALIBRATION_ISOTONIC) {
        json_object_set_new(method, "logit", numbers(c->knots.x, c->knots.n));
        json_object_set_new(method, "score", numbers(c->knots.y, c->knots.n));
    }
    return method;
}

static bool set_named(json_t *object, const operating_point *t, json_t *value) {
    text name = {0};
    threshold_name(t, &name);
    bool done = json_object_set_new(object, name.failed ? NULL : name.data, value) == 0; // frees the value if it fails
    text_free(&name);
    return done;
}

static bool set_json(json_t *json, const char *key, card_set *set, void *to) {
    char *value = json ? json_dumps(json, JSON_REAL_PRECISION(17)) : NULL;
    if (value) set(to, key, value);
    json_decref(json);
    free(value);
    return value != NULL;
}

foil_status card_set_calibration(const calibration *c, card_set *set, void *to) {
    json_t *thresholds = json_object(), *false_alarms = json_object();
    text temperature = {0};
    bool done = true;
    text_format(&temperature, "%.17g", c->temperature);
    for (int t = 0; t < c->thresholds; t++) {
        done = set_named(thresholds, &c->threshold[t], json_real(c->threshold[t].score)) && done;
        if (c->threshold[t].false_alarms >= 0) done = set_named(false_alarms, &c->threshold[t], json_integer(c->threshold[t].false_alarms)) && done;
    }
    if (temperature.failed)
        done = false;
    else
        set(to, "temperature", temperature.data);
    json_t *data = json_pack("{sI sI so}", "reals", (json_int_t)c->reals, "fakes", (json_int_t)c->fakes, "false_alarms", false_alarms);
    done = set_json(method_of(c), "calibration", set, to) && done;
    done = set_json(thresholds, "thresholds", set, to) && done;
    done = set_json(data, "calibrated_on", set, to) && done;
    text_free(&temperature);
    return done ? FOIL_OK : foil_fail_memory(4096, "a detector's metadata");
}

// Reading. --------------------------------------------------------------------------------------------------------------------------------------

// One piece of metadata that is a JSON object.
typedef struct piece {
    const char *path, *key, *value;
    json_t *json;
} piece;

static foil_status wrong(const piece *p, const char *expected) {
    return foil_fail(FOIL_INVALID, "%s: %s is '%.200s': expected %s", p->path, p->key, p->value, expected);
}

static foil_status with_object(const safetensors *file, const char *path, const char *key, foil_status (*read)(const piece *, arena *, calibration *),
                               arena *memory, calibration *c) {
    piece p = {path, key, safetensors_metadata(file, key), NULL};
    if (!p.value) return foil_fail(FOIL_INVALID, "%s: a detector without '%s' in its metadata", path, key);
    p.json = json_loads(p.value, JSON_REJECT_DUPLICATES, NULL);
    foil_status status = json_is_object(p.json) ? read(&p, memory, c) : wrong(&p, "a JSON object");
    json_decref(p.json);
    return status;
}

static foil_status read_number(const piece *p, const char *name, double low, double high, double *out) {
    const json_t *number = json_object_get(p->json, name);
    *out = json_number_value(number);
    if (json_is_number(number) && *out >= low && *out <= high) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: %s is '%.200s': expected a number from %g to %g for \"%s\"", p->path, p->key, p->value, low, high, name);
}

static foil_status read_temperature(const safetensors *file, const char *path, calibration *c) {
    const char *value = safetensors_metadata(file, "temperature");
    if (!value) return foil_fail(FOIL_INVALID, "%s: a detector without 'temperature' in its metadata", path);
    if (text_to_float(value, &c->temperature) && c->temperature >= TEMPERATURE_LEAST && c->temperature <= TEMPERATURE_MOST) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: temperature is '%s': expected a number from 1e-30 to 1e30", path, value);
}

static foil_status read_counts(const piece *p, arena *memory, calibration *c) {
    double reals, fakes;
    (void)memory;
    TRY(read_number(p, "reals", 0, 1e15, &reals));
    TRY(read_number(p, "fakes", 0, 1e15, &fakes));
    c->reals = (int64_t)reals;
    c->fakes = (int64_t)fakes;
    c->prior = c->reals + c->fakes > 0 ? fakes / (reals + fakes) : .5;
    return FOIL_OK;
}

// "eer" or "fpr=0.01"
static bool read_name(const char *name, double *fpr) {
    *fpr = 0;
    if (!strcmp(name, "eer")) return true;
    return text_starts(name, "fpr=") && text_to_float(name + strlen("fpr="), fpr) && *fpr > 0 && *fpr < 1;
}

static foil_status read_thresholds(const piece *p, arena *memory, calibration *c) {
    const char *name;
    json_t *score;
    double fpr;
    (void)memory;
    c->thresholds = 1;
    c->threshold[0].score = NAN;
    json_object_foreach(p->json, name, score) {
        if (!read_name(name, &fpr) || !json_is_number(score)) return wrong(p, "numbers for \"eer\", \"fpr=0.01\" …");
        if (fpr > 0 && c->thresholds == THRESHOLDS) return wrong(p, "fewer thresholds");
        c->threshold[fpr > 0 ? c->thresholds++ : 0] = (operating_point){fpr, json_number_value(score), -1};
    }
    return isnan(c->threshold[0].score) ? wrong(p, "a number for \"eer\"") : FOIL_OK;
}

// How many reals passed each threshold: unknown in older files.
static foil_status read_false_alarms(const piece *p, arena *memory, calibration *c) {
    const json_t *counts = json_object_get(p->json, "false_alarms");
    (void)memory;
    for (int t = 0; counts && t < c->thresholds; t++) {
        text name = {0};
        threshold_name(&c->threshold[t], &name);
        const json_t *count = name.failed ? NULL : json_object_get(counts, name.data);
        text_free(&name);
        if (!count) continue;
        json_int_t n = json_integer_value(count);
        if (!json_is_integer(count) || n < 0 || n > c->reals) return wrong(p, "\"false_alarms\" to be whole numbers, not more than there are reals");
        c->threshold[t].false_alarms = n;
    }
    return FOIL_OK;
}

static foil_status read_list(const piece *p, const char *name, double **out, size_t *n, arena *memory) {
    const json_t *list = json_object_get(p->json, name);
    *n = json_array_size(list);
    *out = arena_alloc(memory, (*n + 1) * sizeof **out);
    if (!*out) return foil_fail_memory((*n + 1) * sizeof **out, "knots");
    for (size_t i = 0; i < *n; i++) {
        const json_t *number = json_array_get(list, i);
        if (!json_is_number(number)) return foil_fail(FOIL_INVALID, "%s: %s: \"%s\" has something else than numbers", p->path, p->key, name);
        (*out)[i] = json_number_value(number);
    }
    return FOIL_OK;
}

static foil_status read_knots(const piece *p, arena *memory, calibration *c) {
    double *x, *y;
    size_t n, m;
    TRY(read_list(p, "logit", &x, &n, memory));
    TRY(read_list(p, "score", &y, &m, memory));
    if (n == 0 || n != m || n > 1u << 30)
        return foil_fail(FOIL_INVALID, "%s: %s: isotonic with %zu logits and %zu scores: expected as many of both", p->path, p->key, n, m);
    for (size_t i = 0; i < n; i++)
        if (!(y[i] > 0 && y[i] < 1) || (i && (x[i] <= x[i - 1] || y[i] < y[i - 1])))
            return foil_fail(FOIL_INVALID,
                             "%s: %s: knot %zu of %zu (logit %g, score %g): expected rising logits, scores that do not fall, between 0 and 1",
                             p->path, p->key, i + 1, n, x[i], y[i]);
    c->knots = (isotonic){(int)n, x, y};
    return FOIL_OK;
}

static foil_status read_method(const piece *p, arena *memory, calibration *c) {
    const char *name = json_string_value(json_object_get(p->json, "method"));
    int method = 0;
    while (name && CALIBRATION_NAMES[method] && strcmp(name, CALIBRATION_NAMES[method]) != 0) method++;
    if (!name || !CALIBRATION_NAMES[method]) return wrong(p, "a \"method\" that this version knows");
    c->method = (calibration_method)method;
    TRY(read_number(p, "bias", -1e30, 1e30, &c->bias));
    TRY(read_number(p, "prior", 0, 1, &c->prior));
    TRY(read_number(p, "shift", -100, 100, &c->shift));
    return c->method == CALIBRATION_ISOTONIC ? read_knots(p, memory, c) : FOIL_OK;
}

foil_status card_read_calibration(const safetensors *file, const char *path, arena *memory, calibration *c) {
    TRY(read_temperature(file, path, c));
    TRY(with_object(file, path, "calibrated_on", read_counts, memory, c));
    TRY(with_object(file, path, "thresholds", read_thresholds, memory, c));
    TRY(with_object(file, path, "calibrated_on", read_false_alarms, memory, c));
    return safetensors_metadata(file, "calibration") ? with_object(file, path, "calibration", read_method, memory, c) : FOIL_OK;
}
