// Pooling. The average is linear, so its adjoint and it are each other's derivative. The maximum picks elements: its gradient puts values where they were
// picked, the gradient of that picks values there.
#include "nn/ops/max_pool.h"
#include "nn/ops/max_pool_gradient.h"
#include "nn/ops/separable.h"
#include "nn/ops/table.h"

// Shapes. ------------------------------------------------------------------------------------------------------------------------------------------------

static const pool_params *params_of(const node *n) {
    return n->params; // first member of average_data_params
}

static int64_t out_size(const pool_params *p, int axis, int64_t size) {
    int64_t room = size + p->pad[axis] + p->pad[axis + 2] - p->kernel[axis];
    return room < 0 ? 0 : room / p->stride[axis] + 1;
}

static foil_status check_window(const node *n, shape x) {
    const pool_params *p = params_of(n);
    const char *name = n->op->name;
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i]->type != F32 && n->in[i]->type != BF16)
            return foil_fail(FOIL_INVALID, "%s: operand %d is %s, f32 or bf16 expected", name, i, dtype_name(n->in[i]->type));
    if (x.n != 4) return foil_fail(FOIL_INVALID, "%s: input is %s, [N,H,W,C] expected", name, shape_text(x));
    for (int i = 0; i < 2; i++) {
        if (p->kernel[i] < 1 || p->stride[i] < 1) return foil_fail(FOIL_INVALID, "%s: window and stride must be at least 1", name);
        if (p->pad[i] < 0 || p->pad[i + 2] < 0 || p->pad[i] >= p->kernel[i] || p->pad[i + 2] >= p->kernel[i])
            return foil_fail(FOIL_INVALID, "%s: padding must be at least 0 and less than the window of %lldx%lld", name, (long long)p->kernel[0],
                             (long long)p->kernel[1]);
        if (out_size(p, i, x.d[1 + i]) < 1)
            return foil_fail(FOIL_INVALID, "%s: a window of %lldx%lld does not fit into %s padded by %lld, %lld, %lld, %lld", name,
                             (long long)p->kernel[0], (long long)p->kernel[1], shape_text(x), (long long)p->pad[0], (long long)p->pad[1],
                             (long long)p->pad[2], (long long)p->pad[3]);
    }
    return FOIL_OK;
}

static shape pooled(const node *n, shape x) {
    const pool_params *p = params_of(n);
    return SHAPE(x.d[0], out_size(p, 0, x.d[1]), out_size(p, 1, x.d[2]), x.d[3]);
}

static foil_status infer_pooled(node *n) { // max_pool, average_pool
    shape x = n->in[0]->shape;
    TRY(check_window(n, x));
    n->shape = pooled(n, x);
    n->type = n->in[0]->type;
    return FOIL_OK;
}

static foil_status check_second(const node *n, shape expected) {
    shape s = n->in[n->n_in - 1]->shape;
    if (shape_equal(s, expected)) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: operand %d is %s, %s expected", n->op->name, n->n_in - 1, shape_text(s), shape_text(expected));
}

static foil_status infer_max_data(node *n) { // x, gradient -> like x
    shape x = n->in[0]->shape;
    TRY(check_window(n, x));
    TRY(check_second(n, pooled(n, x)));
    n->shape = x;
    n->type = n->in[1]->type;
    return FOIL_OK;
}

static foil_status infer_max_gather(node *n) { // x, values -> like the pooled x
    shape x = n->in[0]->shape;
    TRY(check_window(n, x));
    TRY(check_second(n, x));
    n->shape = pooled(n, x);
    n->type = n->in[1]->type;
    return FOIL_OK;
}

static foil_status infer_average_data(node *n) { // gradient -> picture
    const average_data_params *p = n->params;
    shape g = n->in[0]->shape;
    if (g.n != 4) return foil_fail(FOIL_INVALID, "%s: input is %s, [N,H,W,C] expected", n->op->name, shape_text(g));
    n->shape = SHAPE(g.d[0], p->height, p->width, g.d[3]);
    TRY(check_window(n, n->shape));
    n->type = n->in[0]->type;
    return check_second(n, pooled(n, n->shape));
}

// Nodes. -------------------------------------------------------------------------------------------------------------------------------------------------

static pool_params complete(pool_params p) {
    for (int i = 0; i < 2; i++)
        if (!p.stride[i]) p.stride[i] = p.kernel[i];
    return p;
}

static node *pool_node(const op *kind, node *a, node *b, pool_params p) {
    p = complete(p);
    return graph_node(a->graph, kind, (node *[]){a, b}, b ? 2 : 1, &p);
}

node *nn_max_pool(node *x, pool_params p) {
    p.count_padding = 0;
    return pool_node(&OP_MAX_POOL, x, NULL, p);
}

node *nn_average_pool(node *x, pool_params p) {
    return pool_node(&OP_AVERAGE_POOL, x, NULL, p);
}

static void vjp_max(node *y, node *gy, node **gx) {
    gx[0] = pool_node(&OP_MAX_POOL_DATA, y->in[0], gy, *params_of(y));
}

static void vjp_max_data(node *y, node *gy, node **gx) { // which elements are picked does not change as x moves a little
    gx[1] = pool_node(&OP_MAX_POOL_GATHER, y->in[0], gy, *params_of(y));
}

static void vjp_max_gather(node *y, node *gy, node **gx) {
    gx[1] = pool_node(&OP_MAX_POOL_DATA, y->in[0], gy, *params_of(y));
}

node *average_pool_adjoint(node *g, pool_params pool, int64_t height, int64_t width) {
    return graph_node(g->graph, &OP_AVERAGE_POOL_DATA, &g, 1, &(average_data_params){complete(pool), height, width});
}

static void vjp_average(node *y, node *gy, node **gx) {
    const shape x = y->in[0]->shape;
    gx[0] = average_pool_adjoint(gy, *params_of(y), x.d[1], x.d[2]);
}

static void vjp_average_data(node *y, node *gy, node **gx) {
    gx[0] = pool_node(&OP_AVERAGE_POOL, gy, NULL, *params_of(y));
}

// Average. -----------------------------------------------------------------------------------------------------------------------------------------------

typedef struct window {
    int64_t first, stop; // inside the picture
    int64_t divisor;     // this axis' share of the number of elements
} window;

static window window_at(const pool_params *p, int axis, int64_t size, int64_t i) {
    int64_t start = i * p->stride[axis] - p->pad[axis], stop = start + p->kernel[axis], padded = size + p->pad[axis + 2];
    window w = {start < 0 ? 0 : start, stop > size ? size : stop, 0};
    w.divisor = p->count_padding ? (stop > padded ? padded : stop) - start : w.stop - w.first;
    return w;
}

static foil_status average_taps(const node *n, int axis, int64_t in, int64_t out, taps *t) {
    const pool_params *p = params_of(n);
    TRY(taps_make(t, out, in, p->kernel[axis]));
    for (int64_t i = 0; i < out; i++) {
        window w = window_at(p, axis, in, i);
        t->first[i] = w.first;
        t->count[i] = w.stop - w.first;
        for (int64_t j = 0; j < t->count[i]; j++) t->weight[i * t->width + j] = 1 / (float)w.divisor;
    }
    return FOIL_OK;
}

static foil_status prepare_average(kernel *k, struct plan *p) {
    (void)p;
    return separable_prepare(k, k->node->op == &OP_AVERAGE_POOL_DATA, average_taps);
}

// Reference. ---------------------------------------------------------------------------------------------------------------------------------------------

// A window of one channel of one picture, and `at`, its output element.
typedef struct place {
    shape x; // of the large picture
    int64_t picture, channel, at;
    window rows, cols;
} place;
typedef void (*visit)(const node *n, const double *const *in, double *out, const place *p);

static void each_window(const node *n, shape x, const double *const *in, double *out, visit term) {
    shape y = pooled(n, x);
    place p = {.x = x};
    for (int64_t e = 0; e < shape_count(n->shape); e++) out[e] = 0;
    for (p.picture = 0; p.picture < y.d[0]; p.picture++)
        for (int64_t i = 0; i < y.d[1]; i++)
            for (int64_t j = 0; j < y.d[2]; j++)
                for (p.channel = 0; p.channel < y.d[3]; p.channel++, p.at++) {
                    p.rows = window_at(params_of(n), 0, x.d[1], i);
                    p.cols = window_at(params_of(n), 1, x.d[2], j);
                    term(n, in, out, &p);
                }
}

static int64_t element(const place *p, int64_t r, int64_t q) {
    return ((p->picture * p->x.d[1] + r) * p->x.d[2] + q) * p->x.d[3] + p->channel;
}

static void visit_average(const node *n, const double *const *in, double *out, const place *p) {
    double w = 1 / ((double)p->rows.divisor * (double)p->cols.divisor);
    for (int64_t r = p->rows.first; r < p->rows.stop; r++)
        for (int64_t q = p->cols.first; q < p->cols.stop; q++) {
            int64_t e = element(p, r, q);
            if (n->op == &OP_AVERAGE_POOL)
                out[p->at] += w * in[0][e];
            else
                out[e] += w * in[0][p->at];
        }
}

static void visit_max(const node *n, const double *const *in, double *out, const place *p) {
    int64_t best = element(p, p->rows.first, p->cols.first);
    for (int64_t r = p->rows.first; r < p->rows.stop; r++)
        for (int64_t q = p->cols.first; q < p->cols.stop; q++) {
            int64_t e = element(p, r, q);
            if (in[0][e] > in[0][best]) best = e;
        }
    if (n->op == &OP_MAX_POOL)
        out[p->at] = in[0][best];
    else if (n->op == &OP_MAX_POOL_GATHER)
        out[p->at] = in[1][best];
    else
        out[best] += in[1][p->at];
}

static void reference_average(const node *n, const double *const *in, double *out) {
    each_window(n, n->op == &OP_AVERAGE_POOL ? n->in[0]->shape : n->shape, in, out, visit_average);
}

static void reference_max(const node *n, const double *const *in, double *out) {
    each_window(n, n->in[0]->shape, in, out, visit_max);
}

static double flops(const node *n) {
    shape x = n->op == &OP_AVERAGE_POOL_DATA ? n->shape : n->in[0]->shape;
    return (double)shape_count(pooled(n, x)) * (double)(params_of(n)->kernel[0] * params_of(n)->kernel[1]);
}

#define MAX_OP(text, arity, infer_, vjp_, prepare_, run_)                                                                                            \
    {                                                                                                                                                \
        .name = text, .min_in = arity, .max_in = arity, .params_size = sizeof(pool_params), .infer = infer_, .vjp = vjp_, .prepare = prepare_,       \
        .run = run_, .reference = reference_max, .flops = flops                                                                                      \
    }
const op OP_MAX_POOL = MAX_OP("max_pool", 1, infer_pooled, vjp_max, max_pool_prepare, max_pool_run);
const op OP_MAX_POOL_DATA = MAX_OP("max_pool_data", 2, infer_max_data, vjp_max_data, max_pool_gradient_prepare, max_pool_data_run);
const op OP_MAX_POOL_GATHER = MAX_OP("max_pool_gather", 2, infer_max_gather, vjp_max_gather, max_pool_gradient_prepare, max_pool_gather_run);

#define AVERAGE_OP(text, params, infer_, vjp_)                                                                                                       \
    {                                                                                                                                                \
        .name = text, .min_in = 1, .max_in = 1, .flags = OP_CHEAP, .params_size = sizeof(params), .infer = infer_, .vjp = vjp_,                      \
        .prepare = prepare_average, .run = separable_run, .release = separable_release, .reference = reference_average, .flops = flops               \
    }
const op OP_AVERAGE_POOL = AVERAGE_OP("average_pool", pool_params, infer_pooled, vjp_average);
const op OP_AVERAGE_POOL_DATA = AVERAGE_OP("average_pool_data", average_data_params, infer_average_data, vjp_average_data);
