// Temperature scaling (Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, ICML 2017), then thresholds.
#include <math.h>
#include <stdlib.h>

#include "eval/calibrate.h"
#include "eval/ranking.h"

// The sharpness b = 1 / temperature stays where the largest validation logit gets a score between sigmoid(.01) and sigmoid(30) = 1 - 9e-14: separable data would
// push b to infinity, and scores that round to 1 could no longer be told apart.
static const double MILDEST = .01, SHARPEST = 30;

double calibrated_score(double logit, double temperature) {
    double z = logit / temperature;
    return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}

// Slope and curvature of the mean log-loss at sharpness b.
static double slope_at(double b, const double *logit, const bool *fake, int64_t n, double *curvature) {
    double slope = 0;
    *curvature = 0;
    for (int64_t i = 0; i < n; i++) {
        double z = logit[i], p = calibrated_score(z, 1 / b);
        slope += (p - fake[i]) * z;
        *curvature += p * (1 - p) * z * z;
    }
    *curvature /= (double)n;
    return slope / (double)n;
}

// Newton's method kept inside a shrinking bracket; where a step would leave it, the geometric middle is tried.
static double best_sharpness(const double *logit, const bool *fake, int64_t n, double low, double high) {
    double curvature;
    if (slope_at(low, logit, fake, n, &curvature) >= 0) return low;
    if (slope_at(high, logit, fake, n, &curvature) <= 0) return high;
    double b = sqrt(low * high);
    for (int i = 0; i < 200; i++) {
        double slope = slope_at(b, logit, fake, n, &curvature);
        if (slope > 0)
            high = b;
        else
            low = b;
        double next = b - slope / curvature;
        if (!(next > low && next < high)) next = sqrt(low * high);
        if (fabs(next - b) <= 1e-14 * b) break;
        b = next;
    }
    return b;
}

// A threshold that has items 0 … at-1 of the ranking above it and the rest below: halfway between the two logits, so that neither side is favoured.
static double threshold_above(const ranking *r, int64_t at, const double *logit, double temperature) {
    double lower = r->score[at];
    if (at == 0) { // nothing is called fake
        double t = (lower + 1) / 2;
        return t > lower ? t : nextafter(lower, 2);
    }
    double t = calibrated_score((logit[r->source[at - 1]] + logit[r->source[at]]) / 2, temperature);
    return t > lower ? t : r->score[at - 1];
}

static void set_thresholds(const ranking *r, const double *logit, calibration *c) {
    double passed[2] = {0, 0}, gap = INFINITY;
    for (int64_t i = 0; i < r->n; passed[r->kind[i++] & RANKED_FAKE]++) {
        if (i && !(r->kind[i - 1] & RANKED_LAST)) continue; // thresholds lie between different scores only
        double fpr = passed[0] / (double)c->reals, fnr = 1 - passed[1] / (double)c->fakes;
        if (fabs(fpr - fnr) < gap) {
            gap = fabs(fpr - fnr);
            c->eer = threshold_above(r, i, logit, c->temperature);
        }
        if (fpr <= .01) c->fpr01 = threshold_above(r, i, logit, c->temperature);
    }
}

foil_status calibrate(const double *logit, const bool *fake, int64_t n, calibration *out) {
    calibration c = {.temperature = 1};
    double largest = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(logit[i])) return foil_fail(FOIL_INVALID, "calibration: logit %lld is not finite", (long long)i + 1);
        largest = fmax(largest, fabs(logit[i]));
        *(fake[i] ? &c.fakes : &c.reals) += 1;
    }
    if (!c.reals || !c.fakes)
        return foil_fail(FOIL_INVALID, "calibration needs both classes, but there are %lld reals and %lld fakes", (long long)c.reals,
                         (long long)c.fakes);
    if (largest > 0) c.temperature = 1 / best_sharpness(logit, fake, n, MILDEST / largest, SHARPEST / largest);

    double *score = malloc((size_t)n * sizeof *score);
    if (!score) return foil_fail_memory((size_t)n * sizeof *score, "scores");
    for (int64_t i = 0; i < n; i++) score[i] = calibrated_score(logit[i], c.temperature);
    ranking r;
    foil_status status = ranking_new(&(metric_input){.score = score, .fake = fake, .n = n}, &r);
    free(score);
    TRY(status);
    set_thresholds(&r, logit, &c);
    ranking_free(&r);
    *out = c;
    return FOIL_OK;
}
