// What is computed together with the same node on all other ranks.
#include <string.h>

#include "base/ranks.h"
#include "nn/ops/table.h"

static foil_status infer(node *n) {
    if (n->in[0]->type != F32) return foil_fail(FOIL_INVALID, "sum over ranks: expected f32");
    n->shape = n->in[0]->shape;
    n->type = F32;
    return FOIL_OK;
}

// y = Σ over ranks of x is an input of every rank's loss, so x's gradient is the sum of what the ranks have toward y.
static node *sum_over_ranks(node *x);
static void vjp(node *y, node *gy, node **gx) {
    (void)y;
    gx[0] = sum_over_ranks(gy);
}

static void run(const kernel *k) {
    const size_t n = (size_t)shape_count(k->node->shape);
    if (k->out != k->in[0]) memcpy(k->out, k->in[0], n * sizeof(float));
    ranks_sum(k->out, n);
}

static void reference(const node *n, const double *const *in, double *out) { // of one rank
    memcpy(out, in[0], (size_t)shape_count(n->shape) * sizeof *out);
}

static const op OP_SUM_OVER_RANKS = {
    .name = "sum_over_ranks", .min_in = 1, .max_in = 1, .flags = OP_SAFE_IN_PLACE, .infer = infer, .vjp = vjp, .run = run, .reference = reference};

static node *sum_over_ranks(node *x) {
    return graph_node(x->graph, &OP_SUM_OVER_RANKS, &x, 1, NULL);
}

node *nn_mean_over_ranks(node *x) {
    if (graph_is_poison(x)) return x;
    return nn_mul_scalar(sum_over_ranks(x), 1.0 / ranks_count());
}
