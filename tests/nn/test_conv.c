// Convolutions against their definition, and the three as partials of one form.
#include <stdio.h>
#include <string.h>

#include "nn/ops.h"
#include "tests/nn/conv_graph.h"
#include "tests/nn/run_op.h"

// Sums of up to some thousand terms: f32 keeps 2^-24 of each; bf16 results are rounded to 2^-9.
static const double F32_TOLERANCE = 2e-6, BF16_TOLERANCE = 4e-3;

static const conv_example EXAMPLES[] = {
    {2, 8, 8, 3, 16, 4, 4, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1}},
    {2, 8, 8, 1, 16, 4, 4, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1}},
    {3, 9, 7, 5, 6, 3, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
    {2, 9, 12, 16, 32, 3, 5, {{2, 3}, {0, 1, 2, 3}, {1, 1}, 1}},
    {2, 12, 12, 16, 16, 3, 3, {{1, 1}, {2, 2, 2, 2}, {2, 2}, 1}},
    {2, 11, 13, 4, 6, 3, 2, {{2, 1}, {3, 0, 1, 2}, {2, 3}, 2}},
    {2, 8, 8, 16, 16, 3, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 16}},
    {2, 8, 8, 24, 48, 3, 3, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 3}},
    {2, 6, 6, 32, 64, 1, 1, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
    {2, 7, 7, 32, 64, 1, 1, {{2, 2}, {0, 0, 0, 0}, {1, 1}, 1}},
    {3, 4, 4, 32, 1, 4, 4, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
    {3, 4, 4, 64, 100, 4, 4, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
    {1, 1, 1, 8, 8, 1, 1, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
    {2, 10, 10, 64, 3, 3, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
    {2, 19, 17, 3, 64, 7, 7, {{2, 2}, {3, 3, 3, 3}, {1, 1}, 1}},
    {2, 16, 16, 3, 64, 4, 4, {{2, 2}, {1, 1, 1, 1}, {0, 0}, 0}},
    {4, 4, 4, 256, 128, 4, 4, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1}},
    {2, 8, 8, 64, 128, 4, 4, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1}},
    {1, 16, 16, 1, 1, 4, 4, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1}},
    {2, 5, 6, 3, 40, 5, 3, {{1, 1}, {4, 2, 0, 1}, {1, 2}, 1}},
    {4, 8, 8, 128, 64, 3, 2, {{1, 1}, {1, 1, 1, 1}, {1, 2}, 1}},
    {2, 8, 8, 72, 64, 4, 4, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1}},
    {3, 9, 7, 40, 72, 3, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
    // few channels to few: wide rows, strides, paddings that differ
    {2, 7, 40, 3, 8, 3, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
    {3, 5, 37, 8, 8, 5, 5, {{1, 1}, {2, 2, 2, 2}, {1, 1}, 1}},
    {2, 9, 80, 5, 8, 4, 4, {{2, 2}, {1, 0, 3, 2}, {1, 1}, 1}},
    {2, 7, 33, 1, 8, 3, 5, {{1, 1}, {0, 3, 2, 1}, {1, 2}, 1}},
    {2, 35, 64, 3, 8, 5, 3, {{1, 1}, {4, 0, 4, 7}, {2, 1}, 1}},
    {1, 18, 48, 8, 8, 3, 3, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
    {2, 20, 37, 8, 16, 5, 5, {{1, 1}, {2, 2, 2, 2}, {1, 1}, 1}},
    {2, 6, 40, 8, 8, 3, 4, {{1, 1}, {1, 2, 3, 0}, {1, 2}, 1}},
    {1, 5, 35, 16, 8, 3, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
    // few channels of the result
    {2, 9, 8, 32, 3, 3, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
    {2, 9, 12, 32, 2, 4, 3, {{1, 1}, {0, 3, 2, 1}, {1, 2}, 1}},
    {3, 12, 11, 16, 1, 5, 4, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
    {2, 12, 12, 16, 3, 3, 3, {{1, 1}, {5, 0, 0, 5}, {1, 1}, 1}},
    // as columns, in several parts
    {3, 96, 96, 3, 16, 9, 9, {{1, 1}, {4, 4, 4, 4}, {1, 1}, 1}},
    {33, 8, 8, 512, 4, 4, 4, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1}},
};
enum { COUNT = sizeof EXAMPLES / sizeof *EXAMPLES };

static void check_all(dtype compute, conv_algorithm how, double tolerance, bool constant) {
    for (int i = 0; i < COUNT; i++) {
        conv_graph t = conv_graph_of(&EXAMPLES[i], compute, how, constant);
        node *results[] = {t.conv, t.data, t.weights};
        for (int r = 0; r < 3; r++) {
            assert_int_equal(results[r]->type, r == 2 ? F32 : compute);
            double difference = difference_from_reference(results[r]);
            if (!(difference <= tolerance)) fail_msg("example %d, %s: %g", i, results[r]->op->name, difference);
        }
        graph_free(t.g);
    }
}

static void f32_equals_the_definition(void **state) {
    (void)state;
    check_all(F32, CONV_DIRECT, F32_TOLERANCE, false);
}

static void fast_equals_the_definition(void **state) {
    (void)state;
    check_all(F32, CONV_FAST, F32_TOLERANCE, false);
}

static void bf16_equals_the_definition(void **state) {
    (void)state;
    check_all(BF16, CONV_DIRECT, BF16_TOLERANCE, false);
    check_all(BF16, CONV_DIRECT, BF16_TOLERANCE, true);
}

// Products of bf16 may err twice as much (nn/ops/winograd.h).
static void fast_bf16_equals_the_definition(void **state) {
    (void)state;
    check_all(BF16, CONV_FAST, 2 * BF16_TOLERANCE, false);
}

// oneDNN's kernels alone.
static void plain_equals_the_definition(void **state) {
    (void)state;
    check_all(F32, CONV_PLAIN, F32_TOLERANCE, false);
    check_all(BF16, CONV_PLAIN, BF16_TOLERANCE, false);
}

static double dot(const double *a, const double *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

// <conv(x, w), y> = <x, conv_data(y, w)> = <w, conv_weights(x, y)>
static void the_three_are_adjoint(void **state) {
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        conv_graph t = conv_graph_of(&EXAMPLES[i], F32, CONV_DIRECT, false);
        int64_t nx = shape_count(t.x->shape), nw = shape_count(t.w->shape), ny = shape_count(t.y->shape);
        double *x = random_values(nx, 1), *w = random_values(nw, 2), *y = random_values(ny, 3);
        double *conv = random_values(ny, 4), *data = random_values(nx, 5), *weights = random_values(nw, 6);
        t.conv->op->reference(t.conv, (const double *[]){x, w}, conv);
        t.data->op->reference(t.data, (const double *[]){y, w}, data);
        t.weights->op->reference(t.weights, (const double *[]){x, y}, weights);
        double form = dot(conv, y, ny); // multiples of 2^-18 far below 2^53: exact
        assert_true(form == dot(data, x, nx));
        assert_true(form == dot(weights, w, nw));
        free(x), free(w), free(y), free(conv), free(data), free(weights);
        graph_free(t.g);
    }
}

// 3x3 ramp, one filter of ones, no padding and padding: known by hand.
static void known_values(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    node *x = graph_input(g, "x", SHAPE(1, 3, 3, 1), F32), *w = graph_input(g, "w", SHAPE(1, 1, 2, 2), F32);
    node *y = nn_conv(x, w, (conv_params){.pad = {1, 0, 0, 1}});
    assert_true(shape_equal(y->shape, SHAPE(1, 3, 3, 1)));
    double pixels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, filter[] = {1, 10, 100, 1000}, out[9];
    y->op->reference(y, (const double *[]){pixels, filter}, out);
    const double expected[] = {2100, 3200, 300, 5421, 6532, 603, 8754, 9865, 906}; // cross-correlation: the filter is not flipped
    assert_memory_equal(out, expected, sizeof expected);
    graph_free(g);
}

static void expect_error(node *(*make)(graph *g), const char *message) {
    graph *g = graph_new(F32);
    assert_true(graph_is_poison(make(g)));
    assert_int_equal(graph_status(g), FOIL_INVALID);
    if (!strstr(foil_error(), message)) fail_msg("\"%s\" expected, got \"%s\"", message, foil_error());
    graph_free(g);
}

static node *in(graph *g, shape s) {
    return graph_input(g, "in", s, F32);
}
static node *wrong_channels(graph *g) {
    return nn_conv(in(g, SHAPE(2, 8, 8, 3)), in(g, SHAPE(64, 6, 4, 4)), (conv_params){0});
}
static node *wrong_groups(graph *g) {
    return nn_conv(in(g, SHAPE(2, 8, 8, 6)), in(g, SHAPE(64, 2, 4, 4)), (conv_params){.groups = 3});
}
static node *too_large(graph *g) {
    return nn_conv(in(g, SHAPE(2, 3, 8, 3)), in(g, SHAPE(64, 3, 4, 4)), (conv_params){0});
}
static node *no_axes(graph *g) {
    return nn_conv(in(g, SHAPE(2, 3)), in(g, SHAPE(64, 3, 4, 4)), (conv_params){0});
}
static node *negative_padding(graph *g) {
    return nn_conv(in(g, SHAPE(2, 8, 8, 3)), in(g, SHAPE(64, 3, 4, 4)), (conv_params){.pad = {-1, 0, 0, 0}});
}
static node *wrong_picture(graph *g) {
    return nn_conv_data(in(g, SHAPE(2, 4, 4, 64)), in(g, SHAPE(64, 3, 4, 4)), (conv_params){.stride = {2, 2}, .pad = {1, 1, 1, 1}}, 12, 8);
}
static node *no_picture(graph *g) {
    return nn_conv_data(in(g, SHAPE(2, 4, 4, 64)), in(g, SHAPE(64, 3, 4, 4)), (conv_params){0}, 0, 0);
}
static node *wrong_batch(graph *g) {
    return nn_conv_weights(in(g, SHAPE(2, 8, 8, 3)), in(g, SHAPE(3, 5, 5, 64)), (conv_params){0}, 4, 4);
}
static node *wrong_filters(graph *g) {
    return nn_conv_data(in(g, SHAPE(2, 5, 5, 32)), in(g, SHAPE(64, 3, 4, 4)), (conv_params){0}, 8, 8);
}
static node *negative_groups(graph *g) {
    return nn_conv(in(g, SHAPE(2, 8, 8, 3)), in(g, SHAPE(64, 3, 4, 4)), (conv_params){.groups = -2});
}

static void errors_say_what_is_wrong(void **state) {
    (void)state;
    expect_error(wrong_channels, "conv: input has 3 channels, weights [64, 6, 4, 4] with 1 group take 6");
    expect_error(wrong_groups, "conv: 3 groups do not divide 6 input and 64 output channels");
    expect_error(too_large, "conv: a window of 4x4, dilated by 1x1, does not fit into [2, 3, 8, 3] padded by 0, 0, 0, 0");
    expect_error(no_axes, "conv: operand 0 is [2, 3], 4 axes expected");
    expect_error(negative_padding, "conv: stride and dilation must be at least 1, padding at least 0");
    expect_error(wrong_picture, "conv_data: a convolution of [2, 12, 8, 3] with [64, 3, 4, 4] gives 6x4, not 4x4");
    expect_error(no_picture, "conv_data: [2, 0, 0, 3] has no elements");
    expect_error(wrong_batch, "conv_weights: batches differ: input [2, 8, 8, 3], gradient [3, 5, 5, 64]");
    expect_error(wrong_filters, "conv_data: gradient has 32 channels, weights [64, 3, 4, 4] give 64");
    expect_error(negative_groups, "conv: -2 groups, at least 1 expected");
}

// More than whole numbers of 64 bits can say: what a network would cost is asked before it is known that no machine has the memory.
static void work_has_no_limit(void **state) {
    (void)state;
    const int64_t side = 1 << 15, taps = 1 << 12, out = 1 << 10;
    graph *g = graph_new(F32);
    const node *y = nn_conv(graph_input(g, "x", SHAPE(1, side, side, 1), F32), graph_input(g, "w", SHAPE(out, 1, taps, taps), F32),
                            (conv_params){.pad = {taps / 2, taps / 2, taps / 2 - 1, taps / 2 - 1}});
    assert_true(y->op->flops(y) == 0x1p65);
    graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_equals_the_definition),
        cmocka_unit_test(fast_equals_the_definition),
        cmocka_unit_test(bf16_equals_the_definition),
        cmocka_unit_test(fast_bf16_equals_the_definition),
        cmocka_unit_test(plain_equals_the_definition),
        cmocka_unit_test(the_three_are_adjoint),
        cmocka_unit_test(known_values),
        cmocka_unit_test(errors_say_what_is_wrong),
        cmocka_unit_test(work_has_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
