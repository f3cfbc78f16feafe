// The columns of a bf16 picture (columns_conv.h), written at once as oneDNN's matrix products read their second operand: pairs of rows side by side, in
// panels of as many elements. A product that is given dense columns makes this copy itself, on every run.
#ifndef FOIL_NN_OPS_PACKED_COLUMNS_H
#define FOIL_NN_OPS_PACKED_COLUMNS_H

#include "nn/dnnl.h"

typedef struct packed_columns packed_columns;

// `layout`: of the columns [positions, R·S·C]. *out = NULL: it is not of that kind, or the convolution isn't.
foil_status packed_columns_create(const onednn_conv *c, const onednn_layout *layout, packed_columns **out);
void packed_columns_free(packed_columns *p);
void packed_columns_run(const packed_columns *p, const uint16_t *x, uint16_t *columns);

#endif
