// Rows picked by index, and its adjoint.
#include <assert.h>
#include <string.h>

#include "nn/ops/table.h"

// Both are copies between [outer, many, inner], where an index lives in 0..many-1, and [outer, K, inner].
typedef struct rows {
    int64_t outer, many, count, inner;
} rows;

static rows rows_of(shape with_many, int64_t axis, shape index) {
    rows r = {1, with_many.d[axis], index.d[0], 1};
    for (int64_t i = 0; i < axis; i++) r.outer *= with_many.d[i];
    for (int64_t i = axis + 1; i < with_many.n; i++) r.inner *= with_many.d[i];
    return r;
}

static foil_status check(const node *n, int64_t axis) {
    const node *x = n->in[0], *index = n->in[1];
    if (axis < 0 || axis >= x->shape.n)
        return foil_fail(FOIL_INVALID, "%s: axis %lld of shape %s", n->op->name, (long long)axis, shape_text(x->shape));
    if (index->type != I32 || index->shape.n != 1)
        return foil_fail(FOIL_INVALID, "%s: the index is %s %s, expected i32 [K]", n->op->name, dtype_name(index->type), shape_text(index->shape));
    return FOIL_OK;
}

// Gather. -----------------------------------------------------------------------------------------------------------------------------------------------

static foil_status infer_gather(node *n) {
    const int64_t axis = ((const gather_params *)n->params)->axis;
    TRY(check(n, axis));
    n->shape = n->in[0]->shape;
    n->shape.d[axis] = n->in[1]->shape.d[0];
    n->type = n->in[0]->type;
    return FOIL_OK;
}
static void vjp_gather(node *y, node *gy, node **gx) {
    const int axis = (int)((const gather_params *)y->params)->axis;
    gx[0] = nn_scatter_add(gy, y->in[1], axis, y->in[0]->shape.d[axis]);
}
static void run_gather(const kernel *k) {
    const node *n = k->node;
    const rows r = rows_of(n->in[0]->shape, ((const gather_params *)n->params)->axis, n->in[1]->shape);
    const size_t bytes = (size_t)r.inner * dtype_size(n->type);
    const char *in = k->in[0];
    char *out = k->out;
    const int32_t *index = k->in[1];
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < r.outer * r.count; i++) {
        assert(index[i % r.count] >= 0 && index[i % r.count] < r.many);
        memcpy(out + (size_t)i * bytes, in + (size_t)(i / r.count * r.many + index[i % r.count]) * bytes, bytes);
    }
}
static void reference_gather(const node *n, const double *const *in, double *out) {
    const rows r = rows_of(n->in[0]->shape, ((const gather_params *)n->params)->axis, n->in[1]->shape);
    for (int64_t o = 0; o < r.outer; o++)
        for (int64_t k = 0; k < r.count; k++)
            for (int64_t i = 0; i < r.inner; i++) out[(o * r.count + k) * r.inner + i] = in[0][(o * r.many + (int64_t)in[1][k]) * r.inner + i];
}
const op OP_GATHER = {.name = "gather",
                      .min_in = 2,
                      .max_in = 2,
                      .params_size = sizeof(gather_params),
                      .infer = infer_gather,
                      .vjp = vjp_gather,
                      .run = run_gather,
                      .reference = reference_gather};

node *nn_gather(node *x, node *index, int axis) {
    if (graph_is_poison(x) || graph_is_poison(index)) return graph_is_poison(x) ? x : index;
    return graph_node(x->graph, &OP_GATHER, (node *const[]){x, index}, 2, &(gather_params){.axis = axis});
}

// Scatter. The result is f32: it is a sum. -----------------------------------------------------------------------------------------------------------------

static foil_status infer_scatter_add(node *n) {
    const gather_params *p = n->params;
    TRY(check(n, p->axis));
    const node *x = n->in[0];
    if (x->shape.d[p->axis] != n->in[1]->shape.d[0] || p->size < 1)
        return foil_fail(FOIL_INVALID, "scatter_add: axis %lld of %s needs as many indices, not %lld, and a size of at least 1", (long long)p->axis,
                         shape_text(x->shape), (long long)n->in[1]->shape.d[0]);
    if (x->type != F32 && x->type != BF16) return foil_fail(FOIL_INVALID, "scatter_add: the operand is %s; cast it first", dtype_name(x->type));
    n->shape = x->shape;
    n->shape.d[p->axis] = p->size;
    return FOIL_OK;
}
static void vjp_scatter_add(node *y, node *gy, node **gx) {
    gx[0] = nn_gather(gy, y->in[1], (int)((const gather_params *)y->params)->axis);
}
static void add_row(float *to, const void *from, dtype type, int64_t first, int64_t n) {
    const float *f32 = from;
    const uint16_t *bf16 = from;
    for (int64_t i = 0; i < n; i++) to[i] += type == F32 ? f32[first + i] : bf16_to_f32(bf16[first + i]);
}
static void run_scatter_add(const kernel *k) { // rows that share an index are added in order: the sum does not depend on the threads
    const node *n = k->node;
    const rows r = rows_of(n->shape, ((const gather_params *)n->params)->axis, n->in[1]->shape);
    const int32_t *index = k->in[1];
    memset(k->out, 0, (size_t)shape_count(n->shape) * sizeof(float));
#pragma omp parallel for schedule(static)
    for (int64_t o = 0; o < r.outer; o++)
        for (int64_t i = 0; i < r.count; i++) {
            assert(index[i] >= 0 && index[i] < r.many);
            add_row((float *)k->out + (o * r.many + index[i]) * r.inner, k->in[0], n->in[0]->type, (o * r.count + i) * r.inner, r.inner);
        }
}
static void reference_scatter_add(const node *n, const double *const *in, double *out) {
    const rows r = rows_of(n->shape, ((const gather_params *)n->params)->axis, n->in[1]->shape);
    memset(out, 0, (size_t)shape_count(n->shape) * sizeof *out);
    for (int64_t o = 0; o < r.outer; o++)
        for (int64_t k = 0; k < r.count; k++)
            for (int64_t i = 0; i < r.inner; i++) out[(o * r.many + (int64_t)in[1][k]) * r.inner + i] += in[0][(o * r.count + k) * r.inner + i];
}
const op OP_SCATTER_ADD = {.name = "scatter_add",
                           .min_in = 2,
                           .max_in = 2,
                           .params_size = sizeof(gather_params),
                           .infer = infer_scatter_add,
                           .vjp = vjp_scatter_add,
                           .run = run_scatter_add,
                           .reference = reference_scatter_add};

node *nn_scatter_add(node *x, node *index, int axis, int64_t size) {
    if (graph_is_poison(x) || graph_is_poison(index)) return graph_is_poison(x) ? x : index;
    return graph_node(x->graph, &OP_SCATTER_ADD, (node *const[]){x, index}, 2, &(gather_params){.axis = axis, .size = size});
}
