// Many pictures, scored by as many threads as there are: each reads pictures, scores them in small batches with plans of its own, and waits for nobody. A
// picture is read once, whatever number of detectors judge it, and variants of it.
//
// In memory at a time, for each thread: one decoded picture and one variant of it; for each detector a batch at its size, and the plan (its
// activations and its copy of the weights).
#ifndef FOIL_EVAL_SCORING_H
#define FOIL_EVAL_SCORING_H

#include "eval/detector.h"

typedef struct scoring {
    foil_detector *const *detector;
    int detectors;
    int64_t n;
    // Picture i, in any thread; zeroed before.
    foil_status (*read)(const void *from, int64_t i, image *out);
    // Variants 1 … `variants` of picture i as it was read, in any thread; number 0 is the picture itself.
    foil_status (*vary)(const void *from, int64_t i, int variant, const image *picture, image *out);
    int variants;
    const void *from;
    // In the calling thread, for pictures 0, 1 … in order: how reading, varying and scoring it went (foil_error() says why not), and if it went well the
    // logits [1 + variants, detectors], all of them finite. Anything but FOIL_OK ends the scoring.
    foil_status (*take)(void *to, int64_t i, foil_status read, const double *logit);
    void *to;
} scoring;

// What is taken does not depend on the number of threads. Nor does it change, to the bit, if pictures are scored apart by several calls: whole rows of
// SCORING_ROW from 0 on, the last with what is left over after whole rows.
enum { SCORING_ROW = 64 };
foil_status score_pictures(const scoring *s);

#endif
