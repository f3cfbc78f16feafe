#include "nn/layers/layer.h"

typedef struct stddev_keys {
    int64_t group, features;
} stddev_keys;

static node *build(builder *b, const layer *l, node *x) {
    const stddev_keys *k = l->keys;
    return builder_image(b, x) ? nn_minibatch_stddev(x, builder_batches(b), k->group, k->features) : x;
}

static const key KEYS[] = {{"group", KEY_INT, offsetof(stddev_keys, group), "4", .min = 1, .max = 4096,
                            .doc = "samples that are compared; a divisor of the batch, or more than it"},
                           {"features", KEY_INT, offsetof(stddev_keys, features), "1", .min = 1, .max = 4096, .doc = "channels that are appended"},
                           {0}};
const layer_type LAYER_MINIBATCH_STDDEV = {.name = "minibatch_stddev",
                                           .doc = "Appends channels that say how much the samples of a batch differ (Karras et al. 2018). Not for "
                                                  "what detects: a detector judges each picture for itself.",
                                           .keys = KEYS,
                                           .size = sizeof(stddev_keys),
                                           .mixes_batch = true,
                                           .compares_batch = true,
                                           .build = build};
