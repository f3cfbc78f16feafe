#include "nn/rewrite.h"

static void count_uses(rewriter *r, const compiler *c) {
    for (int phase = 0; phase < c->n_phases; phase++)
        for (int i = 0; i < c->phases[phase].n; i++) r->uses[c->phases[phase].output[i].node->id]++;
    for (int id = r->from->n - 1; id >= 0; id--) {
        const node *n = r->from->nodes[id];
        for (int i = 0; r->uses[id] && i < n->n_in; i++) r->uses[n->in[i]->id]++;
    }
}

static node *copy_node(const rewriter *r, const node *n, arena *memory) {
    node **in = arena_alloc(memory, (size_t)(n->n_in + 1) * sizeof(node *));
    if (!in) return graph_fail_memory(r->to, "the plan");
    for (int i = 0; i < n->n_in; i++) in[i] = r->at[n->in[i]->id];
    return graph_node(r->to, n->op, in, n->n_in, n->params);
}

static foil_status copy_nodes(const rewriter *r, rewriting rule, arena *memory) {
    for (int id = 0; id < r->from->n; id++) {
        const node *n = r->from->nodes[id];
        if (!r->uses[id]) continue;
        r->to->label = n->label;
        r->at[id] = rule(r, n);
        if (!r->at[id]) r->at[id] = copy_node(r, n, memory);
        TRY(graph_status(r->to));
    }
    return FOIL_OK;
}

static graph *new_like(const graph *g) {
    graph *to = graph_new(g->compute);
    if (!to) return NULL;
    to->convolution = g->convolution;
    to->part = g->part;
    to->synchronised = g->synchronised;
    to->steady = g->steady;
    return to;
}

static foil_status rename_outputs(compiler *c, const rewriter *r) {
    for (int phase = 0; phase < c->n_phases; phase++) {
        const int n = c->phases[phase].n;
        plan_output *output = arena_alloc(&c->memory, (size_t)n * sizeof *output);
        if (n && !output) return foil_fail_memory((size_t)n * sizeof *output, "the plan");
        for (int i = 0; i < n; i++) {
            output[i] = c->phases[phase].output[i];
            output[i].node = r->at[output[i].node->id];
        }
        c->phases[phase].output = output;
    }
    return FOIL_OK;
}

static void replace_graph(compiler *c, const rewriter *r) {
    plan *p = c->plan;
    for (int id = 0; id < p->nodes; id++)
        if (p->became[id]) p->became[id] = r->at[p->became[id]->id];
    if (c->graph != p->graph) graph_free(c->graph);
    c->graph = r->to;
}

foil_status rewrite(compiler *c, rewriting rule) {
    const size_t n = (size_t)c->graph->n;
    arena temporary = {0};
    bool *known = NULL;
    rewriter r = {.from = c->graph, .to = new_like(c->graph)};
    r.at = arena_alloc(&temporary, n * sizeof(node *));
    r.uses = arena_alloc(&temporary, n * sizeof *r.uses);
    foil_status status = r.to && r.at && r.uses ? find_known(r.from, &temporary, &known) : foil_fail_memory(n * sizeof(node *), "the plan");
    r.known = known;
    if (status == FOIL_OK) {
        count_uses(&r, c);
        status = copy_nodes(&r, rule, &temporary);
    }
    if (status == FOIL_OK) status = rename_outputs(c, &r);
    if (status == FOIL_OK)
        replace_graph(c, &r);
    else
        graph_free(r.to);
    arena_free(&temporary);
    return status;
}
