// What is computed, in which phase and in which order.
#include <stdlib.h>
#include <string.h>

#include "nn/plan_internal.h"

bool node_is_elementwise(const node *n) {
    return n->op->flags & OP_ELEMENTWISE;
}

bool node_is_reduction(const node *n) {
    return n->op == &OP_SUM || n->op == &OP_MAX_OVER;
}

bool node_is_loop(const node *n) {
    return node_is_elementwise(n) || node_is_reduction(n) || n->op == &OP_BROADCAST || n->op == &OP_CONSTANT;
}

bool node_is_memory(const node *n) {
    return n->op == &OP_INPUT || n->op == &OP_PARAM || n->op == &OP_TABLE;
}

// A node belongs to the first phase that wants it. Inputs have smaller ids, so one sweep per phase does.
static foil_status mark_phases(compiler *c) {
    bool *wanted = arena_alloc(&c->memory, (size_t)c->n);
    if (!wanted) return foil_fail_memory((size_t)c->n, "the plan");
    for (int i = 0; i < c->n; i++) c->info[i].phase = -1;
    for (int phase = 0; phase < c->n_phases; phase++) {
        memset(wanted, 0, (size_t)c->n);
        for (int i = 0; i < c->phases[phase].n; i++) wanted[c->phases[phase].output[i].node->id] = true;
        for (int id = c->n - 1; id >= 0; id--) {
            if (!wanted[id] || c->info[id].phase >= 0) continue;
            c->info[id].phase = phase;
            const node *n = node_at(c, id);
            for (int i = 0; i < n->n_in; i++) wanted[n->in[i]->id] = true;
        }
    }
    return FOIL_OK;
}

// Equal nodes are computed once. -----------------------------------------------------------------------------------------------------------------------
static bool reads_param(const node *n) {
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i]->op == &OP_PARAM) return true;
    return false;
}

static bool equal_nodes(const compiler *c, const node *a, const node *b) {
    if (a->op != b->op || a->n_in != b->n_in || a->type != b->type || !shape_equal(a->shape, b->shape)) return false;
    if (a->op == &OP_INPUT || a->op == &OP_ASSIGN) return false;
    for (int i = 0; i < a->n_in; i++)
        if (operand_rep(c, a, i) != operand_rep(c, b, i)) return false;
    if (a->op->params_size && memcmp(a->params, b->params, a->op->params_size) != 0) return false;
    return !reads_param(a) || c->info[a->id].phase == c->info[b->id].phase; // a parameter may change between phases
}

static size_t mix(size_t h, size_t v) {
    return (h ^ v) * 0x9e3779b97f4a7c15u ^ h >> 29;
}

static size_t hash_node(const compiler *c, const node *n) {
    size_t h = mix(0, (size_t)(uintptr_t)n->op);
    for (int i = 0; i < n->n_in; i++) h = mix(h, (size_t)operand_rep(c, n, i));
    const unsigned char *bytes = n->params;
    for (size_t i = 0; i < n->op->params_size; i++) h = mix(h, bytes[i]);
    return h ^ h >> 32;
}

static foil_status merge_equal(compiler *c) {
    size_t slots = 16;
    while (slots < (size_t)c->n * 2) slots *= 2;
    int *table = arena_alloc(&c->memory, slots * sizeof *table); // id + 1; 0 = free
    if (!table) return foil_fail_memory(slots * sizeof *table, "the plan");
    for (int id = 0; id < c->n; id++) {
        info *f = &c->info[id];
        f->rep = -1;
        if (f->phase < 0) continue;
        const node *n = node_at(c, id);
        size_t at = hash_node(c, n) & (slots - 1);
        while (table[at] && !equal_nodes(c, n, node_at(c, table[at] - 1))) at = (at + 1) & (slots - 1);
        if (!table[at]) table[at] = id + 1;
        f->rep = table[at] - 1;
        info *r = &c->info[f->rep];
        if (f->phase < r->phase) r->phase = f->phase;
    }
    return FOIL_OK;
}

// Views, and repeats that repeat nothing, have the elements of their operand in the same order.
static bool is_view(const node *n) {
    return n->op->flags & OP_VIEW || (n->op == &OP_BROADCAST && shape_count(n->shape) == shape_count(n->in[0]->shape));
}

static void find_bases(compiler *c) {
    for (int id = 0; id < c->n; id++) {
        info *f = &c->info[id];
        if (f->rep != id) continue;
        const node *n = node_at(c, id);
        f->base = is_view(n) ? operand_base(c, n, 0) : id;
    }
}

foil_status schedule_mark(compiler *c) {
    TRY(mark_phases(c));
    TRY(mark_known(c));
    TRY(merge_equal(c));
    find_bases(c);
    return FOIL_OK;
}

// Order. -------------------------------------------------------------------------------------------------------------------------------------------------
static bool vertex_ready(const compiler *c, const vertex *v) {
    for (int root = v->first_root; root >= 0; root = c->next_root[root]) {
        const info *f = &c->info[root];
        for (int i = 0; i < f->n_reads; i++) {
            int w = c->info[f->reads[i].node].vertex;
            if (w >= 0 && &c->vertex[w] != v && !c->vertex[w].done) return false;
        }
    }
    return true;
}

// Steps come in the order of the nodes, as far as operands allow: gradients of weights right after the gradient that they need, so that it can go.
foil_status schedule_order(compiler *c) {
    c->order = arena_alloc(&c->memory, (size_t)c->vertices * sizeof *c->order);
    int *waiting = arena_alloc(&c->memory, (size_t)c->vertices * sizeof *waiting);
    if (c->vertices && (!c->order || !waiting)) return foil_fail_memory((size_t)c->vertices * sizeof *waiting, "the plan");
    int n = 0;
    for (int i = 0; i < c->vertices; i++) { // sorted by phase and key
        int at = n++;
        const vertex *v = &c->vertex[i];
        for (; at > 0; at--) {
            const vertex *before = &c->vertex[waiting[at - 1]];
            if (before->phase < v->phase || (before->phase == v->phase && before->key <= v->key)) break;
            waiting[at] = waiting[at - 1];
        }
        waiting[at] = i;
    }
    for (int done = 0; done < c->vertices; done++) {
        int at = 0;
        while (at < n && !vertex_ready(c, &c->vertex[waiting[at]])) at++;
        if (at == n) return foil_fail(FOIL_INVALID, "internal: fused groups wait for each other"); // would be a bug of fuse.c
        c->order[done] = waiting[at];
        c->vertex[waiting[at]].done = true;
        memmove(waiting + at, waiting + at + 1, (size_t)(--n - at) * sizeof *waiting);
    }
    return FOIL_OK;
}
