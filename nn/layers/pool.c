#include "nn/layers/layer.h"

typedef struct pool_keys {
    int64_t kernel[2], stride[2], pad[2];
    bool count_padding;
} pool_keys;

static pool_params params_of(const pool_keys *k) {
    return (pool_params){.kernel = {k->kernel[0], k->kernel[1]},
                         .stride = {k->stride[0], k->stride[1]},
                         .pad = {k->pad[0], k->pad[1], k->pad[0], k->pad[1]},
                         .count_padding = k->count_padding};
}

#define AT(field) offsetof(pool_keys, field)
#define WINDOW_KEYS                                                                                                                                  \
    {"kernel", KEY_PAIR, AT(kernel), .min = 1, .max = 4096, .doc = "rows, columns"},                                                                 \
        {"stride", KEY_PAIR, AT(stride), "0", .min = 0, .max = 4096, .doc = "rows, columns; 0 = the kernel's"}, {                                    \
        "pad", KEY_PAIR, AT(pad), "0", .min = 0, .max = 2048, .doc = "around; at most half of the kernel"                                            \
    }

// As PyTorch, which takes no more padding than this.
static node *build_pool(builder *b, const layer *l, node *x, node *(*pool)(node *x, pool_params p)) {
    const pool_keys *k = l->keys;
    if (!builder_image(b, x)) return x;
    for (int axis = 0; axis < 2; axis++) {
        if (2 * k->pad[axis] > k->kernel[axis])
            return graph_fail(builder_graph(b), "a padding of %lld, expected at most half of the kernel's %lld", (long long)k->pad[axis],
                              (long long)k->kernel[axis]);
    }
    return pool(x, params_of(k));
}

static node *build_max_pool(builder *b, const layer *l, node *x) {
    return build_pool(b, l, x, nn_max_pool);
}
static const key MAX_KEYS[] = {WINDOW_KEYS, {0}};
const layer_type LAYER_MAX_POOL = {
    .name = "max_pool", .doc = "The largest value of each window.", .keys = MAX_KEYS, .size = sizeof(pool_keys), .build = build_max_pool};

static node *build_average_pool(builder *b, const layer *l, node *x) {
    return build_pool(b, l, x, nn_average_pool);
}
static const key AVERAGE_KEYS[] = {
    WINDOW_KEYS, {"count_padding", KEY_BOOL, AT(count_padding), "true", .doc = "divide by the whole window, padding included"}, {0}};
const layer_type LAYER_AVERAGE_POOL = {
    .name = "average_pool", .doc = "The mean of each window.", .keys = AVERAGE_KEYS, .size = sizeof(pool_keys), .build = build_average_pool};

// global_pool ------------------------------------------------------------------------------------------------------------------------------------

typedef struct global_keys {
    int kind;
} global_keys;

static const char *const KINDS[] = {"mean", "sum", "max", NULL};
enum { KIND_MEAN, KIND_SUM, KIND_MAX };

static node *largest(node *x) {
    const pool_params whole = {.kernel = {x->shape.d[1], x->shape.d[2]}};
    return nn_cast(nn_reshape(nn_max_pool(x, whole), SHAPE(x->shape.d[0], x->shape.d[3])), F32);
}

static node *build_global_pool(builder *b, const layer *l, node *x) {
    const int kind = ((const global_keys *)l->keys)->kind;
    const axes pixels = AXIS(1) | AXIS(2);
    if (!builder_image(b, x)) return x;
    return kind == KIND_MAX ? largest(x) : kind == KIND_SUM ? nn_sum(x, pixels, false) : nn_mean(x, pixels, false);
}
static const key GLOBAL_KEYS[] = {{"kind", KEY_CHOICE, offsetof(global_keys, kind), "mean", .choices = KINDS, .doc = "what is kept of each channel"},
                                  {0}};
const layer_type LAYER_GLOBAL_POOL = {.name = "global_pool",
                                      .doc = "One number for each channel: images become [N, C].",
                                      .keys = GLOBAL_KEYS,
                                      .size = sizeof(global_keys),
                                      .build = build_global_pool};
