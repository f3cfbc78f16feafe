// How well a calibration does on what it was not fitted to.
#include <math.h>
#include <stdlib.h>

#include "base/philox.h"
#include "eval/calibrate.h"

enum { FOLDS = 5 };

typedef struct crosswise {
    const calibrate_options *options;
    const double *logit;
    const bool *fake;
    int64_t n;
    int *fold;     // [n]
    double *some;  // [n] logits of the others
    bool *labels;  // [n] theirs
    double *score; // [n]
} crosswise;

static foil_status judge_fold(const crosswise *x, int fold) {
    arena memory = {0};
    calibration c;
    int64_t m = 0;
    for (int64_t i = 0; i < x->n; i++) {
        if (x->fold[i] == fold) continue;
        x->some[m] = x->logit[i];
        x->labels[m++] = x->fake[i];
    }
    foil_status status = calibrate(x->options, x->some, x->labels, m, &memory, &c);
    for (int64_t i = 0; i < x->n && status == FOIL_OK; i++)
        if (x->fold[i] == fold) x->score[i] = calibrated_score(&c, x->logit[i]);
    arena_free(&memory);
    return status;
}

// At random: a clip's number may go with its class.
static int fold_of(int clip) {
    return (int)(philox_u32((philox_key){.seed = 1, .stream = STREAM_SPLIT}, (uint64_t)clip) % FOLDS);
}

foil_status calibrate_crosswise(const calibrate_options *o, const double *logit, const bool *fake, const int *clip, int64_t n, double *score) {
    size_t count = (size_t)n;
    crosswise x = {o, logit, fake, n, malloc(count * sizeof *x.fold), malloc(count * sizeof *x.some), malloc(count * sizeof *x.labels), score};
    foil_status status = x.fold && x.some && x.labels ? FOIL_OK : foil_fail_memory(count * (sizeof *x.fold + sizeof *x.some + 1), "folds");
    int64_t alone[2] = {0, 0};
    for (int64_t i = 0; i < n && status == FOIL_OK; i++) x.fold[i] = clip[i] >= 0 ? fold_of(clip[i]) : (int)(alone[fake[i]]++ % FOLDS);
    for (int k = 0; k < FOLDS && status == FOIL_OK; k++) status = judge_fold(&x, k);
    free(x.fold);
    free(x.some);
    free(x.labels);
    return status;
}
