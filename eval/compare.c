#include "eval/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/ranking.h"

foil_status difference_of(double a, const double *draws_a, double b, const double *draws_b, int draws, difference *d) {
    double *between = malloc(((size_t)draws + 1) * sizeof *between);
    if (!between) return foil_fail_memory((size_t)draws * sizeof *between, "differences of draws");
    int below = 1, above = 1;
    bool known = draws > 0 && !isnan(a - b);
    for (int i = 0; i < draws; i++) {
        between[i] = draws_a[i] - draws_b[i];
        below += between[i] <= 0;
        above += between[i] >= 0;
        known = known && !isnan(between[i]);
    }
    d->value = a - b;
    percentiles(between, draws, &d->low, &d->high);
    d->p = known ? fmin(1, 2. * (below < above ? below : above) / (draws + 1)) : (double)NAN;
    d->p_holm = d->p;
    free(between);
    return FOIL_OK;
}

static int by_p(const void *a, const void *b) {
    const difference *x = *(difference *const *)a, *y = *(difference *const *)b;
    return (x->p > y->p) - (x->p < y->p);
}

foil_status holm(difference *d, int n, metric family) {
    difference **member = malloc(((size_t)n + 1) * sizeof *member);
    if (!member) return foil_fail_memory((size_t)n * sizeof *member, "a family of tests");
    int members = 0;
    for (int i = 0; i < n; i++)
        if (d[i].metric == family && !isnan(d[i].p)) member[members++] = &d[i];
    if (members) qsort((void *)member, (size_t)members, sizeof *member, by_p);
    double least = 0;
    for (int i = 0; i < members; i++) {
        least = fmax(least, fmin(1, (members - i) * member[i]->p));
        member[i]->p_holm = least;
    }
    free((void *)member);
    return FOIL_OK;
}

foil_status compare_scores(const double *const *score, const double *threshold, int columns, const bool *fake, const int *clip, int64_t n, metric m,
                           int draws, uint64_t seed, difference *out) {
    size_t some = (size_t)draws * METRICS_ALL;
    double *drawn = malloc((some + 1) * sizeof *drawn), *kept = malloc(((size_t)columns * (size_t)draws + 1) * sizeof *kept);
    double *value = malloc((size_t)columns * sizeof *value);
    foil_status status = drawn && kept && value ? FOIL_OK : foil_fail_memory(some * sizeof *drawn, "bootstrap draws");
    for (int c = 0; c < columns && status == FOIL_OK; c++) {
        interval all[METRICS_ALL];
        metric_input in = {.score = score[c], .fake = fake, .n = n, .threshold = threshold ? threshold[c] : (double)NAN};
        status = metric_draws(&in, clip, draws, seed, all, drawn);
        if (status != FOIL_OK) break;
        value[c] = all[m].value;
        memcpy(kept + (size_t)c * (size_t)draws, drawn + (size_t)m * (size_t)draws, (size_t)draws * sizeof *kept);
    }
    int pairs = 0;
    for (int a = 0; a < columns; a++)
        for (int b = a + 1; b < columns && status == FOIL_OK; b++) {
            out[pairs] = (difference){.a = a, .b = b, .metric = m};
            status = difference_of(value[a], kept + (size_t)a * (size_t)draws, value[b], kept + (size_t)b * (size_t)draws, draws, &out[pairs++]);
        }
    if (status == FOIL_OK) status = holm(out, pairs, m);
    free(drawn);
    free(kept);
    free(value);
    return status;
}
