#include "eval/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/calibrate_fit.h"
#include "eval/ranking.h"

const char *const CALIBRATION_NAMES[] = {"temperature", "platt", "isotonic", NULL};

const double CALIBRATION_TILT = .001;

// Scores. ---------------------------------------------------------------------------------------------------------------------------------------

static double shifted(double score, double shift) {
    return shift == 0 ? score : score / (score + (1 - score) * exp(-shift));
}

double calibrated_score(const calibration *c, double logit) {
    double smooth = sigmoid(logit / c->temperature + c->bias);
    double score = c->method == CALIBRATION_ISOTONIC ? (1 - CALIBRATION_TILT) * isotonic_at(&c->knots, logit) + CALIBRATION_TILT * smooth : smooth;
    return shifted(score, c->shift);
}

foil_status calibration_set_prior(calibration *c, double prior) {
    if (!(prior >= PRIOR_LEAST && prior <= 1 - PRIOR_LEAST))
        return foil_fail(FOIL_INVALID, "a prior of %g: expected %g to 1 - %g", prior, PRIOR_LEAST, PRIOR_LEAST);
    if (!c->reals || !c->fakes) return foil_fail(FOIL_INVALID, "the prior can't be set: this detector was not calibrated");
    double shift = log(prior / (1 - prior)) - log((double)c->fakes / (double)c->reals);
    for (int t = 0; t < c->thresholds; t++) c->threshold[t].score = shifted(c->threshold[t].score, shift - c->shift);
    c->shift = shift;
    c->prior = prior;
    return FOIL_OK;
}

// Thresholds. -----------------------------------------------------------------------------------------------------------------------------------

static foil_status no_threshold(const calibration *c, const char *name) {
    text known = {0};
    for (int t = 0; t < c->thresholds; t++) {
        text_add(&known, t ? ", " : "");
        threshold_name(&c->threshold[t], &known);
    }
    foil_status status = foil_fail(FOIL_INVALID, "no threshold '%s': this detector has %s; 'foil calibrate' can set others", name,
                                   known.failed ? "others" : known.data);
    text_free(&known);
    return status;
}

foil_status calibration_threshold(const calibration *c, const char *name, double *score) {
    double fpr = 0;
    bool rate = text_starts(name, "fpr=") && text_to_float(name + strlen("fpr="), &fpr) && fpr > 0 && fpr < 1;
    for (int t = 0; t < c->thresholds; t++) {
        if (rate ? c->threshold[t].fpr != fpr : c->threshold[t].fpr > 0 || strcmp(name, "eer") != 0) continue;
        *score = c->threshold[t].score;
        return FOIL_OK;
    }
    return rate && c->reals < reals_needed(fpr) ? threshold_unbacked(fpr, c->reals) : no_threshold(c, name);
}

// Fitting. --------------------------------------------------------------------------------------------------------------------------------------

static foil_status fit_isotonic(const double *logit, const bool *fake, int64_t n, arena *memory, calibration *c) {
    double target[2], largest = 0, *wanted = malloc((size_t)n * sizeof *wanted);
    if (!wanted) return foil_fail_memory((size_t)n * sizeof *wanted, "an isotonic fit");
    platt_targets(c->reals, c->fakes, target);
    for (int64_t i = 0; i < n; i++) {
        wanted[i] = target[fake[i]];
        largest = fmax(largest, fabs(logit[i]));
    }
    foil_status status = isotonic_fit(logit, wanted, n, memory, &c->knots);
    free(wanted);
    if (largest > 0) c->temperature = largest / 4;
    return status;
}

static foil_status fit(const double *logit, const bool *fake, int64_t n, arena *memory, calibration *c) {
    double target[2];
    if (c->method == CALIBRATION_ISOTONIC) return fit_isotonic(logit, fake, n, memory, c);
    platt_targets(c->reals, c->fakes, target);
    if (c->method == CALIBRATION_PLATT)
        fit_platt(logit, fake, n, target, &c->temperature, &c->bias);
    else
        c->temperature = fit_temperature(logit, fake, n);
    return FOIL_OK;
}

static double score_of(const void *context, double logit) {
    return calibrated_score(context, logit);
}

static foil_status set_thresholds(const calibrate_options *o, const double *logit, const bool *fake, int64_t n, calibration *c) {
    double *score = malloc((size_t)n * sizeof *score);
    if (!score) return foil_fail_memory((size_t)n * sizeof *score, "scores");
    for (int64_t i = 0; i < n; i++) score[i] = calibrated_score(c, logit[i]);
    ranking r;
    foil_status status = ranking_new(&(metric_input){.score = score, .fake = fake, .n = n}, &r);
    free(score);
    TRY(status);
    c->thresholds = threshold_set(&r, logit, o->fpr ? o->fpr : STANDARD_FPR, o->fpr ? o->fprs : STANDARD_FPRS, score_of, c, c->threshold);
    ranking_free(&r);
    return FOIL_OK;
}

foil_status calibrate(const calibrate_options *o, const double *logit, const bool *fake, int64_t n, arena *memory, calibration *out) {
    calibration c = {.method = o->method, .temperature = 1};
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(logit[i])) return foil_fail(FOIL_INVALID, "calibration: logit %lld is not finite", (long long)i + 1);
        *(fake[i] ? &c.fakes : &c.reals) += 1;
    }
    if (!c.reals || !c.fakes)
        return foil_fail(FOIL_INVALID, "calibration needs both classes, but there are %lld reals and %lld fakes", (long long)c.reals,
                         (long long)c.fakes);
    c.prior = (double)c.fakes / (double)n;
    TRY(fit(logit, fake, n, memory, &c));
    c.temperature = fmin(fmax(c.temperature, TEMPERATURE_LEAST), TEMPERATURE_MOST);
    TRY(set_thresholds(o, logit, fake, n, &c));
    *out = c;
    return FOIL_OK;
}
