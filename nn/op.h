// The table of an operator: one const struct per op, one file per family in nn/ops/.
#ifndef FOIL_NN_OP_H
#define FOIL_NN_OP_H

#include "nn/graph.h"

struct plan;

// An op in a plan: what it runs on. Made once by the plan; a run allocates nothing.
typedef struct kernel {
    const node *node;
    const void **in; // operands; where op->prepare asked for another layout (plan_prepared_weight), the reordered copy
    void *out;
    void *scratch; // `scratch_bytes` of memory shared by all kernels of the plan, 64-byte aligned; undefined at the start of each run
    size_t scratch_bytes;
    void *state;         // the op's own, from prepare
    double *squares;     // where a run may put the sum of the squares of its whole result, as plan_sum_squares says; NULL: nobody asks
    uint64_t seed, step; // of this run
    int over;            // set by prepare: the operand in whose memory the result would best lie; 0 = none (see OP_SAFE_IN_PLACE for the first)
} kernel;

typedef enum op_flags {
    OP_ELEMENTWISE = 1,   // out[i] depends on element i of each input only (same shapes): has `block`, may be fused and run in place
    OP_VIEW = 2,          // the output is the input's memory under another shape
    OP_LEAF = 4,          // no inputs: input, param, constant, table, random
    OP_CHEAP = 16,        // moves data: may be done again where keeping the result takes much memory
    OP_SAFE_IN_PLACE = 8, // not element-wise, but may write over its first input when the sizes are equal
} op_flags;

struct op {
    const char *name;
    int min_in, max_in; // arity
    unsigned flags;
    size_t params_size; // of a struct without padding: see graph_node

    // Sets n->shape and n->type from inputs and parameters, or fails saying which shapes it met and which it wanted.
    foil_status (*infer)(node *n);

    // The vector–Jacobian product: emits nodes, never fills buffers. `y` is the node, `gy` the gradient toward its output (of y's shape); sets gx[i], of the
    // shape of input i, for each input that has a derivative. gx arrives all NULL; a NULL left there is a derivative of zero by definition (a mask, an index).
    // Nodes that nobody ends up needing are dropped by the plan, so rules need not ask what is wanted. op->vjp = NULL: grad() refuses to pass through.
    void (*vjp)(node *y, node *gy, node **gx);

    // Element-wise ops: n elements, all f32, y may alias any x. Called on blocks that stay in the first-level cache.
    void (*block)(int n, float *y, const float *const *x, const void *params);

    // Everything else: prepare makes primitives and states scratch_bytes (may be NULL), run computes, release frees k->state (may be NULL).
    foil_status (*prepare)(kernel *k, struct plan *p);
    void (*run)(const kernel *k);
    void (*release)(kernel *k);

    // Plain C in f64, naive and obviously right: what tests and constant folding use. Element-wise ops get n elements in each.
    void (*reference)(const node *n, const double *const *in, double *out);

    // Multiply-adds count two; NULL = one per output element.
    double (*flops)(const node *n);

    // The implementation that prepare chose ("jit:avx512_core"), or NULL.
    const char *(*implementation)(const kernel *k);
};

#endif
