// Operators on pictures: [N,H,W,C] here, NCHW there. ONNX's order of paddings, top left bottom right, is Foil's.
#include <math.h>

#include "export/onnx_graph.h"
#include "nn/ops/table.h"

static onnx_node *add_conv(onnx_graph *x, const node *n, const char *type, const char *in, const char *weights) {
    const conv_params *p = &((const conv_family_params *)n->params)->conv;
    onnx_node *y = onnx_add(x->model, type, (const char *[]){in, weights}, 2, NULL);
    onnx_ints(x->model, y, "kernel_shape", n->in[1]->shape.d + 2, 2);
    onnx_ints(x->model, y, "strides", p->stride, 2);
    onnx_ints(x->model, y, "pads", p->pad, 4);
    onnx_ints(x->model, y, "dilations", p->dilation, 2);
    onnx_int(x->model, y, "group", p->groups);
    return y;
}

static foil_status picture_and_weights(onnx_graph *x, const node *n, const char **picture, const char **weights) {
    if (x->constant[n->in[0]->id]) return onnx_unsupported(n, "its picture is a constant");
    TRY(onnx_operand(x, n->in[0], ONNX_NCHW, picture));
    return onnx_operand(x, n->in[1], ONNX_SAME, weights);
}

foil_status onnx_conv(onnx_graph *x, const node *n) {
    const char *picture = NULL, *weights = NULL;
    TRY(picture_and_weights(x, n, &picture, &weights));
    onnx_result(x, n, add_conv(x, n, "Conv", picture, weights), ONNX_NCHW);
    return FOIL_OK;
}

// The data gradient of a convolution is ConvTranspose. output_padding is what the stride had swallowed.
foil_status onnx_conv_data(onnx_graph *x, const node *n) {
    const char *picture = NULL, *weights = NULL;
    TRY(picture_and_weights(x, n, &picture, &weights));
    const conv_params *p = &((const conv_family_params *)n->params)->conv;
    int64_t swallowed[2];
    for (int i = 0; i < 2; i++) {
        int64_t least = (n->in[0]->shape.d[1 + i] - 1) * p->stride[i] + p->dilation[i] * (n->in[1]->shape.d[2 + i] - 1) + 1;
        swallowed[i] = n->shape.d[1 + i] - (least - p->pad[i] - p->pad[2 + i]);
    }
    onnx_node *y = add_conv(x, n, "ConvTranspose", picture, weights);
    if (swallowed[0] || swallowed[1]) onnx_ints(x->model, y, "output_padding", swallowed, 2);
    onnx_result(x, n, y, ONNX_NCHW);
    return FOIL_OK;
}

foil_status onnx_pool(onnx_graph *x, const node *n) {
    const pool_params *p = n->params;
    bool average = n->op == &OP_AVERAGE_POOL;
    const char *in = NULL;
    TRY(onnx_operand(x, n->in[0], ONNX_NCHW, &in));
    onnx_node *y = onnx_add(x->model, average ? "AveragePool" : "MaxPool", &in, 1, NULL);
    onnx_ints(x->model, y, "kernel_shape", p->kernel, 2);
    onnx_ints(x->model, y, "strides", p->stride, 2);
    onnx_ints(x->model, y, "pads", p->pad, 4);
    if (average) onnx_int(x->model, y, "count_include_pad", p->count_padding);
    onnx_result(x, n, y, ONNX_NCHW);
    return FOIL_OK;
}

// A scale whose product with `in`, rounded down, is `out`: sizes cannot be given while N is free.
static float scale_to(int64_t in, int64_t out) {
    float scale = (float)out / (float)in;
    while (floorf(scale * (float)in) < (float)out) scale = nextafterf(scale, INFINITY);
    return scale;
}

foil_status onnx_resize(onnx_graph *x, const node *n) {
    bool bilinear = ((const resize_params *)n->params)->kind == SAMPLE_BILINEAR;
    const shape from = n->in[0]->shape, to = n->shape;
    const char *in = NULL;
    TRY(onnx_operand(x, n->in[0], ONNX_NCHW, &in));
    const float scales[] = {1, 1, scale_to(from.d[1], to.d[1]), scale_to(from.d[2], to.d[2])};
    onnx_node *y = onnx_add(x->model, "Resize", (const char *[]){in, NULL, onnx_tensor_f32(x->model, NULL, (int64_t[]){4}, 1, scales)}, 3, NULL);
    onnx_text(x->model, y, "mode", bilinear ? "linear" : "nearest");
    onnx_text(x->model, y, "coordinate_transformation_mode", bilinear ? "half_pixel" : "asymmetric");
    // Of every so many pixels one: where it lies is a whole number but for the scale's rounding, which `floor` would make the pixel before.
    const bool whole = from.d[1] % to.d[1] == 0 && from.d[2] % to.d[2] == 0;
    if (!bilinear) onnx_text(x->model, y, "nearest_mode", whole ? "round_prefer_floor" : "floor");
    onnx_result(x, n, y, ONNX_NCHW);
    return FOIL_OK;
}
