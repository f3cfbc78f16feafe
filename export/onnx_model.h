// An ONNX model being put together (export/onnx.c says from what). Names and arrays live in the model's arena; failures of memory are
// kept and reported by onnx_write.
#ifndef FOIL_EXPORT_ONNX_MODEL_H
#define FOIL_EXPORT_ONNX_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "onnx.pb-c.h"

typedef Onnx__NodeProto onnx_node;

typedef struct onnx_model {
    arena memory;
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    onnx_node spare; // stands in for nodes when memory is out
    const char *label;
    int names;
    bool failed;
} onnx_model;

void onnx_model_init(onnx_model *m, const char *graph_name);
void onnx_model_free(onnx_model *m);
foil_status onnx_write(onnx_model *m, const char *path);

// A node with one output; `output` NULL = a new name. onnx_output_of gives it. `label` of the model goes into the node's name.
onnx_node *onnx_add(onnx_model *m, const char *type, const char *const *in, int n_in, const char *output);
const char *onnx_output_of(const onnx_node *n);
void onnx_int(onnx_model *m, onnx_node *n, const char *name, int64_t value);
void onnx_ints(onnx_model *m, onnx_node *n, const char *name, const int64_t *values, int count);
void onnx_float(onnx_model *m, onnx_node *n, const char *name, double value);
void onnx_text(onnx_model *m, onnx_node *n, const char *name, const char *value);

// Constants; `name` NULL = a new one. Values are copied. Gives the name.
const char *onnx_tensor_f32(onnx_model *m, const char *name, const int64_t *dims, int n, const float *values);
const char *onnx_tensor_i64(onnx_model *m, const int64_t *values, int count);
const char *onnx_scalar(onnx_model *m, double value);

enum { ONNX_BATCH = -1 }; // the dimension "N"
void onnx_graph_input(onnx_model *m, const char *name, const int64_t *dims, int n);
void onnx_graph_output(onnx_model *m, const char *name, const int64_t *dims, int n);
void onnx_metadata(onnx_model *m, const char *key, const char *value);

#endif
