// Nearest and bilinear resampling, and their adjoints. Each is the derivative of the other.
#include <math.h>

#include "nn/ops/separable.h"
#include "nn/ops/table.h"

static const resize_params *params_of(const node *n) {
    return n->params;
}

// Where output i of an axis comes from: the first of two neighbours and the share of the second.
static int64_t source(int64_t i, int64_t in, int64_t out, bool bilinear, double *share) {
    *share = 0;
    if (!bilinear) return i * in / out;
    double at = fmax(0, ((double)i + .5) * (double)in / (double)out - .5);
    int64_t first = (int64_t)at;
    if (first >= in - 1) return in - 1;
    *share = at - (double)first;
    return first;
}

static foil_status infer(node *n) {
    shape x = n->in[0]->shape;
    const resize_params *p = params_of(n);
    if (x.n != 4) return foil_fail(FOIL_INVALID, "%s: input is %s, [N,H,W,C] expected", n->op->name, shape_text(x));
    if (n->in[0]->type != F32 && n->in[0]->type != BF16)
        return foil_fail(FOIL_INVALID, "%s: input is %s, f32 or bf16 expected", n->op->name, dtype_name(n->in[0]->type));
    if (p->height < 1 || p->width < 1)
        return foil_fail(FOIL_INVALID, "%s: a size of %lldx%lld, at least 1x1 expected", n->op->name, (long long)p->height, (long long)p->width);
    n->shape = SHAPE(x.d[0], p->height, p->width, x.d[3]);
    n->type = n->in[0]->type;
    return FOIL_OK;
}

static node *resize_node(const op *kind, node *x, int64_t height, int64_t width, bool bilinear) {
    return graph_node(x->graph, kind, &x, 1, &(resize_params){height, width, bilinear});
}

static void vjp(node *y, node *gy, node **gx) {
    shape x = y->in[0]->shape;
    gx[0] = resize_node(y->op == &OP_RESIZE ? &OP_RESIZE_ADJOINT : &OP_RESIZE, gy, x.d[1], x.d[2], params_of(y)->bilinear != 0);
}

static foil_status make_taps(taps *t, int64_t in, int64_t out, bool bilinear) {
    TRY(taps_make(t, out, in, 2));
    for (int64_t i = 0; i < out; i++) {
        double share;
        t->first[i] = source(i, in, out, bilinear, &share);
        t->count[i] = share > 0 ? 2 : 1;
        t->weight[2 * i] = (float)(1 - share);
        t->weight[2 * i + 1] = (float)share;
    }
    return FOIL_OK;
}

// The table of the op along `axis`: from the input's size to the output's, or the adjoint of the way back.
static foil_status axis_taps(const node *n, int axis, taps *t) {
    int64_t in = n->in[0]->shape.d[axis], out = n->shape.d[axis];
    bool bilinear = params_of(n)->bilinear != 0;
    if (n->op == &OP_RESIZE) return make_taps(t, in, out, bilinear);
    taps forward;
    TRY(make_taps(&forward, out, in, bilinear));
    foil_status status = taps_transpose(&forward, t);
    taps_free(&forward);
    return status;
}

static foil_status prepare(kernel *k, struct plan *p) {
    (void)p;
    taps rows, cols;
    TRY(axis_taps(k->node, 1, &rows));
    foil_status status = axis_taps(k->node, 2, &cols);
    if (status == FOIL_OK) return separable_prepare(k, &rows, &cols);
    taps_free(&rows);
    return status;
}

static double flops(const node *n) {
    shape x = n->in[0]->shape, y = n->shape;
    int64_t pixels = n->op == &OP_RESIZE ? y.d[0] * y.d[1] * y.d[2] : x.d[0] * x.d[1] * x.d[2];
    return (params_of(n)->bilinear ? 8. : 1.) * (double)(pixels * y.d[3]);
}

// Every weight between a pixel of the resized picture and one of the original.
static void reference(const node *n, const double *const *in, double *out) {
    bool forward = n->op == &OP_RESIZE;
    shape x = forward ? n->in[0]->shape : n->shape, y = forward ? n->shape : n->in[0]->shape;
    for (int64_t e = 0; e < shape_count(n->shape); e++) out[e] = 0;
    for (int64_t e = 0; e < shape_count(y); e++) {
        int64_t c = e % y.d[3], j = e / y.d[3] % y.d[2], i = e / (y.d[3] * y.d[2]) % y.d[1], b = e / (y.d[3] * y.d[2] * y.d[1]);
        double share[2];
        int64_t first[2] = {source(i, x.d[1], y.d[1], params_of(n)->bilinear != 0, &share[0]),
                            source(j, x.d[2], y.d[2], params_of(n)->bilinear != 0, &share[1])};
        for (int corner = 0; corner < 4; corner++) {
            int r = corner / 2, q = corner % 2;
            double w = (r ? share[0] : 1 - share[0]) * (q ? share[1] : 1 - share[1]);
            if (w == 0) continue; // the neighbour may lie outside
            int64_t at = ((b * x.d[1] + first[0] + r) * x.d[2] + first[1] + q) * x.d[3] + c;
            if (forward)
                out[e] += w * in[0][at];
            else
                out[at] += w * in[0][e];
        }
    }
}

#define RESIZE_OP(text)                                                                                                                              \
    {                                                                                                                                                \
        .name = text, .min_in = 1, .max_in = 1, .flags = OP_CHEAP, .params_size = sizeof(resize_params), .infer = infer, .vjp = vjp,                 \
        .prepare = prepare, .run = separable_run, .release = separable_release, .reference = reference, .flops = flops                               \
    }
const op OP_RESIZE = RESIZE_OP("resize");
const op OP_RESIZE_ADJOINT = RESIZE_OP("resize_adjoint");

node *nn_resize_nearest(node *x, int64_t height, int64_t width) {
    return resize_node(&OP_RESIZE, x, height, width, false);
}

node *nn_resize_bilinear(node *x, int64_t height, int64_t width) {
    return resize_node(&OP_RESIZE, x, height, width, true);
}
