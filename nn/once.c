// What is computed once, when the plan is compiled: everything that depends on constants and frozen stores alone. So a detector's prepared weights, its
// spectral norms' divisions and the scales of its batch norms cost no run anything.
#include <stdlib.h>

#include "base/aligned.h"
#include "nn/plan_internal.h"

static bool is_known(const node *n, const bool *known) {
    if (n->op == &OP_PARAM) return ((const param_params *)n->params)->store->frozen;
    if (n->op->flags & OP_LEAF) return n->op == &OP_CONSTANT || n->op == &OP_TABLE;
    if (n->op == &OP_ASSIGN) return false;
    for (int i = 0; i < n->n_in; i++)
        if (!known[n->in[i]->id]) return false;
    return true;
}

foil_status find_known(const graph *g, arena *memory, bool **out) {
    bool *known = *out = arena_alloc(memory, (size_t)g->n);
    if (!known) return foil_fail_memory((size_t)g->n, "the plan");
    for (int id = 0; id < g->n; id++) known[id] = is_known(g->nodes[id], known);
    return FOIL_OK;
}

foil_status mark_known(compiler *c) {
    bool *known;
    TRY(find_known(c->graph, &c->memory, &known));
    for (int id = 0; id < c->n; id++) {
        info *f = &c->info[id];
        f->known = known[id];
        if (f->known && f->phase >= 0) f->phase = PHASE_ONCE;
    }
    return FOIL_OK;
}

// Memory. --------------------------------------------------------------------------------------------------------------------------------------------------
static void keep(plan *p, int v) {
    if (v < 0 || !p->value[v].known || p->value[v].home == HOME_FIXED) return;
    p->value[v].home = HOME_FIXED;
    p->value[v].offset = p->kept_bytes; // until there is memory
    p->kept_bytes += aligned(p->value[v].bytes);
}

foil_status keep_known(compiler *c) {
    plan *p = c->plan;
    for (int at = first_step(p); at < p->steps; at++) {
        const step *s = &p->step[at];
        for (int i = 0; s->kind == STEP_KERNEL && i < s->kernel.node->n_in; i++) keep(p, s->in[i]);
        for (int i = 0; s->kind == STEP_LOOP && i < s->loop->leaves; i++) keep(p, s->loop->leaf[i].value);
    }
    for (int v = 0; v < p->values; v++)
        if (p->value[v].pinned) keep(p, v);
    if (!p->kept_bytes) return FOIL_OK;
    p->kept = aligned_alloc(ALIGNMENT, p->kept_bytes);
    if (!p->kept) return foil_fail_memory(p->kept_bytes, "values that are computed once");
    for (int v = 0; v < p->values; v++)
        if (p->value[v].known && p->value[v].home == HOME_FIXED && !p->value[v].fixed) p->value[v].fixed = (char *)p->kept + p->value[v].offset;
    return FOIL_OK;
}

// Running. -------------------------------------------------------------------------------------------------------------------------------------------------
// A copy is made right after its value, which may then go.
static void prepare_all_known(plan *p, int made_by) {
    for (int i = 0; i < p->copies; i++) {
        const prepared *copy = &p->prepared[i];
        const value *v = &p->value[copy->of];
        if (copy->kept && (node_is_memory(v->node) ? -1 : v->first) == made_by) fill_copy(p, copy, address(p, copy->of), copy->kept);
    }
}

void run_once(plan *p) {
    resolve(p);
    prepare_all_known(p, -1);
    for (int at = 0; at < first_step(p); at++) {
        run_step(p, &p->step[at], 0, 0);
        prepare_all_known(p, at);
    }
}
