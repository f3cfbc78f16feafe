// Convolutions by what sets them apart: the size of y follows from the rest.
#ifndef FOIL_TESTS_NN_CONV_EXAMPLE_H
#define FOIL_TESTS_NN_CONV_EXAMPLE_H

#include "nn/dnnl.h"

typedef struct conv_example {
    int64_t n, height, width, channels, out, rows, cols;
    conv_params params;
} conv_example;

#define UNIT .stride = {1, 1}, .dilation = {1, 1}, .groups = 1
#define BY_TWO .stride = {2, 2}, .dilation = {1, 1}, .groups = 1

static inline onednn_conv conv_of(const conv_example *e, onednn_conv_kind kind, dtype type) {
    const conv_params *p = &e->params;
    return (onednn_conv){.kind = kind,
                         .n = e->n,
                         .height = e->height,
                         .width = e->width,
                         .channels = e->channels,
                         .out_height = (e->height + p->pad[0] + p->pad[2] - (e->rows - 1) * p->dilation[0] - 1) / p->stride[0] + 1,
                         .out_width = (e->width + p->pad[1] + p->pad[3] - (e->cols - 1) * p->dilation[1] - 1) / p->stride[1] + 1,
                         .out = e->out,
                         .rows = e->rows,
                         .cols = e->cols,
                         .params = *p,
                         .x = type,
                         .w = kind == ONEDNN_CONV_WEIGHTS ? F32 : type,
                         .y = type};
}

#endif
