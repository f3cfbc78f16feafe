// Many pictures, scored by as many threads as there are: each reads pictures, scores them in small batches with a plan of its own, and waits for nobody.
//
// In memory at a time, for each thread: one decoded picture, a batch at the network's size, and the plan (its activations and its copy of the weights).
#ifndef FOIL_EVAL_SCORING_H
#define FOIL_EVAL_SCORING_H

#include "eval/detector.h"

typedef struct scoring {
    int64_t n;
    // Picture i, in any thread; zeroed before.
    foil_status (*read)(const void *from, int64_t i, image *out);
    const void *from;
    // In the calling thread, for pictures 0, 1 … in order: how reading went (foil_error() says why not), and the logit. Anything but FOIL_OK ends the scoring.
    foil_status (*take)(void *to, int64_t i, foil_status read, double logit);
    void *to;
} scoring;

// What is taken does not depend on the number of threads. Nor does it change, to the bit, if pictures are scored apart by several calls: whole rows of SCORING_ROW
// from 0 on, the last with what is left over after whole rows.
enum { SCORING_ROW = 64 };
foil_status score_pictures(foil_detector *d, const scoring *s);

#endif
