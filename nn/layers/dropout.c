#include "nn/layers/layer.h"

typedef struct dropout_keys {
    double p;
} dropout_keys;

static node *build(builder *b, const layer *l, node *x) {
    const dropout_keys *k = l->keys;
    return builder_mode(b) == NET_INFER ? x : nn_dropout(x, k->p, builder_stream(b, l));
}

static const key KEYS[] = {{"p", KEY_FLOAT, offsetof(dropout_keys, p), "0.5", .min = 0, .max = 0.95, .doc = "share of the values set to zero"}, {0}};
const layer_type LAYER_DROPOUT = {.name = "dropout",
                                  .doc = "In training, values set to zero at random and the others scaled up (Srivastava et al. 2014).",
                                  .keys = KEYS,
                                  .size = sizeof(dropout_keys),
                                  .build = build};
