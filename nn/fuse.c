// Which values get memory, and which of those are computed in one loop.
//
// Element-wise nodes and repeats without memory are computed inside the loops that read them, where that costs no more memory traffic than storing
// and reading them would: a chain on one stored value is computed again wherever it is used (the mask of a ReLU's gradient from the convolution's result).
#include <string.h>

#include "nn/plan_internal.h"

enum {
    WEIGHT_MANY_USES = 16, // operations that are rather done again than their result stored
    WEIGHT_LIMIT = 40,     // of one expression
    GROUP_LIMIT = 200,     // of all expressions of a loop: below LOOP_MAX_SLOTS with each one's last operation
    JOIN_CANDIDATES = 24,  // loops back that a value tries to join
    SMALL = 8192,          // elements: loops that are joined to be fewer, even if they share nothing
};

// What the node's readers ask. --------------------------------------------------------------------------------------------------------------------------
static void demand(compiler *c, int base) {
    c->info[base].demanded = true;
}

static void ask_operands(compiler *c, int id) {
    const node *n = node_at(c, id);
    if (c->info[id].base != id) return; // a view: its readers ask
    for (int i = 0; i < n->n_in; i++) {
        int base = operand_base(c, n, i);
        if (node_is_elementwise(n) || node_is_reduction(n)) {
            c->info[base].uses++;
            c->info[base].crosses |= c->info[base].phase < c->info[id].phase;
        } else if (node_at(c, base)->op != &OP_CONSTANT || n->op != &OP_BROADCAST) {
            demand(c, base);
        }
    }
}

static void ask_all(compiler *c) {
    for (int id = 0; id < c->n; id++)
        if (c->info[id].rep == id) ask_operands(c, id);
    for (int phase = 0; phase < c->n_phases; phase++) {
        for (int i = 0; i < c->phases[phase].n; i++) {
            const node *n = c->phases[phase].output[i].node;
            if (n->op != &OP_ASSIGN) demand(c, c->info[c->info[n->id].rep].base);
        }
    }
}

// Expressions. ------------------------------------------------------------------------------------------------------------------------------------------------
static void add_full(info *f, int base) {
    for (int i = 0; i < f->fulls && i < 2; i++)
        if (f->full[i] == base) return;
    if (f->fulls < 2) f->full[f->fulls] = base;
    f->fulls++;
}

static void measure(compiler *c, int id) {
    info *f = &c->info[id];
    const node *n = node_at(c, id);
    f->weight = 1;
    for (int i = 0; i < n->n_in; i++) {
        int base = operand_base(c, n, i);
        const info *x = &c->info[base];
        f->reads_params |= x->reads_params || node_at(c, base)->op == &OP_PARAM;
        if (n->op == &OP_BROADCAST) continue;
        f->weight += x->stored ? 1 : x->weight;
        if (x->stored) add_full(f, base);
        for (int j = 0; !x->stored && j < x->fulls; j++) add_full(f, j < 2 ? x->full[j] : -1 - base);
    }
}

static bool worth_storing(const info *f) {
    if (f->weight > WEIGHT_LIMIT) return true;
    if (f->crosses && f->phase == PHASE_ONCE) return true;
    if (f->crosses && f->reads_params) return true; // parameters may change in between
    return (f->uses > 1 || f->crosses) && (f->fulls > 1 || f->weight > WEIGHT_MANY_USES);
}

static void decide_stored(compiler *c) {
    for (int id = 0; id < c->n; id++) {
        info *f = &c->info[id];
        if (f->rep != id || f->base != id) continue;
        const node *n = node_at(c, id);
        if (!node_is_loop(n)) {
            f->stored = n->op != &OP_ASSIGN;
            continue;
        }
        measure(c, id);
        f->stored = f->demanded || node_is_reduction(n) || (node_is_elementwise(n) && worth_storing(f));
        if (f->stored) f->reads_params = false; // whoever reads the value reads no parameter
    }
}

// What a root's expression reads. -----------------------------------------------------------------------------------------------------------------------
typedef struct reader {
    compiler *c;
    read *at;
    int n, capacity;
    bool failed;
} reader;

static void add_read(reader *r, int base, bool dense) {
    for (int i = 0; i < r->n; i++) {
        if (r->at[i].node != base) continue;
        r->at[i].dense &= dense;
        return;
    }
    if (r->n == r->capacity) {
        int capacity = r->capacity ? 2 * r->capacity : 8;
        read *more = arena_alloc(&r->c->memory, (size_t)capacity * sizeof *more);
        r->failed |= !more;
        if (!more) return;
        if (r->n) memcpy(more, r->at, (size_t)r->n * sizeof *more);
        r->at = more;
        r->capacity = capacity;
    }
    r->at[r->n++] = (read){base, dense};
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as an expression, WEIGHT_LIMIT
static void read_expression(reader *r, int id) {
    const node *n = node_at(r->c, id);
    for (int i = 0; i < n->n_in; i++) {
        int base = operand_base(r->c, n, i);
        info *x = &r->c->info[base];
        if (x->stored) {
            add_read(r, base, n->op != &OP_BROADCAST);
        } else if (x->stamp != r->c->stamp) {
            x->stamp = r->c->stamp;
            read_expression(r, base);
        }
    }
}

static foil_status find_reads(compiler *c, int id) {
    reader r = {.c = c};
    c->stamp++;
    if (node_is_loop(node_at(c, id))) {
        read_expression(&r, id);
    } else {
        const node *n = node_at(c, id);
        for (int i = 0; i < n->n_in; i++) add_read(&r, operand_base(c, n, i), false);
    }
    c->info[id].reads = r.at;
    c->info[id].n_reads = r.n;
    return r.failed ? foil_fail_memory(sizeof(read), "the plan") : FOIL_OK;
}

// Groups. ------------------------------------------------------------------------------------------------------------------------------------------------------
// Whether vertex `from`, or one that it waits for, is `to`.
// NOLINTNEXTLINE(misc-no-recursion): depth bounded by the number of steps
static bool waits_for(compiler *c, int from, int to) {
    vertex *v = &c->vertex[from];
    if (from == to) return true;
    if (v->stamp == c->stamp || v->phase < c->vertex[to].phase) return false;
    v->stamp = c->stamp;
    for (int root = v->first_root; root >= 0; root = c->next_root[root]) {
        const info *f = &c->info[root];
        for (int i = 0; i < f->n_reads; i++) {
            int w = c->info[f->reads[i].node].vertex;
            if (w >= 0 && w != from && waits_for(c, w, to)) return true;
        }
    }
    return false;
}

static int64_t loop_count(const node *n) {
    return shape_count(node_is_reduction(n) ? n->in[0]->shape : n->shape);
}

static bool reads_densely(const compiler *c, int root, int base) {
    for (int i = 0; i < c->info[root].n_reads; i++)
        if (c->info[root].reads[i].node == base) return c->info[root].reads[i].dense;
    return false;
}

static bool shares(const compiler *c, const vertex *g, int id) {
    for (int i = 0; i < c->info[id].n_reads; i++) {
        const read *r = &c->info[id].reads[i];
        if (!r->dense) continue;
        if (c->info[r->node].vertex == (int)(g - c->vertex)) return true;
        for (int root = g->first_root; root >= 0; root = c->next_root[root])
            if (reads_densely(c, root, r->node)) return true;
    }
    return false;
}

static bool may_join(compiler *c, int group, int id) {
    const vertex *g = &c->vertex[group];
    const info *f = &c->info[id];
    if (!g->loop || g->phase != f->phase || g->count != loop_count(node_at(c, id)) || g->weight + f->weight > GROUP_LIMIT) return false;
    if (g->count >= SMALL && !shares(c, g, id)) return false;
    c->stamp++;
    for (int i = 0; i < f->n_reads; i++) {
        int base = f->reads[i].node, w = c->info[base].vertex;
        if (w < 0) continue;
        if (w == group) {
            if (!f->reads[i].dense || node_is_reduction(node_at(c, base))) return false;
        } else if (waits_for(c, w, group)) {
            return false;
        }
    }
    return true;
}

static void append_root(compiler *c, int at, int id) {
    vertex *v = &c->vertex[at];
    c->next_root[id] = -1;
    if (v->first_root < 0)
        v->first_root = id;
    else
        c->next_root[v->last_root] = id;
    v->last_root = id;
    v->weight += c->info[id].weight;
    v->key = id;
    c->info[id].vertex = at;
}

static void place(compiler *c, int id) {
    const node *n = node_at(c, id);
    bool in_loop = node_is_loop(n);
    for (int at = c->vertices - 1; in_loop && at >= 0 && at >= c->vertices - JOIN_CANDIDATES; at--) {
        if (!may_join(c, at, id)) continue;
        append_root(c, at, id);
        return;
    }
    c->vertex[c->vertices] = (vertex){.loop = in_loop, .phase = c->info[id].phase, .count = loop_count(n), .first_root = -1};
    append_root(c, c->vertices++, id);
}

foil_status fuse(compiler *c) {
    ask_all(c);
    decide_stored(c);
    c->vertex = arena_alloc(&c->memory, (size_t)c->n * sizeof *c->vertex);
    c->next_root = arena_alloc(&c->memory, (size_t)c->n * sizeof *c->next_root);
    if (!c->vertex || !c->next_root) return foil_fail_memory((size_t)c->n * sizeof *c->vertex, "the plan");
    for (int id = 0; id < c->n; id++) c->info[id].vertex = -1;
    for (int phase = 0; phase < c->n_phases; phase++) {
        for (int id = 0; id < c->n; id++) {
            const info *f = &c->info[id];
            if (f->rep != id || f->base != id || !f->stored || f->phase != phase || node_is_memory(node_at(c, id))) continue;
            TRY(find_reads(c, id));
            place(c, id);
        }
    }
    return FOIL_OK;
}
