// Where values lie: each is alive between two steps, and values that are never alive together may share memory.
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "nn/plan_internal.h"

// Liveness. ----------------------------------------------------------------------------------------------------------------------------------------------------
static void touch(plan *p, int v, int at) {
    if (v < 0) return;
    value *x = &p->value[v];
    if (x->first < 0) x->first = at;
    x->last = at;
}

static void touch_step(plan *p, int at) {
    const step *s = &p->step[at];
    if (s->kind != STEP_LOOP) {
        for (int i = 0; i < s->n_in; i++) touch(p, s->in[i], at);
        touch(p, s->out, at);
    } else {
        for (int i = 0; i < s->loop->leaves; i++) touch(p, s->loop->leaf[i].value, at);
        for (int i = 0; i < s->loop->stores; i++) touch(p, s->loop->store[i].value, at);
        for (int i = 0; i < s->loop->reductions; i++) touch(p, s->loop->reduction[i].value, at);
    }
}

static void find_lives(plan *p) {
    for (int i = 0; i < p->values; i++) {
        value *v = &p->value[i];
        v->first = v->last = v->heir = v->takes = -1;
    }
    for (int i = 0; i < p->steps; i++) touch_step(p, i);
    for (int i = 0; i < p->values; i++) {
        value *v = &p->value[i];
        if (!v->pinned) continue;
        v->first = v->node->op == &OP_INPUT ? 0 : v->first;
        v->last = p->steps;
    }
}

// In place. --------------------------------------------------------------------------------------------------------------------------------------------------
static bool may_inherit(const plan *p, int from, int to, int at) {
    const value *a = &p->value[from], *b = &p->value[to];
    return a->home == HOME_ARENA && b->home == HOME_ARENA && !a->pinned && a->heir < 0 && b->takes < 0 && a->last == at && b->first == at &&
           a->bytes == b->bytes;
}

static void inherit(plan *p, int from, int to) {
    p->value[from].heir = to;
    p->value[to].takes = from;
}

// When an element's block is written, every operation that reads the old one must be done.
static bool written_after_reads(const loop *l, int leaf_value, int result) {
    int written = -1, slot = -1;
    for (int k = 0; k < l->instructions; k++) {
        const loop_instruction *c = &l->instruction[k];
        if ((c->code == LOOP_CALL || c->code == LOOP_STORE) && c->index == result) written = k;
    }
    for (int k = 0; k < l->instructions; k++) {
        const loop_instruction *c = &l->instruction[k];
        if (c->code == LOOP_LOAD && l->leaf[c->index].value == leaf_value) {
            if (l->leaf[c->index].kind != LEAF_DENSE || k > written) return false;
            slot = c->slot;
        }
        for (int i = 0; i < c->n_in; i++)
            if (c->in[i] == slot && k > written) return false;
        if (c->code >= LOOP_STORE && c->slot == slot && k > written) return false;
    }
    return true;
}

static void loop_in_place(plan *p, const loop *l, int at) {
    for (int s = 0; s < l->stores; s++) {
        int to = l->store[s].value;
        if (to < 0) continue;
        for (int i = 0; i < l->leaves; i++) {
            int from = l->leaf[i].value;
            if (from < 0 || l->leaf[i].kind != LEAF_DENSE || !may_inherit(p, from, to, at)) continue;
            if (!written_after_reads(l, from, s)) continue;
            inherit(p, from, to);
            break;
        }
    }
}

static void kernel_in_place(plan *p, const step *s, int at) {
    const int over = s->kernel.over;
    if (!may_inherit(p, s->in[over], s->out, at)) return;
    bool again = false; // as another operand
    for (int i = 0; i < s->n_in; i++) again |= i != over && s->in[i] == s->in[over];
    if (!again) inherit(p, s->in[over], s->out);
}

static void find_in_place(plan *p) {
    for (int at = 0; at < p->steps; at++) {
        const step *s = &p->step[at];
        if (s->kind == STEP_LOOP) loop_in_place(p, s->loop, at);
        if (s->kind == STEP_KERNEL && (s->kernel.over || s->kernel.node->op->flags & OP_SAFE_IN_PLACE)) kernel_in_place(p, s, at);
    }
}

// Layout: the largest first, each at the lowest place that is free for as long as it lives. ----------------------------------------------------------
typedef struct piece { // a value with its heirs
    int value;
    int first, last;
    size_t bytes, offset;
} piece;

static int by_size(const void *a, const void *b) {
    const piece *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->value - y->value;
}

static int by_offset(const void *a, const void *b) {
    const piece *x = *(const piece *const *)a, *y = *(const piece *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static size_t lowest_place(const piece *piece_at, int n, const piece *q, const piece **scratch) {
    int rivals = 0;
    for (int i = 0; i < n; i++)
        if (piece_at[i].first <= q->last && q->first <= piece_at[i].last) scratch[rivals++] = &piece_at[i];
    qsort(scratch, (size_t)rivals, sizeof *scratch, by_offset);
    size_t at = 0;
    for (int i = 0; i < rivals; i++) {
        if (at + q->bytes <= scratch[i]->offset) break;
        size_t end = scratch[i]->offset + scratch[i]->bytes;
        if (end > at) at = end;
    }
    return at;
}

static int collect(const plan *p, piece *pieces) {
    int n = 0;
    for (int i = 0; i < p->values; i++) {
        const value *v = &p->value[i];
        if (v->home != HOME_ARENA || v->takes >= 0 || (v->last < 0 && !v->pinned)) continue;
        int heir = i;
        while (p->value[heir].heir >= 0) heir = p->value[heir].heir;
        pieces[n++] = (piece){.value = i, .first = v->first, .last = p->value[heir].last, .bytes = aligned(v->bytes)};
    }
    return n;
}

foil_status memory_peak(compiler *c, size_t *bytes, int *at) {
    plan *p = c->plan;
    piece *pieces = malloc((size_t)(p->values + 1) * sizeof *pieces);
    size_t *change = calloc((size_t)p->steps + 2, sizeof *change), alive = 0; // wraps around and back
    find_lives(p);
    find_in_place(p);
    *bytes = 0, *at = 0;
    for (int i = pieces && change ? collect(p, pieces) - 1 : -1; i >= 0; i--) {
        change[pieces[i].first < 0 ? 0 : pieces[i].first] += pieces[i].bytes;
        change[pieces[i].last + 1] -= pieces[i].bytes;
    }
    for (int i = 0; change && i < p->steps; i++) {
        alive += change[i];
        if (alive <= *bytes) continue;
        *bytes = alive;
        *at = i;
    }
    bool room = pieces && change;
    free(pieces);
    free(change);
    return room ? FOIL_OK : foil_fail_memory((size_t)p->values * sizeof *pieces, "the plan");
}

foil_status make_memory(compiler *c) {
    plan *p = c->plan;
    find_lives(p);
    find_in_place(p);
    piece *pieces = arena_alloc(&c->memory, (size_t)p->values * sizeof *pieces);
    const piece **scratch = arena_alloc(&c->memory, (size_t)p->values * sizeof *scratch);
    if (p->values && (!pieces || !scratch)) return foil_fail_memory((size_t)p->values * sizeof *pieces, "the plan");
    int n = collect(p, pieces);
    if (n) qsort(pieces, (size_t)n, sizeof *pieces, by_size);
    for (int i = 0; i < n; i++) {
        piece *q = &pieces[i];
        q->offset = lowest_place(pieces, i, q, scratch);
        if (q->offset + q->bytes > p->arena_bytes) p->arena_bytes = q->offset + q->bytes;
        for (int v = q->value; v >= 0; v = p->value[v].heir) p->value[v].offset = q->offset;
    }
    return FOIL_OK;
}
