// How a convolution is computed: by oneDNN's primitive, where that is slow as a matrix product, or where that is wanted and pays by winograd.h. The choice
// depends on the shapes alone.
#ifndef FOIL_NN_OPS_CONV_KERNEL_H
#define FOIL_NN_OPS_CONV_KERNEL_H

#include "nn/dnnl.h"
#include "nn/graph.h"

typedef struct conv_kernel conv_kernel;

foil_status conv_kernel_create(const onednn_conv *c, conv_algorithm how, conv_kernel **out);
void conv_kernel_free(conv_kernel *k);

// As of onednn_kernel.
const onednn_layout *conv_kernel_weights(const conv_kernel *k);
size_t conv_kernel_scratch(const conv_kernel *k);
const char *conv_kernel_implementation(const conv_kernel *k);
// Whether the way that is chosen for this shape can do c->post.
bool conv_kernel_takes_post(const onednn_conv *c);
void conv_kernel_run_biased(const conv_kernel *k, const void *in0, const void *in1, const float *bias, void *out, void *scratch);
void conv_kernel_run(const conv_kernel *k, const void *in0, const void *in1, void *out, void *scratch);

#endif
