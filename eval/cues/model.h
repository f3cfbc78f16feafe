// The cue-only baseline: a logistic regression on the numbers of eval/cues/cue.h. What a learned detector has above it, it did not get from these cues.
//
// x = the numbers of the picture as it comes to this size; z = (x - mean) / scale, kept in -5 … 5, 0 where a number is missing; logit = weight · z + bias.
// In a detector's file: metadata cues (JSON {"version", "names"}) and input (JSON [H, W, C]) instead of network, head and channels; tensors cue.mean,
// cue.scale, cue.weight [k], cue.bias [1].
#ifndef FOIL_EVAL_CUES_MODEL_H
#define FOIL_EVAL_CUES_MODEL_H

#include "eval/cues/cue.h"
#include "nn/safetensors.h"

typedef struct cue_model {
    int n; // numbers; 0 = no model
    shape input;
    float mean[CUE_FEATURES_MOST], scale[CUE_FEATURES_MOST], weight[CUE_FEATURES_MOST], bias;
} cue_model;

double cue_model_logit(const cue_model *m, const double *value);
// Of u8 [H,W,C] at the model's size.
foil_status cue_model_score(const cue_model *m, const uint8_t *pixels, float *logit);

// Refuses models of other numbers than this version's.
foil_status cue_model_read(const safetensors *file, const char *path, cue_model *out);
void cue_model_save(const cue_model *m, safetensors_writer *w); // keeps pointers into `m` until the write

// Of numbers that were measured: x [n, cue_features()], both classes weighted alike, of ridges from .1 to 1000 the one that gives the least log-loss on
// the validation's numbers. Both need both classes. Fills all of `out` but `input`.
typedef struct cue_table {
    double *x;
    bool *fake;
    int64_t n;
} cue_table;
foil_status cue_model_fit(const cue_table *train, const cue_table *val, cue_model *out, double *ridge);

#endif
