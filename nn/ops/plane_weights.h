// Gradients of weights of convolutions from 1, 3 or 8 channels to 8 at stride 1, on processors with AVX-512: as in narrow_conv.h lanes are neighbouring pixels
// of a plane, here of both pictures, 16 of f32 or 32 of bf16, which its products take in pairs. Sums are f32: over a band of lines, then over bands and
// threads, then over lanes. Where it does not run, narrow_weights.h does in f32.
#ifndef FOIL_NN_OPS_PLANE_WEIGHTS_H
#define FOIL_NN_OPS_PLANE_WEIGHTS_H

#include "nn/dnnl.h"

// Whether the kernel is made for `c` and this processor, and pays.
bool plane_weights_pays(const onednn_conv *c);
size_t plane_weights_scratch(const onednn_conv *c);
// x, y -> the gradient as rows [O, R·S·C].
void plane_weights_run(const onednn_conv *c, const void *x, const void *y, float *weights, void *scratch);

#endif
