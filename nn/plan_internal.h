// How a plan is made, in the order of its files:
//
//   schedule.c   which nodes are needed, in which phase, which are the same; and the order of the steps
//   rewrite.c    a graph that is computed in the caller's stead, by the rules of
//     rewrite_resized.c  convolutions beside pooling or upsampling work at the coarser resolution
//     rewrite_frozen.c   convolutions with frozen weights take in what follows them
//   once.c       what is computed once, when the plan is compiled
//   fuse.c       which values get memory, and which of them are computed in one loop
//   loop_build.c a group of values -> a loop (loop.h)
//   loop_pairs.c two operations of it in one pass
//   plan_steps.c kernels, loops and copies as steps, with prepared weights
//   recompute.c  which values are rather computed again than kept
//   memory.c     where values lie
//   plan.c       compile, run, inspection
#ifndef FOIL_NN_PLAN_INTERNAL_H
#define FOIL_NN_PLAN_INTERNAL_H

#include "nn/dnnl.h"
#include "nn/loop.h"
#include "nn/ops/table.h"
#include "nn/pack.h"
#include "nn/plan.h"

// Memory of a node. -------------------------------------------------------------------------------------------------------------------------------------
typedef enum home { HOME_ARENA, HOME_FIXED } home; // in the workspace; elsewhere: a store, a table, an output's `to`
typedef struct value {
    const node *node;
    home home;
    void *fixed;
    size_t offset, bytes;
    int first, last; // steps between which it is alive
    bool pinned;     // input or output: keeps its memory to the end
    bool visible;    // plan_data may tell
    bool known;      // see info
    bool stays;      // computing it again does not help
    int heir;        // the value that takes its memory over in place, or -1
    int takes;       // the value whose memory it takes over, or -1
} value;

// A copy of a weight in the layout that kernels want. ------------------------------------------------------------------------------------------------
typedef struct prepared {
    int of;   // the weight's value
    int copy; // its own: one for each phase, from the step that makes it to the last one that reads it
    onednn_layout *from, *layout;
    onednn_kernel *reorder;
    pack *pack;               // instead of `reorder`, where it is faster
    void *kept;               // memory of its own, of a weight that is known: run_once fills it
    plan_transform transform; // instead of both, of a weight that is known; `run` may be NULL
    int phase;                // the last one that has a step for it
} prepared;

typedef enum step_kind { STEP_LOOP, STEP_KERNEL, STEP_REORDER } step_kind;
typedef struct step {
    step_kind kind;
    int phase;
    loop *loop;       // STEP_LOOP
    kernel kernel;    // STEP_KERNEL
    int n_in, *in;    // STEP_KERNEL, STEP_REORDER: its operands' values, or prepared copies of them
    int out;          // and its result's
    int prepared;     // STEP_REORDER: what it makes
    const node *node; // the last one that it computes
    const char *name;
    bool again; // a copy of an earlier step, whose kernel's state it shares
    double flops, bytes, start, seconds;
} step;

struct workspace {
    void *base;
    size_t bytes;
};

// Phases are counted from here on in a plan: the caller's first one is 1.
enum { PHASE_ONCE }; // when the plan is compiled

struct plan {
    arena memory;     // everything that lives as long as the plan, steps and prepared copies apart
    graph *graph;     // the caller's
    int nodes;        // of it, when compiled
    graph *rewritten; // what is computed in its stead, or NULL
    node **became;    // by id of the caller's node: the one that is computed, or NULL
    int *value_of;    // by node id: the value that holds it, or -1
    int values, value_capacity;
    value *value;
    int steps, step_capacity;
    step *step;
    int phases;       // PHASE_ONCE included
    int *phase_start; // phases + 1
    int copies, copy_capacity;
    prepared *prepared;
    int current_phase; // while compiling
    int threads;
    bool timed;
    workspace *workspace;
    bool own_workspace;
    const void *resolved; // the workspace's base that all pointers were set for
    size_t arena_bytes, scratch_bytes;
    void *kept; // values of PHASE_ONCE that later steps read
    size_t kept_bytes;
    void (*done)(void *context, int step); // the observer
    void *context;
};

// plan_compile, of a plan whose activations take no more than `most` bytes: else *out is NULL, and none of them were taken.
foil_status plan_compile_within(size_t most, graph *g, const plan_phase *phases, int n_phases, workspace *w, plan **out);

// Makes room for one more in an array from realloc.
foil_status plan_grow(void **at, int n, int *capacity, size_t size);
foil_status plan_value(plan *p, const node *n, size_t bytes, int *out); // a new one

// The first one that runs repeat.
static inline int first_step(const plan *p) {
    return p->phase_start[PHASE_ONCE + 1];
}

// While compiling. -----------------------------------------------------------------------------------------------------------------------------------------
typedef struct read { // of a value by a fused expression
    int node;
    bool dense;
} read;

typedef struct info { // of a node
    int rep;          // the node that stands for it: itself, or an equal one before it; -1 = not needed
    int base;         // of rep: where its elements are: itself, or past views
    bool known;       // depends on constants and frozen stores alone
    int phase;        // in which it is computed
    bool stored;      // has memory (leaves other than constants always)
    bool demanded;    // somebody needs the memory: kernels, outputs, other phases
    int uses;         // in fused expressions
    bool crosses;     // one of them belongs to a later phase
    int weight;       // operations and leaves of its expression
    int full[2];      // the values that its expression reads element by element; `fulls` may say more than there is room for
    int fulls;
    bool reads_params;
    int vertex;  // that computes it
    int n_reads; // of a root's expression
    read *reads;
    int stamp; // of walks
} info;

// A step to be: a kernel's node, or the roots of a loop.
typedef struct vertex {
    bool loop;
    int phase;
    int64_t count;
    int first_root, last_root; // chained by compiler.next_root
    int weight;
    int key; // the order of steps where it is free
    int stamp;
    bool done;
} vertex;

typedef struct compiler {
    plan *plan;
    graph *graph;
    plan_phase *phases; // the caller's, behind an empty one for PHASE_ONCE
    int n_phases;
    arena memory; // until plan_compile returns
    int n;
    info *info;
    int *next_root; // by node id, -1 at the end
    int vertices;
    vertex *vertex; // at most one per node
    int *order;     // vertices in the order of steps
    int stamp;
    struct loop_room *loop_room; // of loop_build.c
} compiler;

static inline const node *node_at(const compiler *c, int id) {
    return c->graph->nodes[id];
}
// Where operand i of a node that is its own representative lies.
static inline int operand_rep(const compiler *c, const node *n, int i) {
    return c->info[n->in[i]->id].rep;
}
static inline int operand_base(const compiler *c, const node *n, int i) {
    return c->info[operand_rep(c, n, i)].base;
}
bool node_is_elementwise(const node *n);
bool node_is_reduction(const node *n);
bool node_is_loop(const node *n);   // computed by loops
bool node_is_memory(const node *n); // input, param, table: memory that nobody computes

foil_status find_known(const graph *g, arena *memory, bool **known); // by node id
foil_status mark_known(compiler *c);                                 // known; and phase, of what is
foil_status schedule_mark(compiler *c);                              // rep, base, phase
foil_status fuse(compiler *c);                                       // stored, vertices
foil_status schedule_order(compiler *c);                             // order
foil_status make_values(compiler *c);
foil_status make_steps(compiler *c);
foil_status keep_known(compiler *c); // gives a place of their own to values of PHASE_ONCE that are read later
foil_status recompute(compiler *c);  // more steps, for less memory
foil_status make_memory(compiler *c);
void run_once(plan *p);

void resolve(plan *p); // sets all pointers
void run_step(plan *p, step *s, uint64_t seed, uint64_t now);
void *address(const plan *p, int value);
// By its transform, its pack or its reorder; `from`: the value, which may have been computed again elsewhere.
void fill_copy(plan *p, const prepared *copy, const void *from, void *to);

// The most bytes that are ever alive in the arena at a time, and at which step first.
foil_status memory_peak(compiler *c, size_t *bytes, int *at);

// The loop of a vertex; and one that copies value `from` as `type` to a fixed place.
foil_status build_loop(compiler *c, const vertex *v, step *s);
foil_status build_copy(compiler *c, int from, step *s, void *to);

#endif
