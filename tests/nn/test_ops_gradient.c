// Every op, first and second order, against central differences. (Convolutions, products, pooling and resampling: test_dnnl_gradient.c.)
#include "tests/nn/check_gradient.h"

#define FUNCTION(name, expression)                                                                                                                   \
    static node *name(node **x) {                                                                                                                    \
        return expression;                                                                                                                           \
    }

FUNCTION(add, nn_add(x[0], x[1]))
FUNCTION(sub, nn_sub(x[0], x[1]))
FUNCTION(mul, nn_mul(x[0], x[1]))
FUNCTION(divide, nn_div(x[0], x[1]))
FUNCTION(min, nn_min(x[0], x[1]))
FUNCTION(max, nn_max(x[0], x[1]))
FUNCTION(power, nn_pow(x[0], x[1]))
FUNCTION(cube, nn_pow_scalar(x[0], 3))
FUNCTION(power_half, nn_pow_scalar(x[0], 0.5))
FUNCTION(power_third, nn_pow_scalar(x[0], 1.0 / 3))
FUNCTION(reciprocal, nn_pow_scalar(x[0], -1))
FUNCTION(affine, nn_add_scalar(nn_mul_scalar(nn_square(x[0]), -1.5), 2))
FUNCTION(constants, nn_sub(graph_constant(x[0]->graph, SHAPE(3, 4), 2), nn_div(nn_square(x[0]), graph_constant(x[0]->graph, SCALAR, 4))))
FUNCTION(neg, nn_neg(x[0]))
FUNCTION(exponential, nn_exp(x[0]))
FUNCTION(logarithm, nn_log(x[0]))
FUNCTION(square_root, nn_sqrt(x[0]))
FUNCTION(rsqrt, nn_rsqrt(x[0]))
FUNCTION(square, nn_square(x[0]))
FUNCTION(absolute, nn_abs(x[0]))
FUNCTION(sign, nn_sign(x[0]))
FUNCTION(clip, nn_clip(nn_mul_scalar(x[0], 2), -1, 1))
FUNCTION(error_function, nn_erf(x[0]))
FUNCTION(less, nn_mul(nn_less(x[0], x[1]), x[0]))
FUNCTION(less_equal, nn_mul(nn_less_equal(x[0], x[1]), x[1]))
FUNCTION(equal, nn_mul(nn_equal(x[0], x[1]), x[0]))
FUNCTION(where, nn_where(nn_less(x[0], x[1]), nn_square(x[0]), nn_exp(x[1])))
FUNCTION(cast, nn_square(nn_cast(nn_square(x[0]), F32)))
FUNCTION(tangent, nn_tanh(x[0]))
FUNCTION(sigmoid, nn_sigmoid(x[0]))
FUNCTION(relu, nn_relu(nn_mul(x[0], nn_abs(x[0]))))
FUNCTION(leaky_relu, nn_leaky_relu(nn_mul(x[0], nn_abs(x[0])), 0.2))
FUNCTION(leaky_relu_negative, nn_leaky_relu(x[0], -0.5))
FUNCTION(elu, nn_elu(x[0], 1.3))
FUNCTION(selu, nn_selu(x[0]))
FUNCTION(gelu, nn_gelu(x[0]))
FUNCTION(silu, nn_silu(x[0]))
FUNCTION(softplus, nn_softplus(x[0]))
FUNCTION(sum_keep, nn_square(nn_sum(x[0], AXIS(0) | AXIS(2), true)))
FUNCTION(sum_vanish, nn_square(nn_sum(x[0], AXIS(1), false)))
FUNCTION(sum_of_repeated, nn_square(nn_sum(nn_mul(nn_square(x[0]), nn_broadcast(x[1], SHAPE(3, 4))), AXIS(0), false)))
FUNCTION(mean, nn_square(nn_mean(x[0], AXIS(0) | AXIS(1), false)))
FUNCTION(broadcast, nn_square(nn_broadcast(x[0], SHAPE(2, 3, 4))))
FUNCTION(reshape, nn_square(nn_reshape(x[0], SHAPE(4, -1))))
FUNCTION(permute, nn_square(nn_permute(x[0], (const int[]){2, 0, 1})))
FUNCTION(slice, nn_square(nn_slice(x[0], (const int64_t[]){1, 0}, (const int64_t[]){4, 5}, (const int64_t[]){2, 3})))
FUNCTION(pad, nn_square(nn_pad(x[0], (const int64_t[]){1, 0}, (const int64_t[]){2, 3})))
FUNCTION(concat, nn_square(nn_concat((node *const[]){x[0], x[1], x[0]}, 3, 1)))
FUNCTION(gather, nn_square(nn_gather(x[0], x[1], 1)))
FUNCTION(scatter_add, nn_square(nn_scatter_add(x[0], x[1], 1, 3)))
FUNCTION(batch_norm, nn_batch_norm(x[0], nn_batch_stats(x[0], 1), x[1], x[2], 1e-3))
FUNCTION(batch_norm_plain, nn_batch_norm(x[0], nn_batch_stats(x[0], 1), NULL, NULL, 1e-3))
FUNCTION(batch_variance, nn_batch_stats(x[0], 1).variance)
FUNCTION(layer_norm, nn_layer_norm(x[0], AXIS(1) | AXIS(2), x[1], x[2], 1e-3))
FUNCTION(group_norm, nn_group_norm(x[0], 2, x[1], x[2], 1e-3))
FUNCTION(instance_norm, nn_instance_norm(x[0], x[1], x[2], 1e-3))
FUNCTION(pixel_norm, nn_pixel_norm(x[0], 1e-3))
FUNCTION(softmax, nn_softmax(x[0], 1))
FUNCTION(log_softmax, nn_log_softmax(x[0], 0))
FUNCTION(dropout, nn_dropout(nn_square(x[0]), 0.4, 3))
FUNCTION(stddev, nn_minibatch_stddev(x[0], 1, 2, 2))

// u and v carry no gradient, which differences would see: they are tables.
static node *spectral_norm(node **x) {
    node *u = graph_table(x[0]->graph, SHAPE(4), (const float[]){0.5f, -0.5f, 0.5f, 0.5f});
    node *v = graph_table(x[0]->graph, SHAPE(6), (const float[]){0.5f, 0.5f, -0.5f, 0.5f, 0, 0});
    return nn_spectral_norm(x[0], u, v, false, 1e-12).weight;
}

// clang-format off
#define S1(a) {.n = 1, .d = {a}}
#define S2(a, b) {.n = 2, .d = {a, b}}
#define S3(a, b, c) {.n = 3, .d = {a, b, c}}
#define S4(a, b, c, e) {.n = 4, .d = {a, b, c, e}}
static const gradient_row ROWS[] = {
    {"add",            add,            2, {S2(3, 4), S1(4)},                   .low = -1,  .high = 1},
    {"sub",            sub,            2, {S2(3, 1), S2(1, 4)},                .low = -1,  .high = 1},
    {"mul",            mul,            2, {S3(2, 1, 4), S2(3, 1)},             .low = -1,  .high = 1},
    {"mul by scalar",  mul,            2, {S2(3, 4), {0}},                     .low = -1,  .high = 1},
    {"div",            divide,         2, {S2(3, 4), S2(3, 1)},                .low = 0.5, .high = 2, .signs = true},
    {"min",            min,            2, {S2(3, 4), S2(3, 4)},                .low = -1,  .high = 1},
    {"max",            max,            2, {S2(3, 4), S1(4)},                   .low = -1,  .high = 1},
    {"pow",            power,          2, {S2(3, 4), S1(4)},                   .low = 0.5, .high = 2},
    {"pow 3",          cube,           1, {S2(3, 4)},                          .low = -2,  .high = 2},
    {"pow 1/2",        power_half,     1, {S2(3, 4)},                          .low = 0.5, .high = 2},
    {"pow 1/3",        power_third,    1, {S2(3, 4)},                          .low = 0.5, .high = 2},
    {"pow -1",         reciprocal,     1, {S2(3, 4)},                          .low = 0.5, .high = 2, .signs = true},
    {"affine",         affine,         1, {S2(3, 4)},                          .low = -1,  .high = 1},
    {"constants",      constants,      1, {S2(3, 4)},                          .low = -1,  .high = 1},
    {"neg",            neg,            1, {S2(3, 4)},                          .low = -1,  .high = 1},
    {"exp",            exponential,    1, {S2(3, 4)},                          .low = -1,  .high = 1},
    {"log",            logarithm,      1, {S2(3, 4)},                          .low = 0.5, .high = 2},
    {"sqrt",           square_root,    1, {S2(3, 4)},                          .low = 0.5, .high = 2},
    {"rsqrt",          rsqrt,          1, {S2(3, 4)},                          .low = 0.5, .high = 2},
    {"square",         square,         1, {S2(3, 4)},                          .low = -1,  .high = 1},
    {"abs",            absolute,       1, {S2(3, 4)},                          .low = 0.1, .high = 1, .signs = true},
    {"sign",           sign,           1, {S2(3, 4)},                          .low = 0.1, .high = 1, .signs = true},
    {"clip inside",    clip,           1, {S2(3, 4)},                          .low = 0,   .high = 0.4, .signs = true},
    {"clip outside",   clip,           1, {S2(3, 4)},                          .low = 0.6, .high = 2, .signs = true},
    {"erf",            error_function, 1, {S2(3, 4)},                          .low = -2,  .high = 2},
    {"less",           less,           2, {S2(3, 4), S2(3, 4)},                .low = -1,  .high = 1},
    {"less_equal",     less_equal,     2, {S2(3, 4), S2(3, 4)},                .low = -1,  .high = 1},
    {"equal",          equal,          2, {S2(3, 4), S2(3, 4)},                .low = -1,  .high = 1},
    {"where",          where,          2, {S2(3, 4), S2(3, 4)},                .low = -1,  .high = 1},
    {"cast",           cast,           1, {S2(3, 4)},                          .low = -1,  .high = 1},
    {"tanh",           tangent,        1, {S2(3, 4)},                          .low = -2,  .high = 2},
    {"sigmoid",        sigmoid,        1, {S2(3, 4)},                          .low = -3,  .high = 3},
    {"relu",           relu,           1, {S2(3, 4)},                          .low = 0.1, .high = 1, .signs = true},
    {"leaky_relu",     leaky_relu,     1, {S2(3, 4)},                          .low = 0.1, .high = 1, .signs = true},
    {"leaky_relu -",   leaky_relu_negative, 1, {S2(3, 4)},                     .low = 0.1, .high = 1, .signs = true},
    {"elu",            elu,            1, {S2(3, 4)},                          .low = 0.1, .high = 2, .signs = true},
    {"selu",           selu,           1, {S2(3, 4)},                          .low = 0.1, .high = 2, .signs = true},
    {"gelu",           gelu,           1, {S2(3, 4)},                          .low = -2,  .high = 2},
    {"silu",           silu,           1, {S2(3, 4)},                          .low = -3,  .high = 3},
    {"softplus",       softplus,       1, {S2(3, 4)},                          .low = -3,  .high = 3},
    {"sum keep",       sum_keep,       1, {S3(2, 3, 4)},                       .low = -1,  .high = 1},
    {"sum",            sum_vanish,     1, {S3(2, 3, 4)},                       .low = -1,  .high = 1},
    {"sum of repeated", sum_of_repeated, 2, {S2(3, 4), S1(4)},                 .low = -1,  .high = 1},
    {"mean",           mean,           1, {S3(2, 3, 4)},                       .low = -1,  .high = 1},
    {"broadcast",      broadcast,      1, {S2(3, 1)},                          .low = -1,  .high = 1},
    {"reshape",        reshape,        1, {S2(3, 8)},                          .low = -1,  .high = 1},
    {"permute",        permute,        1, {S3(2, 3, 4)},                       .low = -1,  .high = 1},
    {"slice",          slice,          1, {S2(5, 6)},                          .low = -1,  .high = 1},
    {"pad",            pad,            1, {S2(2, 3)},                          .low = -1,  .high = 1},
    {"concat",         concat,         2, {S2(2, 3), S2(2, 1)},                .low = -1,  .high = 1},
    {"gather",         gather,         2, {S3(2, 3, 2), S1(5)},                .low = -1,  .high = 1, .indices = 3},
    {"scatter_add",    scatter_add,    2, {S3(2, 5, 2), S1(5)},                .low = -1,  .high = 1, .indices = 3},
    {"batch norm",     batch_norm,     3, {S4(2, 3, 2, 3), S1(3), S1(3)},      .low = -1,  .high = 2},
    {"batch norm plain", batch_norm_plain, 1, {S2(6, 3)},                      .low = -1,  .high = 2},
    {"batch variance", batch_variance, 1, {S2(6, 3)},                          .low = -1,  .high = 2},
    {"layer norm",     layer_norm,     3, {S3(2, 3, 4), S2(3, 4), S2(3, 4)},   .low = -1,  .high = 2},
    {"group norm",     group_norm,     3, {S4(2, 2, 2, 4), S1(4), S1(4)},      .low = -1,  .high = 2},
    {"instance norm",  instance_norm,  3, {S4(2, 3, 2, 2), S1(2), S1(2)},      .low = -1,  .high = 2},
    {"pixel norm",     pixel_norm,     1, {S4(2, 1, 2, 4)},                    .low = -1,  .high = 2},
    {"spectral norm",  spectral_norm,  1, {S3(4, 3, 2)},                       .low = 0.2, .high = 2, .signs = true},
    {"softmax",        softmax,        1, {S2(3, 4)},                          .low = -2,  .high = 2, .distinct = true},
    {"log_softmax",    log_softmax,    1, {S2(3, 4)},                          .low = -2,  .high = 2, .distinct = true},
    {"dropout",        dropout,        1, {S2(4, 5)},                          .low = -1,  .high = 1},
    {"stddev",         stddev,         1, {S4(4, 2, 1, 4)},                    .low = -1,  .high = 1},
};
// clang-format on

static void test_gradients(void **state) {
    (void)state;
    check_gradients(ROWS, sizeof ROWS / sizeof *ROWS);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gradients)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
