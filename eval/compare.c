#include "eval/compare.h"

#include <math.h>
#include <stdlib.h>

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
