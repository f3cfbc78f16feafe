// Sums, means and maxima over axes.
#include <math.h>

#include "nn/ops/strided.h"
#include "nn/ops/table.h"

static shape reduced_shape(shape s, axes a) {
    for (int i = 0; i < s.n; i++)
        if (a & AXIS(i)) s.d[i] = 1;
    return s;
}

static foil_status infer_reduce(node *n) {
    const node *x = n->in[0];
    if (x->type != F32 && x->type != BF16) return foil_fail(FOIL_INVALID, "%s: the operand is %s; cast it first", n->op->name, dtype_name(x->type));
    n->shape = reduced_shape(x->shape, ((const reduce_params *)n->params)->axes);
    return FOIL_OK;
}

static double add(double a, double b) {
    return a + b;
}
static double larger(double a, double b) {
    return a > b || a != a ? a : b;
}

static void reduce(const node *n, const double *in, double *out, double start, double (*join)(double, double)) {
    int64_t to[MAX_DIMS];
    shape from = n->in[0]->shape;
    broadcast_strides(n->shape, from, to);
    for (int64_t i = 0, count = shape_count(n->shape); i < count; i++) out[i] = start;
    for (int64_t i = 0, count = shape_count(from); i < count; i++) {
        int64_t rest = i, at = 0;
        for (int axis = from.n - 1; axis >= 0; axis--) {
            at += rest % from.d[axis] * to[axis];
            rest /= from.d[axis];
        }
        out[at] = join(out[at], in[i]);
    }
}

static void reference_sum(const node *n, const double *const *in, double *out) {
    reduce(n, in[0], out, 0, add);
}
static void vjp_sum(node *y, node *gy, node **gx) {
    gx[0] = nn_broadcast(gy, y->in[0]->shape);
}
static double flops_reduce(const node *n) {
    return (double)shape_count(n->in[0]->shape);
}
const op OP_SUM = {.name = "sum",
                   .min_in = 1,
                   .max_in = 1,
                   .params_size = sizeof(reduce_params),
                   .infer = infer_reduce,
                   .vjp = vjp_sum,
                   .reference = reference_sum,
                   .flops = flops_reduce};

static void reference_max_over(const node *n, const double *const *in, double *out) {
    reduce(n, in[0], out, -(double)INFINITY, larger);
}
const op OP_MAX_OVER = {.name = "max_over",
                        .min_in = 1,
                        .max_in = 1,
                        .params_size = sizeof(reduce_params),
                        .infer = infer_reduce,
                        .reference = reference_max_over,
                        .flops = flops_reduce};

axes nn_all_axes(const node *x) {
    return AXIS(x->shape.n) - 1;
}

// Those of `a` with more than one element, and of these those along which `x` only repeats.
static axes long_axes(const node *x, axes a) {
    for (int i = 0; i < x->shape.n; i++)
        if (x->shape.d[i] == 1) a &= ~AXIS(i);
    return a;
}
static axes repeated_axes(const node *x, axes a) {
    int64_t stride[MAX_DIMS];
    if (x->op != &OP_BROADCAST) return 0;
    broadcast_strides(x->in[0]->shape, x->shape, stride);
    for (int i = 0; i < x->shape.n; i++)
        if (stride[i] != 0) a &= ~AXIS(i);
    return a;
}

// The sum with its axes kept. What is the same along all of them comes out of the sum: Σ s·x = s Σ x. This is what makes gradients of normalisations
// cheap, where the inner factors are vectors. A short outermost axis is summed last: the sums of each of several batches are wanted anyway.
static node *sum(node *x, axes a) {
    enum { FEW = 2 };
    const shape result = reduced_shape(x->shape, a);
    const double count = (double)shape_count(x->shape) / (double)shape_count(result);
    double value;
    a = long_axes(x, a);
    if (constant_value(x, &value)) return graph_constant(x->graph, result, value * count);
    if (!a) return nn_cast(x, F32);
    if (repeated_axes(x, a) == a) return nn_mul_scalar(nn_cast(nn_broadcast(x->in[0], result), F32), count);
    if (x->op == &OP_CAST && x->type == F32 && x->in[0]->type == BF16) return sum(x->in[0], a);
    if (x->op == &OP_AFFINE) {
        const affine_params *p = x->params;
        if (p->shift == 0) return nn_mul_scalar(sum(x->in[0], a), p->scale);
    }
    for (int i = 0; x->op == &OP_MUL && i < 2; i++)
        if (repeated_axes(x->in[i], a) == a) return nn_mul(sum(x->in[1 - i], a), nn_broadcast(x->in[i]->in[0], result));
    const axes inner = a & ~AXIS(0);
    if (inner && inner != a && x->shape.d[0] <= FEW) return sum(sum(x, inner), AXIS(0));
    return graph_node(x->graph, &OP_SUM, &x, 1, &(reduce_params){a});
}

static node *vanish(node *x, axes a) {
    if (graph_is_poison(x)) return x;
    shape s = SCALAR;
    for (int i = 0; i < x->shape.n; i++)
        if (!(a & AXIS(i))) s.d[s.n++] = x->shape.d[i];
    return nn_reshape(x, s);
}

static bool has_axes(const node *x, axes a) {
    return (a & ~nn_all_axes(x)) == 0;
}

node *nn_sum(node *x, axes a, bool keep) {
    if (graph_is_poison(x)) return x;
    if (!has_axes(x, a)) return graph_fail(x->graph, "sum: axes %#x of shape %s", a, shape_text(x->shape));
    node *y = sum(x, a);
    return keep ? y : vanish(y, a);
}

node *nn_mean(node *x, axes a, bool keep) {
    if (graph_is_poison(x)) return x;
    node *y = nn_sum(x, a, keep);
    return nn_mul_scalar(y, (double)shape_count(y->shape) / (double)shape_count(x->shape));
}

node *nn_max_over(node *x, axes a, bool keep) {
    double value;
    if (graph_is_poison(x)) return x;
    if (!has_axes(x, a)) return graph_fail(x->graph, "max_over: axes %#x of shape %s", a, shape_text(x->shape));
    shape s = reduced_shape(x->shape, a);
    axes rest = long_axes(x, a);
    node *y = constant_value(x, &value) ? graph_constant(x->graph, s, value)
              : rest                    ? graph_node(x->graph, &OP_MAX_OVER, &x, 1, &(reduce_params){rest})
                                        : nn_cast(x, F32);
    return keep ? y : vanish(y, a);
}
