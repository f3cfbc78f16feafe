#include "nn/layers/layer.h"

static const key NO_KEYS[] = {{0}};

// Files think in PyTorch's order, activations are [N,H,W,C]: the two differ in the order of the elements unless there is one pixel or one channel.
static node *to_torch(node *x) {
    static const int order[MAX_DIMS] = {0, 3, 1, 2};
    if (x->shape.n != 4) return x;
    const int64_t *d = x->shape.d;
    if (d[3] == 1 || d[1] * d[2] == 1) return nn_reshape(x, SHAPE(d[0], d[3], d[1], d[2]));
    return nn_permute(x, order);
}

static node *from_torch(node *x) {
    static const int order[MAX_DIMS] = {0, 2, 3, 1};
    if (graph_is_poison(x) || x->shape.n != 4) return x;
    const int64_t *d = x->shape.d;
    if (d[1] == 1 || d[2] * d[3] == 1) return nn_reshape(x, SHAPE(d[0], d[2], d[3], d[1]));
    return nn_permute(x, order);
}

static node *build_reshape(builder *b, const layer *l, node *x) {
    const key_ints *k = l->keys;
    if (graph_is_poison(x)) return x;
    if (k->n != 1 && k->n != 3) return graph_fail(builder_graph(b), "a shape of %d numbers, expected [C, H, W] or [features]", k->n);
    shape s = {.n = 1 + k->n, .d = {x->shape.d[0]}};
    int64_t wanted = 1, there = shape_count(x->shape) / x->shape.d[0];
    for (int i = 0; i < k->n; i++) wanted *= s.d[1 + i] = k->at[i];
    if (wanted != there)
        return graph_fail(builder_graph(b), "a sample of %s has %lld values, the shape wants %lld", shape_text(x->shape), (long long)there,
                          (long long)wanted);
    return from_torch(nn_reshape(to_torch(x), s));
}
static const key RESHAPE_KEYS[] = {
    {"shape", KEY_INTS, 0, .min = 1, .max = 1 << 20, .doc = "of a sample, in PyTorch's order: [C, H, W], or [features]"}, {0}};
const layer_type LAYER_RESHAPE = {.name = "reshape",
                                  .doc = "The same values under another shape, in PyTorch's order.",
                                  .keys = RESHAPE_KEYS,
                                  .size = sizeof(key_ints),
                                  .build = build_reshape};

static node *build_flatten(builder *b, const layer *l, node *x) {
    (void)b, (void)l;
    return graph_is_poison(x) ? x : nn_reshape(to_torch(x), SHAPE(x->shape.d[0], -1));
}
const layer_type LAYER_FLATTEN = {
    .name = "flatten", .doc = "Images become [N, C · H · W], in PyTorch's order.", .keys = NO_KEYS, .build = build_flatten};
