#include "nn/ops.h"

node *nn_dropout(node *x, double p, uint32_t stream) {
    if (graph_is_poison(x) || p == 0) return x;
    if (!(p > 0 && p < 1)) return graph_fail(x->graph, "dropout: probability %g, expected 0 <= p < 1", p);
    graph *g = x->graph;
    node *kept = nn_less_equal(graph_constant(g, x->shape, p), graph_uniform(g, x->shape, stream));
    return nn_mul(x, nn_mul_scalar(kept, 1 / (1 - p)));
}
