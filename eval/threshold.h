// Thresholds on the score, and what so many reals can say about their false positive rate (FPR).
#ifndef FOIL_EVAL_THRESHOLD_H
#define FOIL_EVAL_THRESHOLD_H

#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

struct ranking; // eval/ranking.h

enum { THRESHOLDS = 16 };

typedef struct operating_point {
    double fpr;           // that it was set for; 0 = "eer", where the two error rates are nearest
    double score;         // from it on: fake
    int64_t false_alarms; // reals of the data at or above; -1 = not known
} operating_point;

enum { STANDARD_FPRS = 3 };
extern const double STANDARD_FPR[STANDARD_FPRS]; // .1, .01, .001

// Backed: of this many reals, if none passed, one could say at 95 % confidence that the FPR is at most `fpr`: .05^(1/n) >= 1 - fpr, the exact "rule of three".
// 29 for .1, 299 for .01, 2995 for .001. From fewer, no threshold can claim that rate.
int64_t reals_needed(double fpr);
// FOIL_INVALID: "FPR 0.1 % can't be set from 400 reals: at least 2995 are needed".
foil_status threshold_unbacked(double fpr, int64_t reals);
// Upper limit of a proportion, k of n, one-sided at 95 % (Clopper, Pearson 1934). For a threshold above a fixed rank of the reals it is exact although they set
// it: the rate above the k+1st of n reals is distributed Beta(k+1, n-k) (Wilks 1941). Reals must be independent: frames of one clip are not.
double proportion_limit(int64_t k, int64_t n);

// "eer", then for each rate that the reals back the lowest threshold at which no more than that share of them passes. Each is halfway between neighbouring
// logits, so that neither side is favoured: `score_of` gives the middle's score. Rates beyond THRESHOLDS - 1 are left out. Gives how many there are.
typedef double score_of_logit(const void *context, double logit);
int threshold_set(const struct ranking *r, const double *logit, const double *fpr, int fprs, score_of_logit *score_of, const void *context,
                  operating_point out[THRESHOLDS]);

void threshold_name(const operating_point *t, text *out); // "eer", "fpr=0.01"

#endif
