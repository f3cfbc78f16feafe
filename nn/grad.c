#include "nn/grad.h"

#include <assert.h>
#include <stdlib.h>

#include "nn/ops/table.h"

typedef struct backward {
    graph *graph;
    bool *on_path; // by id: depends on some x
    node **toward; // by id: the gradient so far, or NULL
} backward;

static bool repeats(const node *n) {
    return n->op == &OP_BROADCAST || n->op == &OP_CONSTANT;
}

// The gradient toward `y` in the type that it needs. Values that repeat may stay f32 in front of element-wise ops, which round their results only; toward a
// broadcast any type will do, because a sum comes next.
static node *in_type_of(const node *y, node *gy) {
    bool any = y->op == &OP_BROADCAST || (y->op->flags & OP_ELEMENTWISE && repeats(gy));
    return any ? gy : nn_cast(gy, y->type);
}

static void accumulate(backward *b, node *x, node *gx) {
    if (!gx || !b->on_path[x->id] || graph_is_poison(gx)) return;
    assert(shape_equal(gx->shape, x->shape));
    node **sum = &b->toward[x->id];
    if (!repeats(gx) && !repeats(x)) gx = nn_cast(gx, x->type);
    *sum = *sum ? nn_add(*sum, gx) : gx;
}

static void pass_through(backward *b, node *y) {
    bool wanted = false;
    for (int i = 0; i < y->n_in; i++) wanted |= b->on_path[y->in[i]->id];
    if (!wanted || !b->toward[y->id] || b->graph->status != FOIL_OK) return;
    if (!y->op->vjp) {
        graph_fail(b->graph, "%s has no derivative%s%s", y->op->name, y->label ? ", asked for at " : "", y->label ? y->label : "");
        return;
    }
    node **gx = calloc((size_t)y->n_in, sizeof *gx);
    if (!gx) {
        graph_fail_memory(b->graph, "a gradient");
        return;
    }
    b->graph->label = y->label;
    y->op->vjp(y, in_type_of(y, b->toward[y->id]), gx);
    for (int i = 0; i < y->n_in; i++) accumulate(b, y->in[i], gx[i]);
    free(gx);
}

static void mark_path(backward *b, const node *y, node *const *x, int n) {
    for (int i = 0; i < n; i++)
        if (x[i]->id <= y->id) b->on_path[x[i]->id] = true;
    for (int id = 0; id <= y->id; id++) {
        const node *m = b->graph->nodes[id];
        for (int i = 0; i < m->n_in; i++) b->on_path[id] |= b->on_path[m->in[i]->id];
    }
}

// Whether all can be differentiated toward; otherwise the error is kept.
static bool check(const node *y, node *gy, node *const *x, int n) {
    if (graph_is_poison(y) || (gy && graph_is_poison(gy))) return false;
    for (int i = 0; i < n; i++) {
        if (graph_is_poison(x[i])) return false;
        if (x[i]->type == F32 || x[i]->type == BF16) continue;
        graph_fail(y->graph, "gradient toward %s of type %s: cast it first", x[i]->op->name, dtype_name(x[i]->type));
        return false;
    }
    if (!gy || shape_equal(gy->shape, y->shape)) return true;
    graph_fail(y->graph, "gradient: %s given for a node of shape %s", shape_text(gy->shape), shape_text(y->shape));
    return false;
}

void grad_from(node *y, node *gy, node *const *x, int n, node **dx) {
    graph *g = y->graph;
    const char *label = g->label;
    const size_t count = (size_t)(y->id + 1); // poison: 0
    backward b = {g, calloc(count + 1, sizeof(bool)), calloc(count + 1, sizeof(node *))};
    const bool room = b.on_path && b.toward;
    if (!room) graph_fail_memory(g, "a gradient");
    if (room && g->status == FOIL_OK && check(y, gy, x, n)) {
        mark_path(&b, y, x, n);
        b.toward[y->id] = gy ? nn_cast(gy, y->type) : graph_constant(g, y->shape, 1);
        for (int id = y->id; id >= 0; id--) pass_through(&b, g->nodes[id]);
    }
    g->label = label;
    for (int i = 0; i < n; i++) {
        node *sum = room && g->status == FOIL_OK && x[i]->id <= y->id ? b.toward[x[i]->id] : NULL;
        dx[i] = sum ? nn_cast(sum, x[i]->type) : graph_constant(g, x[i]->shape, 0); // after an error: poison
    }
    free(b.on_path);
    free(b.toward);
}

void grad(node *y, node *const *x, int n, node **dx) {
    if (!graph_is_poison(y) && shape_count(y->shape) != 1) graph_fail(y->graph, "gradient of shape %s; only of a scalar", shape_text(y->shape));
    grad_from(y, NULL, x, n, dx);
}
