#include "export/onnx_graph.h"

#include <stdlib.h>
#include <string.h>

#include "nn/ops/table.h"
#include "nn/reference.h"

const int ONNX_NCHW[MAX_DIMS] = {0, 3, 1, 2, 4, 5}, ONNX_SAME[MAX_DIMS] = {0, 1, 2, 3, 4, 5};

foil_status onnx_unsupported(const node *n, const char *why) {
    return foil_fail(FOIL_UNSUPPORTED, "%s: '%s' cannot be exported to ONNX: %s", n->label ? n->label : "the network", n->op->name, why);
}

// Constants. ------------------------------------------------------------------------------------------------------------------------------------

static const node *before_repeating(const node *n) {
    while (n->op == &OP_BROADCAST) n = n->in[0];
    return n;
}

static bool is_constant(const onnx_graph *x, const node *n) {
    if (n->op == &OP_PARAM || n->op == &OP_CONSTANT || n->op == &OP_TABLE) return true;
    for (int i = 0; i < n->n_in; i++)
        if (!x->constant[n->in[i]->id]) return false;
    return n->n_in > 0;
}

// Marks what `output` needs, and allocates room for the constants that other nodes read.
static foil_status mark(onnx_graph *x, const node *output) {
    for (int i = 0; i < x->graph->n; i++) x->constant[i] = is_constant(x, x->graph->nodes[i]);
    x->wanted[output->id] = true;
    for (int i = output->id; i >= 0; i--) {
        const node *n = x->graph->nodes[i];
        if (!x->wanted[i] || x->constant[i]) continue;
        for (int k = 0; k < n->n_in; k++) {
            const node *in = n->in[k], *base = before_repeating(in);
            x->wanted[in->id] = true;
            if (!x->constant[in->id] || x->folded[base->id] || base->op == &OP_CONSTANT) continue;
            x->folded[base->id] = calloc((size_t)shape_count(base->shape), sizeof(double));
            if (!x->folded[base->id]) return foil_fail_memory((size_t)shape_count(base->shape) * sizeof(double), "folded constants");
        }
    }
    return FOIL_OK;
}

static foil_status fold(onnx_graph *x) {
    int n = 0;
    const unsigned nodes = (unsigned)x->graph->n;
    node **wanted = calloc(nodes, sizeof *wanted);
    double **to = calloc(nodes, sizeof *to);
    for (int i = 0; wanted && to && i < x->graph->n; i++) {
        if (!x->folded[i]) continue;
        wanted[n] = x->graph->nodes[i];
        to[n++] = x->folded[i];
    }
    foil_status status = wanted && to ? FOIL_OK : foil_fail_memory(nodes * sizeof *to, "folded constants");
    if (status == FOIL_OK && n) status = reference_run(x->graph, NULL, 0, 0, 0, wanted, n, to);
    free(wanted);
    free(to);
    return status;
}

// The constant `n` with its axes in `order`, of size dim[] (by the node's axes), as an initializer.
static foil_status emit_constant(onnx_graph *x, const node *n, const int *order, const int64_t *dim, const char **name) {
    const node *base = before_repeating(n);
    const double *values = x->folded[base->id];
    if (!values) { // the same everywhere, whatever the shape
        *name = onnx_scalar(x->model, ((const constant_params *)base->params)->value);
        return FOIL_OK;
    }
    int64_t stride[MAX_DIMS] = {0}, out[MAX_DIMS] = {0}, count = 1;
    shape whole = {.n = n->shape.n};
    for (int i = 0; i < whole.n; i++) whole.d[i] = dim[i];
    broadcast_strides(base->shape, whole, stride);
    bool same = shape_equal(base->shape, whole);
    for (int i = 0; i < whole.n; i++) {
        out[i] = dim[order[i]];
        count *= out[i];
        same = same && order[i] == i;
    }
    float *data = malloc((size_t)count * sizeof *data);
    if (!data) return foil_fail_memory((size_t)count * sizeof *data, "a constant");
    int64_t at[MAX_DIMS] = {0}, from = 0;
    for (int64_t i = 0; i < count; i++) {
        data[i] = (float)values[from];
        for (int a = whole.n - 1; a >= 0; a--) { // to the next place, carrying
            from += stride[order[a]];
            if (++at[a] < out[a]) break;
            from -= out[a] * stride[order[a]];
            at[a] = 0;
        }
    }
    const param_params *param = base->op == &OP_PARAM && same && !x->value[base->id].name ? base->params : NULL;
    *name = onnx_tensor_f32(x->model, param ? param->store->tensor[param->index].name : NULL, out, whole.n, data);
    if (param) x->value[base->id].name = *name; // the parameter's own name is taken now
    free(data);
    return FOIL_OK;
}

// Values. ---------------------------------------------------------------------------------------------------------------------------------------

foil_status onnx_whole(onnx_graph *x, const node *n, onnx_value *out) {
    onnx_value *v = &x->value[n->id];
    int64_t size[MAX_DIMS];
    bool whole = true;
    for (int i = 0; i < v->n; i++) {
        int a = v->axis[i];
        bool repeats = v->dim[a] != n->shape.d[a];
        if (repeats && a == v->batch) return onnx_unsupported(n, "it repeats over the batch");
        size[i] = a == v->batch ? 1 : n->shape.d[a]; // Expand keeps an axis where 1 is asked for
        whole = whole && !repeats;
    }
    if (!whole) {
        v->name = onnx_output_of(onnx_add(x->model, "Expand", (const char *[]){v->name, onnx_tensor_i64(x->model, size, v->n)}, 2, NULL));
        memcpy(v->dim, n->shape.d, sizeof v->dim);
    }
    *out = *v;
    return FOIL_OK;
}

static const char *transposed(onnx_graph *x, const onnx_value *v, const int *order) {
    int64_t perm[MAX_DIMS] = {0};
    bool same = true;
    for (int i = 0; i < v->n; i++) {
        for (int k = 0; k < v->n; k++)
            if (v->axis[k] == order[i]) perm[i] = k;
        same = same && perm[i] == i;
    }
    if (same) return v->name;
    onnx_node *t = onnx_add(x->model, "Transpose", &v->name, 1, NULL);
    onnx_ints(x->model, t, "perm", perm, v->n);
    return onnx_output_of(t);
}

foil_status onnx_operand_repeating(onnx_graph *x, const node *n, const int *order, const char **name, int64_t dim[MAX_DIMS]) {
    if (!x->constant[n->id]) {
        memcpy(dim, x->value[n->id].dim, MAX_DIMS * sizeof *dim);
        *name = transposed(x, &x->value[n->id], order);
        return FOIL_OK;
    }
    const node *base = before_repeating(n);
    const int missing = n->shape.n - base->shape.n;
    for (int i = 0; i < n->shape.n; i++) dim[i] = i < missing || base->op == &OP_CONSTANT ? 1 : base->shape.d[i - missing];
    return emit_constant(x, n, order, dim, name);
}

foil_status onnx_operand(onnx_graph *x, const node *n, const int *order, const char **name) {
    if (x->constant[n->id] && before_repeating(n)->op == &OP_CONSTANT) return onnx_unsupported(n, "an operand has the same value everywhere");
    if (x->constant[n->id]) return emit_constant(x, n, order, n->shape.d, name);
    onnx_value v;
    TRY(onnx_whole(x, n, &v));
    *name = transposed(x, &v, order);
    return FOIL_OK;
}

void onnx_result(onnx_graph *x, const node *n, const onnx_node *made, const int *order) {
    onnx_value *v = &x->value[n->id];
    v->name = onnx_output_of(made);
    v->n = n->shape.n;
    memcpy(v->dim, n->shape.d, sizeof v->dim);
    memcpy(v->axis, order, sizeof v->axis);
    for (int i = n->n_in - 1; i >= 0; i--)
        if (!x->constant[n->in[i]->id]) v->batch = x->value[n->in[i]->id].batch;
}

// The walk. -------------------------------------------------------------------------------------------------------------------------------------

static foil_status allocate(onnx_graph *x) {
    size_t n = (size_t)x->graph->n;
    x->constant = calloc(n, sizeof *x->constant);
    x->wanted = calloc(n, sizeof *x->wanted);
    x->folded = calloc(n, sizeof *x->folded);
    x->value = calloc(n, sizeof *x->value);
    return x->constant && x->wanted && x->folded && x->value ? FOIL_OK : foil_fail_memory(n * sizeof *x->value, "an ONNX graph");
}

static foil_status translate_node(onnx_graph *x, const node *n) {
    onnx_translation translation = onnx_translation_of(n);
    if (!translation) return onnx_unsupported(n, "no ONNX operator is known for it");
    x->model->label = n->label;
    return translation(x, n);
}

foil_status onnx_translate(onnx_graph *x, const node *input, const onnx_value *value, const node *output) {
    TRY(allocate(x));
    TRY(mark(x, output));
    TRY(fold(x));
    x->value[input->id] = *value;
    for (int i = 0; i <= output->id; i++) {
        const node *n = x->graph->nodes[i];
        if (x->wanted[i] && !x->constant[i] && n != input) TRY(translate_node(x, n));
    }
    return FOIL_OK;
}

void onnx_graph_free(onnx_graph *x) {
    for (int i = 0; x->folded && i < x->graph->n; i++) free(x->folded[i]);
    free(x->folded);
    free(x->constant);
    free(x->wanted);
    free(x->value);
}
