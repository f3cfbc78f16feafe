#include "nn/layers/weight.h"

typedef struct linear_keys {
    int64_t out;
    weight_keys weight;
} linear_keys;

static node *build(builder *b, const layer *l, node *x) {
    const linear_keys *k = l->keys;
    if (graph_is_poison(x)) return x;
    if (x->shape.n != 2)
        return graph_fail(builder_graph(b), "expected [N, features], got %s; flatten or global_pool come before", shape_text(x->shape));
    shape s = SHAPE(k->out, x->shape.d[1]);
    node *y = nn_matmul(x, layer_weight(b, l, &k->weight, s, 0), false, true);
    return layer_bias(b, l, &k->weight, s, y);
}

static const key KEYS[] = {
    {"out", KEY_INT, offsetof(linear_keys, out), .min = 1, .max = 1 << 24, .doc = "features of the output"}, WEIGHT_KEYS(linear_keys), {0}};
const layer_type LAYER_LINEAR = {.name = "linear",
                                 .doc = "Product with a matrix, as torch.nn.Linear. Parameters: `weight` [out, in], `bias`.",
                                 .keys = KEYS,
                                 .size = sizeof(linear_keys),
                                 .build = build};
