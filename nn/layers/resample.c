#include "nn/layers/layer.h"

// upsample ---------------------------------------------------------------------------------------------------------------------------------------

typedef struct upsample_keys {
    int64_t scale[2];
    int mode;
} upsample_keys;

static const char *const MODES[] = {"nearest", "bilinear", NULL};
static node *(*const RESIZE[])(node *x, int64_t height, int64_t width) = {nn_resize_nearest, nn_resize_bilinear};

static node *build_upsample(builder *b, const layer *l, node *x) {
    const upsample_keys *k = l->keys;
    if (!builder_image(b, x)) return x;
    return RESIZE[k->mode](x, x->shape.d[1] * k->scale[0], x->shape.d[2] * k->scale[1]);
}
static const key UPSAMPLE_KEYS[] = {
    {"scale", KEY_PAIR, offsetof(upsample_keys, scale), "2", .min = 1, .max = 64, .doc = "rows, columns"},
    {"mode", KEY_CHOICE, offsetof(upsample_keys, mode), "nearest", .choices = MODES, .doc = "`bilinear` has half-pixel centres"},
    {0}};
const layer_type LAYER_UPSAMPLE = {.name = "upsample",
                                   .doc = "A larger image, as torch.nn.functional.interpolate (align_corners=False).",
                                   .keys = UPSAMPLE_KEYS,
                                   .size = sizeof(upsample_keys),
                                   .build = build_upsample};

// npr --------------------------------------------------------------------------------------------------------------------------------------------

typedef struct npr_keys {
    int64_t factor;
    double scale;
} npr_keys;

static node *build_npr(builder *b, const layer *l, node *x) {
    const npr_keys *k = l->keys;
    if (!builder_image(b, x)) return x;
    int64_t height = x->shape.d[1], width = x->shape.d[2];
    if (height % k->factor || width % k->factor)
        return graph_fail(builder_graph(b), "images of %lld x %lld, expected multiples of %lld", (long long)height, (long long)width,
                          (long long)k->factor);
    if (k->scale == 0) return graph_fail(builder_graph(b), "a scale of 0 leaves nothing of the images");
    node *coarse = nn_resize_nearest(nn_resize_nearest(x, height / k->factor, width / k->factor), height, width);
    return nn_mul_scalar(nn_sub(x, coarse), k->scale);
}
static const key NPR_KEYS[] = {{"factor", KEY_INT, offsetof(npr_keys, factor), "2", .min = 2, .max = 16, .doc = "down and up again"},
                               {"scale", KEY_FLOAT, offsetof(npr_keys, scale), "0.6666666666666666", .doc = "of the result"},
                               {0}};
const layer_type LAYER_NPR = {
    .name = "npr",
    .doc = "Neighbouring pixel relations (Tan et al. 2024): what nearest down- and upsampling loses, the trace of a generator's upsampling.",
    .keys = NPR_KEYS,
    .size = sizeof(npr_keys),
    .build = build_npr};
