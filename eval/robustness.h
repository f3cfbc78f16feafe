// How much of a detector's AUC is left when pictures are perturbed (eval/perturb.h), and how sure that is.
//
// Intervals are those of eval/metric.h: the bootstrap by clips. Draw d holds the same clips for the clean pictures and for each perturbation and strength, so
// that losses are paired. A loss is relative to the clean AUC: (clean - perturbed) / clean; their mean over all perturbations and strengths is 1 - rPC,
// "relative performance under corruption" of Michaelis et al., Benchmarking Robustness in Object Detection (2019), with AUC as performance. A detector that is
// left with guessing (AUC .5) has lost 1 - .5 / clean.
#ifndef FOIL_EVAL_ROBUSTNESS_H
#define FOIL_EVAL_ROBUSTNESS_H

#include "base/arena.h"
#include "eval/metric.h"
#include "eval/perturb.h"

typedef struct robustness_row {
    const char *name, *parameter, *library; // "jpeg", "quality", "libjpeg-turbo 2.1.5"
    struct {
        double value; // of the parameter
        interval auc, loss;
    } strength[STRENGTHS];
} robustness_row;

typedef struct robustness {
    interval clean; // AUC
    int rows;
    robustness_row *row; // in the order of the list
    interval mean_loss;
} robustness;

// `scores` fills [n] with those of a variant, as eval/logits.h numbers them. What `out` holds is in `memory`, or static.
foil_status robustness_measure(const perturbation_list *list, foil_status (*scores)(const void *context, int variant, double *out),
                               const void *context, const bool *fake, const int *clip, int64_t n, int draws, uint64_t seed, arena *memory,
                               robustness *out);

// For people: 100 columns.
void robustness_table(const robustness *r, text *out);

#endif
