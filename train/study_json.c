// The report for programs: study.json.
#include <stdlib.h>

#include "eval/json.h"
#include "train/study_judge.h"

static json_t *answer(const study *s, const study_question *q, int variant) {
    const study_answer *a = &q->answer[variant];
    json_t *values = json_array(), *others = json_object();
    for (int i = 0; i < s->seeds.n; i++) json_array_append_new(values, a->there[i] ? number_json(a->value[i]) : json_null());
    for (int m = 0; m < METRICS; m++) json_object_set_new(others, METRIC_NAMES[m], number_json(a->other[m]));
    return json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "question", q->name, "on", study_view_title(s, q->view), "variant",
                     study_answer_name(s, variant), "seeds", a->seeds, "mean", number_json(a->mean), "deviation", number_json(a->deviation), "low",
                     number_json(a->low), "high", number_json(a->high), "values", values, "means", others);
}

static json_t *side(const study *s, const study_result *r, int question, int variant) {
    const study_question *q = &r->question[question];
    return json_pack("{s:s, s:s, s:s}", "question", q->name, "on", study_view_title(s, q->view), "variant", study_answer_name(s, variant));
}

static json_t *set_json(const study_results *r, int which) {
    const study *s = r->study;
    const study_result *of = &r->set[which];
    json_t *answers = json_array(), *differences = json_array();
    for (int q = 0; q < of->questions; q++)
        for (int v = 0; v < of->answers; v++) json_array_append_new(answers, answer(s, &of->question[q], v));
    for (int i = 0; i < of->differences; i++) {
        const study_difference *d = &of->difference[i];
        json_array_append_new(differences, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i}", "a", side(s, of, d->question_a, d->variant_a),
                                                     "b", side(s, of, d->question_b, d->variant_b), "value", number_json(d->of.value), "low",
                                                     number_json(d->of.low), "high", number_json(d->of.high), "p", number_json(d->of.p), "p_holm",
                                                     number_json(d->of.p_holm), "seeds", d->seeds, "agree", d->agree));
    }
    return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:s}", "name", s->set[which].name, "fingerprint", of->test.fingerprint, "reals",
                     (json_int_t)of->test.reals, "fakes", (json_int_t)of->test.fakes, "answers", answers, "differences", differences, "verdict",
                     of->verdict);
}

static json_t *view_json(const study_view *v) {
    json_t *metrics = json_object();
    for (int m = 0; m < METRICS; m++)
        json_object_set_new(metrics, METRIC_NAMES[m],
                            json_pack("{s:o, s:o, s:o}", "value", number_json(v->metric[m].value), "low", number_json(v->metric[m].low), "high",
                                      number_json(v->metric[m].high)));
    return metrics;
}

static json_t *cell_json(const study_results *r, int i) {
    const study *s = r->study;
    const study_cell *c = &s->cell[i];
    const study_judged *judged = &r->cell[i];
    json_t *views = json_array();
    for (int v = 0; judged->ended && v < study_views(s, c->set); v++) json_array_append_new(views, view_json(&judged->view[v]));
    text command = {0};
    study_command(c, &command);
    json_t *cell = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o}", "name", c->name, "set", s->set[c->set].name, "part",
                             s->set[c->set].part[c->part], "variant", s->variant[c->variant].name, "seed", (json_int_t)s->seeds.at[c->seed], "state",
                             judged->ended      ? "ended"
                             : judged->diverged ? "diverged"
                                                : "not run",
                             "command", command.failed ? "" : command.data, "views", views);
    if (!judged->ended) json_object_set_new(cell, "why", json_string(judged->why));
    text_free(&command);
    return cell;
}

foil_status study_json(const study_results *r, text *out) {
    const study *s = r->study;
    json_t *sets = json_array(), *cells = json_array(), *seeds = json_array();
    for (int i = 0; i < s->sets; i++) json_array_append_new(sets, set_json(r, i));
    for (int i = 0; i < s->cells; i++) json_array_append_new(cells, cell_json(r, i));
    for (int i = 0; i < s->seeds.n; i++) json_array_append_new(seeds, json_integer(s->seeds.at[i]));
    json_t *root = json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o}", "foil", FOIL_VERSION, "protocol", study_protocol_name(s->protocol), "metric",
                             METRIC_NAMES[s->metric], "draws", (json_int_t)s->draws, "seeds", seeds, "sets", sets, "cells", cells);
    char *dump = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(root);
    if (!dump) return foil_fail(FOIL_INVALID, "study.json: a name is not UTF-8");
    text_add(out, dump);
    text_add(out, "\n");
    free(dump);
    return out->failed ? foil_fail_memory(out->length, "study.json") : FOIL_OK;
}
