// From a Foil graph to ONNX nodes: what is constant, where each value is, and in which order its axes lie.
//
// Foil's activations are NHWC, ONNX's NCHW. So a value remembers which of the node's axes each ONNX axis is; permutations then cost nothing, and a Transpose
// appears only where an operator insists on an order that the value does not have.
#ifndef FOIL_EXPORT_ONNX_GRAPH_H
#define FOIL_EXPORT_ONNX_GRAPH_H

#include "eval/calibrate.h"
#include "export/onnx_model.h"
#include "nn/graph.h"

typedef struct onnx_value {
    const char *name;      // NULL = not emitted
    int n;                 // axes, as many as the node's
    int64_t dim[MAX_DIMS]; // by the node's axes; 1 where the value still has to be repeated: element-wise operators do that themselves
    int axis[MAX_DIMS];    // ONNX axis i is the node's axis axis[i]
    int batch;             // the node's axis that is N
} onnx_value;

typedef struct onnx_graph {
    onnx_model *model;
    const graph *graph;
    int64_t batch;     // N while the graph was built; stands for any
    bool *constant;    // by node id: depends on parameters and constants alone
    bool *wanted;      // by node id: the output depends on it
    double **folded;   // by node id: values of constants that others need
    onnx_value *value; // by node id: of the others
} onnx_graph;

// Translates everything that `output` depends on; `input` is already in the model, as `value`.
foil_status onnx_translate(onnx_graph *x, const node *input, const onnx_value *value, const node *output);
void onnx_graph_free(onnx_graph *x); // not its model

extern const int ONNX_NCHW[MAX_DIMS], ONNX_SAME[MAX_DIMS];

// The name of a tensor that holds `n` with its axes in `order` and nothing left to repeat; constants become initializers.
foil_status onnx_operand(onnx_graph *x, const node *n, const int *order, const char **name);
// The same for element-wise operators: axes that repeat may have size 1, and dim[] is set to what is there.
foil_status onnx_operand_repeating(onnx_graph *x, const node *n, const int *order, const char **name, int64_t dim[MAX_DIMS]);
// The value of a node that is not constant, with nothing left to repeat.
foil_status onnx_whole(onnx_graph *x, const node *n, onnx_value *out);

// Records the result of `n`: complete, with axes in `order`, in the output of `made`. N is where the first operand that has it has it.
void onnx_result(onnx_graph *x, const node *n, const onnx_node *made, const int *order);

// One operator's translation; the table is in onnx_ops.c.
typedef foil_status (*onnx_translation)(onnx_graph *x, const node *n);
onnx_translation onnx_translation_of(const node *n); // or NULL
foil_status onnx_unsupported(const node *n, const char *why);

// onnx_score.c: the output `score` from the logits [N].
foil_status onnx_add_score(onnx_model *m, const char *logit, const calibration *c);

// onnx_movement.c, onnx_spatial.c
foil_status onnx_broadcast(onnx_graph *x, const node *n);
foil_status onnx_reshape(onnx_graph *x, const node *n);
foil_status onnx_permute(onnx_graph *x, const node *n);
foil_status onnx_slice(onnx_graph *x, const node *n);
foil_status onnx_place(onnx_graph *x, const node *n);
foil_status onnx_concat(onnx_graph *x, const node *n);
foil_status onnx_matmul(onnx_graph *x, const node *n);
foil_status onnx_reduce(onnx_graph *x, const node *n);
foil_status onnx_conv(onnx_graph *x, const node *n);
foil_status onnx_conv_data(onnx_graph *x, const node *n);
foil_status onnx_pool(onnx_graph *x, const node *n);
foil_status onnx_resize(onnx_graph *x, const node *n);

#endif
