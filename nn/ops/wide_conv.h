// Convolutions of bf16 in f32, for processors that multiply that faster (nn/processor.h), or can't do the other:
//
//     y = round(conv(widen(x), w))
//
// Pictures are widened, and results rounded, a part of the batch at a time, as much as stays in the cache; filters are not rounded at all. Gradients toward
// filters are sums over the parts. In memory pictures stay bf16. Results do not depend on the number of threads.
#ifndef FOIL_NN_OPS_WIDE_CONV_H
#define FOIL_NN_OPS_WIDE_CONV_H

#include "nn/ops/conv_kernel.h"

typedef struct wide_conv wide_conv;

// The convolution of a part, in f32.
onednn_conv wide_conv_inner(const onednn_conv *c);
foil_status wide_conv_create(const onednn_conv *c, conv_algorithm how, wide_conv **out);
void wide_conv_free(wide_conv *w);
// What computes a part; its filters are those of the whole.
const conv_kernel *wide_conv_kernel(const wide_conv *w);
size_t wide_conv_scratch(const wide_conv *w);
// Arguments as of conv_kernel_run; `squares` is put where the batch is one part.
void wide_conv_run(const wide_conv *w, const void *in0, const void *in1, const conv_vectors *v, void *out, double *squares, void *scratch);

#endif
