// Where a detector looks: maps of what speaks for a fake (> 0) and for a real (< 0), in logits.
//
// The network is asked as it judges: running statistics, no dropout, before calibration. Nothing, where a method needs it, is grey: 0 in the network's -1..1.
//
//   gradcam     Selvaraju et al. 2017: sum over channels k of a_k A_k, a_k the mean over places of d logit / d A_k, brought up bilinearly. Without their ReLU: what
// speaks for a real is shown too. A is the last activation with more than one place that all of the picture's influence passes through, before any
//               pooling behind it. Where a global mean and one linear layer follow, A's places sum to the logit without its bias.
//   integrated  Sundararajan, Taly, Yan 2017: the picture times the mean of d logit / d picture on the straight way from grey, summed over channels. Gradients at the
// middles of 32 equal steps, or 128 or 512, until the map's sum is the picture's logit less grey's but for 1 % of that or 0.001: `gap` says what is left. Networks that
// normalise each sample by itself (layer_norm and the like) change all but at once beside grey, where there is little to divide by: 512 may not do.
//   occlusion   Zeiler, Fergus 2014: what the logit loses when a grey rectangle, 1/8 of the height and of the width, lies over a place; the mean of all that cover
//               it, half a side apart.
#ifndef FOIL_EVAL_MAPS_EXPLAIN_H
#define FOIL_EVAL_MAPS_EXPLAIN_H

#include "eval/detector.h"

typedef enum explain_method { EXPLAIN_GRADCAM, EXPLAIN_INTEGRATED, EXPLAIN_OCCLUSION, EXPLAIN_METHODS } explain_method;
extern const char *const EXPLAIN_NAMES[]; // "gradcam" …, NULL-terminated

// heat [H,W], at the network's size, of a picture of any size. FOIL_UNSUPPORTED: detectors without a network; gradcam,
// if the network keeps no places.
foil_status explain(foil_detector *d, const image *picture, explain_method m, float *heat);

// Many pictures with one plan, and what is known beside the map. One thread at a time; it uses all.
typedef struct explainer explainer;
typedef struct explanation {
    double logit;      // of the picture
    double sum;        // of the map
    double grey, gap;  // integrated: the logit of grey, and | sum - (logit - grey) |
    bool incomplete;   // integrated: the gap is larger than was asked for
    int passes;        // integrated: steps; occlusion: rectangles
    int rows, columns; // gradcam: A's; occlusion: the rectangle's
    const char *layer; // gradcam: A's, lives with the explainer; else NULL
} explanation;
foil_status explainer_new(const foil_detector *d, explain_method m, explainer **out);            // `d` must outlive it
void explainer_free(explainer *e);                                                               // NULL is fine
foil_status explainer_run(explainer *e, const uint8_t *pixels, float *heat, explanation *about); // of detector_fit

// The map's value from which on it has its full colour: the 99th percentile of its magnitudes (the largest, if that is 0).
double explain_scale(const float *heat, size_t n);
// The picture in grey with the map's colour over it, orange for > 0 and blue for < 0: RGB, of `fitted`'s size, [H,W] as heat. Mixed in OKLab (Ottosson 2020),
// so that equal values look equally strong in both colours; they differ for colour-blind eyes, too.
foil_status explain_overlay(const image *fitted, const float *heat, image *out);

#endif
