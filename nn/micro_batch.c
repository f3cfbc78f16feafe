#include "nn/micro_batch.h"

#include <omp.h>

#include "nn/plan_internal.h"

// Of activations that a thread computes with: about what is its own of the caches. Anything from 8 to 24 MB served four networks equally well.
static const size_t OF_A_THREAD = (size_t)16 << 20;

// Each micro-batch reads all weights again: no use in less activations than twice that.
static size_t worthwhile(const graph *g) {
    size_t weights = 0;
    for (int i = 0; i < g->n; i++)
        if (g->nodes[i]->op == &OP_PARAM) weights += (size_t)shape_count(g->nodes[i]->shape) * sizeof(float);
    const size_t caches = (size_t)omp_get_max_threads() * OF_A_THREAD;
    return caches > 2 * weights ? caches : 2 * weights;
}

static foil_status compile(micro_batch_build *build, const void *context, dtype compute, bool whole, workspace *w, micro_batch *m) {
    m->graph = graph_new(compute);
    if (!m->graph) return foil_fail_memory(sizeof *m->graph, "a graph");
    build(context, m);
    return plan_compile_within(whole ? SIZE_MAX : worthwhile(m->graph), m->graph, &(plan_phase){m->output, m->outputs}, 1, w, &m->plan);
}

foil_status micro_batch_compile(micro_batch_build *build, const void *context, dtype compute, int batch, bool whole, workspace *w, micro_batch *out) {
    foil_status status = FOIL_OK;
    *out = (micro_batch){0};
    for (int parts = 1; status == FOIL_OK && !out->plan; parts *= 2) {
        micro_batch_free(out);
        out->samples = (batch + parts - 1) / parts;
        status = compile(build, context, compute, whole || out->samples == 1, w, out);
    }
    if (status != FOIL_OK) micro_batch_free(out);
    return status;
}

void micro_batch_free(micro_batch *m) {
    plan_free(m->plan);
    graph_free(m->graph);
    *m = (micro_batch){0};
}
