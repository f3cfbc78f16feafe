#include "base/ranks.h"
#include "nn/layers/layer.h"

typedef struct norm_keys {
    double eps, momentum, deviation;
    bool affine;
    int64_t groups;
} norm_keys;

#define AT(field) offsetof(norm_keys, field)
#define EPS_KEY                                                                                                                                      \
    { "eps", KEY_FLOAT, AT(eps), "1e-5", .min = 1e-12, .max = 1, .doc = "added to the variance" }
#define AFFINE_KEY                                                                                                                                   \
    { "affine", KEY_BOOL, AT(affine), "true", .doc = "learn a scale (`weight`) and a shift (`bias`)" }

typedef struct affine {
    node *gamma, *beta; // NULL without
} affine;

static affine affine_of(builder *b, const layer *l, shape s) {
    const norm_keys *k = l->keys;
    if (!k->affine) return (affine){NULL, NULL};
    init one = k->deviation > 0 ? (init){.kind = INIT_NORMAL_ONE, .a = (float)k->deviation} : (init){.kind = INIT_ONES};
    return (affine){builder_param(b, l, "weight", s, one), builder_param(b, l, "bias", s, (init){.kind = INIT_ZEROS})};
}

static bool is_poison(affine a) {
    return a.gamma && (graph_is_poison(a.gamma) || graph_is_poison(a.beta));
}

static shape channels_of(const node *x) {
    return SHAPE(x->shape.d[x->shape.n - 1]);
}

// batch_norm -------------------------------------------------------------------------------------------------------------------------------------

// running + momentum · (now - running), by the first of several batches.
static void follow(builder *b, const layer *l, const char *name, node *running, node *now) {
    const norm_keys *k = l->keys;
    if (now->shape.n > 1) now = nn_reshape(nn_samples(now, 0, 1), running->shape);
    builder_update(b, l, name, nn_add(nn_mul_scalar(running, 1 - k->momentum), nn_mul_scalar(now, k->momentum)));
}

static node *build_batch_norm(builder *b, const layer *l, node *x) {
    const norm_keys *k = l->keys;
    if (graph_is_poison(x)) return x;
    affine a = affine_of(b, l, channels_of(x));
    node *mean = builder_buffer(b, l, "running_mean", channels_of(x), (init){.kind = INIT_ZEROS});
    node *variance = builder_buffer(b, l, "running_var", channels_of(x), (init){.kind = INIT_ONES});
    if (is_poison(a) || graph_is_poison(mean) || graph_is_poison(variance)) return x;
    if (builder_mode(b) == NET_INFER) return nn_batch_norm(x, (batch_stats){mean, variance}, a.gamma, a.beta, k->eps);
    const int64_t batches = builder_batches(b);
    batch_stats now = nn_batch_stats(x, batches);
    if (graph_is_poison(now.mean)) return now.mean;
    int64_t rows = shape_count(x->shape) / channels_of(x).d[0] / batches * (x->graph->synchronised ? ranks_count() : 1);
    follow(b, l, "running_mean", mean, now.mean);
    follow(b, l, "running_var", variance, nn_mul_scalar(now.variance, rows > 1 ? (double)rows / (double)(rows - 1) : 1)); // unbiased, as PyTorch
    return nn_batch_norm(x, now, a.gamma, a.beta, k->eps);
}

static const key BATCH_KEYS[] = {
    EPS_KEY,
    {"momentum", KEY_FLOAT, AT(momentum), "0.1", .min = 0, .max = 1, .doc = "share of the batch in the running statistics"},
    AFFINE_KEY,
    {"deviation", KEY_FLOAT, AT(deviation), "0", .min = 0, .max = 1, .doc = "the scale begins normal around 1 with this deviation"},
    {0}};
const layer_type LAYER_BATCH_NORM = {.name = "batch_norm",
                                     .doc = "Batch normalisation over all axes but the channels (Ioffe, Szegedy 2015). Parameters: `weight`, `bias`; "
                                            "state: `running_mean`, `running_var`.",
                                     .keys = BATCH_KEYS,
                                     .size = sizeof(norm_keys),
                                     .mixes_batch = true,
                                     .build = build_batch_norm};

// The others: statistics of one sample. ----------------------------------------------------------------------------------------------------------

static const key SIMPLE_KEYS[] = {EPS_KEY, AFFINE_KEY, {0}};

static node *build_layer_norm(builder *b, const layer *l, node *x) {
    const norm_keys *k = l->keys;
    if (graph_is_poison(x)) return x;
    affine a = affine_of(b, l, channels_of(x));
    if (is_poison(a)) return x;
    return nn_layer_norm(x, nn_all_axes(x) & ~AXIS(0), a.gamma, a.beta, k->eps);
}
const layer_type LAYER_LAYER_NORM = {
    .name = "layer_norm",
    .doc = "Normalisation of each sample over all its axes, then a scale and a shift for each channel (Ba et al. 2016).",
    .keys = SIMPLE_KEYS,
    .size = sizeof(norm_keys),
    .build = build_layer_norm};

static node *build_group_norm(builder *b, const layer *l, node *x) {
    const norm_keys *k = l->keys;
    if (!builder_image(b, x)) return x;
    affine a = affine_of(b, l, channels_of(x));
    return is_poison(a) ? x : nn_group_norm(x, k->groups, a.gamma, a.beta, k->eps);
}
static const key GROUP_KEYS[] = {
    {"groups", KEY_INT, AT(groups), .min = 1, .max = 65536, .doc = "of channels, normalised together"}, EPS_KEY, AFFINE_KEY, {0}};
const layer_type LAYER_GROUP_NORM = {.name = "group_norm",
                                     .doc = "Normalisation of each sample over pixels and the channels of a group (Wu, He 2018).",
                                     .keys = GROUP_KEYS,
                                     .size = sizeof(norm_keys),
                                     .build = build_group_norm};

static node *build_instance_norm(builder *b, const layer *l, node *x) {
    const norm_keys *k = l->keys;
    if (!builder_image(b, x)) return x;
    affine a = affine_of(b, l, channels_of(x));
    return is_poison(a) ? x : nn_instance_norm(x, a.gamma, a.beta, k->eps);
}
const layer_type LAYER_INSTANCE_NORM = {.name = "instance_norm",
                                        .doc = "Normalisation of each channel of each sample over its pixels (Ulyanov et al. 2016).",
                                        .keys = SIMPLE_KEYS,
                                        .size = sizeof(norm_keys),
                                        .build = build_instance_norm};

static node *build_pixel_norm(builder *b, const layer *l, node *x) {
    (void)b;
    const norm_keys *k = l->keys;
    return nn_pixel_norm(x, k->eps);
}
static const key PIXEL_KEYS[] = {{"eps", KEY_FLOAT, AT(eps), "1e-8", .min = 1e-12, .max = 1, .doc = "added to the mean square"}, {0}};
const layer_type LAYER_PIXEL_NORM = {.name = "pixel_norm",
                                     .doc = "Each pixel divided by the root mean square of its channels (Karras et al. 2018).",
                                     .keys = PIXEL_KEYS,
                                     .size = sizeof(norm_keys),
                                     .build = build_pixel_norm};
