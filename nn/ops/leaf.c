// Nodes without inputs, and assign, their counterpart at the end of a step.
#include <assert.h>
#include <string.h>

#include "base/philox.h"
#include "nn/ops/table.h"

static foil_status infer_poison(node *n) {
    (void)n;
    assert(!"a poison node is never made");
    return FOIL_INVALID;
}
const op OP_POISON = {.name = "poison", .flags = OP_LEAF, .infer = infer_poison};

static foil_status check_shape(const node *n, shape s) {
    for (int i = 0; i < s.n; i++)
        if (s.d[i] < 1) return foil_fail(FOIL_INVALID, "%s: shape %s has an axis without elements", n->op->name, shape_text(s));
    return FOIL_OK;
}

// Input. ------------------------------------------------------------------------------------------------------------------------------------------

static foil_status infer_input(node *n) {
    const input_params *p = n->params;
    n->shape = p->shape;
    n->type = (dtype)p->type;
    return check_shape(n, p->shape);
}
const op OP_INPUT = {.name = "input", .flags = OP_LEAF, .params_size = sizeof(input_params), .infer = infer_input};

node *graph_input(graph *g, const char *name, shape s, dtype type) {
    const char *copy = arena_text(&g->memory, name); // a new address: inputs are never merged
    return copy ? graph_node(g, &OP_INPUT, NULL, 0, &(input_params){s, type, copy}) : graph_fail_memory(g, "input %s", name);
}

// Parameter and assignment. -------------------------------------------------------------------------------------------------------------------------

static const store_tensor *tensor_of(const node *n) {
    const param_params *p = n->params;
    assert(p->index >= 0 && p->index < p->store->n);
    return &p->store->tensor[p->index];
}

static foil_status infer_param(node *n) {
    n->shape = tensor_of(n)->shape;
    return FOIL_OK;
}
const op OP_PARAM = {.name = "param", .flags = OP_LEAF, .params_size = sizeof(param_params), .infer = infer_param};

node *graph_param(graph *g, store *s, int index) {
    for (int i = 0; i < g->n; i++) {
        const param_params *p = g->nodes[i]->params;
        if (g->nodes[i]->op == &OP_PARAM && p->store == s && p->index == index) return g->nodes[i];
    }
    return graph_node(g, &OP_PARAM, NULL, 0, &(param_params){s, index});
}

static foil_status infer_assign(node *n) {
    n->shape = n->in[0]->shape;
    const store_tensor *t = tensor_of(n);
    if (!shape_equal(n->shape, t->shape))
        return foil_fail(FOIL_INVALID, "assign: %s has shape %s, the value %s", t->name, shape_text(t->shape), shape_text(n->shape));
    return FOIL_OK;
}
static void reference_assign(const node *n, const double *const *in, double *out) {
    memcpy(out, in[0], (size_t)shape_count(n->shape) * sizeof *out);
}
const op OP_ASSIGN = {
    .name = "assign", .min_in = 1, .max_in = 1, .params_size = sizeof(param_params), .infer = infer_assign, .reference = reference_assign};

node *graph_assign(graph *g, store *s, int index, node *value) {
    if (graph_is_poison(value)) return value;
    value = nn_cast(value, F32);
    return graph_node(g, &OP_ASSIGN, &value, 1, &(param_params){s, index});
}

// Known values. ---------------------------------------------------------------------------------------------------------------------------------------

static foil_status infer_constant(node *n) {
    const constant_params *p = n->params;
    n->shape = p->shape;
    n->type = (dtype)p->type;
    if (n->type != F32 && n->type != BF16) return foil_fail(FOIL_INVALID, "constant: of type %s; only f32 and bf16", dtype_name(n->type));
    return check_shape(n, n->shape);
}
static void reference_constant(const node *n, const double *const *in, double *out) {
    (void)in;
    for (int64_t i = 0, count = shape_count(n->shape); i < count; i++) out[i] = ((const constant_params *)n->params)->value;
}
const op OP_CONSTANT = {
    .name = "constant", .flags = OP_LEAF, .params_size = sizeof(constant_params), .infer = infer_constant, .reference = reference_constant};

node *constant_of_type(graph *g, shape s, dtype type, double value) {
    return graph_node(g, &OP_CONSTANT, NULL, 0, &(constant_params){s, type, value});
}

node *graph_constant(graph *g, shape s, double value) {
    return constant_of_type(g, s, F32, value);
}

bool constant_value(const node *n, double *value) {
    if (n->op != &OP_CONSTANT) return false;
    *value = ((const constant_params *)n->params)->value;
    return true;
}

bool graph_is_constant(const node *n, double value) {
    double v;
    return constant_value(n, &v) && v == value;
}

static foil_status infer_table(node *n) {
    n->shape = ((const table_params *)n->params)->shape;
    return check_shape(n, n->shape);
}
static void reference_table(const node *n, const double *const *in, double *out) {
    (void)in;
    for (int64_t i = 0, count = shape_count(n->shape); i < count; i++) out[i] = (double)((const table_params *)n->params)->values[i];
}
const op OP_TABLE = {.name = "table", .flags = OP_LEAF, .params_size = sizeof(table_params), .infer = infer_table, .reference = reference_table};

node *graph_table(graph *g, shape s, const float *values) {
    size_t bytes = (size_t)shape_count(s) * sizeof *values;
    float *copy = arena_alloc(&g->memory, bytes);
    if (!copy) return graph_fail_memory(g, "a table of shape %s", shape_text(s));
    memcpy(copy, values, bytes);
    return graph_node(g, &OP_TABLE, NULL, 0, &(table_params){s, copy});
}

// Random numbers. ---------------------------------------------------------------------------------------------------------------------------------------

static foil_status infer_random(node *n) {
    n->shape = ((const random_params *)n->params)->shape;
    return check_shape(n, n->shape);
}

static void fill(const kernel *k, void (*draw)(philox_key, uint64_t, float *, size_t)) {
    enum { CHUNK = 4096 };
    const random_params *p = k->node->params;
    const philox_key key = {.seed = k->seed, .stream = STREAM_GRAPH | (uint32_t)p->stream << 8, .step = k->step};
    const int64_t count = shape_count(p->shape) / p->batches; // of a part
    float *out = k->out;
    for (int64_t b = 0; b < p->batches; b++, out += count) {
        const int64_t before = (b * p->parts + p->part) * count;
#pragma omp parallel for schedule(static) if (count > CHUNK)
        for (int64_t first = 0; first < count; first += CHUNK)
            draw(key, (uint64_t)(before + first), out + first, (size_t)(count - first < CHUNK ? count - first : CHUNK));
    }
}
static void run_uniform(const kernel *k) {
    fill(k, philox_fill_uniform);
}
static void run_normal(const kernel *k) {
    fill(k, philox_fill_normal);
}

const op OP_UNIFORM = {.name = "uniform", .flags = OP_LEAF, .params_size = sizeof(random_params), .infer = infer_random, .run = run_uniform};
const op OP_NORMAL = {.name = "normal", .flags = OP_LEAF, .params_size = sizeof(random_params), .infer = infer_random, .run = run_normal};

static random_params part_of(const graph *g, shape s, uint32_t stream) {
    const bool shared = g->part.of > 1 && s.n > 0 && s.d[0] % g->part.rows == 0;
    return (random_params){s, stream, shared ? g->part.self : 0, shared ? g->part.of : 1, shared ? s.d[0] / g->part.rows : 1};
}

node *graph_uniform(graph *g, shape s, uint32_t stream) {
    const random_params p = part_of(g, s, stream);
    return graph_node(g, &OP_UNIFORM, NULL, 0, &p);
}

node *graph_normal(graph *g, shape s, uint32_t stream) {
    const random_params p = part_of(g, s, stream);
    return graph_node(g, &OP_NORMAL, NULL, 0, &p);
}
