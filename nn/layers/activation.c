#include "nn/layers/layer.h"

static const key NO_KEYS[] = {{0}};

// A type without keys.
#define PLAIN(NAME, word, function, text)                                                                                                            \
    static node *build_##function(builder *b, const layer *l, node *x) {                                                                             \
        (void)b, (void)l;                                                                                                                            \
        return function(x);                                                                                                                          \
    }                                                                                                                                                \
    const layer_type NAME = {.name = word, .doc = text, .keys = NO_KEYS, .build = build_##function}

PLAIN(LAYER_RELU, "relu", nn_relu, "max(x, 0).");
PLAIN(LAYER_SELU, "selu", nn_selu, "Scaled exponential linear unit (Klambauer et al. 2017).");
PLAIN(LAYER_GELU, "gelu", nn_gelu, "x times the normal distribution function of x (Hendrycks, Gimpel 2016), exact.");
PLAIN(LAYER_SILU, "silu", nn_silu, "x · sigmoid(x).");
PLAIN(LAYER_SOFTPLUS, "softplus", nn_softplus, "log(1 + exp(x)).");
PLAIN(LAYER_TANH, "tanh", nn_tanh, "Hyperbolic tangent: the last layer of a generator of images in -1..1.");
PLAIN(LAYER_SIGMOID, "sigmoid", nn_sigmoid, "1 / (1 + exp(-x)).");

typedef struct number {
    double value;
} number;

static node *build_leaky_relu(builder *b, const layer *l, node *x) {
    (void)b;
    return nn_leaky_relu(x, ((const number *)l->keys)->value);
}
static const key LEAKY_KEYS[] = {{"slope", KEY_FLOAT, 0, "0.2", .min = 0, .max = 1, .doc = "where x is negative"}, {0}};
const layer_type LAYER_LEAKY_RELU = {
    .name = "leaky_relu", .doc = "x, or slope · x where x is negative.", .keys = LEAKY_KEYS, .size = sizeof(number), .build = build_leaky_relu};

static node *build_elu(builder *b, const layer *l, node *x) {
    (void)b;
    return nn_elu(x, ((const number *)l->keys)->value);
}
static const key ELU_KEYS[] = {{"alpha", KEY_FLOAT, 0, "1", .min = 0, .max = 100, .doc = "the limit is -alpha"}, {0}};
const layer_type LAYER_ELU = {
    .name = "elu", .doc = "x, or alpha · (exp(x) - 1) where x is negative.", .keys = ELU_KEYS, .size = sizeof(number), .build = build_elu};

static node *build_softmax(builder *b, const layer *l, node *x) {
    (void)b, (void)l;
    return graph_is_poison(x) ? x : nn_softmax(x, x->shape.n - 1);
}
const layer_type LAYER_SOFTMAX = {.name = "softmax", .doc = "exp(x) divided by its sum, over the channels.", .keys = NO_KEYS, .build = build_softmax};
