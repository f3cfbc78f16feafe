// Gradients of weights of convolutions from few channels to many, such as a discriminator's first, as one product over all windows of all pictures:
//
//     w [R·S·C, O] = Σ windows [positions, R·S·C]ᵀ · y [positions, O]
//
// by the inner loops of winograd_inner.h, in f32 or of bf16, whose pairs are neighbouring windows of a line. Windows are laid out for a few lines at a time,
// and stay in the cache from there to the product; oneDNN's kernels fill as many of 16 lanes as a picture has channels.
#ifndef FOIL_NN_OPS_WINDOW_WEIGHTS_H
#define FOIL_NN_OPS_WINDOW_WEIGHTS_H

#include "nn/dnnl.h"

// `machine`: whose inner loops, 0 = the best for this processor.
bool window_weights_takes(const onednn_conv *c, int machine);
// Whether it takes `c`, and pays on this processor.
bool window_weights_pays(const onednn_conv *c);
size_t window_weights_scratch(const onednn_conv *c, int machine);

// x, y -> the gradient in PyTorch's order, [O, C, R, S]. `mirrored`: of the convolution whose x and y are y and x here, [C, O, R, S] with taps from the last to
// the first. Results do not depend on the number of threads. `squares`: where the sum of their squares is put, as plan_sum_squares says, or NULL.
void window_weights_run(const onednn_conv *c, int machine, bool mirrored, const void *x, const void *y, float *w, double *squares, void *scratch);

#endif
