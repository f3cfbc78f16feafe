// From logits to probabilities and decisions, on the validation split only.
#ifndef FOIL_EVAL_CALIBRATE_H
#define FOIL_EVAL_CALIBRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct calibration {
    double temperature;   // score = sigmoid(logit / temperature) (Guo et al. 2017)
    double eer, fpr01;    // thresholds on the score: equal error rate; at most 1 % of validation reals at or above
    int64_t reals, fakes; // that back them; 0 = uncalibrated (temperature 1, thresholds .5)
} calibration;

// Minimises the log-loss over the temperature (1-D, convex in 1/temperature; bounded, also for separable data, so that the largest |logit| / temperature is in .01..30),
// then sets the thresholds, halfway between neighbouring logits. One class only, or a logit that is not finite, is an error.
foil_status calibrate(const double *logit, const bool *fake, int64_t n, calibration *out);

double calibrated_score(double logit, double temperature); // sigmoid(logit / temperature)

#endif
