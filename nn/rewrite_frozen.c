// Rules for frozen weights: what follows a convolution becomes a part of it.
//
//     conv(x, w) · scale + shift             ->  conv(x, w · scale) + shift       biases, batch norms; once.c computes w · scale
//     rectify(conv(x, w) + bias + residual)  ->  one node, OP_CONV_POST           one pass over the result instead of two or three
//     rectify(…) · scale + shift             ->  the same, with both              batch norms after rectifiers, where the kernel can
//
// So sums are rounded to bf16 once, after the rectifier. A store that is not frozen turns all this off.
#include <string.h>

#include "nn/rewrite.h"

// A convolution and what it has taken in.
typedef struct conv {
    node *x, *w, *bias, *residual, *scale, *shift; // NULL = none; scale, shift: after the rectifier
    conv_post_params params;
} conv;

static bool is_conv(const node *n) {
    return n->op == &OP_CONV || n->op == &OP_CONV_POST;
}

static conv conv_of(const node *n) {
    conv c = {.x = n->in[0], .w = n->in[1]};
    if (n->op == &OP_CONV) {
        c.params.family = *(const conv_family_params *)n->params;
        return c;
    }
    c.params = *(const conv_post_params *)n->params;
    if (c.params.bias) c.bias = n->in[c.params.bias];
    if (c.params.residual) c.residual = n->in[c.params.residual];
    if (c.params.scale) c.scale = n->in[c.params.scale];
    if (c.params.shift) c.shift = n->in[c.params.shift];
    return c;
}

static node *conv_node(const conv *c) {
    conv_post_params p = {.family = c->params.family, .rectifies = c->params.rectifies, .slope = c->params.slope};
    node *in[6] = {c->x, c->w};
    int n = 2;
    if (c->bias) in[p.bias = n++] = c->bias;
    if (c->residual) in[p.residual = n++] = c->residual;
    if (c->scale) in[p.scale = n++] = c->scale;
    if (c->shift) in[p.shift = n++] = c->shift;
    return n == 2 && !p.rectifies ? graph_node(c->x->graph, &OP_CONV, in, n, &p.family) : graph_node(c->x->graph, &OP_CONV_POST, in, n, &p);
}

// Rules: each changes `c` so that it computes `n`, whose operand i it was, or says that it can't. -----------------------------------------------------

// If `n` is known and the same for all pixels, its values by channel.
static node *channels_of(const rewriter *r, const node *n) {
    const shape s = n->shape;
    if (n->op != &OP_BROADCAST || !r->known[n->in[0]->id]) return NULL;
    node *v = r->at[n->in[0]->id];
    return v->type == F32 && v->shape.n == 1 && v->shape.d[0] == s.d[s.n - 1] ? v : NULL;
}

static node *times(node *a, node *b) {
    return a ? nn_mul(a, b) : b;
}
static node *plus(node *a, node *b) {
    return a ? nn_add(a, b) : b;
}

static bool take_scale(const rewriter *r, const node *n, int i, conv *c) {
    node *v = channels_of(r, n->in[1 - i]);
    if (!v || c->residual) return false;
    if (c->params.rectifies) {
        if (!conv_takes_affine(r->at[n->in[i]->id])) return false;
        c->scale = times(c->scale, v);
        if (c->shift) c->shift = nn_mul(c->shift, v);
        return true;
    }
    c->w = nn_mul(c->w, nn_reshape(v, SHAPE(v->shape.d[0], 1, 1, 1)));
    if (c->bias) c->bias = nn_mul(c->bias, v);
    return true;
}

// A loop adds faster than oneDNN's kernels do, which get few results ready at a time; a sum of many terms hides that.
static bool hides_residual(const rewriter *r, const node *n, const conv *c) {
    enum { TERMS = 512 }; // of ResNet's convolutions 3x3 of 64 channels break even, 1x1 lose up to half of their time
    return shape_count(c->w->shape) / c->w->shape.d[0] >= TERMS || conv_takes_residual(r->at[n->id]);
}

static bool take_sum(const rewriter *r, const node *n, int i, conv *c) {
    const node *other = n->in[1 - i];
    node *v = channels_of(r, other);
    if (c->residual) return false;
    if (c->params.rectifies) {
        if (v && conv_takes_affine(r->at[n->in[i]->id])) c->shift = plus(c->shift, v);
        return v && c->shift;
    }
    if (v)
        c->bias = plus(c->bias, v);
    else if (other->op != &OP_BROADCAST && other->op != &OP_CONSTANT && other->type == n->type && hides_residual(r, n->in[i], c) &&
             !conv_takes_affine(r->at[n->in[i]->id]))
        c->residual = r->at[other->id];
    return v || c->residual;
}

static bool take_difference(const rewriter *r, const node *n, int i, conv *c) {
    node *v = channels_of(r, n->in[1 - i]);
    if (!v || i != 0 || c->residual || (c->params.rectifies && !conv_takes_affine(r->at[n->in[i]->id]))) return false;
    node **sum = c->params.rectifies ? &c->shift : &c->bias;
    *sum = plus(*sum, nn_neg(v));
    return true;
}

static bool take_rectifier(const rewriter *r, const node *n, int i, conv *c) {
    (void)r, (void)i;
    if (c->params.rectifies) return false;
    c->params.rectifies = 1;
    c->params.slope = n->op == &OP_LEAKY_RELU ? ((const slope_params *)n->params)->slope : 0;
    return true;
}

static const struct {
    const op *op;
    bool (*take)(const rewriter *r, const node *n, int i, conv *c);
} RULES[] = {{&OP_MUL, take_scale}, {&OP_ADD, take_sum}, {&OP_SUB, take_difference}, {&OP_RELU, take_rectifier}, {&OP_LEAKY_RELU, take_rectifier}};

// Whether operand i is a convolution that only `n` reads, with known weights.
static bool may_take(const rewriter *r, const node *n, int i) {
    const node *x = n->in[i], *at = r->at[x->id];
    if (r->uses[x->id] != 1 || !is_conv(at) || at->type != n->type || !shape_equal(at->shape, n->shape)) return false;
    return x->op != &OP_CONV || (r->known[x->in[1]->id] && conv_takes_post(at)); // else it has taken in something already
}

static node *taken_in(const rewriter *r, const node *n) {
    int last = -1; // of two convolutions the one that is computed last
    for (int i = 0; i < n->n_in; i++)
        if (may_take(r, n, i) && (last < 0 || n->in[i]->id > n->in[last]->id)) last = i;
    for (size_t k = 0; last >= 0 && k < sizeof RULES / sizeof *RULES; k++) {
        conv c = conv_of(r->at[n->in[last]->id]);
        if (n->op == RULES[k].op) return RULES[k].take(r, n, last, &c) ? conv_node(&c) : NULL;
    }
    return NULL;
}

// The convolution reads its picture as it was before it became bf16, where the kernel rounds it itself, or multiplies in f32.
static node *takes_unrounded(const rewriter *r, const node *n) {
    if (n->op != &OP_CONV) return NULL;
    const node *x = r->at[n->in[0]->id];
    if (x->op != &OP_CAST || x->in[0]->type != F32 || x->type != BF16 || !conv_takes_affine(n)) return NULL;
    return graph_node(r->to, &OP_CONV, (node *[]){x->in[0], r->at[n->in[1]->id]}, 2, n->params);
}

node *rewrite_frozen(const rewriter *r, const node *n) {
    node *joined = taken_in(r, n);
    return joined ? joined : takes_unrounded(r, n);
}

bool has_frozen(const graph *g) {
    for (int i = 0; i < g->n; i++)
        if (g->nodes[i]->op == &OP_PARAM && ((const param_params *)g->nodes[i]->params)->store->frozen) return true;
    return false;
}
