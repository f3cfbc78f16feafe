// metrics.json: an evaluation for machines.
#include <stdlib.h>

#include "eval/report_json.h"

json_t *interval_json(const interval *v) {
    json_t *t = json_object();
    json_put(t, "value", number_json(v->value));
    json_put(t, "low", number_json(v->low));
    json_put(t, "high", number_json(v->high));
    return t;
}

json_t *robustness_json(const robustness *r) {
    json_t *t = json_object(), *rows = json_array();
    for (int i = 0; i < r->rows; i++) {
        json_t *row = json_object(), *strengths = json_array();
        for (int s = 0; s < STRENGTHS; s++) {
            json_t *strength = json_object();
            json_put(strength, "value", json_real(r->row[i].strength[s].value));
            json_put(strength, "auc", interval_json(&r->row[i].strength[s].auc));
            json_put(strength, "relative_loss", interval_json(&r->row[i].strength[s].loss));
            json_push(strengths, strength);
        }
        json_put(row, "name", json_string(r->row[i].name));
        json_put(row, "parameter", json_string(r->row[i].parameter));
        json_put(row, "library", json_string(r->row[i].library));
        json_put(row, "strengths", strengths);
        json_push(rows, row);
    }
    json_put(t, "clean", interval_json(&r->clean));
    json_put(t, "perturbations", rows);
    json_put(t, "mean_relative_loss", interval_json(&r->mean_loss));
    return t;
}

static json_t *row_json(const evaluation *e, const judge *j, int at) {
    const evaluation_row *from = &e->row[at];
    json_t *row = json_object();
    json_put(row, "reals", json_integer(from->reals));
    json_put(row, "fakes", json_integer(from->fakes));
    if (from->kind != ROW_OVERALL) json_put(row, "own_reals", json_boolean(from->own_reals));
    for (int m = 0; m < e->metrics; m++) {
        json_put(row, metric_name((metric)m), interval_json(&j->metric[at][m]));
    }
    json_put(row, "real_clips", json_integer(from->real_clips));
    json_put(row, "fake_clips", json_integer(from->fake_clips));
    return row;
}

// "overall", "methods", "levels", "subjects", "threshold".
static void add_result(json_t *to, const evaluation *e, const judge *j) {
    json_t *kind[ROW_KINDS] = {NULL, json_object(), json_object(), json_object()}, *threshold = json_object();
    json_put(to, "overall", row_json(e, j, 0));
    for (int r = 1; r < e->rows; r++) {
        json_t *key = text_json(e->row[r].name);
        json_put(kind[e->row[r].kind], json_string_value(key), row_json(e, j, r));
        json_decref(key);
    }
    json_put(to, "methods", kind[ROW_METHOD]);
    json_put(to, "levels", kind[ROW_LEVEL]);
    json_put(to, "subjects", kind[ROW_SUBJECT]);
    json_put(threshold, "name", json_string(j->threshold_name));
    json_put(threshold, "value", number_json(j->threshold));
    json_put(to, "threshold", threshold);
    if (j->robustness) json_put(to, "robustness", robustness_json(j->robustness));
}

static json_t *set_json(const evaluation *e) {
    json_t *t = json_object();
    json_put(t, "name", text_json(e->name));
    json_put(t, "split", json_string(e->split));
    json_put(t, "fingerprint", json_string(e->fingerprint));
    json_put(t, "unit", json_string(e->clip_rule < 0 ? "picture" : "clip"));
    json_put(t, "rule", e->clip_rule < 0 ? json_null() : json_string(CLIP_RULES[e->clip_rule]));
    json_put(t, "frames", e->frames ? json_integer(e->frames) : json_null());
    json_put(t, "pictures", json_integer(e->pictures));
    return t;
}

static void add_tandem(json_t *root, const tandem *t) {
    json_t *asv = json_object();
    json_put(asv, "targets", json_integer(t->targets));
    json_put(asv, "nontargets", json_integer(t->nontargets));
    json_put(asv, "spoofs", json_integer(t->spoofs));
    json_put(asv, "threshold", number_json(t->threshold));
    json_put(asv, "miss", number_json(t->miss));
    json_put(asv, "false_alarm", number_json(t->false_alarm));
    json_put(asv, "spoof_accepted", number_json(t->spoof_accepted));
    json_put(root, "asv", asv);
}

static json_t *difference_json(int at, const difference *d) {
    json_t *t = json_object();
    json_put(t, "set", json_integer(at));
    json_put(t, "a", json_integer(d->a));
    json_put(t, "b", json_integer(d->b));
    json_put(t, "metric", json_string(metric_name(d->metric)));
    json_put(t, "value", number_json(d->value));
    json_put(t, "low", number_json(d->low));
    json_put(t, "high", number_json(d->high));
    json_put(t, "p", number_json(d->p));
    json_put(t, "p_holm", number_json(d->p_holm));
    return t;
}

static void add_many(json_t *root, const evaluation *e, int n) {
    json_t *sets = json_array(), *detectors = json_array(), *results = json_array(), *differences = json_array();
    for (int k = 0; k < e->judges; k++) {
        json_t *detector = json_object();
        json_put(detector, "name", text_json(e->judge[k].name));
        json_put(detector, "kind", json_string(JUDGE_KINDS[e->judge[k].kind]));
        json_push(detectors, detector);
    }
    for (int i = 0; i < n; i++) {
        json_push(sets, set_json(&e[i]));
        for (int k = 0; k < e[i].judges; k++) {
            json_t *result = json_object();
            json_put(result, "set", json_integer(i));
            json_put(result, "detector", json_integer(k));
            add_result(result, &e[i], &e[i].judge[k]);
            json_push(results, result);
        }
        for (int d = 0; d < e[i].differences; d++) json_push(differences, difference_json(i, &e[i].difference[d]));
    }
    json_put(root, "sets", sets);
    json_put(root, "detectors", detectors);
    json_put(root, "results", results);
    json_put(root, "differences", differences);
}

foil_status evaluations_json(const evaluation *e, int n, text *out) {
    json_start();
    json_t *root = json_object();
    const bool beside = n == 1 && e->judges == 2 && e->judge[0].kind == JUDGE_NETWORK && e->judge[1].kind == JUDGE_CUES;
    if (n == 1 && (e->judges == 1 || beside)) {
        add_result(root, e, e->judge);
        json_put(root, "set", set_json(e));
    }
    if (n > 1 || e->judges > 1) add_many(root, e, n);
    if (e->tandem) add_tandem(root, e->tandem);
    json_put(root, "draws", json_integer(e->draws));
    json_put(root, "seed", json_integer((json_int_t)e->seed));
    const bool whole = json_whole("metrics as JSON") == FOIL_OK;
    char *dump = whole ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    if (!dump) return foil_fail_memory(4096, "metrics as JSON");
    text_add(out, dump);
    text_add(out, "\n");
    free(dump);
    return out->failed ? foil_fail_memory(4096, "metrics as JSON") : FOIL_OK;
}
