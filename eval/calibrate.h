// From logits to probabilities and decisions: fitted on validation, never on test. docs/calibration.md tells it to users.
//
// Under every method scores rise strictly with the logit (but for rounding): ranking, and so the ROC curve and all that follows from it, is that of the logits.
#ifndef FOIL_EVAL_CALIBRATE_H
#define FOIL_EVAL_CALIBRATE_H

#include <stdbool.h>

#include "eval/isotonic.h"
#include "eval/threshold.h"

typedef enum calibration_method {
    CALIBRATION_TEMPERATURE, // sigmoid(logit / temperature): Guo, Pleiss, Sun, Weinberger, ICML 2017
    CALIBRATION_PLATT,       // sigmoid(logit / temperature + bias): Platt 1999, with his smoothed targets
    CALIBRATION_ISOTONIC,    // (1 - TILT) · isotonic regression on Platt's targets (Zadrozny, Elkan 2002) + TILT · sigmoid(logit / temperature)
} calibration_method;
extern const char *const CALIBRATION_NAMES[]; // "temperature" "platt" "isotonic", NULL
// .001. Blocks of equal score would tie what the logits rank, and leave few places for thresholds. The temperature is a quarter of the largest |logit|.
extern const double CALIBRATION_TILT;

#define TEMPERATURE_LEAST 1e-30
#define TEMPERATURE_MOST 1e30

typedef struct calibration {
    calibration_method method;
    double temperature, bias;
    isotonic knots;                        // logit to probability; in the arena of whoever made the calibration
    int64_t reals, fakes;                  // that it was made from; 0 = uncalibrated
    double prior;                          // the share of fakes that scores assume: that among them, or as set afterwards
    double shift;                          // of the log-odds, that setting it brought; 0 = none
    int thresholds;                        // at least one
    operating_point threshold[THRESHOLDS]; // the first is "eer"
} calibration;

typedef struct calibrate_options {
    calibration_method method;
    const double *fpr; // [fprs] for threshold_set; NULL = STANDARD_FPR
    int fprs;
} calibrate_options;

// Minimises the log-loss (isotonic: the squared error), then sets thresholds. The sharpness 1 / temperature is bounded, so that the largest |logit| /
// temperature (Platt: of logits from their mean) is in .01 … 30: separable data would push it to infinity, and logits that rank the wrong way round below 0. So
// is the temperature, by what files hold. One class only, or a logit that is not finite, is an error. Uses `memory` for the knots.
foil_status calibrate(const calibrate_options *o, const double *logit, const bool *fake, int64_t n, arena *memory, calibration *out);

// Scores of each fifth by a calibration of the other four: what a loss on them says is true of the unseen. Clips stay whole (clip[i] >= 0) and are dealt at
// random, always alike; pictures of no clip take turns, class by class. FOIL_INVALID where four fifths lack a class.
foil_status calibrate_crosswise(const calibrate_options *o, const double *logit, const bool *fake, const int *clip, int64_t n, double *score);

double calibrated_score(const calibration *c, double logit); // the probability of being fake

// Scores shall assume that this share of what is judged is fake, not the share among the data that calibrated: their log-odds are shifted by the difference of
// the priors' (Elkan 2001; Saerens, Latinne, Decaestecker 2002). Thresholds move along, so that each calls the same fake as before. PRIOR_LEAST to 1 -
// PRIOR_LEAST (beyond, scores would round to 0 or 1), or FOIL_INVALID.
#define PRIOR_LEAST 1e-6
foil_status calibration_set_prior(calibration *c, double prior);

// The threshold "eer" or "fpr=0.01", or the error that says why that is none, and which there are.
foil_status calibration_threshold(const calibration *c, const char *name, double *score);

#endif
