// Normalisations: subtract the mean, divide by the deviation, over different axes.
#include "nn/ops/elementwise.h"

// (x - m)² where m is the mean of x over the axes that the square is averaged over next: then the derivative toward m, -2 Σ (x - m), is zero for every x,
// so are its derivatives, and leaving it out spares a pass over x.
ELEMENTWISE_FUNCTIONS(deviation, 2, (a - b) * (a - b), (a - b) * (a - b))
static void deviation_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_mul(nn_sub(y->in[0], y->in[1]), nn_mul_scalar(gy, 2));
}
static const op OP_DEVIATION = ELEMENTWISE_ROW("deviation", deviation, 2, 0);

batch_stats moments(node *x, axes a) {
    node *mean = nn_mean(x, a, true);
    return (batch_stats){mean, nn_mean(BINARY_NODE(OP_DEVIATION, x, mean, NULL), a, true)};
}

// (x - mean) · gamma / sqrt(variance + eps) + beta. In this form the gradient needs two passes: one for Σ gy and Σ gy (x - mean), one for x's.
static node *normalize(node *x, batch_stats s, node *gamma, node *beta, double eps) {
    node *scale = nn_rsqrt(nn_add_scalar(s.variance, eps));
    if (gamma) scale = nn_mul(scale, gamma);
    node *y = nn_mul(nn_sub(x, s.mean), scale);
    return beta ? nn_add(y, beta) : y;
}

// As moments, of all ranks' parts of a batch. The derivative toward the mean is zero here too: for all ranks together.
static batch_stats moments_of_ranks(node *x, axes a) {
    node *mean = nn_mean_over_ranks(nn_mean(x, a, true));
    return (batch_stats){mean, nn_mean_over_ranks(nn_mean(BINARY_NODE(OP_DEVIATION, x, mean, NULL), a, true))};
}

// x [.., C] as the rows of each of several batches.
static node *by_batch(node *x, int64_t batches) {
    const int64_t channels = x->shape.d[x->shape.n - 1];
    return nn_reshape(x, SHAPE(batches, shape_count(x->shape) / channels / batches, channels));
}

batch_stats nn_batch_stats(node *x, int64_t batches) {
    if (graph_is_poison(x)) return (batch_stats){x, x};
    if (x->shape.n < 2 || batches < 1 || x->shape.d[0] % batches) {
        node *poison =
            graph_fail(x->graph, "batch norm: shape %s, expected at least [N, C], N a multiple of %lld", shape_text(x->shape), (long long)batches);
        return (batch_stats){poison, poison};
    }
    const batch_stats s = (x->graph->synchronised ? moments_of_ranks : moments)(by_batch(x, batches), AXIS(1));
    const int64_t channels = x->shape.d[x->shape.n - 1];
    const shape each = batches > 1 ? SHAPE(batches, channels) : SHAPE(channels);
    return (batch_stats){nn_reshape(s.mean, each), nn_reshape(s.variance, each)};
}

node *nn_batch_norm(node *x, batch_stats s, node *gamma, node *beta, double eps) {
    if (graph_is_poison(x) || graph_is_poison(s.mean) || s.mean->shape.n < 2) return normalize(x, s, gamma, beta, eps);
    const int64_t batches = s.mean->shape.d[0], channels = s.mean->shape.d[1];
    const shape each = SHAPE(batches, 1, channels);
    const batch_stats repeated = {nn_reshape(s.mean, each), nn_reshape(s.variance, each)};
    return nn_reshape(normalize(by_batch(x, batches), repeated, gamma, beta, eps), x->shape);
}

node *nn_layer_norm(node *x, axes a, node *gamma, node *beta, double eps) {
    return normalize(x, moments(x, a), gamma, beta, eps);
}

node *nn_group_norm(node *x, int64_t groups, node *gamma, node *beta, double eps) {
    if (graph_is_poison(x)) return x;
    const int64_t *d = x->shape.d;
    if (x->shape.n != 4 || groups < 1 || d[3] % groups)
        return graph_fail(x->graph, "group norm: %lld groups of shape %s, expected [N, H, W, C] and a divisor of C", (long long)groups,
                          shape_text(x->shape));
    node *y = nn_reshape(x, SHAPE(d[0], d[1], d[2], groups, d[3] / groups));
    const shape each = SHAPE(groups, d[3] / groups);
    y = normalize(y, moments(y, AXIS(1) | AXIS(2) | AXIS(4)), gamma ? nn_reshape(gamma, each) : NULL, beta ? nn_reshape(beta, each) : NULL, eps);
    return nn_reshape(y, x->shape);
}

node *nn_instance_norm(node *x, node *gamma, node *beta, double eps) {
    if (graph_is_poison(x)) return x;
    return nn_group_norm(x, x->shape.n ? x->shape.d[x->shape.n - 1] : 0, gamma, beta, eps);
}

node *nn_pixel_norm(node *x, double eps) {
    if (graph_is_poison(x)) return x;
    if (x->shape.n < 1) return graph_fail(x->graph, "pixel norm: a scalar has no channels");
    node *square = nn_mean(nn_square(x), AXIS(x->shape.n - 1), true);
    return nn_mul(x, nn_rsqrt(nn_add_scalar(square, eps)));
}
