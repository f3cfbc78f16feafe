// Convolutions as one matrix product. The columns of a picture x are the matrix with a row for each position of the window and in it the window's R·S·C
// elements. With filters as rows [O, R·S·C] the three convolutions are
//
//     y = columns(x) · Wᵀ        x = columnsᵀ(y · W)        W = yᵀ · columns(x)
//
// where columnsᵀ adds each element up where it came from. A window that covers the whole picture has x itself as its columns.
#ifndef FOIL_NN_OPS_COLUMNS_CONV_H
#define FOIL_NN_OPS_COLUMNS_CONV_H

#include "nn/dnnl.h"

typedef struct columns_conv columns_conv;

// Whether the window covers the whole picture.
bool columns_conv_is_product(const onednn_conv *c);
// Whether it pays where columns are made; `mirrored`: for the convolution that is `c` with exchanged roles (conv_kernel.c).
bool columns_conv_pays(const onednn_conv *c, bool mirrored);

// `mirrored`: filters' taps lie in the opposite order.
foil_status columns_conv_create(const onednn_conv *c, bool mirrored, columns_conv **out);
void columns_conv_free(columns_conv *k);
size_t columns_conv_scratch(const columns_conv *k);
const char *columns_conv_implementation(const columns_conv *k);

// Operands as of onednn_conv, filters and their gradients as rows (onednn_layout_filters).
void columns_conv_run(const columns_conv *k, const void *in0, const void *in1, const float *bias, void *out, void *scratch);

#endif
