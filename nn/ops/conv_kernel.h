// How a convolution is computed: by oneDNN's primitive; where that is slow, as one matrix product (columns_conv.h) or by a kernel of our own (narrow_*.h,
// plane_weights.h, window_weights.h, panel_conv.h, place_conv.h); where it is wanted and pays, by winograd.h. Kernels of our own for bf16 multiply pairs of it:
// where the processor does not (nn/processor.h), pictures are widened, and the convolution is one of these in f32 (wide_conv.h). The choice depends on the
// shapes and the processor alone.
#ifndef FOIL_NN_OPS_CONV_KERNEL_H
#define FOIL_NN_OPS_CONV_KERNEL_H

#include "nn/dnnl.h"
#include "nn/graph.h"
#include "nn/ops/narrow_conv.h"

typedef struct conv_kernel conv_kernel;

foil_status conv_kernel_create(const onednn_conv *c, conv_algorithm how, conv_kernel **out);
void conv_kernel_free(conv_kernel *k);

// As of onednn_kernel.
const onednn_layout *conv_kernel_weights(const conv_kernel *k);
size_t conv_kernel_scratch(const conv_kernel *k);
const char *conv_kernel_implementation(const conv_kernel *k);
// What is made once of weights that are c->constant, in PyTorch's order and f32, and then run on in their place: its bytes, 0 =
// nothing, and how; `k`: a conv_kernel.
size_t conv_kernel_transformed(const conv_kernel *k);
void conv_kernel_transform(const void *k, const void *weights, void *to);
// Whether the way that is chosen for this shape can do c->post.
bool conv_kernel_takes_post(const onednn_conv *c);
// Whether it can multiply and add after the rectifier, too.
bool conv_kernel_takes_affine(const onednn_conv *c, conv_algorithm how);
// Whether it adds residuals faster than a pass of its own does.
bool conv_kernel_takes_residual(const onednn_conv *c, conv_algorithm how);
void conv_kernel_run_post(const conv_kernel *k, const void *in0, const void *in1, const conv_vectors *v, void *out, void *scratch);
// `squares`: as of kernel.
void conv_kernel_run(const conv_kernel *k, const void *in0, const void *in1, void *out, double *squares, void *scratch);

#endif
