// Adversarial losses: closed forms, and gradients against central differences.
#include "gan/loss.h"
#include "tests/nn/check_gradient.h"

enum { N = 4 };
static const double REAL[N] = {-1.5, 0.25, 2, 40}, FAKE[N] = {-3, -0.5, 1.25, 30};

static double softplus(double x) {
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double expected_d(gan_loss kind, double r, double f) {
    switch (kind) {
    case LOSS_NON_SATURATING:
        return softplus(-r) + softplus(f);
    case LOSS_HINGE:
        return fmax(0, 1 - r) + fmax(0, 1 + f);
    case LOSS_LEAST_SQUARES:
        return ((r - 1) * (r - 1) + f * f) / 2;
    case LOSS_WASSERSTEIN:
        return f - r;
    }
    return NAN;
}

static double expected_g(gan_loss kind, double f) {
    switch (kind) {
    case LOSS_NON_SATURATING:
        return softplus(-f);
    case LOSS_LEAST_SQUARES:
        return (f - 1) * (f - 1) / 2;
    case LOSS_HINGE:
    case LOSS_WASSERSTEIN:
        return -f;
    }
    return NAN;
}

static void assert_near(double a, double b) {
    if (!(fabs(a - b) <= 1e-12 * (1 + fabs(b)))) fail_msg("%.15g is not %.15g", a, b);
}

static void test_closed_forms(void **state) {
    (void)state;
    for (int kind = 0; GAN_LOSS_NAMES[kind]; kind++) {
        graph *g = graph_new(F32);
        node *r = graph_input(g, "real", SHAPE(N), F32), *f = graph_input(g, "fake", SHAPE(N), F32);
        node *d = nn_add(gan_real_loss((gan_loss)kind, r), gan_fake_loss((gan_loss)kind, f)), *answer = gan_generator_loss((gan_loss)kind, f);
        double got_d, got_g, want_d = 0, want_g = 0;
        const reference_leaf leaves[] = {{r, REAL}, {f, FAKE}};
        assert_int_equal(reference_run(g, leaves, 2, 1, 1, (node *const[]){d, answer}, 2, (double *const[]){&got_d, &got_g}), FOIL_OK);
        for (int i = 0; i < N; i++) {
            want_d += expected_d((gan_loss)kind, REAL[i], FAKE[i]) / N;
            want_g += expected_g((gan_loss)kind, FAKE[i]) / N;
        }
        assert_near(got_d, want_d);
        assert_near(got_g, want_g);
        graph_free(g);
    }
}

static void test_detect(void **state) {
    (void)state;
    static const double LABEL[N] = {0, 1, 1, 0};
    graph *g = graph_new(F32);
    node *l = graph_input(g, "logits", SHAPE(N), F32), *y = graph_input(g, "labels", SHAPE(N), F32), *loss = detect_loss(l, y);
    double got, want = 0;
    const reference_leaf leaves[] = {{l, REAL}, {y, LABEL}};
    assert_int_equal(reference_run(g, leaves, 2, 1, 1, &loss, 1, (double *const[]){&got}), FOIL_OK);
    for (int i = 0; i < N; i++) want += (LABEL[i] > 0 ? softplus(-REAL[i]) : softplus(REAL[i])) / N;
    assert_near(got, want);
    graph_free(g);
}

#define LOSS(name, kind)                                                                                                                             \
    static node *name##_d(node **x) {                                                                                                                \
        return nn_add(gan_real_loss(kind, x[0]), gan_fake_loss(kind, x[1]));                                                                         \
    }                                                                                                                                                \
    static node *name##_g(node **x) {                                                                                                                \
        return gan_generator_loss(kind, x[0]);                                                                                                       \
    }
LOSS(non_saturating, LOSS_NON_SATURATING)
LOSS(hinge, LOSS_HINGE)
LOSS(least_squares, LOSS_LEAST_SQUARES)
LOSS(wasserstein, LOSS_WASSERSTEIN)

static node *detect(node **x) {
    return detect_loss(x[0], x[1]);
}

static const gradient_row ROWS[] = {
    {"non-saturating d", non_saturating_d, 2, {{.n = 1, .d = {5}}, {.n = 1, .d = {5}}}, .low = -3, .high = 3},
    {"non-saturating g", non_saturating_g, 1, {{.n = 1, .d = {5}}}, .low = -3, .high = 3},
    {"hinge d", hinge_d, 2, {{.n = 1, .d = {5}}, {.n = 1, .d = {5}}}, .low = -3, .high = 3},
    {"hinge g", hinge_g, 1, {{.n = 1, .d = {5}}}, .low = -3, .high = 3},
    {"least squares d", least_squares_d, 2, {{.n = 1, .d = {5}}, {.n = 1, .d = {5}}}, .low = -3, .high = 3},
    {"least squares g", least_squares_g, 1, {{.n = 1, .d = {5}}}, .low = -3, .high = 3},
    {"wasserstein d", wasserstein_d, 2, {{.n = 1, .d = {5}}, {.n = 1, .d = {5}}}, .low = -3, .high = 3},
    {"wasserstein g", wasserstein_g, 1, {{.n = 1, .d = {5}}}, .low = -3, .high = 3},
    {"detect", detect, 2, {{.n = 1, .d = {5}}, {.n = 1, .d = {5}}}, .low = 0.1, .high = 1},
};

static void test_gradients(void **state) {
    (void)state;
    check_gradients(ROWS, sizeof ROWS / sizeof *ROWS);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_closed_forms), cmocka_unit_test(test_detect), cmocka_unit_test(test_gradients)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
