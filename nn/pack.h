// Weights from PyTorch's order into the blocked bf16 layouts of oneDNN's convolutions, whose own reorders take up to three times as long there.
#ifndef FOIL_NN_PACK_H
#define FOIL_NN_PACK_H

#include "nn/dnnl.h"

typedef struct pack pack;

// From dense f32 in the order of `to`'s axes. *out = NULL: `to` is not such a layout.
foil_status pack_create(const onednn_layout *to, pack **out);
void pack_free(pack *p);
void pack_run(const pack *p, const float *from, uint16_t *to);

#endif
