#include "eval/calibrate_fit.h"

#include <math.h>

// Bounds of the largest |logit| / temperature: scores between sigmoid(.01) and sigmoid(30) = 1 - 9e-14. Scores that round to 1 could no longer be told apart.
static const double MILDEST = .01, SHARPEST = 30;

double sigmoid(double z) {
    return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}

// Temperature. ----------------------------------------------------------------------------------------------------------------------------------

// Slope and curvature of the mean log-loss at sharpness b = 1 / temperature, in which it is convex.
static double slope_at(double b, const double *logit, const bool *fake, int64_t n, double *curvature) {
    double slope = 0;
    *curvature = 0;
    for (int64_t i = 0; i < n; i++) {
        double z = logit[i], p = sigmoid(z * b);
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

double fit_temperature(const double *logit, const bool *fake, int64_t n) {
    double largest = 0;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(logit[i]));
    return largest > 0 ? 1 / best_sharpness(logit, fake, n, MILDEST / largest, SHARPEST / largest) : 1;
}

// Platt. ----------------------------------------------------------------------------------------------------------------------------------------

void platt_targets(int64_t reals, int64_t fakes, double target[2]) {
    target[0] = 1 / ((double)reals + 2);
    target[1] = ((double)fakes + 1) / ((double)fakes + 2);
}

// Logits as (logit - mean) / largest distance from it, in -1..1: Newton's steps are then well conditioned.
typedef struct centred {
    const double *logit;
    const bool *fake;
    int64_t n;
    const double *target;
    double mean, scale;
} centred;

typedef struct line { // z = slope · u + bias
    double slope, bias;
} line;

static centred centre(const double *logit, const bool *fake, int64_t n, const double target[2]) {
    centred c = {logit, fake, n, target, 0, 0};
    for (int64_t i = 0; i < n; i++) c.mean += logit[i] / (double)n;
    for (int64_t i = 0; i < n; i++) c.scale = fmax(c.scale, fabs(logit[i] - c.mean));
    if (c.scale == 0) c.scale = 1;
    return c;
}

static double at(const centred *c, int64_t i) {
    return (c->logit[i] - c->mean) / c->scale;
}

static double loss_of(const centred *c, line l) {
    double loss = 0;
    for (int64_t i = 0; i < c->n; i++) {
        double z = l.slope * at(c, i) + l.bias, t = c->target[c->fake[i]];
        loss += z > 0 ? (1 - t) * z + log1p(exp(-z)) : -t * z + log1p(exp(z));
    }
    return loss;
}

// Newton's step of both parameters, or of the bias alone. The ridge keeps it finite where all logits are the same (Lin, Lin, Weng 2007).
static line step_of(const centred *c, line l, bool both) {
    double gs = 0, gb = 0, hss = 1e-12, hsb = 0, hbb = 1e-12;
    for (int64_t i = 0; i < c->n; i++) {
        double u = at(c, i), p = sigmoid(l.slope * u + l.bias), g = p - c->target[c->fake[i]], h = p * (1 - p);
        gs += g * u;
        gb += g;
        hss += h * u * u;
        hsb += h * u;
        hbb += h;
    }
    if (!both) return (line){0, -gb / hbb};
    double determinant = hss * hbb - hsb * hsb;
    return (line){-(hbb * gs - hsb * gb) / determinant, -(hss * gb - hsb * gs) / determinant};
}

// Newton's method with steps halved until the loss falls, from `l` on.
static line minimise(const centred *c, line l, bool both) {
    double loss = loss_of(c, l);
    for (int i = 0; i < 100; i++) {
        line step = step_of(c, l, both), next = l;
        double share = 1, lower = loss;
        for (int halving = 0; halving < 32; halving++, share /= 2) {
            next = (line){l.slope + share * step.slope, l.bias + share * step.bias};
            lower = loss_of(c, next);
            if (lower < loss) break;
        }
        if (!(lower < loss)) break;
        l = next;
        loss = lower;
    }
    return l;
}

void fit_platt(const double *logit, const bool *fake, int64_t n, const double target[2], double *temperature, double *bias) {
    const centred c = centre(logit, fake, n, target);
    double share = 0;
    for (int64_t i = 0; i < n; i++) share += target[fake[i]] / (double)n;
    const line flat = {0, log(share / (1 - share))};
    line best = minimise(&c, flat, true);
    double bounded = fmin(fmax(best.slope, MILDEST), SHARPEST);
    if (bounded != best.slope) best = minimise(&c, (line){bounded, flat.bias}, false); // convex: the best within bounds is on the bound
    *temperature = c.scale / best.slope;
    *bias = best.bias - c.mean / *temperature;
}
