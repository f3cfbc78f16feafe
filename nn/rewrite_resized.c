// Rules for convolutions beside a change of resolution: they work at the coarser one.
//
//     average_pool(conv(x, w))     ->  conv(x, w averaged by the same window), at the window's stride
//     conv(enlarge(x), w)          ->  blend(conv_transpose(extend(x), w)), where `enlarge` is bilinear, to twice the size
//
// and the same for their gradients. The sums are the same but for their order, with fewer products: of a 3x3 filter pooled by 2x2 16 instead of 36 for a
// result, of one on an enlarged picture 9 instead of 36 for a pixel of the small one. The second is what StyleGAN does (Karras et al. 2019, upsampling after
// the convolution), here with zeros around the large picture: see resample.c. It is left to direct algorithms: minimal filtering of the large picture
// multiplies no more. CONV_PLAIN turns both off.
#include <string.h>

#include "nn/rewrite.h"

static const conv_family_params *conv_of(const node *n) {
    return n->params;
}

static bool is_unstrided(const conv_params *p) {
    return p->stride[0] == 1 && p->stride[1] == 1 && p->dilation[0] == 1 && p->dilation[1] == 1;
}

// One of the family with the parameters of `n`, which it does the work of, but for stride and size.
static node *conv_instead(const node *n, const op *kind, node *a, node *b, conv_family_params p) {
    p.flops = n->op->flops(n);
    return graph_node(a->graph, kind, (node *[]){a, b}, 2, &p);
}

// Average pooling. -------------------------------------------------------------------------------------------------------------------------------------------

static bool tiles(const pool_params *p, shape picture) {
    for (int i = 0; i < 2; i++)
        if (p->stride[i] != p->kernel[i] || p->pad[i] || p->pad[2 + i] || picture.d[1 + i] % p->kernel[i]) return false;
    return true;
}

// Whether filters of rows x cols may be averaged by the window, and have fewer taps then than all that they were averaged from.
static bool may_widen(const conv_params *c, int64_t rows, int64_t cols, const pool_params *p, shape picture) {
    const int64_t wide = (rows + p->kernel[0] - 1) * (cols + p->kernel[1] - 1);
    return is_unstrided(c) && tiles(p, picture) && wide < rows * cols * p->kernel[0] * p->kernel[1];
}

// The window at every place where it meets the filter.
static pool_params sliding(const pool_params *p) {
    return (pool_params){.kernel = {p->kernel[0], p->kernel[1]},
                         .stride = {1, 1},
                         .pad = {p->kernel[0] - 1, p->kernel[1] - 1, p->kernel[0] - 1, p->kernel[1] - 1},
                         .count_padding = 1};
}

// [O,C,R,S] -> [O,C,R + rows - 1,S + columns - 1]; each filter is a picture of one channel.
static node *widened(node *w, const pool_params *p) {
    const shape s = w->shape;
    node *wide = nn_average_pool(nn_reshape(w, SHAPE(s.d[0] * s.d[1], s.d[2], s.d[3], 1)), sliding(p));
    return nn_reshape(wide, SHAPE(s.d[0], s.d[1], wide->shape.d[1], wide->shape.d[2]));
}

// And its adjoint, to filters of rows x cols.
static node *narrowed(node *w, const pool_params *p, int64_t rows, int64_t cols) {
    const shape s = w->shape;
    node *pictures = nn_reshape(w, SHAPE(s.d[0] * s.d[1], s.d[2], s.d[3], 1));
    return nn_reshape(average_pool_adjoint(pictures, sliding(p), rows, cols), SHAPE(s.d[0], s.d[1], rows, cols));
}

static conv_family_params strided(const conv_family_params *c, const pool_params *p) {
    conv_family_params strided = *c;
    for (int i = 0; i < 2; i++) strided.conv.stride[i] = p->kernel[i];
    return strided;
}

// The windows over which `g` spreads a gradient in equal shares; NULL = it does something else.
static const pool_params *spread_by(const node *g) {
    return g->op == &OP_AVERAGE_POOL_DATA && tiles(&((const average_data_params *)g->params)->pool, g->shape) ? g->params : NULL;
}

static node *pooled_conv(const rewriter *r, const node *n, const node *conv) {
    const pool_params *p = n->params;
    if (conv->op != &OP_CONV || r->uses[conv->id] != 1) return NULL;
    const shape w = conv->in[1]->shape;
    if (!may_widen(&conv_of(conv)->conv, w.d[2], w.d[3], p, conv->shape)) return NULL;
    return conv_instead(conv, &OP_CONV, r->at[conv->in[0]->id], widened(r->at[conv->in[1]->id], p), strided(conv_of(conv), p));
}

// The mean of a convolution, or of one with its bias, which is added to the mean.
static node *mean_of_conv(const rewriter *r, const node *n) {
    const node *x = n->in[0];
    node *pooled = pooled_conv(r, n, x);
    if (pooled || x->op != &OP_ADD || r->uses[x->id] != 1) return pooled;
    for (int i = 0; i < 2; i++) {
        const node *bias = x->in[1 - i];
        if (bias->op != &OP_BROADCAST || shape_count(bias->in[0]->shape) != n->shape.d[3]) continue;
        if ((pooled = pooled_conv(r, n, x->in[i]))) return nn_add(pooled, nn_reshape(r->at[bias->in[0]->id], SHAPE(n->shape.d[3])));
    }
    return NULL;
}

static node *gradient_of_mean(const rewriter *r, const node *n) {
    const pool_params *p = spread_by(n->in[0]);
    const shape w = n->in[1]->shape;
    if (!p || !may_widen(&conv_of(n)->conv, w.d[2], w.d[3], p, n->in[0]->shape)) return NULL;
    return conv_instead(n, &OP_CONV_DATA, r->at[n->in[0]->in[0]->id], widened(r->at[n->in[1]->id], p), strided(conv_of(n), p));
}

static node *weights_of_mean(const rewriter *r, const node *n) {
    const pool_params *p = spread_by(n->in[1]);
    const int64_t rows = n->shape.d[2], cols = n->shape.d[3];
    if (!p || !may_widen(&conv_of(n)->conv, rows, cols, p, n->in[1]->shape)) return NULL;
    conv_family_params wide = strided(conv_of(n), p);
    wide.size[0] += p->kernel[0] - 1;
    wide.size[1] += p->kernel[1] - 1;
    return narrowed(conv_instead(n, &OP_CONV_WEIGHTS, r->at[n->in[0]->id], r->at[n->in[1]->in[0]->id], wide), p, rows, cols);
}

// A bias' gradient: the shares of a mean add up to it.
static node *sum_of_shares(const rewriter *r, const node *n) {
    const axes both = AXIS(1) | AXIS(2);
    if (!spread_by(n->in[0]) || (((const reduce_params *)n->params)->axes & both) != both) return NULL;
    return graph_node(r->to, &OP_SUM, &r->at[n->in[0]->in[0]->id], 1, n->params);
}

// Enlarged pictures. -----------------------------------------------------------------------------------------------------------------------------------------

// Whether `n` is a picture enlarged to twice its size, or (`toward`) the gradient toward the small one.
static bool is_enlarged(const node *n, bool toward) {
    if (n->op != (toward ? &OP_RESIZE_ADJOINT : &OP_RESIZE) || ((const resize_params *)n->params)->kind != SAMPLE_BILINEAR) return false;
    const shape small = toward ? n->shape : n->in[0]->shape, large = toward ? n->in[0]->shape : n->shape;
    return large.d[1] == 2 * small.d[1] && large.d[2] == 2 * small.d[2];
}

// Whether it is worth it for a picture enlarged from `small`: blending costs time, and so does the edge.
static bool may_blend(const graph *g, const conv_family_params *c, shape w, shape small) {
    enum { LEAST_CHANNELS = 64, LEAST_SIZE = 4 };
    const conv_params *p = &c->conv;
    for (int i = 0; i < 2; i++)
        if (w.d[2 + i] != 3 || p->pad[i] != 1 || p->pad[2 + i] != 1 || w.d[i] < LEAST_CHANNELS || small.d[1 + i] < LEAST_SIZE) return false;
    return g->convolution == CONV_DIRECT && p->groups == 1 && is_unstrided(p);
}

// A 3x3 filter [O,C,3,3] as the transposed convolution wants it, [C,O,3,3], each turned by half a turn; and back.
static node *turned(node *w) {
    static const int order[MAX_DIMS] = {1, 0, 2, 3};
    const shape s = w->shape;
    node *pictures = resize_node(&OP_RESIZE, nn_reshape(w, SHAPE(s.d[0] * s.d[1], 3, 3, 1)), 3, 3, SAMPLE_MIRRORED);
    return nn_permute(nn_reshape(pictures, s), order);
}

static node *extended(node *x) {
    return resize_node(&OP_RESIZE, x, x->shape.d[1] + 2, x->shape.d[2] + 2, SAMPLE_EXTENDED);
}

// The gradient toward what is blended.
static node *unblended(node *g) {
    return resize_node(&OP_RESIZE_ADJOINT, g, g->shape.d[1] + 5, g->shape.d[2] + 5, SAMPLE_BLENDED);
}

// The transposed convolution's parameters; rows, cols: of what its op gives, as conv_family_params has them.
static conv_family_params by_two(int64_t rows, int64_t cols) {
    return (conv_family_params){.conv = {.stride = {2, 2}, .dilation = {1, 1}, .groups = 1}, .size = {rows, cols}};
}

static node *conv_of_enlarged(const rewriter *r, const node *n) {
    const shape w = n->in[1]->shape;
    if (!is_enlarged(n->in[0], false) || !may_blend(r->from, conv_of(n), w, n->in[0]->in[0]->shape)) return NULL;
    node *x = r->at[n->in[0]->in[0]->id];
    const int64_t height = n->shape.d[1], width = n->shape.d[2];
    node *z = conv_instead(n, &OP_CONV_DATA, extended(x), turned(r->at[n->in[1]->id]), by_two(height + 5, width + 5));
    return resize_node(&OP_RESIZE, z, height, width, SAMPLE_BLENDED);
}

static node *gradient_of_enlarged(const rewriter *r, const node *n) {
    const node *conv = n->in[0];
    if (!is_enlarged(n, true) || conv->op != &OP_CONV_DATA || r->uses[conv->id] != 1) return NULL;
    if (!may_blend(r->from, conv_of(conv), conv->in[1]->shape, n->shape)) return NULL;
    node *g = conv_instead(conv, &OP_CONV, unblended(r->at[conv->in[0]->id]), turned(r->at[conv->in[1]->id]), by_two(0, 0));
    return resize_node(&OP_RESIZE_ADJOINT, g, n->shape.d[1], n->shape.d[2], SAMPLE_EXTENDED);
}

static node *weights_of_enlarged(const rewriter *r, const node *n) {
    if (!is_enlarged(n->in[0], false) || !may_blend(r->from, conv_of(n), n->shape, n->in[0]->in[0]->shape)) return NULL;
    node *x = extended(r->at[n->in[0]->in[0]->id]), *g = unblended(r->at[n->in[1]->id]);
    return turned(conv_instead(n, &OP_CONV_WEIGHTS, g, x, by_two(3, 3)));
}

// The rules. -------------------------------------------------------------------------------------------------------------------------------------------------

static const struct {
    const op *op;
    node *(*rule)(const rewriter *r, const node *n);
} RULES[] = {
    {&OP_AVERAGE_POOL, mean_of_conv}, {&OP_CONV_DATA, gradient_of_mean},          {&OP_CONV_WEIGHTS, weights_of_mean},     {&OP_SUM, sum_of_shares},
    {&OP_CONV, conv_of_enlarged},     {&OP_RESIZE_ADJOINT, gradient_of_enlarged}, {&OP_CONV_WEIGHTS, weights_of_enlarged},
};

node *rewrite_resized(const rewriter *r, const node *n) {
    for (size_t k = 0; k < sizeof RULES / sizeof *RULES; k++) {
        node *instead = n->op == RULES[k].op ? RULES[k].rule(r, n) : NULL;
        if (instead) return instead;
    }
    return NULL;
}

bool has_resized(const graph *g) {
    for (int i = 0; g->convolution != CONV_PLAIN && i < g->n; i++)
        if (g->nodes[i]->op == &OP_AVERAGE_POOL || is_enlarged(g->nodes[i], false)) return true;
    return false;
}
