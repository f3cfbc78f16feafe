// What several detectors make of the same pictures, as they are and perturbed: each picture is read once, and ranks (base/ranks.h) share them.
#ifndef FOIL_EVAL_LOGITS_H
#define FOIL_EVAL_LOGITS_H

#include "eval/detector.h"
#include "eval/perturb.h"
#include "eval/pictures.h"

typedef struct logits {
    int64_t n;
    int variants, detectors; // variant 0 is the picture as it is, 1 + STRENGTHS p + s perturbation p of the list at strength s
    float *value;            // [n, variants, detectors] on rank 0, from malloc; NULL on others
} logits;

typedef struct logits_job {
    const pictures *from;
    const int64_t *chosen; // [n] of them, NULL = all
    int64_t n;
    foil_detector *const *detector;
    int detectors;
    const perturbation_list *perturb; // NULL = none
    uint64_t seed;                    // of the perturbations
    void (*progress)(int64_t done, int64_t total, void *context);
    void *context;
} logits_job;

// A picture that cannot be read is an error. What comes out does not depend on the number of ranks and threads. In memory on rank
// 0: twice `value` for a moment.
foil_status logits_compute(const logits_job *job, logits *out);
void logits_free(logits *l);

// out[i] = the score that detector `at` of all, which is `d`, gives variant `variant` of picture i.
void logits_scores(const logits *l, const foil_detector *d, int at, int variant, double *out);

#endif
