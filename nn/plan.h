// A plan: the wanted part of a graph, ordered, fused, laid out in one arena, ready to run without allocating.
//
// A plan has phases. Between two of them the caller may change the stores (an optimizer's step), and a later phase may use what an earlier one left: an
// adversarial step is one graph with two phases, and the generator's forward pass is shared between them.
// What depends on constants and frozen stores alone (store_freeze) is computed once, when the plan is compiled.
// Values stay what an earlier phase computed; parameters, and repeats and views of them, are read where they lie, with what they hold at that time.
//
//     plan_output d[] = {{loss_d, NULL}, {grad_d0, slab}, …}, g[] = {…};
//     TRY(plan_compile(graph, (plan_phase[]){{d, n_d}, {g, n_g}}, 2, workspace, &p));
//     plan_feed(p, image, pixels);
//     plan_run(p, 0, seed, step);  optimizer_step(…);  plan_run(p, 1, seed, step);
#ifndef FOIL_NN_PLAN_H
#define FOIL_NN_PLAN_H

#include "base/text.h"
#include "nn/graph.h"
#include "nn/op.h"

typedef struct plan plan;

// Memory for activations, shared by plans that never run at the same time: as large as the largest of them.
typedef struct workspace workspace;
workspace *workspace_new(void);
void workspace_free(workspace *w); // after the plans that use it
size_t workspace_bytes(const workspace *w);

typedef struct plan_output {
    node *node;
    float *to; // where the result is written, dense f32 (a slab of gradients); NULL = in the workspace, read it with plan_data until the next run
} plan_output;

typedef struct plan_phase {
    const plan_output *output;
    int n;
} plan_phase;

// Errors: the graph's first one; what oneDNN can't do; memory. `g` must stay alive and is not changed. NULL `w` = memory of its own. As a run does, it may
// overwrite what other plans left in the workspace.
foil_status plan_compile(graph *g, const plan_phase *phases, int n_phases, workspace *w, plan **out);
void plan_free(plan *p);

// Copies into an input: dense, of the input's type and shape. Valid until changed: inputs keep their memory between runs, unless
// another plan shares the workspace.
void plan_feed(plan *p, const node *input, const void *data);
// Where an input or an output lies, to write or read in place. NULL if the plan does not have it.
void *plan_data(plan *p, const node *n);

// The first phase may be run several times; a later one once after each run of the one before it, whose values it uses up.
void plan_run(plan *p, int phase, uint64_t seed, uint64_t step);

// From now on each step that a run has done is told, by its number (plan_step_at); NULL = no more.
void plan_observe(plan *p, void (*done)(void *context, int step), void *context);
// The step after which `to`, an output's, holds what was wanted; -1: no output has it.
int plan_writer(const plan *p, const float *to);
// From now on a run also puts at `squares`, which stays until the plan is freed, the sum of the squares of all that it writes to `to`, an output's, if that
// takes no pass of its own; else it leaves `squares` as it is. Squares are f32, to about 1e-6 of their sum, which is not finite if anything written is not,
// infinite where they are too large for f32, and too small where they vanish in it.
void plan_sum_squares(plan *p, const float *to, double *squares);

// For op->prepare: asks that operand i of `k` arrive reordered, once per phase, into a memory descriptor of dnnl.h; equal requests share one copy.
struct onednn_layout;
foil_status plan_prepared_weight(plan *p, kernel *k, int i, const struct onednn_layout *wanted);
// Whether operand i never changes (frozen weights).
bool plan_knows(const plan *p, const kernel *k, int i);
// For such an operand: that `bytes` arrive which `run` makes of it, when the plan is compiled.
typedef struct plan_transform {
    size_t bytes;
    void (*run)(const void *context, const void *from, void *to);
    const void *context;
} plan_transform;
foil_status plan_transformed_weight(plan *p, kernel *k, int i, plan_transform transform);

// What the plan will take: arena (activations), scratch, prepared weights and other values that are computed once, in bytes.
typedef struct plan_memory {
    size_t activations, scratch, weights;
} plan_memory;
plan_memory plan_memory_of(const plan *p);
double plan_flops(const plan *p);

// One step of the schedule, for profiles and tests. Fused groups are one step named after their ops: "mul+add+relu".
typedef struct plan_step {
    const char *name, *kind, *label,
        *implementation; // kind: the op, "loop", "reorder", "again"; implementation: oneDNN's name ("brgconv:avx512_core"), or "foil"
    shape shape;
    double flops, bytes;
    double start, seconds; // of the last run, if it was timed; start by base/clock.h
    int phase;
} plan_step;
int plan_steps(const plan *p);
plan_step plan_step_at(const plan *p, int i);
// From now on runs fill `start` and `seconds`.
void plan_time(plan *p);

#endif
