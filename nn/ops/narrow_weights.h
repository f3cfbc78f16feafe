// Gradients of weights of f32 convolutions from few channels to few: oneDNN fills half of a register with 8 filters. Here lanes are what a row of the window
// holds, its columns and channels, which are neighbours in the picture.
#ifndef FOIL_NN_OPS_NARROW_WEIGHTS_H
#define FOIL_NN_OPS_NARROW_WEIGHTS_H

#include "nn/dnnl.h"

// Whether the kernel is made for `c` and pays.
bool narrow_weights_pays(const onednn_conv *c);
size_t narrow_weights_scratch(const onednn_conv *c);
// x, y -> the gradient as rows [O, R·S·C].
void narrow_weights_run(const onednn_conv *c, const float *x, const float *y, float *weights, float *scratch);

#endif
