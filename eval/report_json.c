// metrics.json: an evaluation for machines.
#include <stdlib.h>

#include "eval/report_json.h"

json_t *interval_json(const interval *v) {
    json_t *t = json_object();
    json_object_set_new(t, "value", number_json(v->value));
    json_object_set_new(t, "low", number_json(v->low));
    json_object_set_new(t, "high", number_json(v->high));
    return t;
}

json_t *robustness_json(const robustness *r) {
    json_t *t = json_object(), *rows = json_array();
    for (int i = 0; i < r->rows; i++) {
        json_t *row = json_object(), *strengths = json_array();
        for (int s = 0; s < STRENGTHS; s++) {
            json_t *strength = json_object();
            json_object_set_new(strength, "value", json_real(r->row[i].strength[s].value));
            json_object_set_new(strength, "auc", interval_json(&r->row[i].strength[s].auc));
            json_object_set_new(strength, "relative_loss", interval_json(&r->row[i].strength[s].loss));
            json_array_append_new(strengths, strength);
        }
        json_object_set_new(row, "name", json_string(r->row[i].name));
        json_object_set_new(row, "parameter", json_string(r->row[i].parameter));
        json_object_set_new(row, "library", json_string(r->row[i].library));
        json_object_set_new(row, "strengths", strengths);
        json_array_append_new(rows, row);
    }
    json_object_set_new(t, "clean", interval_json(&r->clean));
    json_object_set_new(t, "perturbations", rows);
    json_object_set_new(t, "mean_relative_loss", interval_json(&r->mean_loss));
    return t;
}

static json_t *row_json(const evaluation *e, const judge *j, int at) {
    const evaluation_row *from = &e->row[at];
    json_t *row = json_object();
    json_object_set_new(row, "reals", json_integer(from->reals));
    json_object_set_new(row, "fakes", json_integer(from->fakes));
    if (from->kind != ROW_OVERALL) json_object_set_new(row, "own_reals", json_boolean(from->own_reals));
    for (int m = 0; m < e->metrics; m++) {
        json_object_set_new(row, metric_name((metric)m), interval_json(&j->metric[at][m]));
    }
    return row;
}

// "overall", "methods", "levels", "subjects", "threshold".
static void add_result(json_t *to, const evaluation *e, const judge *j) {
    json_t *kind[ROW_KINDS] = {NULL, json_object(), json_object(), json_object()}, *threshold = json_object();
    json_object_set_new(to, "overall", row_json(e, j, 0));
    for (int r = 1; r < e->rows; r++) {
        json_t *key = text_json(e->row[r].name);
        json_object_set_new(kind[e->row[r].kind], json_string_value(key), row_json(e, j, r));
        json_decref(key);
    }
    json_object_set_new(to, "methods", kind[ROW_METHOD]);
    json_object_set_new(to, "levels", kind[ROW_LEVEL]);
    json_object_set_new(to, "subjects", kind[ROW_SUBJECT]);
    json_object_set_new(threshold, "name", json_string(j->threshold_name));
    json_object_set_new(threshold, "value", number_json(j->threshold));
    json_object_set_new(to, "threshold", threshold);
    if (j->robustness) json_object_set_new(to, "robustness", robustness_json(j->robustness));
}

static json_t *set_json(const evaluation *e) {
    json_t *t = json_object();
    json_object_set_new(t, "name", text_json(e->name));
    json_object_set_new(t, "split", json_string(e->split));
    json_object_set_new(t, "fingerprint", json_string(e->fingerprint));
    json_object_set_new(t, "unit", json_string(e->clip_rule < 0 ? "picture" : "clip"));
    json_object_set_new(t, "rule", e->clip_rule < 0 ? json_null() : json_string(CLIP_RULES[e->clip_rule]));
    json_object_set_new(t, "frames", e->frames ? json_integer(e->frames) : json_null());
    json_object_set_new(t, "pictures", json_integer(e->pictures));
    return t;
}

static void add_tandem(json_t *root, const tandem *t) {
    json_t *asv = json_object();
    json_object_set_new(asv, "targets", json_integer(t->targets));
    json_object_set_new(asv, "nontargets", json_integer(t->nontargets));
    json_object_set_new(asv, "spoofs", json_integer(t->spoofs));
    json_object_set_new(asv, "threshold", number_json(t->threshold));
    json_object_set_new(asv, "miss", number_json(t->miss));
    json_object_set_new(asv, "false_alarm", number_json(t->false_alarm));
    json_object_set_new(asv, "spoof_accepted", number_json(t->spoof_accepted));
    json_object_set_new(root, "asv", asv);
}

static json_t *difference_json(int at, const difference *d) {
    json_t *t = json_object();
    json_object_set_new(t, "set", json_integer(at));
    json_object_set_new(t, "a", json_integer(d->a));
    json_object_set_new(t, "b", json_integer(d->b));
    json_object_set_new(t, "metric", json_string(metric_name(d->metric)));
    json_object_set_new(t, "value", number_json(d->value));
    json_object_set_new(t, "low", number_json(d->low));
    json_object_set_new(t, "high", number_json(d->high));
    json_object_set_new(t, "p", number_json(d->p));
    json_object_set_new(t, "p_holm", number_json(d->p_holm));
    return t;
}

static void add_many(json_t *root, const evaluation *e, int n) {
    json_t *sets = json_array(), *detectors = json_array(), *results = json_array(), *differences = json_array();
    for (int k = 0; k < e->judges; k++) {
        json_t *detector = json_object();
        json_object_set_new(detector, "name", text_json(e->judge[k].name));
        json_object_set_new(detector, "kind", json_string(JUDGE_KINDS[e->judge[k].kind]));
        json_array_append_new(detectors, detector);
    }
    for (int i = 0; i < n; i++) {
        json_array_append_new(sets, set_json(&e[i]));
        for (int k = 0; k < e[i].judges; k++) {
            json_t *result = json_object();
            json_object_set_new(result, "set", json_integer(i));
            json_object_set_new(result, "detector", json_integer(k));
            add_result(result, &e[i], &e[i].judge[k]);
            json_array_append_new(results, result);
        }
        for (int d = 0; d < e[i].differences; d++) json_array_append_new(differences, difference_json(i, &e[i].difference[d]));
    }
    json_object_set_new(root, "sets", sets);
    json_object_set_new(root, "detectors", detectors);
    json_object_set_new(root, "results", results);
    json_object_set_new(root, "differences", differences);
}

foil_status evaluations_json(const evaluation *e, int n, text *out) {
    json_t *root = json_object();
    const bool beside = n == 1 && e->judges == 2 && e->judge[0].kind == JUDGE_NETWORK && e->judge[1].kind == JUDGE_CUES;
    if (n == 1 && (e->judges == 1 || beside)) {
        add_result(root, e, e->judge);
        json_object_set_new(root, "set", set_json(e));
    }
    if (n > 1 || e->judges > 1) add_many(root, e, n);
    if (e->tandem) add_tandem(root, e->tandem);
    json_object_set_new(root, "draws", json_integer(e->draws));
    json_object_set_new(root, "seed", json_integer((json_int_t)e->seed));
    char *dump = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(root);
    if (!dump) return foil_fail_memory(4096, "metrics as JSON");
    text_add(out, dump);
    text_add(out, "\n");
    free(dump);
    return out->failed ? foil_fail_memory(4096, "metrics as JSON") : FOIL_OK;
}
