// Steps: loops, kernels with their prepared weights, copies to outputs and stores.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "nn/plan_internal.h"

foil_status plan_grow(void **at, int n, int *capacity, size_t size) {
    if (n < *capacity) return FOIL_OK;
    int more = *capacity ? 2 * *capacity : 64;
    void *new = realloc(*at, (size_t)more * size);
    if (!new) return foil_fail_memory((size_t)more * size, "the plan");
    *at = new;
    *capacity = more;
    return FOIL_OK;
}

// Values. --------------------------------------------------------------------------------------------------------------------------------------------------
foil_status plan_value(plan *p, const node *n, size_t bytes, int *out) {
    TRY(plan_grow((void **)&p->value, p->values, &p->value_capacity, sizeof *p->value));
    *out = p->values++;
    p->value[*out] = (value){.node = n, .bytes = bytes, .first = -1, .last = -1, .heir = -1, .takes = -1};
    return FOIL_OK;
}

static void fix_value(value *v) {
    const node *n = v->node;
    v->visible = v->pinned = n->op == &OP_INPUT;
    if (n->op == &OP_PARAM) {
        const param_params *q = n->params;
        assert(q->store->values || q->store->buffers); // store_allocate comes before plan_compile
        v->home = HOME_FIXED;
        v->fixed = store_data(q->store, (int)q->index);
    } else if (n->op == &OP_TABLE) {
        v->home = HOME_FIXED;
        v->fixed = (float *)(uintptr_t)((const table_params *)n->params)->values; // only read
    }
}

static bool read_in_later_phase(const compiler *c, int base, int phase) {
    for (int id = 0; id < c->n; id++) {
        const info *f = &c->info[id];
        if (f->rep != id || f->phase <= phase) continue;
        for (int i = 0; i < f->n_reads; i++)
            if (f->reads[i].node == base) return true;
    }
    return false;
}

// An output is computed right where it is wanted, if its memory is its own and nobody needs it after the phase.
static void direct_output(compiler *c, int phase, const plan_output *o) {
    plan *p = c->plan;
    int base = c->info[c->info[o->node->id].rep].base;
    value *v = &p->value[p->value_of[base]];
    v->visible = true;
    if (!o->to) v->pinned = true;
    if (!o->to || v->home == HOME_FIXED || v->pinned || v->node->type != F32 || c->info[base].phase != phase) return;
    if (read_in_later_phase(c, base, phase)) return;
    v->home = HOME_FIXED;
    v->fixed = o->to;
}

foil_status make_values(compiler *c) {
    plan *p = c->plan;
    p->value_of = arena_alloc(&p->memory, (size_t)c->n * sizeof *p->value_of);
    if (!p->value_of) return foil_fail_memory((size_t)c->n * sizeof *p->value_of, "the plan");
    for (int id = 0; id < c->n; id++) {
        const info *f = &c->info[id];
        p->value_of[id] = -1;
        if (f->rep != id || f->base != id || !f->stored) continue;
        const node *n = node_at(c, id);
        TRY(plan_value(p, n, (size_t)shape_count(n->shape) * dtype_size(n->type), &p->value_of[id]));
        p->value[p->value_of[id]].known = f->known;
        fix_value(&p->value[p->value_of[id]]);
    }
    for (int phase = 0; phase < c->n_phases; phase++) // what is wanted without `to` first: its memory must be the workspace's
        for (int pass = 0; pass < 2; pass++)
            for (int i = 0; i < c->phases[phase].n; i++) {
                const plan_output *o = &c->phases[phase].output[i];
                if (o->node->op != &OP_ASSIGN && !o->to == !pass) direct_output(c, phase, o);
            }
    for (int id = 0; id < c->n; id++) { // other nodes of the same memory
        const info *f = &c->info[id];
        if (f->rep >= 0 && p->value_of[id] < 0) p->value_of[id] = p->value_of[c->info[f->rep].base];
    }
    return FOIL_OK;
}

// Steps. -----------------------------------------------------------------------------------------------------------------------------------------------------
static foil_status add_step(plan *p, step s) {
    TRY(plan_grow((void **)&p->step, p->steps, &p->step_capacity, sizeof *p->step));
    s.phase = p->current_phase;
    p->step[p->steps++] = s;
    return FOIL_OK;
}

// Prepared weights. --------------------------------------------------------------------------------------------------------------------------------------
static foil_status new_copy(plan *p, int v, int *out) {
    TRY(plan_grow((void **)&p->prepared, p->copies, &p->copy_capacity, sizeof *p->prepared));
    *out = p->copies++; // from here on plan_free cleans up
    p->prepared[*out] = (prepared){.of = v, .copy = -1, .phase = -1};
    return FOIL_OK;
}

static foil_status new_reordered(plan *p, int v, const onednn_layout *wanted, int *out) {
    TRY(new_copy(p, v, out));
    prepared *copy = &p->prepared[*out];
    TRY(onednn_layout_clone(wanted, &copy->layout));
    TRY(onednn_layout_plain(wanted, p->value[v].node->type, &copy->from));
    TRY(onednn_reorder_create(copy->from, copy->layout, &copy->reorder));
    if (p->value[v].node->type == F32) TRY(pack_create(wanted, &copy->pack));
    size_t scratch = onednn_kernel_scratch(copy->reorder);
    if (scratch > p->scratch_bytes) p->scratch_bytes = scratch;
    return FOIL_OK;
}

static foil_status copy_value(plan *p, prepared *copy) {
    size_t bytes = copy->transform.run ? copy->transform.bytes : onednn_layout_bytes(copy->layout);
    return plan_value(p, p->value[copy->of].node, aligned(bytes), &copy->copy);
}

// The copy of a known weight is made once, by run_once, and lies apart.
static foil_status keep_copy(plan *p, prepared *copy) {
    if (copy->kept) return FOIL_OK;
    TRY(copy_value(p, copy));
    value *v = &p->value[copy->copy];
    v->home = HOME_FIXED;
    v->fixed = copy->kept = aligned_alloc(ALIGNMENT, v->bytes);
    return copy->kept ? FOIL_OK : foil_fail_memory(v->bytes, "prepared weights");
}

static foil_status reorder_step(plan *p, int at) {
    prepared *copy = &p->prepared[at];
    if (copy->phase == p->current_phase) return FOIL_OK;
    copy->phase = p->current_phase;
    TRY(copy_value(p, copy));
    step s = {.kind = STEP_REORDER, .n_in = 1, .out = copy->copy, .prepared = at, .node = p->value[copy->of].node, .name = "reorder"};
    s.bytes = 2.0 * (double)p->value[copy->copy].bytes;
    if (!(s.in = arena_alloc(&p->memory, sizeof *s.in))) return foil_fail_memory(sizeof *s.in, "the plan");
    *s.in = copy->of;
    return add_step(p, s);
}

static bool is_copy(const prepared *copy, int of, const onednn_layout *wanted) {
    return copy->of == of && !copy->transform.run && onednn_layout_equal(copy->layout, wanted);
}

// The step being made.
static step *step_of(kernel *k) {
    return (step *)((char *)k - offsetof(step, kernel));
}

foil_status plan_prepared_weight(plan *p, kernel *k, int i, const onednn_layout *wanted) {
    int v = p->value_of[k->node->in[i]->id], at = 0;
    while (at < p->copies && !is_copy(&p->prepared[at], v, wanted)) at++;
    if (at == p->copies) {
        onednn_layout *plain = NULL;
        TRY(onednn_layout_plain(wanted, p->value[v].node->type, &plain));
        bool same = onednn_layout_equal(plain, wanted);
        onednn_layout_free(plain);
        if (same) return FOIL_OK;
        TRY(new_reordered(p, v, wanted, &at));
    }
    TRY(plan_knows(p, k, i) ? keep_copy(p, &p->prepared[at]) : reorder_step(p, at));
    step_of(k)->in[i] = p->prepared[at].copy;
    return FOIL_OK;
}

bool plan_knows(const plan *p, const kernel *k, int i) {
    return p->value[p->value_of[k->node->in[i]->id]].known && p->current_phase != PHASE_ONCE;
}

foil_status plan_transformed_weight(plan *p, kernel *k, int i, plan_transform transform) {
    int at;
    TRY(new_copy(p, p->value_of[k->node->in[i]->id], &at));
    p->prepared[at].transform = transform;
    TRY(keep_copy(p, &p->prepared[at]));
    step_of(k)->in[i] = p->prepared[at].copy;
    return FOIL_OK;
}

// Kernels. ----------------------------------------------------------------------------------------------------------------------------------------------------
static foil_status kernel_step(compiler *c, int id) {
    plan *p = c->plan;
    const node *n = node_at(c, id);
    size_t ins = (size_t)n->n_in;
    step s = {.kind = STEP_KERNEL, .node = n, .name = n->op->name, .n_in = n->n_in, .out = p->value_of[id]};
    s.kernel.node = n;
    s.kernel.in = arena_alloc(&p->memory, ins * sizeof *s.kernel.in);
    s.in = arena_alloc(&p->memory, ins * sizeof *s.in);
    if (!s.kernel.in || !s.in) return foil_fail_memory(ins * sizeof *s.in, "the plan");
    s.bytes = (double)p->value[s.out].bytes;
    for (int i = 0; i < n->n_in; i++) {
        s.in[i] = p->value_of[n->in[i]->id];
        s.bytes += (double)p->value[s.in[i]].bytes;
    }
    s.flops = n->op->flops ? n->op->flops(n) : (double)shape_count(n->shape);
    if (n->op->prepare) {
        foil_status status = n->op->prepare(&s.kernel, p);
        if (status != FOIL_OK) {
            if (n->op->release) n->op->release(&s.kernel);
            return n->label ? foil_fail_within(status, "%s", n->label) : status;
        }
    }
    if (s.kernel.scratch_bytes > p->scratch_bytes) p->scratch_bytes = s.kernel.scratch_bytes;
    foil_status status = add_step(p, s);
    if (status != FOIL_OK && n->op->release) n->op->release(&s.kernel);
    return status;
}

static foil_status add_loop(plan *p, const step *s) {
    if (s->loop->scratch_bytes > p->scratch_bytes) p->scratch_bytes = s->loop->scratch_bytes;
    return add_step(p, *s);
}

static foil_status vertex_step(compiler *c, const vertex *v) {
    if (!v->loop) return kernel_step(c, v->first_root);
    step s = {0};
    TRY(build_loop(c, v, &s));
    return add_loop(c->plan, &s);
}

// At the end of a phase: outputs that are not computed in place, then the stores' new values.
static foil_status copy_step(compiler *c, int from, void *to) {
    if (c->plan->value[from].fixed == to) return FOIL_OK;
    step s = {0};
    TRY(build_copy(c, from, &s, to));
    return add_loop(c->plan, &s);
}

static foil_status end_phase(compiler *c, const plan_phase *phase) {
    const plan *p = c->plan;
    for (int i = 0; i < phase->n; i++) {
        const plan_output *o = &phase->output[i];
        if (o->to && o->node->op != &OP_ASSIGN) TRY(copy_step(c, p->value_of[o->node->id], o->to));
    }
    for (int i = 0; i < phase->n; i++) {
        const node *n = phase->output[i].node;
        if (n->op != &OP_ASSIGN) continue;
        const param_params *q = n->params;
        TRY(copy_step(c, p->value_of[n->in[0]->id], store_data(q->store, (int)q->index)));
    }
    return FOIL_OK;
}

foil_status make_steps(compiler *c) {
    plan *p = c->plan;
    p->phases = c->n_phases;
    p->phase_start = arena_alloc(&p->memory, (size_t)(p->phases + 1) * sizeof *p->phase_start);
    if (!p->phase_start) return foil_fail_memory(sizeof(int), "the plan");
    int at = 0;
    for (int phase = 0; phase < p->phases; phase++) {
        p->current_phase = phase;
        p->phase_start[phase] = p->steps;
        for (; at < c->vertices && c->vertex[c->order[at]].phase == phase; at++) TRY(vertex_step(c, &c->vertex[c->order[at]]));
        TRY(end_phase(c, &c->phases[phase]));
    }
    p->phase_start[p->phases] = p->steps;
    return FOIL_OK;
}
