#include <string.h>

#include "nn/layers/weight.h"

typedef struct conv_keys {
    int64_t out, kernel[2], stride[2], dilation[2], groups, output_pad[2];
    const yaml_node *pad;
    weight_keys weight;
} conv_keys;

// What the kernel covers, with its holes.
static int64_t extent(const conv_keys *k, int axis) {
    return (k->kernel[axis] - 1) * k->dilation[axis] + 1;
}

// As TensorFlow's and, at stride 1, PyTorch's "same": ceil(size / stride) positions, the odd pixel of padding at the end.
static void pad_same(const conv_keys *k, const node *x, int64_t pad[4]) {
    for (int axis = 0; axis < 2; axis++) {
        int64_t size = x->shape.d[1 + axis], stride = k->stride[axis];
        int64_t total = ((size + stride - 1) / stride - 1) * stride + extent(k, axis) - size;
        if (total < 0) total = 0;
        pad[axis] = total / 2;
        pad[2 + axis] = total - total / 2;
    }
}

// `pad` as top, left, bottom, right; false when the graph has failed.
static bool read_pad(builder *b, const conv_keys *k, const node *x, bool allow_same, int64_t pad[4]) {
    static const key keys[] = {{"pad", KEY_PAIR, 0, "0", .min = 0, .max = 4096, .doc = "rows, columns"}, {0}};
    memset(pad, 0, 4 * sizeof *pad);
    if (!k->pad) return true;
    const char *word = yaml_text(k->pad);
    if (allow_same && word && strcmp(word, "same") == 0) {
        pad_same(k, x, pad);
        return true;
    }
    int64_t pair[2];
    if (keys_read(k->pad, keys, pair, "pad") != FOIL_OK) {
        graph_fail(builder_graph(b), "%s%s", foil_error(), allow_same ? ", or 'same'" : "");
        return false;
    }
    for (int i = 0; i < 4; i++) pad[i] = pair[i % 2];
    return true;
}

// The parameters of the convolution on `x`; false when the graph has failed.
static bool read_params(builder *b, const conv_keys *k, const node *x, bool allow_same, conv_params *p) {
    *p = (conv_params){.stride = {k->stride[0], k->stride[1]}, .dilation = {k->dilation[0], k->dilation[1]}, .groups = k->groups};
    if (!builder_image(b, x)) return false;
    int64_t channels = x->shape.d[3];
    if (channels % k->groups || k->out % k->groups) {
        graph_fail(builder_graph(b), "%lld groups, expected a divisor of the %lld channels that come in and of the %lld that go out",
                   (long long)k->groups, (long long)channels, (long long)k->out);
        return false;
    }
    return read_pad(b, k, x, allow_same, p->pad);
}

#define AT(field) offsetof(conv_keys, field)
#define COMMON_KEYS                                                                                                                                  \
    {"out", KEY_INT, AT(out), .min = 1, .max = 65536, .doc = "channels of the output"},                                                              \
        {"kernel", KEY_PAIR, AT(kernel), .min = 1, .max = 4096, .doc = "rows, columns"},                                                             \
        {"stride", KEY_PAIR, AT(stride), "1", .min = 1, .max = 4096, .doc = "rows, columns"},                                                        \
        {"dilation", KEY_PAIR, AT(dilation), "1", .min = 1, .max = 4096, .doc = "distance between taps"}, {                                          \
        "groups", KEY_INT, AT(groups), "1", .min = 1, .max = 65536, .doc = "the channels fall into so many groups that do not see each other"        \
    }

// conv -------------------------------------------------------------------------------------------------------------------------------------------

static node *build_conv(builder *b, const layer *l, node *x) {
    const conv_keys *k = l->keys;
    conv_params p;
    if (!read_params(b, k, x, true, &p)) return x;
    shape s = SHAPE(k->out, x->shape.d[3] / k->groups, k->kernel[0], k->kernel[1]);
    node *y = nn_conv(x, layer_weight(b, l, &k->weight, s, 0), p);
    return layer_bias(b, l, &k->weight, s, y);
}

static const key CONV_KEYS[] = {
    COMMON_KEYS,
    {"pad", KEY_NODE, AT(pad), "", .doc = "zeros around: a whole number, a pair, or `same` (the size divided by the stride)"},
    WEIGHT_KEYS(conv_keys),
    {0}};
const layer_type LAYER_CONV = {
    .name = "conv",
    .doc = "Convolution (cross-correlation, as torch.nn.Conv2d). Parameters: `weight` [out, in / groups, rows, columns], `bias`.",
    .keys = CONV_KEYS,
    .size = sizeof(conv_keys),
    .build = build_conv};

// conv_transpose ---------------------------------------------------------------------------------------------------------------------------------

static node *build_conv_transpose(builder *b, const layer *l, node *x) {
    const conv_keys *k = l->keys;
    conv_params p;
    if (!read_params(b, k, x, false, &p)) return x;
    int64_t size[2];
    for (int axis = 0; axis < 2; axis++) {
        size[axis] = (x->shape.d[1 + axis] - 1) * k->stride[axis] + extent(k, axis) - 2 * p.pad[axis] + k->output_pad[axis];
        if (size[axis] < 1)
            return graph_fail(builder_graph(b), "nothing is left of %s after a padding of %lld", shape_text(x->shape), (long long)p.pad[axis]);
        if (k->output_pad[axis] >= k->stride[axis])
            return graph_fail(builder_graph(b), "an output_pad of %lld, expected one below the stride of %lld", (long long)k->output_pad[axis],
                              (long long)k->stride[axis]);
    }
    shape s = SHAPE(x->shape.d[3], k->out / k->groups, k->kernel[0], k->kernel[1]);
    node *y = nn_conv_data(x, layer_weight(b, l, &k->weight, s, 1), p, size[0], size[1]);
    return layer_bias(b, l, &k->weight, s, y);
}

static const key TRANSPOSE_KEYS[] = {
    COMMON_KEYS,
    {"pad", KEY_NODE, AT(pad), "", .doc = "pixels cut off around: a whole number or a pair"},
    {"output_pad", KEY_PAIR, AT(output_pad), "0", .min = 0, .max = 4096, .doc = "further rows and columns at the end, below the stride"},
    WEIGHT_KEYS(conv_keys),
    {0}};
const layer_type LAYER_CONV_TRANSPOSE = {
    .name = "conv_transpose",
    .doc = "Transposed convolution, as torch.nn.ConvTranspose2d. Parameters: `weight` [in, out / groups, rows, columns], `bias`.",
    .keys = TRANSPOSE_KEYS,
    .size = sizeof(conv_keys),
    .build = build_conv_transpose};
