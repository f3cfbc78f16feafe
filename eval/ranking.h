// Labelled scores, sorted once: what metrics, their intervals and thresholds are computed from.
#ifndef FOIL_EVAL_RANKING_H
#define FOIL_EVAL_RANKING_H

#include "eval/metric.h"

typedef struct ranked {
    double score, weight;
    int64_t source; // index in the input
    int cluster;    // index of its clip; 0 until metric_intervals assigns it
    bool fake;
} ranked;

typedef struct ranking {
    int64_t n;
    ranked *item; // highest score first
    double threshold;
    bool probabilities; // every score is in 0..1: else Brier and ECE mean nothing
} ranking;

// Fails on NaN and on one class only. `*out` needs ranking_free after success.
foil_status ranking_new(const metric_input *in, ranking *out);
void ranking_free(ranking *r);
// All metrics in one walk; items of cluster c count times[c] times (NULL = once). false: with these weights one class is empty.
bool ranking_metrics(const ranking *r, const double *times, double out[METRICS]);

#endif
