// The ops that others recognise by address, and their parameters: for the planner, the gradient, the reference and the exporters.
//
// Element-wise ops (flag OP_ELEMENTWISE) need no line here: all are alike, operands have the shape of the result, `block` computes them.
#ifndef FOIL_NN_OPS_TABLE_H
#define FOIL_NN_OPS_TABLE_H

#include "nn/op.h"
#include "nn/ops.h"

// What an error returns; never part of a plan.
extern const op OP_POISON;

// Leaves (leaf.c). INPUT, PARAM, CONSTANT and TABLE have no `run`: the plan knows where their values lie. UNIFORM and NORMAL have one. --------------------
extern const op OP_INPUT, OP_PARAM, OP_CONSTANT, OP_TABLE, OP_UNIFORM, OP_NORMAL;
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded" // graph_node compares parameters by their bytes, and those of padding are anything
typedef struct input_params {
    shape shape;
    int64_t type; // a dtype
    const char *name;
} input_params;
typedef struct param_params { // of OP_PARAM and OP_ASSIGN
    store *store;
    int64_t index;
} param_params;
typedef struct constant_params {
    shape shape;
    int64_t type; // a dtype
    double value;
} constant_params;
typedef struct table_params {
    shape shape;
    const float *values; // lives as long as the graph
} table_params;
typedef struct random_params {
    shape shape;
    int64_t stream;      // the key's stream is STREAM_GRAPH | stream << 8
    int64_t part, parts; // of a batch
    int64_t batches;     // that it holds one part of each
} random_params;

// in[0] (f32, the tensor's shape) goes into the store at the end of the phase. No `run`: the plan copies.
extern const op OP_ASSIGN;

// in[0] aligned at the last axis, its missing and 1-sized axes repeated; type unchanged. No `run`: part of the plan's loops.
extern const op OP_BROADCAST;
typedef struct broadcast_params {
    shape shape;
} broadcast_params;
// Strides in elements of a tensor of shape `in`, seen under shape `out` (n of `out` axes; 0 where it repeats).
void broadcast_strides(shape in, shape out, int64_t stride[MAX_DIMS]);

// Reductions (reduce.c): f32 results. Reduced axes stay with size 1 (a reshape follows where they shall vanish). No `run`: part of the plan's loops.
extern const op OP_SUM, OP_MAX_OVER;
typedef struct reduce_params {
    axes axes;
} reduce_params;

// Views: the same elements in the same order. nn_stop_gradient is OP_STOP_GRADIENT, flag OP_VIEW too.
extern const op OP_RESHAPE, OP_STOP_GRADIENT;
typedef struct reshape_params {
    shape shape;
} reshape_params;

// Copies (movement.c, gather.c): have `run`.
extern const op OP_PERMUTE, OP_SLICE, OP_PLACE, OP_CONCAT, OP_GATHER, OP_SCATTER_ADD;
typedef struct permute_params {
    int order[MAX_DIMS];
} permute_params;
typedef struct slice_params { // slice: out[i] = in[start + i · step]; place, its adjoint: out[start + i · step] = in[i], zeros elsewhere
    shape shape;              // of the output
    int64_t start[MAX_DIMS], step[MAX_DIMS];
} slice_params;
typedef struct concat_params {
    int axis;
} concat_params;
typedef struct gather_params { // of OP_GATHER and OP_SCATTER_ADD
    int64_t axis;
    int64_t size; // of the output's axis; OP_SCATTER_ADD only
} gather_params;

// Element-wise ones that are worth recognising: a change of type (its block copies), x · scale + shift, arithmetic, rectifiers.
extern const op OP_CAST, OP_AFFINE, OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_RELU, OP_LEAKY_RELU, OP_RECTIFY;
typedef struct cast_params {
    dtype type;
} cast_params;
typedef struct affine_params {
    double scale, shift;
} affine_params;
// Parameters of those that are known by name alone: "clip"; "leaky_relu"; "elu" (SELU is one too).
typedef struct clip_params {
    double low, high;
} clip_params;
typedef struct slope_params {
    double slope;
} slope_params;
typedef struct elu_params {
    double alpha, scale; // scale · (x > 0 ? x : alpha (e^x - 1))
} elu_params;

// Products (matmul.c, conv.c). A convolution op takes two of x, w, y and gives the third (see conv.c).
extern const op OP_MATMUL, OP_CONV, OP_CONV_DATA, OP_CONV_WEIGHTS;
typedef struct matmul_params {
    int ta, tb; // 0 or 1
} matmul_params;
typedef struct conv_family_params {
    conv_params conv;
    int64_t size[2]; // rows, columns of the output: the picture of OP_CONV_DATA, the filter of OP_CONV_WEIGHTS; 0 for OP_CONV
    double flops;    // of what it does the work of (rewrite_resized.c); 0 = its own
} conv_family_params;

// What a plan makes of a convolution and what follows it (rewrite_frozen.c): rectify(conv(x, w) + bias + residual) · scale + shift: vectors f32 [O], the
// residual like the result.
extern const op OP_CONV_POST;
typedef struct conv_post_params {
    conv_family_params family;
    int64_t bias, residual, scale, shift; // numbers of operands; 0 = none
    int64_t rectifies;
    double slope;
} conv_post_params;
// Whether a convolution of this node's shapes is computed in a way that can take these in.
bool conv_takes_post(const node *n);
bool conv_takes_affine(const node *n);   // scale and shift
bool conv_takes_residual(const node *n); // and adds faster than a loop, if its weights never change

// Pooling (pool.c): params pool_params. Max pooling and its partials: DATA takes x and a gradient, GATHER takes x and values of x's shape and gives those at
// the places where x is largest. AVERAGE_POOL_DATA is the average's adjoint.
extern const op OP_MAX_POOL, OP_MAX_POOL_DATA, OP_MAX_POOL_GATHER, OP_AVERAGE_POOL, OP_AVERAGE_POOL_DATA;
typedef struct average_data_params {
    pool_params pool;
    int64_t height, width; // of the output
} average_data_params;
node *average_pool_adjoint(node *g, pool_params p, int64_t height, int64_t width);

// Resampling (resample.c): a linear map along rows and columns, and its adjoint, back to the size it came from.
extern const op OP_RESIZE, OP_RESIZE_ADJOINT;
typedef enum sample_kind {
    SAMPLE_NEAREST,
    SAMPLE_BILINEAR,
    SAMPLE_EXTENDED, // by one pixel on each side, which repeats its neighbour
    SAMPLE_BLENDED,  // from 2n + 5 to 2n: see resample.c
    SAMPLE_MIRRORED, // of the same size, turned by half a turn
} sample_kind;
typedef struct resize_params {
    int64_t height, width; // of the output
    int64_t kind;
} resize_params;
#pragma GCC diagnostic pop
node *resize_node(const op *op, node *x, int64_t height, int64_t width, sample_kind kind);

// For other op files: what element-wise builders do before making a node. Operands are broadcast to their common shape (a constant is remade, not
// repeated); an op on repeated values is done before they are repeated.
node *elementwise_node(const op *kind, node *const *in, int n_in, const void *params);
// infer of every element-wise op: equal shapes; bf16 if an operand that does not repeat and is no constant is bf16, else f32.
foil_status elementwise_infer(node *n);
// Mean and biased variance over axes that stay with size 1.
batch_stats moments(node *x, axes a);
// A constant that lies in memory as f32 or bf16, where it must: element-wise ops give their result the type of the others.
node *constant_of_type(graph *g, shape s, dtype type, double value);
// If `n` is a constant, its value.
bool constant_value(const node *n, double *value);

#endif
