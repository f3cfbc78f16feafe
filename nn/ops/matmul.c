// Products of matrices, batched. oneDNN computes them; a matrix times a vector, where its set-up costs more than the work, is OpenBLAS's.
// Of bf16, where the processor multiplies that no faster (nn/processor.h), they are taken in f32.
#include <stdlib.h>

#include <cblas.h>

#include "nn/dnnl.h"
#include "nn/ops/table.h"
#include "nn/plan.h"

// Batch axes and the strides, in elements, at which each operand walks them (0 = it repeats); then the matrices themselves: rows, columns.
typedef struct product {
    int64_t m, n, k;
    int axes;
    int64_t dims[MAX_DIMS];
    int64_t a[MAX_DIMS], b[MAX_DIMS];
    int64_t a_matrix[2], b_matrix[2];
} product;

// Strides of an operand's batch axes under the result's `n_axes` of sizes `dims`.
static void batch_strides(shape s, int n_axes, int64_t *stride) {
    int64_t step = s.d[s.n - 2] * s.d[s.n - 1];
    for (int i = n_axes - 1, own = s.n - 3; i >= 0; i--, own--) {
        stride[i] = own < 0 || s.d[own] == 1 ? 0 : step;
        if (own >= 0) step *= s.d[own];
    }
}

static void matrix_strides(shape s, bool transposed, int64_t stride[2]) {
    stride[transposed] = s.d[s.n - 1];
    stride[!transposed] = 1;
}

static product product_of(const node *n) {
    const matmul_params *p = n->params;
    shape a = n->in[0]->shape, c = n->shape;
    product r = {.m = c.d[c.n - 2], .n = c.d[c.n - 1], .k = a.d[a.n - (p->ta ? 2 : 1)], .axes = c.n - 2};
    for (int i = 0; i < r.axes; i++) r.dims[i] = c.d[i];
    batch_strides(a, r.axes, r.a);
    batch_strides(n->in[1]->shape, r.axes, r.b);
    matrix_strides(a, p->ta, r.a_matrix);
    matrix_strides(n->in[1]->shape, p->tb, r.b_matrix);
    return r;
}

// Where matrix `index`, counted over the first `n_axes` axes, begins.
static int64_t offset_of(const product *p, const int64_t *stride, int n_axes, int64_t index) {
    int64_t offset = 0;
    for (int i = n_axes - 1; i >= 0; i--) {
        offset += index % p->dims[i] * stride[i];
        index /= p->dims[i];
    }
    return offset;
}

static int64_t count_of(const product *p, int from, int to) {
    int64_t count = 1;
    for (int i = from; i < to; i++) count *= p->dims[i];
    return count;
}

// Shapes and derivatives. --------------------------------------------------------------------------------------------------------------------------------

static foil_status infer(node *n) {
    const matmul_params *p = n->params;
    shape a = n->in[0]->shape, b = n->in[1]->shape;
    if (a.n < 2 || b.n < 2) return foil_fail(FOIL_INVALID, "matmul: operands %s and %s, at least 2 axes expected", shape_text(a), shape_text(b));
    if (n->in[0]->type != n->in[1]->type)
        return foil_fail(FOIL_INVALID, "matmul: %s times %s: cast one of them", dtype_name(n->in[0]->type), dtype_name(n->in[1]->type));
    int64_t rows = a.d[a.n - (p->ta ? 1 : 2)], depth = a.d[a.n - (p->ta ? 2 : 1)];
    int64_t cols = b.d[b.n - (p->tb ? 2 : 1)], b_depth = b.d[b.n - (p->tb ? 1 : 2)];
    if (depth != b_depth)
        return foil_fail(FOIL_INVALID, "matmul: %s%s times %s%s: the inner sizes are %lld and %lld", shape_text(a), p->ta ? " transposed" : "",
                         shape_text(b), p->tb ? " transposed" : "", (long long)depth, (long long)b_depth);
    shape c = {.n = a.n > b.n ? a.n : b.n};
    for (int i = 3; i <= c.n; i++) {
        int64_t da = i <= a.n ? a.d[a.n - i] : 1, db = i <= b.n ? b.d[b.n - i] : 1;
        if (da != db && da != 1 && db != 1)
            return foil_fail(FOIL_INVALID, "matmul: the batch axes of %s and %s do not broadcast", shape_text(a), shape_text(b));
        c.d[c.n - i] = da == 1 ? db : da;
    }
    c.d[c.n - 2] = rows;
    c.d[c.n - 1] = cols;
    n->shape = c;
    n->type = n->in[0]->type;
    return FOIL_OK;
}

// A gradient of the result's batch axes, summed over those that `s` repeats.
static node *sum_to(node *gradient, shape s) {
    axes repeated = 0;
    int extra = gradient->shape.n - s.n;
    for (int i = 0; i < gradient->shape.n - 2; i++)
        if (gradient->shape.d[i] != (i < extra ? 1 : s.d[i - extra])) repeated |= AXIS(i);
    if (repeated) gradient = nn_sum(gradient, repeated, true);
    return extra ? nn_reshape(gradient, s) : gradient;
}

static void vjp(node *y, node *gy, node **gx) {
    const matmul_params p = *(const matmul_params *)y->params;
    node *a = y->in[0], *b = y->in[1];
    bool ta = p.ta != 0, tb = p.tb != 0;
    gx[0] = ta ? nn_matmul(b, gy, tb, true) : nn_matmul(gy, b, false, !tb);
    gx[1] = tb ? nn_matmul(gy, a, true, ta) : nn_matmul(a, gy, !ta, false);
    if (graph_is_poison(gx[0]) || graph_is_poison(gx[1])) return;
    gx[0] = sum_to(gx[0], a->shape);
    gx[1] = sum_to(gx[1], b->shape);
}

static double flops(const node *n) {
    const product p = product_of(n);
    return 2.0 * (double)shape_count(n->shape) * (double)p.k;
}

// Execution. ---------------------------------------------------------------------------------------------------------------------------------------------

typedef struct matmul_state {
    onednn_kernel *kernel; // NULL: a matrix times a vector
    product product;
    int outer; // so many batch axes are looped over; the kernel does the others at once
} matmul_state;

// Whether both operands walk axes i and i + 1 like one axis.
static bool is_one_axis(const product *p, int i) {
    return p->a[i] == p->a[i + 1] * p->dims[i + 1] && p->b[i] == p->b[i + 1] * p->dims[i + 1];
}

static foil_status make_kernel(const node *n, matmul_state *s) {
    const product *p = &s->product;
    int last = p->axes - 1;
    for (s->outer = last < 0 ? 0 : last; s->outer > 0 && is_one_axis(p, s->outer - 1);) s->outer--;
    onednn_matmul m = {.batch = count_of(p, s->outer, p->axes),
                       .m = p->m,
                       .n = p->n,
                       .k = p->k,
                       .a_stride = {last < 0 ? 0 : p->a[last], p->a_matrix[0], p->a_matrix[1]},
                       .b_stride = {last < 0 ? 0 : p->b[last], p->b_matrix[0], p->b_matrix[1]},
                       .a = n->in[0]->type,
                       .b = n->in[1]->type,
                       .c = n->type};
    return onednn_matmul_create(&m, &s->kernel);
}

static foil_status prepare(kernel *k, struct plan *owner) {
    (void)owner;
    const node *n = k->node;
    matmul_state *s = calloc(1, sizeof *s);
    if (!s) return foil_fail_memory(sizeof *s, "matmul");
    s->product = product_of(n);
    bool vector = (s->product.m == 1 || s->product.n == 1) && count_of(&s->product, 0, s->product.axes) == 1 && n->type == F32;
    foil_status status = vector ? FOIL_OK : make_kernel(n, s);
    if (status != FOIL_OK) {
        free(s);
        return status;
    }
    if (s->kernel) k->scratch_bytes = onednn_kernel_scratch(s->kernel);
    k->state = s;
    return FOIL_OK;
}

static void release(kernel *k) {
    matmul_state *s = k->state;
    if (s) onednn_kernel_free(s->kernel);
    free(s);
}

// y = matrix (rows x cols with these strides, one of which is 1) · x
static void matrix_vector(const float *matrix, int64_t rows, int64_t cols, const int64_t stride[2], const float *x, float *y) {
    bool transposed = stride[0] == 1 && cols > 1;
    int64_t lead = transposed ? stride[1] : stride[0], m = transposed ? cols : rows, n = transposed ? rows : cols;
    cblas_sgemv(CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, 1, matrix, (blasint)lead, x, 1, 0, y, 1);
}

static void run_vector(const product *p, const void *a, const void *b, void *c) {
    const int64_t b_transposed[] = {p->b_matrix[1], p->b_matrix[0]};
    if (p->n == 1)
        matrix_vector(a, p->m, p->k, p->a_matrix, b, c);
    else
        matrix_vector(b, p->n, p->k, b_transposed, a, c);
}

static void run(const kernel *k) {
    const matmul_state *s = k->state;
    const product *p = &s->product;
    if (!s->kernel) {
        run_vector(p, k->in[0], k->in[1], k->out);
        return;
    }
    const char *a = k->in[0], *b = k->in[1];
    char *c = k->out;
    size_t size = dtype_size(k->node->type), c_step = size * (size_t)(count_of(p, s->outer, p->axes) * p->m * p->n);
    for (int64_t i = 0; i < count_of(p, 0, s->outer); i++)
        onednn_run(s->kernel, a + (size_t)offset_of(p, p->a, s->outer, i) * size, b + (size_t)offset_of(p, p->b, s->outer, i) * size,
                   c + (size_t)i * c_step, k->scratch);
}

static const char *implementation(const kernel *k) {
    const matmul_state *s = k->state;
    return s->kernel ? onednn_kernel_implementation(s->kernel) : "openblas:sgemv";
}

static void reference(const node *n, const double *const *in, double *out) {
    product p = product_of(n);
    for (int64_t batch = 0; batch < count_of(&p, 0, p.axes); batch++) {
        const double *a = in[0] + offset_of(&p, p.a, p.axes, batch), *b = in[1] + offset_of(&p, p.b, p.axes, batch);
        for (int64_t i = 0; i < p.m; i++)
            for (int64_t j = 0; j < p.n; j++) {
                double sum = 0;
                for (int64_t l = 0; l < p.k; l++) sum += a[i * p.a_matrix[0] + l * p.a_matrix[1]] * b[l * p.b_matrix[0] + j * p.b_matrix[1]];
                *out++ = sum;
            }
    }
}

const op OP_MATMUL = {
    .name = "matmul",
    .min_in = 2,
    .max_in = 2,
    .params_size = sizeof(matmul_params),
    .infer = infer,
    .vjp = vjp,
    .prepare = prepare,
    .run = run,
    .release = release,
    .reference = reference,
    .flops = flops,
    .implementation = implementation,
};

static node *product_node(node *a, node *b, bool ta, bool tb) {
    const dtype t = a->graph->compute == BF16 && (a->type == BF16 || b->type == BF16) ? BF16 : F32;
    const dtype multiplied = processor_bf16() == BF16_WIDENED ? F32 : t;
    node *in[] = {nn_cast(a, multiplied), nn_cast(b, multiplied)};
    return nn_cast(graph_node(a->graph, &OP_MATMUL, in, 2, &(matmul_params){ta, tb}), t);
}

node *nn_matmul(node *a, node *b, bool ta, bool tb) {
    shape s = a->shape;
    if (b->shape.n != 2 || s.n < 3 || ta) return product_node(a, b, ta, tb);
    // One right-hand side for the whole batch: its rows are the rows of one matrix, and the derivative toward b is one product too.
    node *c = product_node(nn_reshape(a, SHAPE(-1, s.d[s.n - 1])), b, ta, tb);
    if (graph_is_poison(c)) return c;
    s.d[s.n - 1] = c->shape.d[1];
    return nn_reshape(c, s);
}
