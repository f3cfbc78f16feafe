// Logistic regression with few features: Newton's method on the ridge-penalised log-loss.
#ifndef FOIL_EVAL_LOGISTIC_H
#define FOIL_EVAL_LOGISTIC_H

#include <stdbool.h>
#include <stdint.h>

enum { LOGISTIC_MOST = 32 }; // features

// x: [n, k], 1 <= k <= LOGISTIC_MOST; one of the features should be constant. Items of weight 0 take no part. `ridge` is added to the curvature of every
// coefficient, so that separable data has an answer. Deterministic.
void logistic_fit(const double *x, const bool *y, const double *weight, int64_t n, int k, double ridge, double *coefficient);
double logistic_score(const double *x, int k, const double *coefficient); // the logit

#endif
