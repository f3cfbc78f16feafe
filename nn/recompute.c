// Memory for time: a value that waits long for its next reader, and is cheap to compute, is dropped and computed again in front of that reader, for as long
// as it lowers the peak and takes little time. So the rectified, normalised and resampled pictures of a forward pass need not wait for the backward pass.
#include <string.h>

#include "nn/plan_internal.h"

static const size_t WORTH_FROM = (size_t)32 << 20; // bytes of a plan's activations
static const double SHARE = 0.002;                 // of a run's time, at most
static const double BALANCE = 5;                   // floating-point operations that take the time of one byte

// What it costs. ---------------------------------------------------------------------------------------------------------------------------------------------
static double cost(const step *s) {
    double arithmetic = s->flops / BALANCE;
    return arithmetic > s->bytes ? arithmetic : s->bytes;
}

static double cost_of_all(const plan *p) {
    double all = 0;
    for (int i = first_step(p); i < p->steps; i++) all += cost(&p->step[i]);
    return all;
}

// What may be computed again. -----------------------------------------------------------------------------------------------------------------------------
static int operands(const step *s) {
    return s->kind == STEP_LOOP ? s->loop->leaves : s->n_in;
}

static int operand(const step *s, int i) {
    return s->kind == STEP_LOOP ? s->loop->leaf[i].value : s->in[i];
}

static bool reads(const step *s, int v) {
    for (int i = 0; i < operands(s); i++)
        if (operand(s, i) == v) return true;
    return false;
}

static bool makes_only(const step *s, int v) {
    if (s->kind == STEP_LOOP) return s->loop->stores == 1 && !s->loop->reductions && s->loop->store[0].value == v;
    return s->out == v && (s->kind == STEP_REORDER || s->node->op->flags & OP_CHEAP);
}

// Whether a parameter holds at the end of phase `to` what it held in phase `from`.
static bool unchanged(const compiler *c, const param_params *q, int from, int to) {
    return from == to || (q->store == c->graph->steady && q->store->tensor[q->index].trainable); // state is assigned to at the end of a phase
}

// Whether an operand can still be read at a later step.
static bool lasts(const compiler *c, int v, int from, int to) {
    if (v < 0) return true; // a constant
    const value *x = &c->plan->value[v];
    if (x->home == HOME_ARENA || x->known || x->node->op == &OP_TABLE) return true;
    if (x->node->op == &OP_PARAM) return unchanged(c, x->node->params, from, to);
    return from == to;
}

static int next_reader(const plan *p, int v, int after) {
    for (int i = after + 1; i < p->steps && i <= p->value[v].last; i++)
        if (reads(&p->step[i], v)) return i;
    return -1;
}

typedef struct candidate {
    int value, reader; // computed again in front of this step
    double cost, score;
} candidate;

// How many bytes less are alive at the peak if `v` is computed again for `reader`.
static double saved(const plan *p, const step *s, int v, int peak) {
    double bytes = (double)p->value[v].bytes;
    for (int i = 0; i < operands(s); i++) {
        int x = operand(s, i);
        bool twice = false;
        for (int j = 0; j < i; j++) twice |= operand(s, j) == x;
        if (x >= 0 && !twice && p->value[x].home == HOME_ARENA && p->value[x].last < peak) bytes -= (double)p->value[x].bytes;
    }
    return bytes;
}

static candidate consider(const compiler *c, int v, int peak) {
    const plan *p = c->plan;
    const value *x = &p->value[v];
    const candidate none = {.value = -1};
    if (x->home != HOME_ARENA || x->pinned || x->visible || x->stays || x->first < first_step(p) || x->first >= peak || x->last <= peak) return none;
    const step *s = &p->step[x->first];
    if (!makes_only(s, v) || reads(&p->step[peak], v)) return none;
    candidate a = {.value = v, .reader = next_reader(p, v, peak), .cost = cost(s)};
    if (a.reader < 0) return none;
    for (int i = 0; i < operands(s); i++)
        if (!lasts(c, operand(s, i), s->phase, p->step[a.reader].phase)) return none;
    a.score = saved(p, s, v, peak) / a.cost;
    return a;
}

static candidate best_candidate(const compiler *c, int peak, double budget) {
    candidate best = {.value = -1};
    for (int v = 0; v < c->plan->values; v++) {
        candidate a = consider(c, v, peak);
        if (a.value >= 0 && a.score > best.score && a.cost <= budget) best = a;
    }
    return best;
}

// The step again. --------------------------------------------------------------------------------------------------------------------------------------------
static void *again(plan *p, const void *from, size_t bytes) {
    void *to = arena_alloc(&p->memory, bytes);
    return to ? memcpy(to, from, bytes) : NULL;
}

// With operands and results of its own; everything that is only read is shared.
static foil_status copy_of(plan *p, const step *s, int result, step *out) {
    *out = *s;
    out->again = true;
    out->flops = 0; // no progress
    out->out = result;
    bool room = true;
    if (s->kind == STEP_LOOP) {
        loop *l = out->loop = again(p, s->loop, sizeof *l);
        room = l && (l->leaf = again(p, l->leaf, (size_t)l->leaves * sizeof *l->leaf)) && (l->store = again(p, l->store, sizeof *l->store));
        if (room) l->store[0].value = result;
    } else {
        room = (out->in = again(p, s->in, (size_t)s->n_in * sizeof *s->in));
        if (s->kind == STEP_KERNEL) room &= (out->kernel.in = arena_alloc(&p->memory, (size_t)s->n_in * sizeof *s->kernel.in)) != NULL;
    }
    return room ? FOIL_OK : foil_fail_memory(sizeof(loop), "the plan");
}

static void rename_operand(plan *p, int from_step, int from, int to) {
    for (int at = from_step; at < p->steps; at++) {
        step *s = &p->step[at];
        for (int i = 0; i < operands(s); i++) {
            int *v = s->kind == STEP_LOOP ? &s->loop->leaf[i].value : &s->in[i];
            if (*v == from) *v = to;
        }
    }
}

static void move_phases(plan *p, int phase, int by) {
    for (int i = phase + 1; i <= p->phases; i++) p->phase_start[i] += by;
}

static foil_status insert(plan *p, const candidate *a) {
    step s;
    int result;
    TRY(plan_value(p, p->value[a->value].node, p->value[a->value].bytes, &result));
    TRY(copy_of(p, &p->step[p->value[a->value].first], result, &s));
    TRY(plan_grow((void **)&p->step, p->steps, &p->step_capacity, sizeof *p->step));
    s.phase = p->step[a->reader].phase;
    memmove(p->step + a->reader + 1, p->step + a->reader, (size_t)(p->steps - a->reader) * sizeof *p->step);
    p->step[a->reader] = s;
    p->steps++;
    move_phases(p, s.phase, 1);
    rename_operand(p, a->reader + 1, a->value, result);
    return FOIL_OK;
}

static void take_back(plan *p, const candidate *a) {
    rename_operand(p, a->reader + 1, --p->values, a->value);
    move_phases(p, p->step[a->reader].phase, -1);
    p->steps--;
    memmove(p->step + a->reader, p->step + a->reader + 1, (size_t)(p->steps - a->reader) * sizeof *p->step);
}

foil_status recompute(compiler *c) {
    plan *p = c->plan;
    int at, new_at;
    size_t peak, new_peak;
    TRY(memory_peak(c, &peak, &at));
    double budget = SHARE * cost_of_all(p);
    while (peak >= WORTH_FROM) {
        candidate a = best_candidate(c, at, budget);
        if (a.value < 0) break;
        TRY(insert(p, &a));
        TRY(memory_peak(c, &new_peak, &new_at));
        if (new_peak > peak || (new_peak == peak && new_at == at)) {
            take_back(p, &a);
            p->value[a.value].stays = true;
            TRY(memory_peak(c, &peak, &at));
        } else {
            budget -= a.cost;
            peak = new_peak;
            at = new_at;
        }
    }
    return FOIL_OK;
}
