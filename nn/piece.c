#include "nn/piece.h"

#include <omp.h>

#include "nn/plan_internal.h"

// Of activations that a thread computes with: about what is its own of the caches. Anything from 8 to 24 MB served four networks equally well.
static const size_t OF_A_THREAD = (size_t)16 << 20;

// Each piece reads all weights again: no use in less activations than twice that.
static size_t worthwhile(const graph *g) {
    size_t weights = 0;
    for (int i = 0; i < g->n; i++)
        if (g->nodes[i]->op == &OP_PARAM) weights += (size_t)shape_count(g->nodes[i]->shape) * sizeof(float);
    const size_t caches = (size_t)omp_get_max_threads() * OF_A_THREAD;
    return caches > 2 * weights ? caches : 2 * weights;
}

static foil_status compile(piece_build *build, void *context, dtype compute, bool whole, workspace *w, piece *p) {
    p->graph = graph_new(compute);
    if (!p->graph) return foil_fail_memory(sizeof *p->graph, "a graph");
    const plan_phase wanted = build(context, p->graph, p->samples);
    return plan_compile_within(whole ? SIZE_MAX : worthwhile(p->graph), p->graph, &wanted, 1, w, &p->plan);
}

foil_status piece_compile(piece_build *build, void *context, dtype compute, int batch, bool whole, workspace *w, piece *out) {
    foil_status status = FOIL_OK;
    *out = (piece){0};
    for (int pieces = 1; status == FOIL_OK && !out->plan; pieces *= 2) {
        piece_free(out);
        out->samples = (batch + pieces - 1) / pieces;
        status = compile(build, context, compute, whole || out->samples == 1, w, out);
    }
    if (status != FOIL_OK) piece_free(out);
    return status;
}

void piece_free(piece *p) {
    plan_free(p->plan);
    graph_free(p->graph);
    *p = (piece){0};
}
