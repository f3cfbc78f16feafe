#include "nn/layers/weight.h"

const char *const WEIGHT_INITS[] = {"default", "normal", "xavier", "kaiming", "orthogonal", "zeros", NULL};

static const struct {
    init_kind kind;
    float gain; // where the file gives none
} INITS[] = {{INIT_KAIMING_UNIFORM, 0}, {INIT_NORMAL, 0.02f}, {INIT_XAVIER_UNIFORM, 1},
             {INIT_KAIMING_NORMAL, 0},  {INIT_ORTHOGONAL, 1}, {INIT_ZEROS, 0}};

static int64_t fan_in(shape weight) {
    return shape_count(weight) / weight.d[0];
}

static init weight_init(const weight_keys *k, shape s) {
    float gain = k->gain > 0 ? (float)k->gain : INITS[k->init].gain;
    return (init){.kind = INITS[k->init].kind, .a = gain, .fan_in = fan_in(s), .fan_out = shape_count(s) / s.d[1]};
}

// The weight with its first two axes exchanged.
static node *exchanged(node *w) {
    static const int order[MAX_DIMS] = {1, 0, 2, 3};
    return nn_permute(w, order);
}

// As torch.nn.utils.spectral_norm: weight_orig is learnt, weight_u and weight_v follow it.
static node *normalized(builder *b, const layer *l, node *w, int out_axis) {
    if (graph_is_poison(w)) return w;
    int64_t out = w->shape.d[out_axis], rest = shape_count(w->shape) / out;
    const init unit = {.kind = INIT_UNIT_VECTOR};
    node *u = builder_buffer(b, l, "weight_u", SHAPE(out), unit);
    node *v = builder_buffer(b, l, "weight_v", SHAPE(rest), unit);
    if (graph_is_poison(u) || graph_is_poison(v)) return w;
    spectral s = nn_spectral_norm(out_axis ? exchanged(w) : w, u, v, builder_mode(b) != NET_INFER, 1e-12);
    builder_update(b, l, "weight_u", s.u);
    builder_update(b, l, "weight_v", s.v);
    return out_axis ? exchanged(s.weight) : s.weight;
}

node *layer_weight(builder *b, const layer *l, const weight_keys *k, shape s, int out_axis) {
    node *w = builder_param(b, l, k->spectral_norm ? "weight_orig" : "weight", s, weight_init(k, s));
    return k->spectral_norm ? normalized(b, l, w, out_axis) : w;
}

node *layer_bias(builder *b, const layer *l, const weight_keys *k, shape weight, node *y) {
    if (!k->bias || graph_is_poison(y)) return y;
    init how = {.kind = INIT_KAIMING_UNIFORM, .fan_in = fan_in(weight)};
    return nn_add(y, builder_param(b, l, "bias", SHAPE(y->shape.d[y->shape.n - 1]), how));
}
