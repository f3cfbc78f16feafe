// Gradient penalties: closed forms on a discriminator whose gradient is known, and the gradient toward its parameters, which is second order.
#include "gan/penalty.h"
#include "tests/nn/check_gradient.h"

enum { BATCH = 2, SIDE = 3, CHANNELS = 2, PER = SIDE * SIDE * CHANNELS };

// D(x) = Σ tanh(conv(x, w))·v: x [N,H,W,C], w [O,C,3,3], v [H·W·O]. Samples do not mix.
static node *logits_of(node *x, node *w, node *v) {
    node *y = nn_tanh(nn_conv(x, w, (conv_params){.pad = {1, 1, 1, 1}}));
    return nn_sum(nn_mul(nn_reshape(y, SHAPE(x->shape.d[0], -1)), v), AXIS(1), false);
}

static node *r1(node **x) {
    return penalty_r1(logits_of(x[0], x[1], x[2]), x[0], 3);
}

static node *gradient_penalty(node **x) {
    return penalty_gradient(logits_of(x[0], x[1], x[2]), x[0], 10);
}

#define SHAPES                                                                                                                                       \
    {                                                                                                                                                \
        {.n = 4, .d = {BATCH, SIDE, SIDE, CHANNELS}}, {.n = 4, .d = {2, CHANNELS, 3, 3}}, {                                                          \
            .n = 1, .d = { 2 * SIDE * SIDE }                                                                                                         \
        }                                                                                                                                            \
    }
static const gradient_row ROWS[] = {
    {"r1", r1, 3, SHAPES, .low = -1, .high = 1, .tolerance = 1e-5},
    {"gradient penalty", gradient_penalty, 3, SHAPES, .low = -1, .high = 1, .tolerance = 1e-5},
};

static void test_gradients(void **state) {
    (void)state;
    check_gradients(ROWS, sizeof ROWS / sizeof *ROWS);
}

// D(x) = ½ a·Σx²: ∇x = a·x, so R1 = w/2·a²·mean ‖x‖² and its derivative toward a is w·a·mean ‖x‖²: not zero.
static void test_closed_form(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    node *x = graph_input(g, "x", SHAPE(BATCH, SIDE, SIDE, CHANNELS), F32), *a = graph_input(g, "a", SHAPE(1), F32), *toward_a;
    node *logits = nn_mul(nn_mul_scalar(nn_sum(nn_square(x), AXIS(1) | AXIS(2) | AXIS(3), false), 0.5), a);
    node *r = penalty_r1(logits, x, 4), *p = penalty_gradient(logits, x, 10);
    grad(r, &a, 1, &toward_a);
    double values[BATCH * PER], squares[BATCH] = {0}, slope = 1.5, got[3], wanted = 0;
    for (int i = 0; i < BATCH * PER; i++) {
        values[i] = gradient_random(1, i) - 0.5;
        squares[i / PER] += values[i] * values[i];
    }
    const reference_leaf leaves[] = {{x, values}, {a, &slope}};
    assert_int_equal(reference_run(g, leaves, 2, 1, 1, (node *const[]){r, p, toward_a}, 3, (double *const[]){&got[0], &got[1], &got[2]}), FOIL_OK);
    double mean = (squares[0] + squares[1]) / 2;
    for (int i = 0; i < BATCH; i++) wanted += 10 * pow(slope * sqrt(squares[i]) - 1, 2) / BATCH;
    assert_true(fabs(got[0] - 2 * slope * slope * mean) < 1e-9);
    assert_true(fabs(got[1] - wanted) < 1e-6);
    assert_true(fabs(got[2] - 4 * slope * mean) < 1e-9);
    assert_true(fabs(got[2]) > 0.1);
    graph_free(g);
}

// Where the gradient vanishes the root of its norm must not give NaN.
static void test_flat_discriminator(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    node *x = graph_input(g, "x", SHAPE(BATCH, PER), F32), *a = graph_input(g, "a", SHAPE(1), F32), *toward_a;
    node *p = penalty_gradient(nn_mul(nn_sum(x, AXIS(1), false), a), x, 10);
    grad(p, &a, 1, &toward_a);
    double values[BATCH * PER] = {0}, zero = 0, got[2];
    const reference_leaf leaves[] = {{x, values}, {a, &zero}};
    assert_int_equal(reference_run(g, leaves, 2, 1, 1, (node *const[]){p, toward_a}, 2, (double *const[]){&got[0], &got[1]}), FOIL_OK);
    assert_true(fabs(got[0] - 10) < 1e-4);
    assert_true(isfinite(got[1]));
    graph_free(g);
}

static void test_interpolation(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    node *r = graph_input(g, "r", SHAPE(BATCH, PER), F32), *f = graph_input(g, "f", SHAPE(BATCH, PER), F32), *m = gan_interpolate(r, f, 3);
    double real[BATCH * PER], fake[BATCH * PER], got[BATCH * PER], alpha[BATCH];
    for (int i = 0; i < BATCH * PER; i++) {
        real[i] = 1 + i;
        fake[i] = -1;
    }
    const reference_leaf leaves[] = {{r, real}, {f, fake}};
    assert_int_equal(reference_run(g, leaves, 2, 1, 1, (node *const[]){m}, 1, (double *const[]){got}), FOIL_OK);
    for (int i = 0; i < BATCH * PER; i++) {
        double a = (got[i] - fake[i]) / (real[i] - fake[i]);
        if (i % PER == 0) alpha[i / PER] = a;
        assert_true(a >= 0 && a < 1 && fabs(a - alpha[i / PER]) < 1e-12); // one per sample
    }
    assert_true(alpha[0] != alpha[1]);
    graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gradients), cmocka_unit_test(test_closed_form),
                                       cmocka_unit_test(test_flat_discriminator), cmocka_unit_test(test_interpolation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
