// Foil's operators and how ONNX says them. Everything element-wise is here; the others have files of their own.
#include <string.h>

#include "export/onnx_graph.h"
#include "nn/ops/table.h"

// Operands of an element-wise operator, all in the order of the largest that is not constant.
typedef struct operands {
    const char *name[3];
    int order[MAX_DIMS];
    onnx_value result; // shape, order and batch of the result
} operands;

static int64_t value_count(const onnx_value *v) {
    int64_t count = 1;
    for (int i = 0; i < v->n; i++) count *= v->dim[i];
    return count;
}

static foil_status take_operands(onnx_graph *x, const node *n, operands *o) {
    const onnx_value *lead = &x->value[n->in[0]->id];
    bool found = false;
    for (int i = 0; i < n->n_in; i++) {
        const onnx_value *v = &x->value[n->in[i]->id];
        if (x->constant[n->in[i]->id]) continue;
        if (!found || value_count(v) > value_count(lead)) lead = v;
        found = true;
    }
    o->result = *lead;
    for (int i = 0; i < n->n_in; i++) {
        int64_t dim[MAX_DIMS];
        TRY(onnx_operand_repeating(x, n->in[i], lead->axis, &o->name[i], dim));
        for (int a = 0; a < n->shape.n; a++)
            if (dim[a] > o->result.dim[a]) o->result.dim[a] = dim[a];
    }
    return FOIL_OK;
}

static void keep(onnx_graph *x, const node *n, operands *o, const char *name) {
    o->result.name = name;
    x->value[n->id] = o->result;
}

static const char *unary(onnx_graph *x, const char *type, const char *in) {
    return onnx_output_of(onnx_add(x->model, type, &in, 1, NULL));
}

static const char *binary(onnx_graph *x, const char *type, const char *a, const char *b) {
    return onnx_output_of(onnx_add(x->model, type, (const char *[]){a, b}, 2, NULL));
}

static const char *scalar(onnx_graph *x, double value) {
    return onnx_scalar(x->model, value);
}

// One and the same operator in ONNX.
static const struct {
    const char *name, *type;
} DIRECT[] = {{"add", "Add"},   {"sub", "Sub"},         {"mul", "Mul"},   {"min", "Min"},          {"max", "Max"},   {"pow", "Pow"},
              {"exp", "Exp"},   {"log", "Log"},         {"abs", "Abs"},   {"sqrt", "Sqrt"},        {"sign", "Sign"}, {"erf", "Erf"},
              {"tanh", "Tanh"}, {"sigmoid", "Sigmoid"}, {"relu", "Relu"}, {"softplus", "Softplus"}};

static const char *direct_type(const char *name) {
    for (size_t i = 0; i < sizeof DIRECT / sizeof *DIRECT; i++)
        if (!strcmp(DIRECT[i].name, name)) return DIRECT[i].type;
    return NULL;
}

static foil_status direct(onnx_graph *x, const node *n) {
    operands o;
    TRY(take_operands(x, n, &o));
    keep(x, n, &o, onnx_output_of(onnx_add(x->model, direct_type(n->op->name), o.name, n->n_in, NULL)));
    return FOIL_OK;
}

// The value under another node.
static foil_status same(onnx_graph *x, const node *n) {
    x->value[n->id] = x->value[n->in[0]->id];
    return FOIL_OK;
}

static foil_status affine(onnx_graph *x, const node *n) {
    const affine_params *p = n->params;
    operands o;
    TRY(take_operands(x, n, &o));
    const char *y = o.name[0];
    if (p->scale != 1) y = binary(x, "Mul", y, scalar(x, p->scale));
    if (p->shift != 0) y = binary(x, "Add", y, scalar(x, p->shift));
    keep(x, n, &o, y);
    return FOIL_OK;
}

static foil_status rsqrt(onnx_graph *x, const node *n) {
    operands o;
    TRY(take_operands(x, n, &o));
    keep(x, n, &o, unary(x, "Reciprocal", unary(x, "Sqrt", o.name[0])));
    return FOIL_OK;
}

// A constant over a tensor is a reciprocal: OpenCV 5.0 gets the shape of Div wrong there.
static foil_status divide(onnx_graph *x, const node *n) {
    operands o;
    double one;
    TRY(take_operands(x, n, &o));
    if (!x->constant[n->in[0]->id]) {
        keep(x, n, &o, binary(x, "Div", o.name[0], o.name[1]));
        return FOIL_OK;
    }
    const char *y = unary(x, "Reciprocal", o.name[1]);
    keep(x, n, &o, constant_value(n->in[0], &one) && one == 1 ? y : binary(x, "Mul", o.name[0], y));
    return FOIL_OK;
}

static foil_status square(onnx_graph *x, const node *n) {
    operands o;
    TRY(take_operands(x, n, &o));
    keep(x, n, &o, binary(x, "Mul", o.name[0], o.name[0]));
    return FOIL_OK;
}

// (a - b)²
static foil_status deviation(onnx_graph *x, const node *n) {
    operands o;
    TRY(take_operands(x, n, &o));
    const char *difference = binary(x, "Sub", o.name[0], o.name[1]);
    keep(x, n, &o, binary(x, "Mul", difference, difference));
    return FOIL_OK;
}

static const char *cast(onnx_graph *x, const char *in, Onnx__TensorProto__DataType to) {
    onnx_node *c = onnx_add(x->model, "Cast", &in, 1, NULL);
    onnx_int(x->model, c, "to", to);
    return onnx_output_of(c);
}

static foil_status compare(onnx_graph *x, const node *n) {
    operands o;
    TRY(take_operands(x, n, &o));
    const char *type = !strcmp(n->op->name, "less") ? "Less" : !strcmp(n->op->name, "equal") ? "Equal" : "LessOrEqual";
    keep(x, n, &o, cast(x, binary(x, type, o.name[0], o.name[1]), ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT));
    return FOIL_OK;
}

static foil_status where(onnx_graph *x, const node *n) {
    operands o;
    TRY(take_operands(x, n, &o));
    o.name[0] = cast(x, o.name[0], ONNX__TENSOR_PROTO__DATA_TYPE__BOOL);
    keep(x, n, &o, onnx_output_of(onnx_add(x->model, "Where", o.name, 3, NULL)));
    return FOIL_OK;
}

static foil_status clip(onnx_graph *x, const node *n) {
    const clip_params *p = n->params;
    operands o;
    TRY(take_operands(x, n, &o));
    keep(x, n, &o, onnx_output_of(onnx_add(x->model, "Clip", (const char *[]){o.name[0], scalar(x, p->low), scalar(x, p->high)}, 3, NULL)));
    return FOIL_OK;
}

static foil_status leaky_relu(onnx_graph *x, const node *n) {
    operands o;
    TRY(take_operands(x, n, &o));
    onnx_node *y = onnx_add(x->model, "LeakyRelu", o.name, 1, NULL);
    onnx_float(x->model, y, "alpha", ((const slope_params *)n->params)->slope);
    keep(x, n, &o, onnx_output_of(y));
    return FOIL_OK;
}

static foil_status elu(onnx_graph *x, const node *n) {
    const elu_params *p = n->params;
    operands o;
    TRY(take_operands(x, n, &o));
    onnx_node *y = onnx_add(x->model, "Elu", o.name, 1, NULL);
    onnx_float(x->model, y, "alpha", p->alpha);
    keep(x, n, &o, p->scale == 1 ? onnx_output_of(y) : binary(x, "Mul", onnx_output_of(y), scalar(x, p->scale)));
    return FOIL_OK;
}

static const struct {
    const char *name;
    onnx_translation translation;
} TABLE[] = {{"affine", affine},
             {"cast", same},
             {"stop_gradient", same},
             {"div", divide},
             {"rsqrt", rsqrt},
             {"square", square},
             {"deviation", deviation},
             {"less", compare},
             {"less_equal", compare},
             {"equal", compare},
             {"where", where},
             {"clip", clip},
             {"leaky_relu", leaky_relu},
             {"elu", elu},
             {"broadcast", onnx_broadcast},
             {"reshape", onnx_reshape},
             {"permute", onnx_permute},
             {"slice", onnx_slice},
             {"place", onnx_place},
             {"concat", onnx_concat},
             {"matmul", onnx_matmul},
             {"sum", onnx_reduce},
             {"max_over", onnx_reduce},
             {"conv", onnx_conv},
             {"conv_data", onnx_conv_data},
             {"max_pool", onnx_pool},
             {"average_pool", onnx_pool},
             {"resize", onnx_resize}};

onnx_translation onnx_translation_of(const node *n) {
    if (direct_type(n->op->name)) return direct;
    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++)
        if (!strcmp(TABLE[i].name, n->op->name)) return TABLE[i].translation;
    return NULL;
}
