// Spectral normalisation: a weight divided by its largest singular value, which power iteration follows from step to step.
//
// The products with u and v are sums of element-wise products, not nn_matmul: they stay f32 when the graph computes in bf16.
#include "nn/ops.h"

static node *unit(node *x, double eps) { // x / max(‖x‖, eps)
    node *norm = nn_sqrt(nn_sum(nn_square(x), nn_all_axes(x), true));
    return nn_div(x, nn_max(norm, graph_constant(x->graph, SCALAR, eps)));
}

spectral nn_spectral_norm(node *w, node *u, node *v, bool iterate, double eps) {
    if (graph_is_poison(w)) return (spectral){w, w, w};
    const int64_t out = w->shape.n ? w->shape.d[0] : 1, rest = shape_count(w->shape) / out;
    node *matrix = nn_reshape(w, SHAPE(out, rest));
    node *column = nn_reshape(u, SHAPE(out, 1)), *row = nn_reshape(v, SHAPE(1, rest));
    if (iterate) {
        row = unit(nn_sum(nn_mul(matrix, column), AXIS(0), true), eps);
        column = unit(nn_sum(nn_mul(matrix, row), AXIS(1), true), eps);
    }
    column = nn_stop_gradient(column);
    row = nn_stop_gradient(row);
    node *sigma = nn_sum(nn_mul(matrix, nn_mul(column, row)), AXIS(0) | AXIS(1), false);
    return (spectral){nn_mul(w, nn_pow_scalar(sigma, -1)), nn_reshape(column, SHAPE(out)), nn_reshape(row, SHAPE(rest))};
}
