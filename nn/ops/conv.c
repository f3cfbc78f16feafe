// Convolution and its two adjoints. <conv(x, w), g> is linear in x, w and g, and each op is the form's partial toward one of them, so that each one's
// derivatives are the two others.
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "nn/ops/conv_kernel.h"
#include "nn/ops/table.h"
#include "nn/plan.h"

// The tensors of the form, and which of them an op takes and gives.
enum { X, W, Y };
static const int ROLES[][3] = {[ONEDNN_CONV] = {X, W, Y}, [ONEDNN_CONV_DATA] = {Y, W, X}, [ONEDNN_CONV_WEIGHTS] = {X, Y, W}};

static onednn_conv_kind kind_of(const node *n) {
    return n->op == &OP_CONV || n->op == &OP_CONV_POST ? ONEDNN_CONV : n->op == &OP_CONV_DATA ? ONEDNN_CONV_DATA : ONEDNN_CONV_WEIGHTS;
}

static const conv_family_params *params_of(const node *n) {
    return n->params; // first member of conv_post_params
}

// Shapes. ------------------------------------------------------------------------------------------------------------------------------------------------

// Size of the result along rows (axis 0) or columns; less than 1 where the window does not fit.
static int64_t out_size(const conv_params *p, int axis, int64_t size, int64_t taps) {
    int64_t room = size + p->pad[axis] + p->pad[axis + 2] - p->dilation[axis] * (taps - 1) - 1;
    return room < 0 ? 0 : room / p->stride[axis] + 1;
}

// In memory as kernels read it: weights are converted while they are laid out, and a convolution's picture may be either.
static bool is_of_type(const node *n, int i) {
    const onednn_conv_kind kind = kind_of(n);
    const int role = ROLES[kind][i];
    const dtype t = n->in[i]->type, compute = n->graph->compute;
    return role == W ? t == F32 : t == compute || (kind == ONEDNN_CONV && t == F32);
}

static foil_status check_inputs(const node *n) {
    const conv_params *p = &params_of(n)->conv;
    for (int i = 0; i < 2; i++) {
        if (n->in[i]->shape.n != 4)
            return foil_fail(FOIL_INVALID, "%s: operand %d is %s, 4 axes expected", n->op->name, i, shape_text(n->in[i]->shape));
        if (!is_of_type(n, i))
            return foil_fail(FOIL_INVALID, "%s: operand %d is %s in a graph that computes in %s", n->op->name, i, dtype_name(n->in[i]->type),
                             dtype_name(n->graph->compute));
        if (p->stride[i] < 1 || p->dilation[i] < 1 || p->pad[i] < 0 || p->pad[i + 2] < 0)
            return foil_fail(FOIL_INVALID, "%s: stride and dilation must be at least 1, padding at least 0", n->op->name);
    }
    if (p->groups < 1) return foil_fail(FOIL_INVALID, "%s: %lld groups, at least 1 expected", n->op->name, (long long)p->groups);
    return FOIL_OK;
}

// What each op's output must look like, given its inputs. The picture size of y follows from x and w.
static shape output_shape(const node *n, const shape *s) {
    const conv_family_params *p = params_of(n);
    switch (kind_of(n)) {
    case ONEDNN_CONV:
        return SHAPE(s[X].d[0], out_size(&p->conv, 0, s[X].d[1], s[W].d[2]), out_size(&p->conv, 1, s[X].d[2], s[W].d[3]), s[W].d[0]);
    case ONEDNN_CONV_DATA:
        return SHAPE(s[Y].d[0], p->size[0], p->size[1], s[W].d[1] * p->conv.groups);
    default:
        return SHAPE(s[Y].d[3], s[X].d[3] / p->conv.groups, p->size[0], p->size[1]);
    }
}

static foil_status check_channels(const node *n, const shape *s) {
    const char *name = n->op->name;
    int64_t groups = params_of(n)->conv.groups, channels = s[X].d[3], out = s[W].d[0];
    const char *plural = groups == 1 ? "" : "s";
    if (channels % groups || out % groups)
        return foil_fail(FOIL_INVALID, "%s: %lld groups do not divide %lld input and %lld output channels", name, (long long)groups,
                         (long long)channels, (long long)out);
    if (channels != s[W].d[1] * groups)
        return foil_fail(FOIL_INVALID, "%s: input has %lld channels, weights %s with %lld group%s take %lld", name, (long long)channels,
                         shape_text(s[W]), (long long)groups, plural, (long long)(s[W].d[1] * groups));
    if (s[Y].d[3] != out)
        return foil_fail(FOIL_INVALID, "%s: gradient has %lld channels, weights %s give %lld", name, (long long)s[Y].d[3], shape_text(s[W]),
                         (long long)out);
    if (s[X].d[0] != s[Y].d[0]) return foil_fail(FOIL_INVALID, "%s: batches differ: input %s, gradient %s", name, shape_text(s[X]), shape_text(s[Y]));
    return FOIL_OK;
}

static foil_status check_sizes(const node *n, const shape *s) {
    const conv_params *p = &params_of(n)->conv;
    const char *name = n->op->name;
    for (int i = 0; i < 2; i++)
        if (s[X].d[1 + i] < 1 || s[W].d[2 + i] < 1)
            return foil_fail(FOIL_INVALID, "%s: %s has no elements", name, shape_text(s[ROLES[kind_of(n)][2]]));
    int64_t rows = out_size(p, 0, s[X].d[1], s[W].d[2]), cols = out_size(p, 1, s[X].d[2], s[W].d[3]);
    if (rows < 1 || cols < 1)
        return foil_fail(FOIL_INVALID, "%s: a window of %lldx%lld, dilated by %lldx%lld, does not fit into %s padded by %lld, %lld, %lld, %lld", name,
                         (long long)s[W].d[2], (long long)s[W].d[3], (long long)p->dilation[0], (long long)p->dilation[1], shape_text(s[X]),
                         (long long)p->pad[0], (long long)p->pad[1], (long long)p->pad[2], (long long)p->pad[3]);
    if (rows != s[Y].d[1] || cols != s[Y].d[2])
        return foil_fail(FOIL_INVALID, "%s: a convolution of %s with %s gives %lldx%lld, not %lldx%lld", name, shape_text(s[X]), shape_text(s[W]),
                         (long long)rows, (long long)cols, (long long)s[Y].d[1], (long long)s[Y].d[2]);
    return FOIL_OK;
}

static foil_status infer(node *n) {
    TRY(check_inputs(n));
    const int *role = ROLES[kind_of(n)];
    shape s[3] = {0};
    s[role[0]] = n->in[0]->shape;
    s[role[1]] = n->in[1]->shape;
    s[role[2]] = n->shape = output_shape(n, s);
    n->type = kind_of(n) == ONEDNN_CONV_WEIGHTS ? F32 : n->graph->compute;
    TRY(check_channels(n, s));
    return check_sizes(n, s);
}

static void roles(const node *n, shape s[3]) {
    const int *role = ROLES[kind_of(n)];
    s[role[0]] = n->in[0]->shape;
    s[role[1]] = n->in[1]->shape;
    s[role[2]] = n->shape;
}

static onednn_conv geometry(const node *n) {
    shape s[3];
    roles(n, s);
    dtype compute = n->graph->compute;
    onednn_post post = {0};
    if (n->op == &OP_CONV_POST) {
        const conv_post_params *p = n->params;
        post = (onednn_post){.has_bias = p->bias, .adds = p->residual, .rectifies = p->rectifies, .slope = (float)p->slope};
    }
    return (onednn_conv){.kind = kind_of(n),
                         .n = s[X].d[0],
                         .height = s[X].d[1],
                         .width = s[X].d[2],
                         .channels = s[X].d[3],
                         .out_height = s[Y].d[1],
                         .out_width = s[Y].d[2],
                         .out = s[Y].d[3],
                         .rows = s[W].d[2],
                         .cols = s[W].d[3],
                         .params = params_of(n)->conv,
                         .x = kind_of(n) == ONEDNN_CONV ? n->in[0]->type : compute,
                         .y = compute,
                         .w = kind_of(n) == ONEDNN_CONV_WEIGHTS ? F32 : compute,
                         .post = post};
}

static double flops(const node *n) {
    if (params_of(n)->flops > 0) return params_of(n)->flops;
    onednn_conv c = geometry(n);
    const int64_t results = c.n * c.out_height * c.out_width * c.out, terms = c.channels / c.params.groups * c.rows * c.cols;
    return 2.0 * (double)results * (double)terms;
}

// Derivatives. -------------------------------------------------------------------------------------------------------------------------------------------

static void vjp(node *y, node *gy, node **gx) {
    node *role[3];
    const int *order = ROLES[kind_of(y)];
    role[order[0]] = y->in[0];
    role[order[1]] = y->in[1];
    role[order[2]] = gy;
    shape s[3];
    roles(y, s);
    const conv_params p = params_of(y)->conv;
    for (int i = 0; i < 2; i++) {
        switch (order[i]) {
        case X:
            gx[i] = nn_conv_data(role[Y], role[W], p, s[X].d[1], s[X].d[2]);
            break;
        case W:
            gx[i] = nn_conv_weights(role[X], role[Y], p, s[W].d[2], s[W].d[3]);
            break;
        default:
            gx[i] = nn_conv(role[X], role[W], p);
            break;
        }
    }
}

// Execution. ---------------------------------------------------------------------------------------------------------------------------------------------

typedef struct conv_state {
    conv_kernel *kernel;
    onednn_kernel *unpack; // of a weight gradient: from the layout that `kernel` gives to PyTorch's; NULL where they are the same
    size_t packed;         // where in the scratch memory the former lies
} conv_state;

static void free_state(conv_state *s) {
    conv_kernel_free(s->kernel);
    onednn_kernel_free(s->unpack);
    free(s);
}

static void release(kernel *k) {
    if (k->state) free_state(k->state);
}

static foil_status make_unpack(conv_state *s, size_t *scratch) {
    const onednn_layout *packed = conv_kernel_weights(s->kernel);
    onednn_layout *plain = NULL;
    TRY(onednn_layout_plain(packed, F32, &plain));
    foil_status status = onednn_layout_equal(packed, plain) ? FOIL_OK : onednn_reorder_create(packed, plain, &s->unpack);
    onednn_layout_free(plain);
    if (status != FOIL_OK || !s->unpack) return status;
    s->packed = aligned(conv_kernel_scratch(s->kernel));
    size_t end = s->packed + aligned(onednn_layout_bytes(packed));
    *scratch = end + onednn_kernel_scratch(s->unpack);
    return FOIL_OK;
}

static foil_status make_state(kernel *k, struct plan *p, conv_state *s) {
    onednn_conv c = geometry(k->node);
    c.constant = c.kind != ONEDNN_CONV_WEIGHTS && plan_knows(p, k, 1);
    TRY(conv_kernel_create(&c, k->node->graph->convolution, &s->kernel));
    k->scratch_bytes = conv_kernel_scratch(s->kernel);
    if (c.kind == ONEDNN_CONV_WEIGHTS) return make_unpack(s, &k->scratch_bytes);
    size_t transformed = conv_kernel_transformed(s->kernel);
    if (!transformed) return plan_prepared_weight(p, k, 1, conv_kernel_weights(s->kernel));
    return plan_transformed_weight(p, k, 1, (plan_transform){transformed, conv_kernel_transform, s->kernel});
}

static foil_status prepare(kernel *k, struct plan *p) {
    conv_state *s = calloc(1, sizeof *s);
    if (!s) return foil_fail_memory(sizeof *s, k->node->op->name);
    foil_status status = make_state(k, p, s);
    if (status == FOIL_OK)
        k->state = s;
    else
        free_state(s);
    return status;
}

static void run(const kernel *k) {
    const conv_state *s = k->state;
    char *scratch = k->scratch;
    if (!s->unpack) {
        conv_kernel_run(s->kernel, k->in[0], k->in[1], k->out, k->squares, scratch);
        return;
    }
    char *packed = scratch + s->packed;
    conv_kernel_run(s->kernel, k->in[0], k->in[1], packed, NULL, scratch);
    onednn_run(s->unpack, packed, NULL, k->out, scratch);
}

// The sum is added to what lies where the result goes.
static foil_status prepare_post(kernel *k, struct plan *p) {
    k->over = (int)((const conv_post_params *)k->node->params)->residual;
    return prepare(k, p);
}

static void run_post(const kernel *k) {
    const conv_post_params *p = k->node->params;
    const conv_state *s = k->state;
    if (p->residual && k->in[p->residual] != k->out)
        memcpy(k->out, k->in[p->residual], (size_t)shape_count(k->node->shape) * dtype_size(k->node->type));
    const conv_vectors v = {p->bias ? k->in[p->bias] : NULL, p->scale ? k->in[p->scale] : NULL, p->shift ? k->in[p->shift] : NULL};
    conv_kernel_run_post(s->kernel, k->in[0], k->in[1], &v, k->out, k->scratch);
}

static const char *implementation(const kernel *k) {
    const conv_state *s = k->state;
    return conv_kernel_implementation(s->kernel);
}

// Reference. ---------------------------------------------------------------------------------------------------------------------------------------------

// One output element's terms y(n,i,j,o) · w(o,c,r,q) · x(n,h,v,c): the tensor with role `to` is summed into, t[] are the three.
static void add_terms(const onednn_conv *c, int to, double *const t[3], int64_t n, int64_t i, int64_t j, int64_t o) {
    const conv_params *p = &c->params;
    int64_t depth = c->channels / p->groups, first = o / (c->out / p->groups) * depth;
    double *y = t[Y] + ((n * c->out_height + i) * c->out_width + j) * c->out + o;
    for (int64_t d = 0; d < depth; d++)
        for (int64_t r = 0; r < c->rows; r++)
            for (int64_t q = 0; q < c->cols; q++) {
                int64_t h = i * p->stride[0] - p->pad[0] + r * p->dilation[0], v = j * p->stride[1] - p->pad[1] + q * p->dilation[1];
                if (h < 0 || h >= c->height || v < 0 || v >= c->width) continue;
                double *x = t[X] + ((n * c->height + h) * c->width + v) * c->channels + first + d;
                double *w = t[W] + ((o * depth + d) * c->rows + r) * c->cols + q;
                if (to == X) *x += *y * *w;
                if (to == W) *w += *y * *x;
                if (to == Y) *y += *x * *w;
            }
}

static void reference(const node *n, const double *const *in, double *out) {
    onednn_conv c = geometry(n);
    const int *role = ROLES[c.kind];
    double *t[3];
    t[role[0]] = (double *)(uintptr_t)in[0];
    t[role[1]] = (double *)(uintptr_t)in[1];
    t[role[2]] = out;
    for (int64_t e = 0; e < shape_count(n->shape); e++) out[e] = 0;
    for (int64_t b = 0; b < c.n; b++)
        for (int64_t i = 0; i < c.out_height; i++)
            for (int64_t j = 0; j < c.out_width; j++)
                for (int64_t o = 0; o < c.out; o++) add_terms(&c, role[2], t, b, i, j, o);
}

static void reference_post(const node *n, const double *const *in, double *out) {
    const conv_post_params *p = n->params;
    const int64_t channels = n->shape.d[3];
    reference(n, in, out);
    for (int64_t i = 0; i < shape_count(n->shape); i++) {
        if (p->bias) out[i] += in[p->bias][i % channels];
        if (p->residual) out[i] += in[p->residual][i];
        if (p->rectifies && out[i] < 0) out[i] *= p->slope;
        if (p->scale) out[i] *= in[p->scale][i % channels];
        if (p->shift) out[i] += in[p->shift][i % channels];
    }
}

// The ops. -----------------------------------------------------------------------------------------------------------------------------------------------

#define CONV_OP(text)                                                                                                                                \
    {                                                                                                                                                \
        .name = text, .min_in = 2, .max_in = 2, .params_size = sizeof(conv_family_params), .infer = infer, .vjp = vjp, .prepare = prepare,           \
        .run = run, .release = release, .reference = reference, .flops = flops, .implementation = implementation                                     \
    }
const op OP_CONV = CONV_OP("conv");
const op OP_CONV_DATA = CONV_OP("conv_data");
const op OP_CONV_WEIGHTS = CONV_OP("conv_weights");

static foil_status infer_post(node *n) {
    const conv_post_params *p = n->params;
    TRY(infer(n));
    const int64_t vectors[] = {p->bias, p->scale, p->shift};
    for (int i = 0; i < 3; i++) {
        const node *v = n->in[vectors[i]];
        if (vectors[i] && (v->type != F32 || shape_count(v->shape) != n->shape.d[3]))
            return foil_fail(FOIL_INVALID, "%s: a vector of %s for %lld channels", n->op->name, shape_text(v->shape), (long long)n->shape.d[3]);
    }
    if (p->residual && (n->in[p->residual]->type != n->type || !shape_equal(n->in[p->residual]->shape, n->shape)))
        return foil_fail(FOIL_INVALID, "%s: a residual of %s for %s", n->op->name, shape_text(n->in[p->residual]->shape), shape_text(n->shape));
    return FOIL_OK;
}
const op OP_CONV_POST = {.name = "conv_post",
                         .min_in = 2,
                         .max_in = 6,
                         .params_size = sizeof(conv_post_params),
                         .infer = infer_post,
                         .prepare = prepare_post,
                         .run = run_post,
                         .release = release,
                         .reference = reference_post,
                         .flops = flops,
                         .implementation = implementation};

bool conv_takes_post(const node *n) {
    onednn_conv c = geometry(n);
    return conv_kernel_takes_post(&c);
}

bool conv_takes_affine(const node *n) {
    onednn_conv c = geometry(n);
    return conv_kernel_takes_affine(&c, n->graph->convolution);
}

bool conv_takes_residual(const node *n) {
    onednn_conv c = geometry(n);
    c.constant = true;
    return conv_kernel_takes_residual(&c, n->graph->convolution);
}

// Pictures become the graph's type before; weights are converted while they are laid out for oneDNN.
static node *conv_node(const op *kind, node *a, node *b, conv_params p, int64_t rows, int64_t cols) {
    graph *g = a->graph;
    for (int i = 0; i < 2; i++) {
        if (!p.stride[i]) p.stride[i] = 1;
        if (!p.dilation[i]) p.dilation[i] = 1;
    }
    if (!p.groups) p.groups = 1;
    node *in[] = {nn_cast(a, g->compute), nn_cast(b, kind == &OP_CONV_WEIGHTS ? g->compute : F32)};
    return graph_node(g, kind, in, 2, &(conv_family_params){p, {rows, cols}, 0});
}

node *nn_conv(node *x, node *w, conv_params p) {
    return conv_node(&OP_CONV, x, w, p, 0, 0);
}

node *nn_conv_data(node *g, node *w, conv_params p, int64_t height, int64_t width) {
    return conv_node(&OP_CONV_DATA, g, w, p, height, width);
}

node *nn_conv_weights(node *x, node *g, conv_params p, int64_t rows, int64_t cols) {
    return conv_node(&OP_CONV_WEIGHTS, x, g, p, rows, cols);
}
