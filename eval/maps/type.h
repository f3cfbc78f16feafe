// What a method of explaining is: one file each, eval/maps/.
#ifndef FOIL_EVAL_MAPS_TYPE_H
#define FOIL_EVAL_MAPS_TYPE_H

#include "eval/maps/explain.h"
#include "nn/ops.h"

typedef struct explain_type {
    const char *name;
    int batch;
    // Emits what is wanted beside the logits, node by node, into e->wanted; NULL = nothing.
    foil_status (*build)(explainer *e);
    // Fills heat and `about`, which is zeroed. `x` [H,W,C] in -1..1.
    foil_status (*run)(explainer *e, const float *x, float *heat, explanation *about);
} explain_type;
extern const explain_type EXPLAIN_BY_GRADCAM, EXPLAIN_BY_INTEGRATED, EXPLAIN_BY_OCCLUSION;

struct explainer {
    const explain_type *type;
    shape in; // [H,W,C]
    graph *graph;
    plan *plan;
    node *picture;    // [batch,H,W,C] in -1..1
    node *logits;     // [batch]
    node *wanted;     // the method's, or NULL
    node *activation; // gradcam's A
    float *x;         // a picture in -1..1
};

#endif
