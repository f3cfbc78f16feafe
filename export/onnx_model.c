// protobuf-c's structs, made and grown in an arena.
#include "export/onnx_model.h"

#include <string.h>

#include "base/file.h"

enum { IR_VERSION = 8, OPSET = 17 };

static void *take(onnx_model *m, size_t bytes) {
    void *p = m->failed ? NULL : arena_alloc(&m->memory, bytes);
    if (!p) m->failed = true;
    return p;
}

static char *copy_text(onnx_model *m, const char *s) {
    char *copy = m->failed ? NULL : arena_text(&m->memory, s);
    if (!copy) m->failed = true;
    return copy;
}

static const char *new_name(onnx_model *m, const char *kind) {
    char *name = m->failed ? NULL : arena_format(&m->memory, "%s%d", kind, m->names++);
    if (!name) m->failed = true;
    return name ? name : "";
}

// Appends `item` to the repeated field whose array is at `field` (a T **, whatever T is: so it is copied as bytes), doubling the array at powers of two.
static void append(onnx_model *m, void *field, size_t *n, void *item) {
    if (m->failed) return;
    char *array;
    memcpy(&array, field, sizeof array);
    if ((*n & (*n - 1)) == 0) {
        char *larger = take(m, (*n ? 2 * *n : 1) * sizeof item);
        if (!larger) return;
        if (*n) memcpy(larger, array, *n * sizeof item);
        array = larger;
        memcpy(field, &array, sizeof array);
    }
    memcpy(array + *n * sizeof item, &item, sizeof item);
    ++*n;
}

void onnx_model_init(onnx_model *m, const char *graph_name) {
    *m = (onnx_model){.model = ONNX__MODEL_PROTO__INIT, .graph = ONNX__GRAPH_PROTO__INIT, .opset = ONNX__OPERATOR_SET_ID_PROTO__INIT};
    onnx__node_proto__init(&m->spare);
    m->opset.has_version = true;
    m->opset.version = OPSET;
    m->opset.domain = "";
    m->opsets[0] = &m->opset;
    m->model.has_ir_version = true;
    m->model.ir_version = IR_VERSION;
    m->model.n_opset_import = 1;
    m->model.opset_import = m->opsets;
    m->model.producer_name = "foil";
    m->model.producer_version = FOIL_VERSION;
    m->model.graph = &m->graph;
    m->graph.name = copy_text(m, graph_name);
}

void onnx_model_free(onnx_model *m) {
    arena_free(&m->memory);
}

foil_status onnx_write(onnx_model *m, const char *path) {
    if (m->failed) return foil_fail_memory(0, "an ONNX model");
    size_t n = onnx__model_proto__get_packed_size(&m->model);
    if (n >= (size_t)1 << 31) return foil_fail(FOIL_UNSUPPORTED, "%s: %.1f GB, but an ONNX file holds at most 2", path, (double)n / 1e9);
    uint8_t *bytes = take(m, n);
    if (!bytes) return foil_fail_memory(n, "an ONNX model");
    onnx__model_proto__pack(&m->model, bytes);
    return file_save(path, bytes, n);
}

// Nodes. ----------------------------------------------------------------------------------------------------------------------------------------

onnx_node *onnx_add(onnx_model *m, const char *type, const char *const *in, int n_in, const char *output) {
    onnx_node *n = take(m, sizeof *n);
    char **inputs = take(m, (size_t)n_in * sizeof *inputs), **outputs = take(m, sizeof *outputs);
    if (!n || !inputs || !outputs) return &m->spare;
    onnx__node_proto__init(n);
    n->op_type = copy_text(m, type);
    n->input = inputs;
    n->n_input = (size_t)n_in;
    for (int i = 0; i < n_in; i++) inputs[i] = copy_text(m, in[i] ? in[i] : "");
    n->output = outputs;
    n->n_output = 1;
    outputs[0] = copy_text(m, output ? output : new_name(m, "v"));
    n->name = m->failed ? NULL : arena_format(&m->memory, "%s %s", outputs[0], m->label ? m->label : "");
    if (!n->name) m->failed = true;
    append(m, &m->graph.node, &m->graph.n_node, n);
    return m->failed ? &m->spare : n;
}

const char *onnx_output_of(const onnx_node *n) {
    return n->n_output ? n->output[0] : "";
}

static Onnx__AttributeProto *add_attribute(onnx_model *m, onnx_node *n, const char *name, Onnx__AttributeProto__AttributeType type) {
    Onnx__AttributeProto *a = take(m, sizeof *a);
    if (!a) return NULL;
    onnx__attribute_proto__init(a);
    a->name = copy_text(m, name);
    a->has_type = true;
    a->type = type;
    append(m, &n->attribute, &n->n_attribute, a);
    return m->failed ? NULL : a;
}

void onnx_int(onnx_model *m, onnx_node *n, const char *name, int64_t value) {
    Onnx__AttributeProto *a = add_attribute(m, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (!a) return;
    a->has_i = true;
    a->i = value;
}

void onnx_ints(onnx_model *m, onnx_node *n, const char *name, const int64_t *values, int count) {
    Onnx__AttributeProto *a = add_attribute(m, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *copy = take(m, (size_t)count * sizeof *copy);
    if (!a || !copy) return;
    memcpy(copy, values, (size_t)count * sizeof *copy);
    a->ints = copy;
    a->n_ints = (size_t)count;
}

void onnx_float(onnx_model *m, onnx_node *n, const char *name, double value) {
    Onnx__AttributeProto *a = add_attribute(m, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (!a) return;
    a->has_f = true;
    a->f = (float)value;
}

void onnx_text(onnx_model *m, onnx_node *n, const char *name, const char *value) {
    Onnx__AttributeProto *a = add_attribute(m, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    char *copy = copy_text(m, value);
    if (!a || !copy) return;
    a->has_s = true;
    a->s = (ProtobufCBinaryData){.len = strlen(copy), .data = (uint8_t *)copy};
}

// Constants: raw little-endian bytes, as every other writer does. --------------------------------------------------------------------------------

static const char *add_tensor(onnx_model *m, const char *name, Onnx__TensorProto__DataType type, const int64_t *dims, int n, const void *values,
                              size_t bytes) {
    Onnx__TensorProto *t = take(m, sizeof *t);
    int64_t *d = take(m, (size_t)n * sizeof *d + 1);
    uint8_t *data = take(m, bytes + 1);
    if (!t || !d || !data) return "";
    onnx__tensor_proto__init(t);
    memcpy(data, values, bytes);
    if (n) memcpy(d, dims, (size_t)n * sizeof *d);
    t->name = copy_text(m, name ? name : new_name(m, "c"));
    t->dims = d;
    t->n_dims = (size_t)n;
    t->has_data_type = true;
    t->data_type = (int32_t)type;
    t->has_raw_data = true;
    t->raw_data = (ProtobufCBinaryData){.len = bytes, .data = data};
    append(m, &m->graph.initializer, &m->graph.n_initializer, t);
    return m->failed ? "" : t->name;
}

const char *onnx_tensor_f32(onnx_model *m, const char *name, const int64_t *dims, int n, const float *values) {
    size_t count = 1;
    for (int i = 0; i < n; i++) count *= (size_t)dims[i];
    return add_tensor(m, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, dims, n, values, count * sizeof *values);
}

const char *onnx_tensor_i64(onnx_model *m, const int64_t *values, int count) {
    return add_tensor(m, NULL, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, (int64_t[]){count}, 1, values, (size_t)count * sizeof *values);
}

const char *onnx_scalar(onnx_model *m, double value) {
    return onnx_tensor_f32(m, NULL, NULL, 0, &(float){(float)value});
}

// Interface. ------------------------------------------------------------------------------------------------------------------------------------

static Onnx__TensorShapeProto *tensor_shape(onnx_model *m, const int64_t *dims, int n) {
    Onnx__TensorShapeProto *s = take(m, sizeof *s);
    if (!s) return NULL;
    onnx__tensor_shape_proto__init(s);
    for (int i = 0; i < n; i++) {
        Onnx__TensorShapeProto__Dimension *d = take(m, sizeof *d);
        if (!d) return NULL;
        onnx__tensor_shape_proto__dimension__init(d);
        if (dims[i] == ONNX_BATCH) {
            d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            d->dim_param = "N";
        } else {
            d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            d->dim_value = dims[i];
        }
        append(m, &s->dim, &s->n_dim, d);
    }
    return s;
}

static Onnx__ValueInfoProto *value_info(onnx_model *m, const char *name, const int64_t *dims, int n) {
    Onnx__ValueInfoProto *v = take(m, sizeof *v);
    Onnx__TypeProto *type = take(m, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = take(m, sizeof *tensor);
    if (!v || !type || !tensor) return NULL;
    onnx__value_info_proto__init(v);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    tensor->has_elem_type = true;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = tensor_shape(m, dims, n);
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    v->name = copy_text(m, name);
    v->type = type;
    return v;
}

void onnx_graph_input(onnx_model *m, const char *name, const int64_t *dims, int n) {
    append(m, &m->graph.input, &m->graph.n_input, value_info(m, name, dims, n));
}

void onnx_graph_output(onnx_model *m, const char *name, const int64_t *dims, int n) {
    append(m, &m->graph.output, &m->graph.n_output, value_info(m, name, dims, n));
}

void onnx_metadata(onnx_model *m, const char *key, const char *value) {
    Onnx__StringStringEntryProto *entry = take(m, sizeof *entry);
    if (!entry) return;
    onnx__string_string_entry_proto__init(entry);
    entry->key = copy_text(m, key);
    entry->value = copy_text(m, value);
    append(m, &m->model.metadata_props, &m->model.n_metadata_props, entry);
}
