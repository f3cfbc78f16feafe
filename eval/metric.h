// Metrics of scores (higher = more likely fake) against labels. n values each; sorted inside, O(n log n).
#ifndef FOIL_EVAL_METRIC_H
#define FOIL_EVAL_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

// Each is one variant of what goes by its name. L = the score as logarithm of the odds of being fake: ln(p / (1-p)) if all scores are in 0..1, else the score.
typedef enum metric {
    METRIC_AUC,     // (wins + ½ ties) / (P·N): scikit-learn's roc_auc_score
    METRIC_AP,      // Σ (R_n - R_{n-1}) P_n, no interpolation: scikit-learn's average_precision_score
    METRIC_EER,     // "interp": root of 1 - x - tpr(x) on the tie-aware ROC (brentq on interp1d of scikit-learn's roc_curve); constant scores give .5
    METRIC_EER_ROC, // FPR at argmin |FNR - FPR| over roc_curve(drop_intermediate=False), as in DeepfakeBench; constant scores give 0
    METRIC_EER_ASVSPOOF, // compute_det_curve and compute_eer of ASVspoof: item by item, reals first on ties; constant scores give 1
    METRIC_ACCURACY,     // at the given threshold: score >= threshold means fake
    METRIC_TPR_FPR10,    // highest TPR of a point of the ROC with FPR <= 10 %
    METRIC_TPR_FPR1,     // … 1 %
    METRIC_TPR_FPR01,    // … 0.1 %
    METRIC_PAUC,         // area up to FPR 10 %, standardised (McClish 1989): roc_auc_score(max_fpr=0.1)
    METRIC_F1,           // of fakes, at the threshold: f1_score
    METRIC_MCC,          // at the threshold: matthews_corrcoef; 0 where a margin is empty
    METRIC_BRIER,        // mean (score - label)²: brier_score_loss
    METRIC_LOG_LOSS,     // nats, scores kept 2.2e-16 from 0 and 1: log_loss
    METRIC_ECE,          // Σ over 15 bins of equal width of |Σ score - Σ label| / n (Naeini 2015, Guo 2017)
    METRIC_CLLR,         // ½ (mean log2(1 + e^L) of reals + mean log2(1 + e^-L) of fakes): Brümmer 2006, ASVspoof 5; L as log-likelihood ratio
    METRIC_MIN_DCF,      // min (.95 FPR + .5 (1 - TPR)) / .5 over thresholds: ASVspoof 5
    METRIC_ACT_DCF,      // the same at Bayes' decision: a real is rejected where L > ln 1.9
    METRICS,             // that come of scores alone
    METRIC_TDCF_2019 = METRICS, // of a tandem with speaker verification (eval/tandem.h), least over thresholds: ASVspoof 2019 ("legacy") …
    METRIC_TDCF_2021,           // … and 2021
    METRICS_ALL
} metric;
extern const char *const METRIC_NAMES[]; // of those that come of scores alone: "auc" "ap" "eer" "eer_roc" … as listed, NULL
extern const bool METRIC_LOWER_IS_BETTER[METRICS_ALL];
const char *metric_name(metric m); // of all

// What a decision costs: (constant + miss · P(a real is rejected) + accept · P(a fake is accepted)), normalised.
typedef struct decision_cost {
    double constant, miss, accept;
} decision_cost;

typedef struct metric_input {
    const double *score;
    const bool *fake;
    const double *weight; // per item (bootstrap multiplicities), or NULL = ones
    int64_t n;
    double threshold;            // NAN = none: no accuracy, F1, MCC
    bool logits;                 // scores are no probabilities, though all may be in 0..1: part of those of a judge who gives others, too
    const decision_cost *tandem; // [METRICS_ALL - METRICS] for the t-DCFs, or NULL
} metric_input;

// All of them. One-class input and scores that are NaN are errors that say so; NaN in `out` only for metrics that an input lacks the data for.
foil_status metrics(const metric_input *in, double out[METRICS]);

typedef struct interval {
    double value, low, high;
} interval;

// "0.9332", with `sign` "+0.0123"; a dash in as much room for NaN.
void number_add(text *out, bool sign, double value);
// "0.9332 [0.8901, 0.9686]"
void interval_add(text *out, bool sign, double value, double low, double high);

// Where a class has fewer clips than INTERVAL_CLIPS there is no interval; where fewer than ENOUGH_CLIPS it is often too narrow. Percentiles of resamples never
// leave what was seen: of AUCs from .64 to .96, intervals held the truth in 2 to 8 cases of 10 with 3 clips of each class, in 8 to 9 with 10, in 9 and more with
// 30 (docs/eval.md).
// Of fewer draws than INTERVAL_DRAWS, 2.5 % are less than one: the ends are those of all draws, and hold what they will.
enum { INTERVAL_CLIPS = 10, ENOUGH_CLIPS = 30, INTERVAL_DRAWS = 40 };

// 95 % intervals: percentile bootstrap over clips (Philox draws), `draws` times; NAN where a class is in fewer than INTERVAL_CLIPS. clip[i] >= 0 groups items;
// draws with one class are redrawn. All metrics share the draws.
foil_status metric_intervals(const metric_input *in, const int *clip, int draws, uint64_t seed, interval out[METRICS]);
// The same for all metrics, with the draws behind the intervals, [METRICS_ALL][draws] (NULL = not wanted). Which clips a draw holds depends on the clips, their
// classes and the seed alone: draw d of other scores of the same items is of the same clips.
foil_status metric_draws(const metric_input *in, const int *clip, int draws, uint64_t seed, interval out[METRICS_ALL], double *drawn);

// The ROC at `points` ascending false positive rates: the highest true positive rate on the line through its points, with a pointwise
// 95 % band of the same bootstrap.
foil_status roc_band(const metric_input *in, const int *clip, int draws, uint64_t seed, const double *fpr, int points, interval *tpr);

#endif
