#include "eval/threshold.h"

#include <math.h>

#include "eval/ranking.h"

const double STANDARD_FPR[STANDARD_FPRS] = {.1, .01, .001};

static const double LEFT = .05; // what 95 % confidence leaves

// What the reals can say. -----------------------------------------------------------------------------------------------------------------------

int64_t reals_needed(double fpr) {
    return (int64_t)ceil(log(LEFT) / log1p(-fpr));
}

foil_status threshold_unbacked(double fpr, int64_t reals) {
    return foil_fail(FOIL_INVALID, "FPR %g %% can't be set from %lld reals: at least %lld are needed", 100 * fpr, (long long)reals,
                     (long long)reals_needed(fpr));
}

static double away_from_zero(double x) {
    return fabs(x) < 1e-300 ? 1e-300 : x;
}

// The continued fraction of the incomplete beta function (NIST's Digital Library of Mathematical Functions, 8.17.22), by Lentz's method.
static double beta_fraction(double a, double b, double x) {
    double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), f = d;
    for (int m = 1; m < 1000000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        f *= c * d;
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        f *= c * d;
        if (fabs(c * d - 1) < 1e-15) break;
    }
    return f;
}

// P(Beta(a, b) <= x), 0 < x < 1
static double beta_below(double a, double b, double x) {
    int sign;
    double front = exp(lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double proportion_limit(int64_t k, int64_t n) {
    if (k >= n) return 1;
    double low = (double)k / (double)n, high = 1;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (middle <= low || middle >= high) break;
        *(beta_below((double)k + 1, (double)(n - k), middle) < 1 - LEFT ? &low : &high) = middle;
    }
    return high;
}

// Setting. --------------------------------------------------------------------------------------------------------------------------------------

typedef struct setting {
    const ranking *r;
    const double *logit;
    score_of_logit *score_of;
    const void *context;
} setting;

// A threshold that has items 0 … at-1 of the ranking above it and the rest below.
static double above(const setting *s, int64_t at) {
    const ranking *r = s->r;
    double lower = r->score[at];
    if (at == 0) { // nothing is called fake
        double t = (lower + 1) / 2;
        return t > lower ? t : nextafter(lower, 2);
    }
    double t = s->score_of(s->context, (s->logit[r->source[at - 1]] + s->logit[r->source[at]]) / 2);
    return t > lower && t <= r->score[at - 1] ? t : r->score[at - 1];
}

int threshold_set(const ranking *r, const double *logit, const double *fpr, int fprs, score_of_logit *score_of, const void *context,
                  operating_point out[THRESHOLDS]) {
    const setting s = {r, logit, score_of, context};
    double total[2] = {0, 0}, passed[2] = {0, 0}, gap = INFINITY;
    int n = 1;
    for (int64_t i = 0; i < r->n; i++) total[r->kind[i] & RANKED_FAKE]++;
    for (int t = 0; t < fprs && n < THRESHOLDS; t++)
        if (total[0] >= (double)reals_needed(fpr[t])) out[n++] = (operating_point){.fpr = fpr[t]};
    for (int64_t i = 0; i < r->n; passed[r->kind[i++] & RANKED_FAKE]++) {
        if (i && !(r->kind[i - 1] & RANKED_LAST)) continue; // thresholds lie between different scores only
        double rate = passed[0] / total[0], between = fabs(rate - (1 - passed[1] / total[1]));
        if (between < gap) {
            gap = between;
            out[0] = (operating_point){0, above(&s, i), (int64_t)passed[0]};
        }
        for (int t = 1; t < n; t++)
            if (rate <= out[t].fpr) out[t] = (operating_point){out[t].fpr, above(&s, i), (int64_t)passed[0]};
    }
    return n;
}

void threshold_name(const operating_point *t, text *out) {
    if (t->fpr > 0)
        text_format(out, "fpr=%.15g", t->fpr);
    else
        text_add(out, "eer");
}
