// Functions of one element, powers, and the activations of networks.
#include <string.h>

#include "nn/ops/elementwise.h"

static node *constant_like(const node *x, double value) {
    return graph_constant(x->graph, x->shape, value);
}

// Powers and roots. -----------------------------------------------------------------------------------------------------------------------------------

ELEMENTWISE_FUNCTIONS(square, 1, a *a, a *a)
static void square_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_mul(gy, nn_mul_scalar(y->in[0], 2));
}
static const op OP_SQUARE = ELEMENTWISE_ROW("square", square, 1, 0);

ELEMENTWISE_FUNCTIONS(sqrt, 1, sqrtf(a), sqrt(a))
static void sqrt_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_div(nn_mul_scalar(gy, 0.5), y);
}
static const op OP_SQRT = ELEMENTWISE_ROW("sqrt", sqrt, 1, 0);

ELEMENTWISE_FUNCTIONS(rsqrt, 1, 1 / sqrtf(a), 1 / sqrt(a))
static void rsqrt_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_mul(gy, nn_mul_scalar(nn_mul(nn_square(y), y), -0.5));
}
static const op OP_RSQRT = ELEMENTWISE_ROW("rsqrt", rsqrt, 1, 0);

// powf does not vectorise; powers that networks use have ops of their own (nn_pow_scalar).
ELEMENTWISE_FUNCTIONS(pow, 2, powf(a, b), pow(a, b))
static void pow_vjp(node *y, node *gy, node **gx) {
    node *a = y->in[0], *b = y->in[1], *positive = nn_less(constant_like(a, 0), a);
    gx[0] = nn_mul(gy, nn_mul(b, nn_pow(a, nn_add_scalar(b, -1))));
    node *log_a = nn_log(nn_where(positive, a, constant_like(a, 1))); // log(1) = 0 where there is none
    gx[1] = nn_mul(gy, nn_mul(y, log_a));
}
static const op OP_POW = ELEMENTWISE_ROW("pow", pow, 2, 0);

node *nn_square(node *x) {
    return UNARY_NODE(OP_SQUARE, x, NULL);
}
node *nn_sqrt(node *x) {
    return UNARY_NODE(OP_SQRT, x, NULL);
}
node *nn_rsqrt(node *x) {
    return UNARY_NODE(OP_RSQRT, x, NULL);
}
node *nn_pow(node *a, node *b) {
    double exponent;
    if (constant_value(b, &exponent) && !graph_is_poison(a) && shape_equal(a->shape, b->shape)) return nn_pow_scalar(a, exponent);
    return BINARY_NODE(OP_POW, a, b, NULL);
}
node *nn_pow_scalar(node *a, double exponent) {
    if (graph_is_poison(a)) return a;
    if (exponent == 0) return constant_like(a, 1);
    if (exponent == 1) return a;
    if (exponent == 2) return nn_square(a);
    if (exponent == 0.5) return nn_sqrt(a);
    if (exponent == -0.5) return nn_rsqrt(a);
    if (exponent == -1) return nn_div(constant_like(a, 1), a);
    return BINARY_NODE(OP_POW, a, constant_like(a, exponent), NULL);
}

// Exponentials. -----------------------------------------------------------------------------------------------------------------------------------------

ELEMENTWISE_FUNCTIONS(exp, 1, fast_exp(a), exp(a))
static void exp_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_mul(gy, y);
}
static const op OP_EXP = ELEMENTWISE_ROW("exp", exp, 1, 0);

ELEMENTWISE_FUNCTIONS(log, 1, fast_log(a), log(a))
static void log_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_div(gy, y->in[0]);
}
static const op OP_LOG = ELEMENTWISE_ROW("log", log, 1, 0);

ELEMENTWISE_FUNCTIONS(erf, 1, fast_erf(a), erf(a))
static void erf_vjp(node *y, node *gy, node **gx) {
    node *slope = nn_mul_scalar(nn_exp(nn_neg(nn_square(y->in[0]))), M_2_SQRTPI);
    gx[0] = nn_mul(gy, slope);
}
static const op OP_ERF = ELEMENTWISE_ROW("erf", erf, 1, 0);

ELEMENTWISE_FUNCTIONS(tanh, 1, fast_tanh(a), tanh(a))
static void tanh_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_mul(gy, nn_add_scalar(nn_neg(nn_square(y)), 1));
}
static const op OP_TANH = ELEMENTWISE_ROW("tanh", tanh, 1, 0);

ELEMENTWISE_FUNCTIONS(sigmoid, 1, fast_sigmoid(a), 1 / (1 + exp(-a)))
static void sigmoid_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_mul(gy, nn_mul(y, nn_add_scalar(nn_neg(y), 1)));
}
static const op OP_SIGMOID = ELEMENTWISE_ROW("sigmoid", sigmoid, 1, 0);

ELEMENTWISE_FUNCTIONS(softplus, 1, fast_softplus(a), (a > 0 ? a : 0) + log1p(exp(-fabs(a))))
static void softplus_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_mul(gy, nn_sigmoid(y->in[0]));
}
static const op OP_SOFTPLUS = ELEMENTWISE_ROW("softplus", softplus, 1, 0);

node *nn_exp(node *x) {
    return UNARY_NODE(OP_EXP, x, NULL);
}
node *nn_log(node *x) {
    return UNARY_NODE(OP_LOG, x, NULL);
}
node *nn_erf(node *x) {
    return UNARY_NODE(OP_ERF, x, NULL);
}
node *nn_tanh(node *x) {
    return UNARY_NODE(OP_TANH, x, NULL);
}
node *nn_sigmoid(node *x) {
    return UNARY_NODE(OP_SIGMOID, x, NULL);
}
node *nn_softplus(node *x) {
    return UNARY_NODE(OP_SOFTPLUS, x, NULL);
}

// Functions with a kink. ----------------------------------------------------------------------------------------------------------------------------------

ELEMENTWISE_FUNCTIONS(abs, 1, fabsf(a), fabs(a))
static void abs_vjp(node *y, node *gy, node **gx) {
    gx[0] = nn_mul(gy, nn_sign(y->in[0]));
}
static const op OP_ABS = ELEMENTWISE_ROW("abs", abs, 1, 0);

// Through a rectifier, in one op: a > 0 ? b : slope · b.
ELEMENTWISE_FUNCTIONS_WITH(rectify, 2, CONSTANT(slope_params, slope), a > 0 ? b : slope * b, a > 0 ? b : slope * b)
static node *rectify(node *sign, node *gy, double slope);
static void rectify_vjp(node *y, node *gy, node **gx) {
    gx[1] = rectify(y->in[0], gy, ((const slope_params *)y->params)->slope);
}
const op OP_RECTIFY = ELEMENTWISE_ROW("rectify", rectify, 2, sizeof(slope_params));

static node *rectify(node *sign, node *gy, double slope) {
    return BINARY_NODE(OP_RECTIFY, sign, gy, (&(slope_params){slope}));
}

// y > 0 where x > 0, as long as the slope is not negative: asking y lets the plan forget x.
ELEMENTWISE_FUNCTIONS(relu, 1, a > 0 || a != a ? a : 0, a > 0 || a != a ? a : 0)
static void relu_vjp(node *y, node *gy, node **gx) {
    gx[0] = rectify(y, gy, 0);
}
const op OP_RELU = ELEMENTWISE_ROW("relu", relu, 1, 0);

ELEMENTWISE_FUNCTIONS_WITH(leaky_relu, 1, CONSTANT(slope_params, slope), a > 0 ? a : slope * a, a > 0 ? a : slope * a)
static void leaky_relu_vjp(node *y, node *gy, node **gx) {
    const double slope = ((const slope_params *)y->params)->slope;
    gx[0] = rectify(slope >= 0 ? y : y->in[0], gy, slope);
}
const op OP_LEAKY_RELU = ELEMENTWISE_ROW("leaky_relu", leaky_relu, 1, sizeof(slope_params));

ELEMENTWISE_FUNCTIONS_WITH(elu, 1, CONSTANT(elu_params, alpha) CONSTANT(elu_params, scale), scale *(a > 0 ? a : alpha * fast_expm1_negative(a)),
                           scale *(a > 0 ? a : alpha * expm1(a)))
static void elu_vjp(node *y, node *gy, node **gx) {
    const elu_params *p = y->params;
    node *x = y->in[0], *zero = constant_like(x, 0);
    node *below = nn_mul_scalar(nn_exp(nn_min(x, zero)), p->alpha * p->scale); // min: no overflow where it is not selected
    gx[0] = nn_mul(gy, nn_where(nn_less(zero, x), constant_like(x, p->scale), below));
}
static const op OP_ELU = ELEMENTWISE_ROW("elu", elu, 1, sizeof(elu_params));

node *nn_abs(node *x) {
    return UNARY_NODE(OP_ABS, x, NULL);
}
node *nn_relu(node *x) {
    return UNARY_NODE(OP_RELU, x, NULL);
}
node *nn_leaky_relu(node *x, double slope) {
    return slope == 0 ? nn_relu(x) : UNARY_NODE(OP_LEAKY_RELU, x, (&(slope_params){slope}));
}
node *nn_elu(node *x, double alpha) {
    return UNARY_NODE(OP_ELU, x, (&(elu_params){alpha, 1}));
}
node *nn_selu(node *x) { // Klambauer et al. 2017
    return UNARY_NODE(OP_ELU, x, (&(elu_params){1.6732632423543772848170429916717, 1.0507009873554804934193349852946}));
}

// Written with others. ------------------------------------------------------------------------------------------------------------------------------------

node *nn_gelu(node *x) {
    node *phi = nn_mul_scalar(nn_add_scalar(nn_erf(nn_mul_scalar(x, M_SQRT1_2)), 1), 0.5);
    return nn_mul(x, phi);
}
node *nn_silu(node *x) {
    return nn_mul(x, nn_sigmoid(x));
}
