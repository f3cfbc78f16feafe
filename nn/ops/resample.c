// Nearest and bilinear resampling, what a convolution of an enlarged picture is made of, and their adjoints. Each is the derivative of the other.
//
// A convolution of 3 taps, zeros around, of a picture x of n pixels that was enlarged to 2n bilinearly, taken apart: with v = …, x[0], x[0], x[1], …, x[n-1],
// x[n-1] (SAMPLE_EXTENDED) and zeros between v's pixels and around, enlarging is the filter (1 3 3 1) / 4, and filters can change places:
//
//     z = the taps at every place where they meet v, so that z has 2n + 5;  y[j] = (z[j+1] + 3 z[j+2] + 3 z[j+3] + z[j+4]) / 4       SAMPLE_BLENDED
//
// but where taps meet the zeros around the enlarged picture, which y[0] must not see as more of x. There z[0] is the last tap times x[0] and z[2] the first
// and the last one times x[0], so that y[0] = z[0] + (z[1] - z[2] + 3 z[3] + z[4]) / 4 has what it needs; y[2n-1] mirrors it. Rows and columns are alike.
#include <math.h>

#include "nn/ops/separable.h"
#include "nn/ops/table.h"

static const resize_params *params_of(const node *n) {
    return n->params;
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

node *resize_node(const op *kind, node *x, int64_t height, int64_t width, sample_kind how) {
    return graph_node(x->graph, kind, &x, 1, &(resize_params){height, width, how});
}

static void vjp(node *y, node *gy, node **gx) {
    shape x = y->in[0]->shape;
    gx[0] = resize_node(y->op == &OP_RESIZE ? &OP_RESIZE_ADJOINT : &OP_RESIZE, gy, x.d[1], x.d[2], (sample_kind)params_of(y)->kind);
}

enum { MOST_TAPS = 5 };
typedef struct axis_tap { // of an output pixel along an axis
    int64_t first;
    int n;
    double weight[MOST_TAPS];
} axis_tap;

static axis_tap blended(int64_t i, int64_t out) {
    if (i == 0) return (axis_tap){0, 5, {1, .25, -.25, .75, .25}};
    if (i == out - 1) return (axis_tap){i + 1, 5, {.25, .75, -.25, .25, 1}};
    return (axis_tap){i + 1, 4, {.25, .75, .75, .25}};
}

static axis_tap bilinear(int64_t i, int64_t in, int64_t out) {
    double at = fmax(0, ((double)i + .5) * (double)in / (double)out - .5);
    int64_t first = (int64_t)at;
    double share = at - (double)first;
    if (first >= in - 1) return (axis_tap){in - 1, 1, {1}};
    return share > 0 ? (axis_tap){first, 2, {1 - share, share}} : (axis_tap){first, 1, {1}};
}

// Where output i of an axis comes from.
static axis_tap tap_of(sample_kind kind, int64_t i, int64_t in, int64_t out) {
    switch (kind) {
    case SAMPLE_NEAREST:
        return (axis_tap){i * in / out, 1, {1}};
    case SAMPLE_BILINEAR:
        return bilinear(i, in, out);
    case SAMPLE_EXTENDED:
        return (axis_tap){i == 0 ? 0 : i == out - 1 ? in - 1 : i - 1, 1, {1}};
    case SAMPLE_MIRRORED:
        return (axis_tap){in - 1 - i, 1, {1}};
    default:
        return blended(i, out);
    }
}

static foil_status make_taps(const node *n, int axis, int64_t in, int64_t out, taps *t) {
    (void)axis; // rows and columns are alike
    TRY(taps_make(t, out, in, MOST_TAPS));
    for (int64_t i = 0; i < out; i++) {
        axis_tap tap = tap_of((sample_kind)params_of(n)->kind, i, in, out);
        t->first[i] = tap.first;
        t->count[i] = tap.n;
        for (int j = 0; j < tap.n; j++) t->weight[MOST_TAPS * i + j] = (float)tap.weight[j];
    }
    return FOIL_OK;
}

static foil_status prepare(kernel *k, struct plan *p) {
    (void)p;
    return separable_prepare(k, k->node->op == &OP_RESIZE_ADJOINT, make_taps);
}

static double flops(const node *n) {
    static const double PER_PIXEL[] = {
        [SAMPLE_NEAREST] = 1, [SAMPLE_BILINEAR] = 8, [SAMPLE_EXTENDED] = 1, [SAMPLE_BLENDED] = 32, [SAMPLE_MIRRORED] = 1};
    shape x = n->in[0]->shape, y = n->shape;
    int64_t pixels = n->op == &OP_RESIZE ? y.d[0] * y.d[1] * y.d[2] : x.d[0] * x.d[1] * x.d[2];
    return PER_PIXEL[params_of(n)->kind] * (double)(pixels * y.d[3]);
}

// Every weight between a pixel of the resized picture and one of the original.
static void reference(const node *n, const double *const *in, double *out) {
    const sample_kind kind = (sample_kind)params_of(n)->kind;
    bool forward = n->op == &OP_RESIZE;
    shape x = forward ? n->in[0]->shape : n->shape, y = forward ? n->shape : n->in[0]->shape;
    for (int64_t e = 0; e < shape_count(n->shape); e++) out[e] = 0;
    for (int64_t e = 0; e < shape_count(y); e++) {
        int64_t c = e % y.d[3], j = e / y.d[3] % y.d[2], i = e / (y.d[3] * y.d[2]) % y.d[1], b = e / (y.d[3] * y.d[2] * y.d[1]);
        axis_tap rows = tap_of(kind, i, x.d[1], y.d[1]), cols = tap_of(kind, j, x.d[2], y.d[2]);
        for (int r = 0; r < rows.n; r++)
            for (int q = 0; q < cols.n; q++) {
                int64_t at = ((b * x.d[1] + rows.first + r) * x.d[2] + cols.first + q) * x.d[3] + c;
                if (forward)
                    out[e] += rows.weight[r] * cols.weight[q] * in[0][at];
                else
                    out[at] += rows.weight[r] * cols.weight[q] * in[0][e];
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
    return resize_node(&OP_RESIZE, x, height, width, SAMPLE_NEAREST);
}

node *nn_resize_bilinear(node *x, int64_t height, int64_t width) {
    return resize_node(&OP_RESIZE, x, height, width, SAMPLE_BILINEAR);
}
