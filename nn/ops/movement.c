// Ops that move elements without changing them.
#include <assert.h>
#include <string.h>

#include "nn/ops/strided.h"
#include "nn/ops/table.h"

// Every op here whose elements are copied has one function for f32 or bf16 and for f64: they differ in the size of an element only.
typedef void mover(const node *n, size_t size, const void *const *in, void *out);
#define MOVER_FUNCTIONS(name)                                                                                                                        \
    static void run_##name(const kernel *k) {                                                                                                        \
        name(k->node, dtype_size(k->node->type), k->in, k->out);                                                                                     \
    }                                                                                                                                                \
    static void reference_##name(const node *n, const double *const *in, double *out) {                                                              \
        name(n, sizeof(double), (const void *const *)in, out);                                                                                       \
    }

static foil_status keep_type(node *n, shape s) {
    n->shape = s;
    n->type = n->in[0]->type;
    return FOIL_OK;
}

// Broadcast. ----------------------------------------------------------------------------------------------------------------------------------------

void broadcast_strides(shape in, shape out, int64_t stride[MAX_DIMS]) {
    walk dense = walk_dense(in);
    int missing = out.n - in.n;
    for (int i = 0; i < out.n; i++) stride[i] = i < missing || in.d[i - missing] == 1 ? 0 : dense.stride[i - missing];
}

static foil_status infer_broadcast(node *n) {
    shape in = n->in[0]->shape, out = ((const broadcast_params *)n->params)->shape;
    bool fits = in.n <= out.n;
    for (int i = 1; fits && i <= in.n; i++) fits = in.d[in.n - i] == 1 || in.d[in.n - i] == out.d[out.n - i];
    if (!fits) return foil_fail(FOIL_INVALID, "broadcast: shape %s does not repeat to %s", shape_text(in), shape_text(out));
    return keep_type(n, out);
}
static void vjp_broadcast(node *y, node *gy, node **gx) {
    int64_t stride[MAX_DIMS];
    shape in = y->in[0]->shape;
    axes repeated = 0;
    broadcast_strides(in, y->shape, stride);
    for (int i = 0; i < y->shape.n; i++)
        if (stride[i] == 0 && y->shape.d[i] != 1) repeated |= AXIS(i);
    gx[0] = nn_reshape(nn_sum(gy, repeated, true), in);
}
static void reference_broadcast(const node *n, const double *const *in, double *out) {
    walk from = {0};
    broadcast_strides(n->in[0]->shape, n->shape, from.stride);
    strided_copy(n->shape, sizeof(double), in[0], from, out, walk_dense(n->shape));
}
const op OP_BROADCAST = {.name = "broadcast",
                         .min_in = 1,
                         .max_in = 1,
                         .params_size = sizeof(broadcast_params),
                         .infer = infer_broadcast,
                         .vjp = vjp_broadcast,
                         .reference = reference_broadcast};

// One form for what repeats equally: [C], not [1, 1, 1, C].
static node *without_leading_ones(node *x) {
    shape s = SCALAR;
    for (int i = 0; i < x->shape.n; i++)
        if (s.n || x->shape.d[i] != 1) s.d[s.n++] = x->shape.d[i];
    return nn_reshape(x, s);
}

node *nn_broadcast(node *x, shape s) {
    double value;
    if (graph_is_poison(x) || shape_equal(x->shape, s)) return x;
    if (constant_value(x, &value)) return constant_of_type(x->graph, s, x->type, value);
    if (x->op == &OP_BROADCAST) x = x->in[0];
    if (x->shape.n <= s.n && shape_count(x->shape) == shape_count(s)) return nn_reshape(x, s);
    x = without_leading_ones(x);
    return graph_node(x->graph, &OP_BROADCAST, &x, 1, &(broadcast_params){s});
}

// Reshape. ----------------------------------------------------------------------------------------------------------------------------------------------

static foil_status infer_reshape(node *n) {
    return keep_type(n, ((const reshape_params *)n->params)->shape);
}
static void vjp_reshape(node *y, node *gy, node **gx) {
    gx[0] = nn_reshape(gy, y->in[0]->shape);
}
static void reference_reshape(const node *n, const double *const *in, double *out) {
    memcpy(out, in[0], (size_t)shape_count(n->shape) * sizeof *out);
}
const op OP_RESHAPE = {.name = "reshape",
                       .min_in = 1,
                       .max_in = 1,
                       .flags = OP_VIEW,
                       .params_size = sizeof(reshape_params),
                       .infer = infer_reshape,
                       .vjp = vjp_reshape,
                       .reference = reference_reshape};

node *nn_reshape(node *x, shape s) {
    if (graph_is_poison(x)) return x;
    const shape wanted = s;
    int64_t known = 1, count = shape_count(x->shape);
    int unknown = -1;
    for (int i = 0; i < s.n; i++) {
        if (s.d[i] != -1)
            known *= s.d[i];
        else if (unknown < 0)
            unknown = i;
        else
            return graph_fail(x->graph, "reshape: %s has more than one -1", shape_text(wanted));
    }
    if (unknown >= 0 && known > 0) s.d[unknown] = count / known;
    if (shape_count(s) != count) return graph_fail(x->graph, "reshape: %s has not as many elements as %s", shape_text(wanted), shape_text(x->shape));
    if (shape_equal(x->shape, s)) return x;
    double value;
    if (constant_value(x, &value)) return constant_of_type(x->graph, s, x->type, value);
    if (x->op == &OP_RESHAPE) return nn_reshape(x->in[0], s);
    return graph_node(x->graph, &OP_RESHAPE, &x, 1, &(reshape_params){s});
}

// Permute. ------------------------------------------------------------------------------------------------------------------------------------------------

static foil_status infer_permute(node *n) {
    const permute_params *p = n->params;
    shape in = n->in[0]->shape, out = in;
    unsigned seen = 0;
    for (int i = 0; i < in.n; i++) {
        if (p->order[i] < 0 || p->order[i] >= in.n || seen & AXIS(p->order[i]))
            return foil_fail(FOIL_INVALID, "permute: the order of %d axes must name each once", in.n);
        seen |= AXIS(p->order[i]);
        out.d[i] = in.d[p->order[i]];
    }
    return keep_type(n, out);
}
static void vjp_permute(node *y, node *gy, node **gx) {
    const permute_params *p = y->params;
    int inverse[MAX_DIMS] = {0};
    for (int i = 0; i < y->shape.n; i++) inverse[p->order[i]] = i;
    gx[0] = nn_permute(gy, inverse);
}
static void permute(const node *n, size_t size, const void *const *in, void *out) {
    const permute_params *p = n->params;
    walk dense = walk_dense(n->in[0]->shape), from = {0};
    for (int i = 0; i < n->shape.n; i++) from.stride[i] = dense.stride[p->order[i]];
    strided_copy(n->shape, size, in[0], from, out, walk_dense(n->shape));
}
MOVER_FUNCTIONS(permute)
const op OP_PERMUTE = {.name = "permute",
                       .min_in = 1,
                       .max_in = 1,
                       .flags = OP_CHEAP,
                       .params_size = sizeof(permute_params),
                       .infer = infer_permute,
                       .vjp = vjp_permute,
                       .run = run_permute,
                       .reference = reference_permute};

// Whether the order moves only axes of size 1: then it is a reshape.
static bool keeps_memory_order(shape s, const int *order) {
    int last = -1;
    for (int i = 0; i < s.n; i++) {
        if (order[i] < 0 || order[i] >= s.n) return false;
        if (s.d[order[i]] == 1) continue;
        if (order[i] < last) return false;
        last = order[i];
    }
    return true;
}

node *nn_permute(node *x, const int *order) {
    if (graph_is_poison(x)) return x;
    permute_params p = {0};
    for (int i = 0; i < x->shape.n; i++) p.order[i] = order[i];
    if (x->op == &OP_PERMUTE) { // two in a row are one
        const permute_params *first = x->params;
        for (int i = 0; i < x->shape.n; i++)
            if (order[i] >= 0 && order[i] < x->shape.n) p.order[i] = first->order[order[i]];
        x = x->in[0];
    }
    if (x->op != &OP_CONSTANT && !keeps_memory_order(x->shape, p.order)) return graph_node(x->graph, &OP_PERMUTE, &x, 1, &p);
    shape s = x->shape;
    for (int i = 0; i < s.n; i++) s.d[i] = x->shape.d[p.order[i]];
    return nn_reshape(x, s);
}

// Slice and place. ------------------------------------------------------------------------------------------------------------------------------------------

// The walk over the larger tensor: the same for both.
static walk walk_part(shape larger, const slice_params *p) {
    walk dense = walk_dense(larger), part = {0};
    for (int i = 0; i < larger.n; i++) {
        part.start += p->start[i] * dense.stride[i];
        part.stride[i] = p->step[i] * dense.stride[i];
    }
    return part;
}

static foil_status check_part(const node *n, shape larger, shape smaller, const slice_params *p) {
    for (int i = 0; i < larger.n; i++)
        if (p->step[i] < 1 || smaller.d[i] < 1 || p->start[i] < 0 || p->start[i] + (smaller.d[i] - 1) * p->step[i] >= larger.d[i])
            return foil_fail(FOIL_INVALID, "%s: axis %d of %s: %lld elements from %lld by %lld do not fit", n->op->name, i, shape_text(larger),
                             (long long)smaller.d[i], (long long)p->start[i], (long long)p->step[i]);
    return FOIL_OK;
}

static foil_status infer_slice(node *n) {
    const slice_params *p = n->params;
    TRY(check_part(n, n->in[0]->shape, p->shape, p));
    return keep_type(n, p->shape);
}
static void vjp_slice(node *y, node *gy, node **gx) {
    slice_params p = *(const slice_params *)y->params;
    p.shape = y->in[0]->shape;
    gx[0] = graph_node(y->graph, &OP_PLACE, &gy, 1, &p);
}
static void slice(const node *n, size_t size, const void *const *in, void *out) {
    strided_copy(n->shape, size, in[0], walk_part(n->in[0]->shape, n->params), out, walk_dense(n->shape));
}
MOVER_FUNCTIONS(slice)
const op OP_SLICE = {.name = "slice",
                     .min_in = 1,
                     .max_in = 1,
                     .flags = OP_CHEAP,
                     .params_size = sizeof(slice_params),
                     .infer = infer_slice,
                     .vjp = vjp_slice,
                     .run = run_slice,
                     .reference = reference_slice};

static foil_status infer_place(node *n) {
    const slice_params *p = n->params;
    TRY(check_part(n, p->shape, n->in[0]->shape, p));
    return keep_type(n, p->shape);
}
static void vjp_place(node *y, node *gy, node **gx) {
    slice_params p = *(const slice_params *)y->params;
    p.shape = y->in[0]->shape;
    gx[0] = graph_node(y->graph, &OP_SLICE, &gy, 1, &p);
}
static void place(const node *n, size_t size, const void *const *in, void *out) {
    memset(out, 0, (size_t)shape_count(n->shape) * size);
    strided_copy(n->in[0]->shape, size, in[0], walk_dense(n->in[0]->shape), out, walk_part(n->shape, n->params));
}
MOVER_FUNCTIONS(place)
const op OP_PLACE = {.name = "place",
                     .min_in = 1,
                     .max_in = 1,
                     .flags = OP_CHEAP,
                     .params_size = sizeof(slice_params),
                     .infer = infer_place,
                     .vjp = vjp_place,
                     .run = run_place,
                     .reference = reference_place};

node *nn_slice(node *x, const int64_t *start, const int64_t *stop, const int64_t *step) {
    if (graph_is_poison(x)) return x;
    slice_params p = {.shape = x->shape};
    for (int i = 0; i < x->shape.n; i++) {
        p.start[i] = start[i];
        p.step[i] = step ? step[i] : 1;
        if (p.step[i] < 1 || start[i] < 0 || stop[i] > x->shape.d[i] || stop[i] <= start[i])
            return graph_fail(x->graph, "slice: [%lld, %lld) by %lld is not within axis %d of %s", (long long)start[i], (long long)stop[i],
                              (long long)p.step[i], i, shape_text(x->shape));
        p.shape.d[i] = (stop[i] - start[i] + p.step[i] - 1) / p.step[i];
    }
    if (shape_equal(p.shape, x->shape)) return x;
    double value;
    if (constant_value(x, &value)) return constant_of_type(x->graph, p.shape, x->type, value);
    return graph_node(x->graph, &OP_SLICE, &x, 1, &p);
}

node *nn_samples(node *x, int64_t start, int64_t stop) {
    int64_t from[MAX_DIMS] = {start}, to[MAX_DIMS] = {0};
    for (int i = 0; i < x->shape.n; i++) to[i] = i ? x->shape.d[i] : stop;
    return nn_slice(x, from, to, NULL);
}

node *nn_pad(node *x, const int64_t *before, const int64_t *after) {
    if (graph_is_poison(x)) return x;
    slice_params p = {.shape = x->shape};
    for (int i = 0; i < x->shape.n; i++) {
        if (before[i] < 0 || after[i] < 0) return graph_fail(x->graph, "pad: axis %d of %s by a negative amount", i, shape_text(x->shape));
        p.start[i] = before[i];
        p.step[i] = 1;
        p.shape.d[i] += before[i] + after[i];
    }
    return shape_equal(p.shape, x->shape) ? x : graph_node(x->graph, &OP_PLACE, &x, 1, &p);
}

// Concatenation. ----------------------------------------------------------------------------------------------------------------------------------------------

enum { MOST_OPERANDS = 64 };

static foil_status infer_concat(node *n) {
    const int axis = ((const concat_params *)n->params)->axis;
    shape out = n->in[0]->shape;
    if (axis < 0 || axis >= out.n) return foil_fail(FOIL_INVALID, "concat: axis %d of %s", axis, shape_text(out));
    for (int i = 1; i < n->n_in; i++) {
        shape other = n->in[i]->shape, even = other;
        if (axis < other.n) even.d[axis] = out.d[axis];
        if (!shape_equal(even, out) || n->in[i]->type != n->in[0]->type)
            return foil_fail(FOIL_INVALID, "concat: along axis %d %s %s does not fit %s %s", axis, dtype_name(n->in[i]->type), shape_text(other),
                             dtype_name(n->in[0]->type), shape_text(n->in[0]->shape));
        out.d[axis] += other.d[axis];
    }
    return keep_type(n, out);
}
static void vjp_concat(node *y, node *gy, node **gx) {
    const int axis = ((const concat_params *)y->params)->axis;
    int64_t start[MAX_DIMS] = {0}, stop[MAX_DIMS];
    memcpy(stop, y->shape.d, sizeof stop);
    for (int i = 0; i < y->n_in; i++) {
        stop[axis] = start[axis] + y->in[i]->shape.d[axis];
        gx[i] = nn_slice(gy, start, stop, NULL);
        start[axis] = stop[axis];
    }
}
static void concat(const node *n, size_t size, const void *const *in, void *out) {
    walk to = walk_dense(n->shape);
    const int axis = ((const concat_params *)n->params)->axis;
    for (int i = 0; i < n->n_in; i++) {
        strided_copy(n->in[i]->shape, size, in[i], walk_dense(n->in[i]->shape), out, to);
        to.start += n->in[i]->shape.d[axis] * to.stride[axis];
    }
}
MOVER_FUNCTIONS(concat)
const op OP_CONCAT = {.name = "concat",
                      .min_in = 1,
                      .max_in = MOST_OPERANDS,
                      .flags = OP_CHEAP,
                      .params_size = sizeof(concat_params),
                      .infer = infer_concat,
                      .vjp = vjp_concat,
                      .run = run_concat,
                      .reference = reference_concat};

node *nn_concat(node *const *x, int n, int axis) {
    assert(n > 0);
    if (n > MOST_OPERANDS) return graph_fail(x[0]->graph, "concat: %d operands, at most %d", n, MOST_OPERANDS);
    node *operand[MOST_OPERANDS];
    dtype type = F32; // the narrower one wins, as in element-wise ops
    for (int i = 0; i < n; i++) {
        if (graph_is_poison(x[i])) return x[i];
        if (x[i]->type == BF16) type = BF16;
    }
    for (int i = 0; i < n; i++) operand[i] = nn_cast(x[i], type);
    return n == 1 ? operand[0] : graph_node(x[0]->graph, &OP_CONCAT, operand, n, &(concat_params){axis});
}
