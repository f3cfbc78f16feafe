// Labelled scores, sorted once: what metrics, their intervals and thresholds are computed from. One array per property, because a bootstrap walks
// down a million of them a thousand times.
#ifndef FOIL_EVAL_RANKING_H
#define FOIL_EVAL_RANKING_H

#include "eval/metric.h"

enum { ECE_BINS = 15, MAX_SEGMENTS = ECE_BINS + 2 };
enum { RANKED_FAKE = 1, RANKED_LAST = 2 }; // bits of ranking.kind; LAST = the next score is another

// Neighbours that fixed cuts do not part: a bin of the ECE, the threshold, the decision of act_dcf.
typedef struct segment {
    int64_t end;            // one past its last item
    int bin;                // of the ECE
    bool flagged, rejected; // at or above the threshold; odds of being fake above 1.9
} segment;

typedef struct ranking {
    int64_t n;
    double *score;    // highest first
    double *surprise; // -ln of the probability that the score gives to the item's label
    double *weight;   // NULL = ones
    int64_t *source;  // index in the input
    unsigned char *kind;
    double threshold;
    const decision_cost *tandem; // the input's
    bool probabilities;          // every score is in 0..1: else Brier, log-loss and ECE mean nothing
    int segments;
    segment segment[MAX_SEGMENTS];
} ranking;

// Fails on NaN and on one class only. `*out` needs ranking_free after success. 25 bytes per score stay, 16 more while it sorts.
foil_status ranking_new(const metric_input *in, ranking *out);
void ranking_free(ranking *r);
// All metrics in one walk; item i of the ranking counts times[i] times (NULL = once). false: with these weights one class is empty.
bool ranking_metrics(const ranking *r, const unsigned char *times, double out[METRICS_ALL]);

// The highest true positive rate of the ROC at ascending false positive rates, linear between points that differ in both.
bool ranking_roc(const ranking *r, const unsigned char *times, const double *fpr, int points, double *tpr);

// Values of resampled clips: drawn[v · draws + d] is what `compute` gave as out[v] with draw d's `times`, in any thread; false: a class is empty, draw again.
typedef bool (*ranking_values)(const ranking *r, const unsigned char *times, const void *context, double *out);
// The draws are of whole clips; clip[i] < 0, or no `clip`: the input's item i is one of its own. Where a class is in fewer than INTERVAL_CLIPS all are NAN.
foil_status bootstrap(const ranking *r, const int *clip, int draws, uint64_t seed, int values, ranking_values compute, const void *context,
                      double *drawn);
// Sorts the draws; NAN where one is.
void percentiles(double *draws, int n, double *low, double *high);

#endif
