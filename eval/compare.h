// Scores of several judges over the same items, compared in pairs by the bootstrap that gives their intervals: each draw holds the same clips for both.
#ifndef FOIL_EVAL_COMPARE_H
#define FOIL_EVAL_COMPARE_H

#include "eval/metric.h"

// How a metric differs: of judge `a` minus that of judge `b`.
typedef struct difference {
    int a, b;
    metric metric;
    double value, low, high; // 95 %: percentiles of the draws' differences
    // Two-sided, of "there is no difference": 2 min(1 + draws <= 0, 1 + draws >= 0) / (draws + 1), at most 1 (Davison, Hinkley 1997, 4.2.4: percentiles turned
    // round). Below `low` or `high` = 0 it is below .05. Never below 2 / (draws + 1): more draws can say more.
    double p;
    double p_holm; // corrected for the family that holm() was given
} difference;

// From draws of metric_draws, made with one seed over the same items: d->value … p; p_holm = p. NAN where either judge lacks the metric.
foil_status difference_of(double a, const double *draws_a, double b, const double *draws_b, int draws, difference *d);
// p_holm of a family of n tests (Holm 1979): p's in ascending order times n, n-1 …, 1, never falling, at most 1. Those without p are not of the family.
// The family is those of the array that share d->metric.
foil_status holm(difference *d, int n, metric family);

#endif
