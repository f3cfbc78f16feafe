#include "eval/robustness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/ranking.h"

typedef struct measurement {
    metric_input in;
    const int *clip;
    int draws;
    uint64_t seed;
    double *score;      // [n], of one variant
    double *drawn;      // [METRICS_ALL, draws], of one variant
    double *clean;      // [draws]
    double *loss, *sum; // [draws]; the loss of one variant, of all so far
} measurement;

static foil_status measure(measurement *m, interval *auc) {
    interval all[METRICS_ALL];
    TRY(metric_draws(&m->in, m->clip, m->draws, m->seed, all, m->drawn));
    *auc = all[METRIC_AUC];
    return FOIL_OK;
}

static double loss(double clean, double perturbed) {
    return clean > 0 ? (clean - perturbed) / clean : NAN;
}

static foil_status measure_loss(measurement *m, double clean, interval *auc, interval *lost) {
    TRY(measure(m, auc));
    const double *drawn = m->drawn + (int64_t)METRIC_AUC * m->draws;
    for (int d = 0; d < m->draws; d++) {
        m->loss[d] = loss(m->clean[d], drawn[d]);
        m->sum[d] += m->loss[d];
    }
    lost->value = loss(clean, auc->value);
    percentiles(m->loss, m->draws, &lost->low, &lost->high);
    return FOIL_OK;
}

static foil_status describe(const perturbation *p, arena *memory, robustness_row *row) {
    text library = {0};
    p->library(&library);
    *row = (robustness_row){.name = p->name, .parameter = p->parameter, .library = library.failed ? NULL : arena_text(memory, library.data)};
    text_free(&library);
    for (int s = 0; s < STRENGTHS; s++) row->strength[s].value = p->strength[s];
    return row->library ? FOIL_OK : foil_fail_memory(64, "the name of a library");
}

static foil_status measure_all(const perturbation_list *list, foil_status (*scores)(const void *context, int variant, double *out),
                               const void *context, measurement *m, arena *memory, robustness *out) {
    TRY(scores(context, 0, m->score));
    TRY(measure(m, &out->clean));
    memcpy(m->clean, m->drawn + (int64_t)METRIC_AUC * m->draws, (size_t)m->draws * sizeof *m->clean);
    out->mean_loss.value = 0;
    for (int r = 0; r < list->n; r++) {
        robustness_row *row = &out->row[r];
        TRY(describe(list->of[r], memory, row));
        for (int s = 0; s < STRENGTHS; s++) {
            TRY(scores(context, 1 + STRENGTHS * r + s, m->score));
            TRY(measure_loss(m, out->clean.value, &row->strength[s].auc, &row->strength[s].loss));
            out->mean_loss.value += row->strength[s].loss.value / (STRENGTHS * list->n);
        }
    }
    for (int d = 0; d < m->draws; d++) m->sum[d] /= (STRENGTHS * list->n);
    percentiles(m->sum, m->draws, &out->mean_loss.low, &out->mean_loss.high);
    return FOIL_OK;
}

foil_status robustness_measure(const perturbation_list *list, foil_status (*scores)(const void *context, int variant, double *out),
                               const void *context, const bool *fake, const int *clip, int64_t n, int draws, uint64_t seed, arena *memory,
                               robustness *out) {
    size_t numbers = (size_t)n + (size_t)(METRICS_ALL + 3) * (size_t)draws;
    double *some = calloc(numbers, sizeof *some);
    *out = (robustness){.rows = list->n, .row = arena_alloc(memory, (size_t)list->n * sizeof *out->row)};
    foil_status status = some && out->row ? FOIL_OK : foil_fail_memory(numbers * sizeof *some, "perturbed scores");
    if (status == FOIL_OK) {
        double *at = some + n;
        measurement m = {.in = {.score = some, .fake = fake, .n = n, .threshold = NAN}, .clip = clip, .draws = draws, .seed = seed, .score = some};
        m.clean = at;
        m.loss = at + draws;
        m.sum = at + 2 * (int64_t)draws;
        m.drawn = at + 3 * (int64_t)draws;
        status = measure_all(list, scores, context, &m, memory, out);
    }
    free(some);
    return status;
}

void robustness_table(const robustness *r, text *out) {
    text_format(out, "%-11s  %-13s  auc ", "as it is", "");
    interval_add(out, false, r->clean.value, r->clean.low, r->clean.high);
    text_add(out, "\n");
    for (int i = 0; i < r->rows; i++) {
        const robustness_row *row = &r->row[i];
        text_format(out, "%-11s  %-13s", row->name, row->parameter);
        for (int s = 0; s < STRENGTHS; s++) text_format(out, "  %5g %.4f", row->strength[s].value, row->strength[s].auc.value);
        text_add(out, "\n");
    }
    text_add(out, "mean relative loss of auc  ");
    interval_add(out, false, r->mean_loss.value, r->mean_loss.low, r->mean_loss.high);
    text_add(out, "\n");
}
