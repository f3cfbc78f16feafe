// From frames to clips: which frames of a clip are judged, and one score from theirs.
#ifndef FOIL_EVAL_CLIPS_H
#define FOIL_EVAL_CLIPS_H

#include "eval/pictures.h"

// Scores are what is pooled, after calibration: probabilities, or a tool's own numbers.
typedef enum clip_rule {
    CLIP_MEAN,   // of the scores: DeepfakeBench's video-level score
    CLIP_MAX,    // the most suspicious frame decides: multiple instance learning's rule (Dietterich 1997)
    CLIP_MEDIAN, // of the scores (the mean of both middle ones of an even number): single frames decide nothing
    CLIP_MEAN_LOGIT, // the score whose logarithm of the odds is their mean: logarithmic opinion pool (Genest, Zidek 1986). Same as mean if scores are no probabilities
} clip_rule;
extern const char *const CLIP_RULES[]; // "mean", "max", "median", "mean_logit", NULL

// The frames of a clip are the items that share clip, method and class; in the order of their paths, numbers in them compared as numbers. An item without a
// clip is one of its own. (Several methods may have forged one clip: DeepfakeBench, which goes by the folder's name alone, takes those together.)
typedef struct clips {
    int64_t n;      // how many, in the order of their first items
    int64_t *first; // [n + 1]: clip c's are frame[first[c]] … frame[first[c + 1] - 1]
    int64_t *frame; // indices of items
} clips;
foil_status clips_find(const picture_label *item, int64_t n, clips *out);
void clips_free(clips *c);
// Leaves `most` frames of a clip that has F > most, spread evenly over all of it: those at floor((k + ½) F / most), k = 0 … most - 1.
void clips_thin(clips *c, int most);
foil_status clips_pool(const clips *c, clip_rule rule, const double *score, double *out); // [n]

#endif
