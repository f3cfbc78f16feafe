// Arithmetic and comparisons on elements.
#include <string.h>

#include "nn/ops/elementwise.h"

// Common ground. ----------------------------------------------------------------------------------------------------------------------------------

foil_status elementwise_infer(node *n) {
    n->shape = n->in[0]->shape;
    n->type = F32;
    for (int i = 0; i < n->n_in; i++) {
        const node *x = n->in[i];
        if (x->type != F32 && x->type != BF16)
            return foil_fail(FOIL_INVALID, "%s: operand %d is %s; cast it first", n->op->name, i, dtype_name(x->type));
        if (x->type == BF16 && x->op != &OP_BROADCAST && x->op != &OP_CONSTANT) n->type = BF16;
        if (!shape_equal(x->shape, n->shape))
            return foil_fail(FOIL_INVALID, "%s: shapes %s and %s differ", n->op->name, shape_text(n->shape), shape_text(x->shape));
    }
    return FOIL_OK;
}

// NumPy's rule: sets *s to the shape that both repeat to; false if there is none.
static bool common_shape(shape a, shape *s) {
    shape longer = a.n > s->n ? a : *s, shorter = a.n > s->n ? *s : a;
    for (int i = 1; i <= shorter.n; i++) {
        int64_t *d = &longer.d[longer.n - i], other = shorter.d[shorter.n - i];
        if (*d != other && *d != 1 && other != 1) return false;
        if (*d == 1) *d = other;
    }
    *s = longer;
    return true;
}

// What `x` is before it is repeated.
static node *before_broadcast(node *x) {
    return x->op == &OP_BROADCAST ? x->in[0] : x;
}

static node *fold_constants(const op *kind, node *const *in, int n_in, shape s, const void *params) {
    double value[3], y;
    const double *x[3];
    for (int i = 0; i < n_in; i++) {
        constant_value(in[i], &value[i]);
        x[i] = &value[i];
    }
    kind->reference(&(node){.op = kind, .params = params, .shape = SCALAR}, x, &y);
    return graph_constant(in[0]->graph, s, y);
}

node *elementwise_node(const op *kind, node *const *in, int n_in, const void *params) {
    graph *g = in[0]->graph;
    shape whole = SCALAR, core = SCALAR; // of the result, and of what must be computed
    int constants = 0;
    double value;
    for (int i = 0; i < n_in; i++) {
        if (graph_is_poison(in[i])) return in[i];
        if (!common_shape(in[i]->shape, &whole))
            return graph_fail(g, "%s: shapes %s and %s do not broadcast", kind->name, shape_text(whole), shape_text(in[i]->shape));
        if (constant_value(in[i], &value))
            constants++;
        else
            common_shape(before_broadcast(in[i])->shape, &core);
    }
    if (constants == n_in) return fold_constants(kind, in, n_in, whole, params);
    node *operand[3];
    bool smaller = shape_count(core) < shape_count(whole);
    for (int i = 0; i < n_in; i++) {
        bool constant = constant_value(in[i], &value);
        if (smaller)
            operand[i] = constant ? graph_constant(g, core, value) : before_broadcast(in[i]);
        else
            operand[i] = constant ? graph_constant(g, whole, value) : nn_broadcast(in[i], whole);
    }
    if (smaller) return nn_broadcast(elementwise_node(kind, operand, n_in, params), whole);
    return graph_node(g, kind, operand, n_in, params);
}

// x · scale + shift. ----------------------------------------------------------------------------------------------------------------------------------

ELEMENTWISE_FUNCTIONS_WITH(affine, 1, CONSTANT(affine_params, scale) CONSTANT(affine_params, shift), a *scale + shift, a *scale + shift)
static void affine_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_mul_scalar(gy, ((const affine_params *)y->params)->scale);
}
const op OP_AFFINE = ELEMENTWISE_ROW("affine", affine, 1, sizeof(affine_params));

static node *affine(node *x, double scale, double shift) {
    if (graph_is_poison(x) || (scale == 1 && shift == 0)) return x;
    if (scale == 0) return graph_constant(x->graph, x->shape, shift);
    if (x->op == &OP_AFFINE) {
        const affine_params *first = x->params;
        return affine(x->in[0], first->scale * scale, first->shift * scale + shift);
    }
    return UNARY_NODE(OP_AFFINE, x, (&(affine_params){scale, shift}));
}

// The same with the shape that `x` and `other` have together.
static node *affine_beside(node *x, const node *other, double scale, double shift) {
    shape s = x->shape;
    if (!common_shape(other->shape, &s))
        return graph_fail(x->graph, "shapes %s and %s do not broadcast", shape_text(x->shape), shape_text(other->shape));
    return nn_broadcast(affine(x, scale, shift), s);
}

node *nn_add_scalar(node *a, double s) {
    return affine(a, 1, s);
}
node *nn_mul_scalar(node *a, double s) {
    return affine(a, s, 0);
}
node *nn_neg(node *x) {
    return affine(x, -1, 0);
}

// a + b, a - b, a · b, a / b. ---------------------------------------------------------------------------------------------------------------------------

ELEMENTWISE_FUNCTIONS(add, 2, a + b, a + b)
static void add_vjp(node *y, node *gy, node **gx) {
    (void)y;
    gx[0] = gx[1] = gy;
}
const op OP_ADD = ELEMENTWISE_ROW("add", add, 2, 0);

node *nn_add(node *a, node *b) {
    double v;
    if (constant_value(b, &v)) return affine_beside(a, b, 1, v);
    if (constant_value(a, &v)) return affine_beside(b, a, 1, v);
    return BINARY_NODE(OP_ADD, a, b, NULL);
}

ELEMENTWISE_FUNCTIONS(sub, 2, a - b, a - b)
static void sub_vjp(node *y, node *gy, node **gx) {
    (void)y;
    gx[0] = gy;
    gx[1] = nn_neg(gy);
}
const op OP_SUB = ELEMENTWISE_ROW("sub", sub, 2, 0);

node *nn_sub(node *a, node *b) {
    double v;
    if (constant_value(b, &v)) return affine_beside(a, b, 1, -v);
    if (constant_value(a, &v)) return affine_beside(b, a, -1, v);
    return BINARY_NODE(OP_SUB, a, b, NULL);
}

ELEMENTWISE_FUNCTIONS(mul, 2, a *b, a *b)
static void mul_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_mul(gy, y->in[1]);
    gx[1] = nn_mul(gy, y->in[0]);
}
const op OP_MUL = ELEMENTWISE_ROW("mul", mul, 2, 0);

node *nn_mul(node *a, node *b) {
    double v;
    if (constant_value(b, &v)) return affine_beside(a, b, v, 0);
    if (constant_value(a, &v)) return affine_beside(b, a, v, 0);
    return BINARY_NODE(OP_MUL, a, b, NULL);
}

ELEMENTWISE_FUNCTIONS(div, 2, a / b, a / b)
static void div_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_div(gy, y->in[1]);
    gx[1] = nn_neg(nn_mul(gx[0], y));
}
const op OP_DIV = ELEMENTWISE_ROW("div", div, 2, 0);

node *nn_div(node *a, node *b) {
    double v;
    if (constant_value(b, &v)) return affine_beside(a, b, 1 / v, 0);
    return BINARY_NODE(OP_DIV, a, b, NULL);
}

// Comparisons: no derivative, the rule leaves it NULL. -----------------------------------------------------------------------------------------------------

static void flat_vjp(node *y, node *gy, node **gx) {
    (void)y, (void)gy, (void)gx;
}
#define less_vjp flat_vjp
#define less_equal_vjp flat_vjp
#define equal_vjp flat_vjp
#define sign_vjp flat_vjp
ELEMENTWISE_FUNCTIONS(less, 2, a < b ? 1.0f : 0.0f, a < b)
ELEMENTWISE_FUNCTIONS(less_equal, 2, a <= b ? 1.0f : 0.0f, a <= b)
ELEMENTWISE_FUNCTIONS(equal, 2, a == b ? 1.0f : 0.0f, a == b)
ELEMENTWISE_FUNCTIONS(sign, 1, (a > 0 ? 1.0f : 0.0f) - (a < 0 ? 1.0f : 0.0f), (a > 0) - (a < 0))
static const op OP_LESS = ELEMENTWISE_ROW("less", less, 2, 0);
static const op OP_LESS_EQUAL = ELEMENTWISE_ROW("less_equal", less_equal, 2, 0);
static const op OP_EQUAL = ELEMENTWISE_ROW("equal", equal, 2, 0);
static const op OP_SIGN = ELEMENTWISE_ROW("sign", sign, 1, 0);

node *nn_less(node *a, node *b) {
    return BINARY_NODE(OP_LESS, a, b, NULL);
}
node *nn_less_equal(node *a, node *b) {
    return BINARY_NODE(OP_LESS_EQUAL, a, b, NULL);
}
node *nn_equal(node *a, node *b) {
    return BINARY_NODE(OP_EQUAL, a, b, NULL);
}
node *nn_sign(node *x) {
    return UNARY_NODE(OP_SIGN, x, NULL);
}

// Selection. ------------------------------------------------------------------------------------------------------------------------------------------------

ELEMENTWISE_FUNCTIONS(where, 3, a != 0 ? b : c, a != 0 ? b : c)
static void where_vjp(node *y, node *gy, node **gx) {
    node *zero = graph_constant(y->graph, y->shape, 0);
    gx[1] = nn_where(y->in[0], gy, zero);
    gx[2] = nn_where(y->in[0], zero, gy);
}
static const op OP_WHERE = ELEMENTWISE_ROW("where", where, 3, 0);

node *nn_where(node *condition, node *a, node *b) {
    return elementwise_node(&OP_WHERE, (node *const[]){condition, a, b}, 3, NULL);
}

// 1 where a < b, 1/2 where they are equal, else 0.
static node *share_of_less(node *a, node *b) {
    return nn_add(nn_less(a, b), nn_mul_scalar(nn_equal(a, b), 0.5));
}

ELEMENTWISE_FUNCTIONS(min, 2, a < b || a != a ? a : b, a < b || a != a ? a : b)
static void min_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_mul(gy, share_of_less(y->in[0], y->in[1]));
    gx[1] = nn_mul(gy, share_of_less(y->in[1], y->in[0]));
}
static const op OP_MIN = ELEMENTWISE_ROW("min", min, 2, 0);

ELEMENTWISE_FUNCTIONS(max, 2, a > b || a != a ? a : b, a > b || a != a ? a : b)
static void max_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_mul(gy, share_of_less(y->in[1], y->in[0]));
    gx[1] = nn_mul(gy, share_of_less(y->in[0], y->in[1]));
}
static const op OP_MAX = ELEMENTWISE_ROW("max", max, 2, 0);

node *nn_min(node *a, node *b) {
    return BINARY_NODE(OP_MIN, a, b, NULL);
}
node *nn_max(node *a, node *b) {
    return BINARY_NODE(OP_MAX, a, b, NULL);
}

#define clipped(x, low, high) ((x) < (low) ? (low) : (x) > (high) ? (high) : (x))
ELEMENTWISE_FUNCTIONS_WITH(clip, 1, CONSTANT(clip_params, low) CONSTANT(clip_params, high), clipped(a, low, high), clipped(a, low, high))
static void clip_vjp(node *y, node *gy, node **gx) {
    const clip_params *p = y->params;
    node *low = graph_constant(y->graph, y->shape, p->low), *high = graph_constant(y->graph, y->shape, p->high);
    gx[0] = nn_mul(gy, nn_mul(nn_less_equal(low, y->in[0]), nn_less_equal(y->in[0], high)));
}
static const op OP_CLIP = ELEMENTWISE_ROW("clip", clip, 1, sizeof(clip_params));

node *nn_clip(node *x, double low, double high) {
    return UNARY_NODE(OP_CLIP, x, (&(clip_params){low, high}));
}

// Types and gradients. --------------------------------------------------------------------------------------------------------------------------------------

ELEMENTWISE_FUNCTIONS(cast, 1, a, a)
static foil_status cast_infer(node *n) {
    n->shape = n->in[0]->shape;
    n->type = ((const cast_params *)n->params)->type;
    if (n->type != F32 && n->type != BF16) return foil_fail(FOIL_INVALID, "cast: to %s; only to f32 and bf16", dtype_name(n->type));
    return FOIL_OK;
}
static void cast_vjp(node *y, node *gy, node **gx) {
    dtype from = y->in[0]->type;
    if (from == F32 || from == BF16) gx[0] = gy; // grad() gives it the type
}
const op OP_CAST = {.name = "cast",
                    .min_in = 1,
                    .max_in = 1,
                    .flags = OP_ELEMENTWISE,
                    .params_size = sizeof(cast_params),
                    .infer = cast_infer,
                    .vjp = cast_vjp,
                    .block = cast_block,
                    .reference = cast_reference};

node *nn_cast(node *x, dtype type) {
    double value;
    if (graph_is_poison(x) || x->type == type) return x;
    if (constant_value(x, &value)) return constant_of_type(x->graph, x->shape, type, value);
    return UNARY_NODE(OP_CAST, x, (&(cast_params){type}));
}

static foil_status stop_gradient_infer(node *n) {
    n->shape = n->in[0]->shape;
    n->type = n->in[0]->type;
    return FOIL_OK;
}
const op OP_STOP_GRADIENT = {
    .name = "stop_gradient", .min_in = 1, .max_in = 1, .flags = OP_VIEW, .infer = stop_gradient_infer, .vjp = flat_vjp, .reference = cast_reference};

node *nn_stop_gradient(node *x) {
    return graph_is_poison(x) ? x : graph_node(x->graph, &OP_STOP_GRADIENT, &x, 1, NULL);
}
