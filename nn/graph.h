// A graph is data: building it only records nodes.
//
// A node is one operation with inputs, parameters and an inferred shape; it has one output. Nothing is computed until a plan (plan.h) is made of
// the nodes that somebody wants. Gradients are more nodes (grad.h).
//
//     graph *g = graph_new(F32);
//     node *x = graph_input(g, "image", SHAPE(64, 32, 32, 3), U8);
//     node *y = nn_relu(nn_conv(x, w, (conv_params){.stride = {2, 2}, .pad = {1, 1, 1, 1}}));
//
// Errors are sticky: the first one is kept in the graph, with the label in force at that time (a layer's name and its line in the network file), and
// every later call returns a harmless node. So builders chain unchecked, and graph_status (or plan_compile) reports.
#ifndef FOIL_NN_GRAPH_H
#define FOIL_NN_GRAPH_H

#include "base/arena.h"
#include "base/status.h"
#include "nn/store.h"
#include "nn/tensor.h"

typedef struct graph graph;
typedef struct node node;
typedef struct op op;

// How convolutions are computed: by their definition, beside pooling and upsampling at the coarser resolution (nn/rewrite_resized.c); or where that pays with
// fewer multiplications and larger rounding errors (nn/ops/winograd.h); or by oneDNN's kernels alone, as the graph says, which all else is held against.
typedef enum conv_algorithm { CONV_DIRECT, CONV_FAST, CONV_PLAIN } conv_algorithm;

struct node {
    const op *op;
    graph *graph;
    int id; // position in graph->nodes: inputs have smaller ids
    int n_in;
    node **in;
    shape shape;
    dtype type;
    const void *params; // the op's own struct, or NULL
    const char *label;  // where it came from, for errors and profiles; may be NULL
};

// Which of the equal parts of a batch a graph works on, when several ranks share one. Zeros: all of it.
typedef struct graph_part {
    int self, of;
    int64_t rows; // samples in a part. A node of twice as many holds parts of two batches, one after another
} graph_part;

struct graph {
    arena memory; // everything below, and the nodes
    node **nodes;
    int n, capacity;
    dtype compute;              // F32 or BF16: the type that convolutions and products give (their sums are always f32)
    conv_algorithm convolution; // CONV_DIRECT; set it before plans are made
    const char *label;          // given to new nodes
    graph_part part;            // set before building
    bool synchronised;          // batch statistics are those of all ranks' parts
    const store *steady;        // whose values do not change between the phases of a plan (plan.h); NULL = none
    foil_status status;
    char *message;
};

// NULL when out of memory. The stores that parameters refer to must outlive the graph's plans.
graph *graph_new(dtype compute);
void graph_free(graph *g);

// The first error, also as this thread's message.
foil_status graph_status(const graph *g);
// Keeps an error unless there is one already, and returns a poison node, so that an op's builder can end with it.
node *graph_fail(graph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
node *graph_fail_memory(graph *g, const char *what, ...) __attribute__((format(printf, 2, 3))); // FOIL_MEMORY, "out of memory for what"
bool graph_is_poison(const node *n);

// The one way to make a node: checks arity, copies `params` (params_size of the op), infers shape and type. A poison input gives poison. A node that exists
// already (same op, inputs and bytes of `params`, a struct without padding) is given again. Readers of parameters are always new: a
// later phase of a plan may find other values there.
node *graph_node(graph *g, const op *op, node *const *in, int n_in, const void *params);

// Leaves. ---------------------------------------------------------------------------------------------------------------------------------------

// Fed before each run by plan_feed.
node *graph_input(graph *g, const char *name, shape s, dtype type);
// A tensor of a store, by index; read where it lies (f32), never copied. The same (store, index) gives the same node.
node *graph_param(graph *g, store *s, int index);
// Every element is `value`; free inside element-wise work. f32.
node *graph_constant(graph *g, shape s, double value);
bool graph_is_constant(const node *n, double value);
// A small table known now, f32; copied.
node *graph_table(graph *g, shape s, const float *values);
// Random numbers, new in each run: element i of the node is drawn at (seed and step given to plan_run, STREAM_GRAPH with `stream` above it, i), counting
// elements over all parts of a batch.
node *graph_uniform(graph *g, shape s, uint32_t stream); // [0,1), f32
node *graph_normal(graph *g, shape s, uint32_t stream);  // f32

// Writes `value` into a store's tensor (f32, same shape) at the end of the run's phase, after every reader. Ask the plan for it like for an output.
node *graph_assign(graph *g, store *s, int index, node *value);

#endif
