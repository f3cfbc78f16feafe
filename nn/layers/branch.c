// Layers that hold lists of layers.
#include "nn/layers/layer.h"

// residual ---------------------------------------------------------------------------------------------------------------------------------------

typedef struct residual_keys {
    const yaml_node *body, *skip;
} residual_keys;

static node *build_residual(builder *b, const layer *l, node *x) {
    node *body = builder_layers(b, l->branch[0], x), *skip = builder_layers(b, l->branch[1], x);
    if (graph_is_poison(body) || graph_is_poison(skip)) return body;
    if (!shape_equal(body->shape, skip->shape))
        return graph_fail(builder_graph(b), "the body gives %s, the skip %s", shape_text(body->shape), shape_text(skip->shape));
    return nn_add(body, skip);
}
static const key RESIDUAL_KEYS[] = {{"body", KEY_NODE, offsetof(residual_keys, body), .doc = "layers"},
                                    {"skip", KEY_NODE, offsetof(residual_keys, skip), "", .doc = "layers; none = the input itself"},
                                    {0}};
const layer_type LAYER_RESIDUAL = {.name = "residual",
                                   .doc = "body(x) + skip(x) (He et al. 2015).",
                                   .keys = RESIDUAL_KEYS,
                                   .size = sizeof(residual_keys),
                                   .branches = BRANCH_OF_EACH_KEY,
                                   .build = build_residual};

// parallel ---------------------------------------------------------------------------------------------------------------------------------------

typedef struct parallel_keys {
    const yaml_node *branches;
    int join;
} parallel_keys;

enum { JOIN_CONCAT, JOIN_ADD };
static const char *const JOINS[] = {"concat", "add", NULL};

static node *build_parallel(builder *b, const layer *l, node *x) {
    const parallel_keys *k = l->keys;
    node *y[MAX_BRANCHES] = {x};
    for (int i = 0; i < l->branches; i++) {
        y[i] = builder_layers(b, l->branch[i], x);
        if (graph_is_poison(y[i])) return y[i];
        if (k->join == JOIN_ADD && !shape_equal(y[i]->shape, y[0]->shape))
            return graph_fail(builder_graph(b), "branch %d gives %s, branch 0 %s", i, shape_text(y[i]->shape), shape_text(y[0]->shape));
    }
    if (k->join == JOIN_CONCAT) return nn_concat(y, l->branches, y[0]->shape.n - 1);
    node *sum = y[0];
    for (int i = 1; i < l->branches; i++) sum = nn_add(sum, y[i]);
    return sum;
}
static const key PARALLEL_KEYS[] = {
    {"branches", KEY_NODE, offsetof(parallel_keys, branches), .doc = "a list of lists of layers"},
    {"join", KEY_CHOICE, offsetof(parallel_keys, join), "concat", .choices = JOINS, .doc = "how their results become one"},
    {0}};
const layer_type LAYER_PARALLEL = {.name = "parallel",
                                   .doc = "Several branches on the same input, their channels joined or added.",
                                   .keys = PARALLEL_KEYS,
                                   .size = sizeof(parallel_keys),
                                   .branches = LIST_OF_BRANCHES,
                                   .build = build_parallel};
