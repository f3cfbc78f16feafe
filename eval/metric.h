// Metrics of scores (higher = more likely fake) against labels. n values each; sorted inside, O(n log n).
#ifndef FOIL_EVAL_METRIC_H
#define FOIL_EVAL_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef enum metric {
    METRIC_AUC,       // (wins + ½ ties) / (P·N)
    METRIC_AP,        // Σ (R_n - R_{n-1}) P_n, no interpolation: scikit-learn's average_precision_score
    METRIC_EER,       // "interp": root of 1 - x - tpr(x) on the tie-aware ROC; constant scores give .5
    METRIC_ACCURACY,  // at the given threshold: score >= threshold means fake
    METRIC_TPR_FPR1,  // highest TPR with FPR <= 1 %
    METRIC_TPR_FPR01, // … 0.1 %
    METRIC_BRIER,     // mean (score - label)²
    METRIC_ECE,       // 15 equal-width bins on the score
    METRICS
} metric;
extern const char *const METRIC_NAMES[]; // "auc" "ap" "eer" "accuracy" "tpr@fpr=0.01" "tpr@fpr=0.001" "brier" "ece", NULL

typedef struct metric_input {
    const double *score;
    const bool *fake;
    const double *weight; // per item (bootstrap multiplicities), or NULL = ones
    int64_t n;
    double threshold;
} metric_input;

// All of them. One-class input and scores that are NaN are errors that say so; NaN in `out` only for metrics that an input lacks the data for.
foil_status metrics(const metric_input *in, double out[METRICS]);

typedef struct interval {
    double value, low, high;
} interval;

// 95 % intervals: percentile bootstrap over clips (Philox draws), `draws` times. clip[i] >= 0 groups items; draws with one class are redrawn. All metrics share the draws.
foil_status metric_intervals(const metric_input *in, const int *clip, int draws, uint64_t seed, interval out[METRICS]);

#endif
