// Convolutions from at most 16 channels to 8 at stride 1, on processors with AVX-512: oneDNN's lanes are the channels of the result, and 8 fill half of a
// register. Here lanes are neighbouring pixels of a row: pictures are taken apart into a plane for each channel (of bf16: for each two, as its products
// take them), and each weight is multiplied with 16 pixels. Sums are f32, in the order of rows, channels, columns: like oneDNN's they err by at most
// R·S·C · 2⁻²⁴ of Σ |x| |w|; a result in bf16 is rounded once, after all that follows.
#ifndef FOIL_NN_OPS_NARROW_CONV_H
#define FOIL_NN_OPS_NARROW_CONV_H

#include "nn/dnnl.h"

// One for each channel of the result; NULL = none.
typedef struct conv_vectors {
    const float *bias, *scale, *shift;
} conv_vectors;

// Whether the kernel is made for `c` and this processor, and pays.
bool narrow_conv_pays(const onednn_conv *c);
size_t narrow_conv_scratch(const onednn_conv *c);
// y = rectify(conv(x, w) + bias) · scale + shift, the filters as rows [O, R·S·C], `mirrored`: their taps in the opposite order.
void narrow_conv_run(const onednn_conv *c, bool mirrored, const void *x, const void *w, const conv_vectors *v, void *y, void *scratch);

#endif
