#include "nn/plan.h"

#include <assert.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "nn/rewrite.h"

// Workspaces. ------------------------------------------------------------------------------------------------------------------------------------------------
workspace *workspace_new(void) {
    return calloc(1, sizeof(workspace));
}

void workspace_free(workspace *w) {
    if (!w) return;
    if (w->base) munmap(w->base, w->bytes);
    free(w);
}

size_t workspace_bytes(const workspace *w) {
    return w->bytes;
}

static foil_status workspace_grow(workspace *w, size_t bytes) {
    const size_t page = (size_t)2 << 20; // of the large kind
    if (bytes <= w->bytes) return FOIL_OK;
    bytes = (bytes + page - 1) / page * page;
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return foil_fail_memory(bytes, "activations");
    madvise(base, bytes, MADV_HUGEPAGE); // a wish
    if (w->base) munmap(w->base, w->bytes);
    w->base = base;
    w->bytes = bytes;
    return FOIL_OK;
}

// The memory, but not its addresses. What is computed once may take many times what runs touch: copies of whole weights.
static void workspace_give_back(workspace *w) {
    madvise(w->base, w->bytes, MADV_DONTNEED);
}

// Compiling. --------------------------------------------------------------------------------------------------------------------------------------------------
// The caller's phases behind PHASE_ONCE.
static foil_status take_phases(compiler *c, const plan_phase *phases, int n_phases) {
    c->n_phases = n_phases + 1;
    c->phases = arena_alloc(&c->memory, (size_t)c->n_phases * sizeof *c->phases);
    if (!c->phases) return foil_fail_memory((size_t)c->n_phases * sizeof *c->phases, "the plan");
    c->phases[PHASE_ONCE] = (plan_phase){0};
    for (int i = 0; i < n_phases; i++) c->phases[i + 1] = phases[i];
    return FOIL_OK;
}

// What is computed: the caller's graph, or another that comes to the same.
static foil_status choose_graph(compiler *c) {
    plan *p = c->plan;
    p->became = arena_alloc(&p->memory, (size_t)p->nodes * sizeof(node *));
    if (!p->became) return foil_fail_memory((size_t)p->nodes * sizeof(node *), "the plan");
    memcpy(p->became, p->graph->nodes, (size_t)p->nodes * sizeof(node *));
    c->graph = p->graph;
    foil_status status = FOIL_OK;
    if (has_resized(c->graph)) status = rewrite(c, rewrite_resized);
    if (status == FOIL_OK && has_frozen(c->graph)) status = rewrite(c, rewrite_frozen);
    if (c->graph != p->graph) p->rewritten = c->graph;
    return status;
}

static foil_status compile(compiler *c, const plan_phase *phases, int n_phases) {
    TRY(take_phases(c, phases, n_phases));
    TRY(choose_graph(c));
    c->n = c->graph->n;
    c->info = arena_alloc(&c->memory, (size_t)c->n * sizeof *c->info);
    if (!c->info) return foil_fail_memory((size_t)c->n * sizeof *c->info, "the plan");
    TRY(schedule_mark(c));
    TRY(fuse(c));
    TRY(schedule_order(c));
    TRY(make_values(c));
    TRY(make_steps(c));
    TRY(keep_known(c));
    TRY(recompute(c));
    return make_memory(c);
}

foil_status plan_compile(graph *g, const plan_phase *phases, int n_phases, workspace *w, plan **out) {
    return plan_compile_within(SIZE_MAX, g, phases, n_phases, w, out);
}

foil_status plan_compile_within(size_t most, graph *g, const plan_phase *phases, int n_phases, workspace *w, plan **out) {
    *out = NULL;
    TRY(graph_status(g));
    plan *p = calloc(1, sizeof *p);
    if (!p) return foil_fail_memory(sizeof *p, "a plan");
    p->graph = g;
    p->nodes = g->n;
    p->threads = omp_get_max_threads();
    p->own_workspace = !w;
    p->workspace = w ? w : workspace_new();
    compiler c = {.plan = p};
    foil_status status = p->workspace ? compile(&c, phases, n_phases) : foil_fail_memory(sizeof *w, "a workspace");
    arena_free(&c.memory);
    const bool taken = status == FOIL_OK && p->arena_bytes <= most;
    if (taken) status = workspace_grow(p->workspace, p->arena_bytes + p->scratch_bytes);
    if (taken && status == FOIL_OK) {
        run_once(p);
        workspace_give_back(p->workspace);
        *out = p;
    } else {
        plan_free(p);
    }
    return status;
}

void plan_free(plan *p) {
    if (!p) return;
    for (int i = 0; i < p->steps; i++) {
        step *s = &p->step[i];
        if (s->kind == STEP_KERNEL && s->node->op->release && !s->again) s->node->op->release(&s->kernel);
    }
    for (int i = 0; i < p->copies; i++) {
        onednn_kernel_free(p->prepared[i].reorder);
        pack_free(p->prepared[i].pack);
        onednn_layout_free(p->prepared[i].from);
        onednn_layout_free(p->prepared[i].layout);
        free(p->prepared[i].kept);
    }
    free(p->prepared);
    free(p->value);
    free(p->kept);
    free(p->step);
    if (p->own_workspace) workspace_free(p->workspace);
    graph_free(p->rewritten);
    arena_free(&p->memory);
    free(p);
}

// Pointers. ----------------------------------------------------------------------------------------------------------------------------------------------------
void *address(const plan *p, int v) {
    const value *x = &p->value[v];
    return x->home == HOME_FIXED ? x->fixed : (char *)p->workspace->base + x->offset;
}

static void resolve_step(plan *p, step *s, void *scratch) {
    if (s->kind == STEP_KERNEL) {
        kernel *k = &s->kernel;
        for (int i = 0; i < k->node->n_in; i++) k->in[i] = address(p, s->in[i]);
        k->out = address(p, s->out);
        k->scratch = scratch;
    } else if (s->kind == STEP_LOOP) {
        loop *l = s->loop;
        for (int i = 0; i < l->leaves; i++)
            if (l->leaf[i].value >= 0) l->leaf[i].data = address(p, l->leaf[i].value);
        for (int i = 0; i < l->stores; i++)
            if (l->store[i].value >= 0) l->store[i].data = address(p, l->store[i].value);
        for (int i = 0; i < l->reductions; i++) l->reduction[i].data = address(p, l->reduction[i].value);
    }
}

static void *scratch_of(const plan *p) {
    return (char *)p->workspace->base + p->arena_bytes;
}

// The workspace may have moved since, growing for another plan.
void resolve(plan *p) {
    if (p->resolved && p->resolved == p->workspace->base) return;
    for (int i = 0; i < p->steps; i++) resolve_step(p, &p->step[i], scratch_of(p));
    p->resolved = p->workspace->base;
}

void *plan_data(plan *p, const node *n) {
    if (n->graph != p->graph || n->id >= p->nodes) return NULL;
    n = p->became[n->id];
    if (!n || p->value_of[n->id] < 0) return NULL;
    int v = p->value_of[n->id];
    return p->value[v].visible ? address(p, v) : NULL;
}

void plan_feed(plan *p, const node *input, const void *data) {
    assert(input->op == &OP_INPUT);
    void *to = plan_data(p, input);
    if (to) memcpy(to, data, (size_t)shape_count(input->shape) * dtype_size(input->type)); // else nothing in the plan depends on it
}

// Running. ------------------------------------------------------------------------------------------------------------------------------------------------------
void fill_copy(plan *p, const prepared *copy, const void *from, void *to) {
    if (copy->transform.run)
        copy->transform.run(copy->transform.context, from, to);
    else if (copy->pack)
        pack_run(copy->pack, from, to);
    else
        onednn_run(copy->reorder, from, NULL, to, scratch_of(p));
}

void run_step(plan *p, step *s, uint64_t seed, uint64_t now) {
    if (s->kind == STEP_LOOP) {
        loop_run(s->loop, scratch_of(p));
    } else if (s->kind == STEP_KERNEL) {
        s->kernel.seed = seed;
        s->kernel.step = now;
        s->node->op->run(&s->kernel);
    } else {
        fill_copy(p, &p->prepared[s->prepared], address(p, s->in[0]), address(p, s->out));
    }
}

static void run_step_timed(plan *p, step *s, uint64_t seed, uint64_t now) {
    s->start = clock_now();
    run_step(p, s, seed, now);
    s->seconds = clock_now() - s->start;
}

void plan_run(plan *p, int phase, uint64_t seed, uint64_t now) {
    assert(phase >= 0 && phase + 1 < p->phases);
    resolve(p);
    for (int i = p->phase_start[phase + 1]; i < p->phase_start[phase + 2]; i++) {
        (p->timed ? run_step_timed : run_step)(p, &p->step[i], seed, now);
        if (p->done) p->done(p->context, i - first_step(p));
    }
}

void plan_observe(plan *p, void (*done)(void *context, int step), void *context) {
    p->done = done;
    p->context = context;
}

void plan_time(plan *p) {
    p->timed = true;
}

// Inspection. ------------------------------------------------------------------------------------------------------------------------------------------------
plan_memory plan_memory_of(const plan *p) {
    plan_memory m = {.activations = p->arena_bytes, .scratch = p->scratch_bytes, .weights = p->kept_bytes};
    for (int i = 0; i < p->copies; i++)
        if (p->prepared[i].kept) m.weights += p->value[p->prepared[i].copy].bytes;
    return m;
}

double plan_flops(const plan *p) {
    double flops = 0;
    for (int i = first_step(p); i < p->steps; i++) flops += p->step[i].flops;
    return flops;
}

static bool is_at(const plan *p, int v, const float *to) {
    return v >= 0 && p->value[v].home == HOME_FIXED && p->value[v].fixed == to;
}

static bool writes(const plan *p, const step *s, const float *to) {
    if (s->kind == STEP_KERNEL) return is_at(p, s->out, to);
    bool found = false;
    for (int i = 0; s->kind == STEP_LOOP && i < s->loop->stores; i++)
        found |= is_at(p, s->loop->store[i].value, to) || (s->loop->store[i].value < 0 && s->loop->store[i].data == to);
    for (int i = 0; s->kind == STEP_LOOP && i < s->loop->reductions; i++) found |= is_at(p, s->loop->reduction[i].value, to);
    return found;
}

int plan_writer(const plan *p, const float *to) {
    int last = p->steps - 1;
    while (last >= first_step(p) && !writes(p, &p->step[last], to)) last--;
    return last - first_step(p);
}

void plan_sum_squares(plan *p, const float *to, double *squares) {
    const int i = first_step(p) + plan_writer(p, to);
    if (i >= first_step(p) && p->step[i].kind == STEP_KERNEL) p->step[i].kernel.squares = squares;
}

int plan_steps(const plan *p) {
    return p->steps - first_step(p);
}

plan_step plan_step_at(const plan *p, int i) {
    const step *s = &p->step[first_step(p) + i];
    const char *implementation = "foil", *kind[] = {[STEP_LOOP] = "loop", [STEP_KERNEL] = s->name, [STEP_REORDER] = "reorder"};
    if (s->kind == STEP_REORDER && !p->prepared[s->prepared].pack) implementation = onednn_kernel_implementation(p->prepared[s->prepared].reorder);
    if (s->kind == STEP_KERNEL && s->node->op->implementation) {
        const char *chosen = s->node->op->implementation(&s->kernel);
        if (chosen) implementation = chosen;
    }
    return (plan_step){.name = s->name,
                       .kind = s->again ? "again" : kind[s->kind],
                       .label = s->node->label,
                       .implementation = implementation,
                       .shape = s->node->shape,
                       .flops = s->flops,
                       .bytes = s->bytes,
                       .start = s->start,
                       .seconds = s->seconds,
                       .phase = s->phase - 1};
}
