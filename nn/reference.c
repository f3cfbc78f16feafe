#include "nn/reference.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "nn/ops/table.h"

typedef struct evaluation {
    const reference_leaf *leaves;
    int n_leaves;
    uint64_t seed, step;
    double **value; // by id; NULL = not wanted, or not yet
    bool *wanted;
} evaluation;

static foil_status fill_random(const evaluation *e, const node *n, double *out) {
    const random_params *p = n->params;
    const philox_key key = {.seed = e->seed, .stream = STREAM_GRAPH | (uint32_t)p->stream << 8, .step = e->step};
    const size_t count = (size_t)shape_count(n->shape);
    float *drawn = malloc(count * sizeof *drawn);
    if (!drawn) return foil_fail_memory(count * sizeof *drawn, "the reference");
    (n->op == &OP_UNIFORM ? philox_fill_uniform : philox_fill_normal)(key, 0, drawn, count);
    for (size_t i = 0; i < count; i++) out[i] = (double)drawn[i];
    free(drawn);
    return FOIL_OK;
}

// The value that was given for a node, whatever its op, or NULL.
static const double *given(const evaluation *e, const node *n) {
    for (int i = 0; i < e->n_leaves; i++)
        if (e->leaves[i].node == n) return e->leaves[i].value;
    return NULL;
}

static foil_status compute(const evaluation *e, const node *n, double *out) {
    const double *in[64], *known = given(e, n);
    assert(n->n_in <= 64);
    if (known) {
        memcpy(out, known, (size_t)shape_count(n->shape) * sizeof *out);
        return FOIL_OK;
    }
    if (n->op == &OP_UNIFORM || n->op == &OP_NORMAL) return fill_random(e, n, out);
    if (n->op == &OP_PARAM) {
        const param_params *p = n->params;
        const float *data = store_data(p->store, (int)p->index);
        for (int64_t i = 0, count = shape_count(n->shape); i < count; i++) out[i] = (double)data[i];
        return FOIL_OK;
    }
    if (!n->op->reference) {
        const char *name = n->op == &OP_INPUT ? ((const input_params *)n->params)->name : "";
        return foil_fail(FOIL_INVALID, "reference: no value for %s %s", n->op->name, name);
    }
    for (int i = 0; i < n->n_in; i++) in[i] = e->value[n->in[i]->id];
    n->op->reference(n, in, out);
    return FOIL_OK;
}

static foil_status evaluate(const graph *g, evaluation *e) {
    for (int id = g->n - 1; id >= 0; id--) {
        const node *n = g->nodes[id];
        for (int i = 0; e->wanted[id] && !given(e, n) && i < n->n_in; i++) e->wanted[n->in[i]->id] = true;
    }
    for (int id = 0; id < g->n; id++) {
        if (!e->wanted[id]) continue;
        size_t count = (size_t)shape_count(g->nodes[id]->shape);
        e->value[id] = malloc(count * sizeof(double));
        if (!e->value[id]) return foil_fail_memory(count * sizeof(double), "the reference");
        TRY(compute(e, g->nodes[id], e->value[id]));
    }
    return FOIL_OK;
}

foil_status reference_run(const graph *g, const reference_leaf *leaves, int n_leaves, uint64_t seed, uint64_t step, node *const *wanted, int n,
                          double *const *out) {
    TRY(graph_status(g));
    const size_t count = (size_t)g->n + 1;
    evaluation e = {leaves, n_leaves, seed, step, calloc(count, sizeof(double *)), calloc(count, sizeof(bool))};
    foil_status status = e.value && e.wanted ? FOIL_OK : foil_fail_memory(count * sizeof(double *), "the reference");
    if (status == FOIL_OK) {
        for (int i = 0; i < n; i++) e.wanted[wanted[i]->id] = true;
        status = evaluate(g, &e);
    }
    for (int i = 0; status == FOIL_OK && i < n; i++) memcpy(out[i], e.value[wanted[i]->id], (size_t)shape_count(wanted[i]->shape) * sizeof(double));
    for (int id = 0; e.value && id < g->n; id++) free(e.value[id]);
    free(e.value);
    free(e.wanted);
    return status;
}
