#include "nn/layers/layer.h"

typedef struct dropout_keys {
    double p;
} dropout_keys;

static node *build(builder *b, const layer *l, node *x) {
    const dropout_keys *k = l->keys;
    if (builder_mode(b) == NET_INFER || graph_is_poison(x)) return x;
    if (builder_batches(b) == 1) return nn_dropout(x, k->p, builder_stream(b, l, 0));
    const int64_t samples = x->shape.d[0] / 2;
    node *batch[2];
    for (int64_t i = 0; i < 2; i++) batch[i] = nn_dropout(nn_samples(x, i * samples, (i + 1) * samples), k->p, builder_stream(b, l, i));
    return nn_concat(batch, 2, 0);
}

static const key KEYS[] = {{"p", KEY_FLOAT, offsetof(dropout_keys, p), "0.5", .min = 0, .max = 0.95, .doc = "share of the values set to zero"}, {0}};
const layer_type LAYER_DROPOUT = {.name = "dropout",
                                  .doc = "In training, values set to zero at random and the others scaled up (Srivastava et al. 2014).",
                                  .keys = KEYS,
                                  .size = sizeof(dropout_keys),
                                  .build = build};
