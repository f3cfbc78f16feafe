#include "nn/ops.h"

// A poison node, or NULL if all is well.
static node *wrong_axis(node *x, int axis) {
    if (graph_is_poison(x)) return x;
    return axis < 0 || axis >= x->shape.n ? graph_fail(x->graph, "softmax: axis %d of shape %s", axis, shape_text(x->shape)) : NULL;
}

// x - max(x) along the axis: the shift changes neither value nor derivative, and keeps exp from overflowing.
static node *shifted(node *x, int axis) {
    return nn_sub(x, nn_stop_gradient(nn_max_over(x, AXIS(axis), true)));
}

node *nn_softmax(node *x, int axis) {
    node *poison = wrong_axis(x, axis);
    if (poison) return poison;
    node *e = nn_exp(shifted(x, axis));
    return nn_mul(e, nn_pow_scalar(nn_sum(e, AXIS(axis), true), -1));
}

node *nn_log_softmax(node *x, int axis) {
    node *poison = wrong_axis(x, axis);
    if (poison) return poison;
    node *z = shifted(x, axis);
    return nn_sub(z, nn_log(nn_sum(nn_exp(z), AXIS(axis), true)));
}
