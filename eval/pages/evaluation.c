#include "eval/pages/evaluation.h"

#include <stdlib.h>
#include <string.h>

#include "eval/report_json.h"

// Rows of one kind that a page has at most: the hardest.
enum { PAGE_ROWS = 60, MOST_MISTAKES = 12, ALL_MISTAKES = 48 };

// Rows. -------------------------------------------------------------------------------------------------------------------------------------------

// Of rows but the first those metrics that the page shows.
static bool row_has(int row, metric m) {
    return row == 0 || m == METRIC_AUC || m == METRIC_EER || m == METRIC_TPR_FPR1 || m == METRIC_ACCURACY;
}

static json_t *row_json(const evaluation *e, const judge *j, int row) {
    json_t *metrics = json_object();
    for (int m = 0; m < e->metrics; m++)
        if (row_has(row, (metric)m)) json_put(metrics, metric_name((metric)m), interval_json(&j->metric[row][m]));
    const evaluation_row *r = &e->row[row];
    return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:b, s:o}", "kind", ROW_KIND_NAMES[r->kind], "name", text_json(r->name), "reals",
                     (json_int_t)r->reals, "fakes", (json_int_t)r->fakes, "real_clips", (json_int_t)r->real_clips, "fake_clips",
                     (json_int_t)r->fake_clips, "own_reals", r->own_reals, "metrics", metrics);
}

// Whether fewer than PAGE_ROWS rows of its kind are harder for the first judge: so that all judges show the same ones.
static bool is_shown(const evaluation *e, int row) {
    int harder = 0;
    const double own = e->judge[0].metric[row][METRIC_AUC].value;
    for (int r = 0; r < e->rows; r++) {
        const double auc = e->judge[0].metric[r][METRIC_AUC].value;
        harder += e->row[r].kind == e->row[row].kind && (auc < own || (auc == own && r < row));
    }
    return harder < PAGE_ROWS;
}

static void add_rows(json_t *result, const evaluation *e, const judge *j) {
    int left_out[ROW_KINDS] = {0};
    json_t *rows = json_array(), *more = json_object();
    for (int r = 0; r < e->rows; r++) {
        if (is_shown(e, r))
            json_push(rows, row_json(e, j, r));
        else
            left_out[e->row[r].kind]++;
    }
    for (int k = 0; k < ROW_KINDS; k++)
        if (left_out[k]) json_put(more, ROW_KIND_NAMES[k], json_integer(left_out[k]));
    json_put(result, "rows", rows);
    json_put(result, "more", more);
}

// All of it. --------------------------------------------------------------------------------------------------------------------------------------

static json_t *text_or_null(const char *s) {
    return s && *s ? text_json(s) : json_null();
}

static json_t *set_json(const evaluation *e) {
    const bool whole = e->clip_rule >= 0;
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:I, s:o, s:I, s:I}", "name", text_json(e->name), "fingerprint", text_or_null(e->fingerprint),
                     "split", text_or_null(e->split), "unit", whole ? "clip" : "picture", "rule",
                     whole ? json_string(CLIP_RULES[e->clip_rule]) : json_null(), "pictures", (json_int_t)e->pictures, "frames",
                     e->frames ? json_integer(e->frames) : json_null(), "reals", (json_int_t)e->row[0].reals, "fakes", (json_int_t)e->row[0].fakes);
}

static json_t *difference_json(int at, const difference *d) {
    return json_pack("{s:i, s:i, s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "set", at, "a", d->a, "b", d->b, "metric", metric_name(d->metric), "value",
                     number_json(d->value), "low", number_json(d->low), "high", number_json(d->high), "p", number_json(d->p), "p_holm",
                     number_json(d->p_holm));
}

static void add_robustness(json_t *list, const judge *j, int at, int by) {
    json_t *one = j->robustness ? robustness_json(j->robustness) : NULL;
    if (!one) return;
    json_put(one, "set", json_integer(at));
    json_put(one, "detector", json_integer(by));
    json_push(list, one);
}

static foil_status add_result(json_t *results, const evaluation_page *p, int at, int by) {
    const evaluation *e = &p->e[at];
    const judge *j = &e->judge[by];
    const int share = ALL_MISTAKES / (p->sets * e->judges), most = share > MOST_MISTAKES ? MOST_MISTAKES : share > 3 ? share : 3;
    json_t *result =
        json_pack("{s:i, s:i, s:o, s:b}", "set", at, "detector", by, "seen", text_or_null(page_seen(e, j)), "calibrated", page_calibrated(e, j));
    json_push(results, result);
    if (!result) return foil_fail_memory(4096, "an evaluation's page");
    add_rows(result, e, j);
    TRY(page_add_scores(result, e, j));
    return page_add_mistakes(result, e, j, p->from[at], most);
}

static foil_status add_all(json_t *page, const evaluation_page *p) {
    json_t *sets = json_array(), *detectors = json_array(), *results = json_array(), *differences = json_array();
    json_t *robust = json_array();
    json_put(page, "sets", sets);
    json_put(page, "detectors", detectors);
    json_put(page, "results", results);
    json_put(page, "differences", differences);
    json_put(page, "robustness", robust);
    for (int k = 0; k < p->e->judges; k++) {
        const judge *j = &p->e->judge[k];
        json_push(detectors, json_pack("{s:o, s:s, s:o}", "name", text_json(j->name), "kind", JUDGE_KINDS[j->kind], "card", page_card(j)));
    }
    for (int i = 0; i < p->sets; i++) {
        json_push(sets, set_json(&p->e[i]));
        for (int k = 0; k < p->e[i].judges; k++) {
            TRY(add_result(results, p, i, k));
            add_robustness(robust, &p->e[i].judge[k], i, k);
        }
        for (int d = 0; d < p->e[i].differences; d++)
            if (p->e[i].difference[d].metric == METRIC_AUC) json_push(differences, difference_json(i, &p->e[i].difference[d]));
    }
    return FOIL_OK;
}

foil_status evaluation_page_write(const evaluation_page *p, const char *path) {
    json_start();
    json_t *page = json_pack("{s:s, s:o, s:I, s:i, s:i, s:i, s:I}", "foil", foil_version(), "command", text_json(p->command), "seed",
                             (json_int_t)p->e->seed, "draws", p->e->draws, "interval_clips", INTERVAL_CLIPS, "enough_clips", ENOUGH_CLIPS,
                             "enough_reals", (json_int_t)reals_needed(.01));
    if (!page) return foil_fail_memory(4096, "an evaluation's page");
    foil_status status = add_all(page, p);
    if (status == FOIL_OK) status = page_write(path, PAGE_EVALUATION, page);
    json_decref(page);
    return status;
}
