// Gradient penalties are differentiated, not only computed: the penalty's gradient toward the weights of a small discriminator.
//
// For P = ½ ‖v‖² with v = ∇x D, the chain rule gives ∇θ P = ∂/∂ε ∇θ D(x + ε v) at ε = 0, with v held fixed: an oracle that needs first order only.
#include <math.h>

#include "base/philox.h"
#include "nn/grad.h"
#include "nn/ops.h"
#include "nn/plan.h"
#include "nn/reference.h"
#include "tests/cmocka.h"

enum { WEIGHTS = 4 };

typedef struct discriminator {
    graph *graph;
    node *x, *theta[WEIGHTS];
    node *dx, *dtheta[WEIGHTS], *penalty, *of_penalty[WEIGHTS];
    double *value[WEIGHTS + 1]; // theta, x
} discriminator;

static node *activate(node *x, bool smooth) {
    return smooth ? nn_silu(x) : nn_leaky_relu(x, 0.2);
}

static void build(discriminator *d, bool smooth, bool normalized) {
    static const shape SHAPES[WEIGHTS] = {{.n = 4, .d = {4, 3, 3, 3}}, {.n = 1, .d = {4}}, {.n = 4, .d = {5, 4, 4, 4}}, {.n = 1, .d = {5}}};
    graph *g = d->graph = graph_new(F32);
    assert_non_null(g);
    d->x = graph_input(g, "x", SHAPE(3, 6, 6, 3), F32);
    for (int i = 0; i < WEIGHTS; i++) d->theta[i] = graph_input(g, "theta", SHAPES[i], F32);
    node *y = nn_add(nn_conv(d->x, d->theta[0], (conv_params){.pad = {1, 1, 1, 1}}), d->theta[1]);
    if (normalized) y = nn_layer_norm(y, AXIS(1) | AXIS(2) | AXIS(3), NULL, NULL, 1e-5);
    y = nn_conv(activate(y, smooth), d->theta[2], (conv_params){.stride = {2, 2}, .pad = {1, 1, 1, 1}});
    y = activate(nn_add(y, d->theta[3]), smooth);
    node *logits = nn_sum(nn_tanh(y), AXIS(1) | AXIS(2) | AXIS(3), false), *total = nn_sum(logits, AXIS(0), false);
    grad(total, &d->x, 1, &d->dx);
    grad(total, d->theta, WEIGHTS, d->dtheta);
    d->penalty = nn_mul_scalar(nn_sum(nn_square(d->dx), nn_all_axes(d->dx), false), 0.5);
    grad(d->penalty, d->theta, WEIGHTS, d->of_penalty);
    if (graph_status(g) != FOIL_OK) fail_msg("%s", foil_error());
    for (int i = 0; i <= WEIGHTS; i++) {
        const int64_t n = shape_count(i < WEIGHTS ? SHAPES[i] : d->x->shape);
        d->value[i] = test_calloc((size_t)n, sizeof(double));
        for (int64_t j = 0; j < n; j++) d->value[i][j] = (double)philox_uniform((philox_key){.seed = 3, .stream = (uint32_t)i}, (uint64_t)j) - 0.5;
    }
}

static void run(const discriminator *d, node *wanted, double *out) {
    reference_leaf leaf[WEIGHTS + 1] = {{d->x, d->value[WEIGHTS]}};
    for (int i = 0; i < WEIGHTS; i++) leaf[i + 1] = (reference_leaf){d->theta[i], d->value[i]};
    if (reference_run(d->graph, leaf, WEIGHTS + 1, 1, 1, &wanted, 1, &out) != FOIL_OK) fail_msg("%s", foil_error());
}

// [∇θ D(x + ε v) − ∇θ D(x − ε v)] / 2ε
static void oracle(const discriminator *d, int weight, double *out) {
    const double epsilon = 1e-5;
    double v[3 * 6 * 6 * 3] = {0}, side[2][512] = {{0}}, *x = d->value[WEIGHTS];
    const int64_t pixels = shape_count(d->x->shape), n = shape_count(d->theta[weight]->shape);
    assert_true(n <= 512);
    run(d, d->dx, v);
    for (int s = 0; s < 2; s++) {
        for (int64_t j = 0; j < pixels; j++) x[j] += (s ? 1 : -1) * epsilon * v[j];
        run(d, d->dtheta[weight], side[s]);
        for (int64_t j = 0; j < pixels; j++) x[j] -= (s ? 1 : -1) * epsilon * v[j];
    }
    for (int64_t j = 0; j < n; j++) out[j] = (side[1][j] - side[0][j]) / (2 * epsilon);
}

static void check(bool smooth, bool normalized) {
    discriminator d;
    build(&d, smooth, normalized);
    for (int i = 0; i < WEIGHTS; i++) {
        double ours[512] = {0}, expected[512] = {0}, largest = 0;
        run(&d, d.of_penalty[i], ours);
        oracle(&d, i, expected);
        for (int64_t j = 0; j < shape_count(d.theta[i]->shape); j++) {
            if (!(fabs(ours[j] - expected[j]) <= 1e-6 * (1 + fabs(expected[j]))))
                fail_msg("weight %d, element %lld: %.10g, expected %.10g", i, (long long)j, ours[j], expected[j]);
            largest = fmax(largest, fabs(ours[j]));
        }
        assert_true(largest > 1e-3);
    }
    for (int i = 0; i <= WEIGHTS; i++) test_free(d.value[i]);
    graph_free(d.graph);
}

static void feed(plan *p, const node *n, const double *value) {
    float narrow[512] = {0};
    for (int64_t j = 0; j < shape_count(n->shape); j++) narrow[j] = (float)value[j];
    plan_feed(p, n, narrow);
}

// The same gradients in f32, fused and in one arena.
static void test_plan_agrees_with_reference(void **state) {
    (void)state;
    discriminator d;
    plan *p = NULL;
    plan_output wanted[WEIGHTS];
    build(&d, true, true);
    for (int i = 0; i < WEIGHTS; i++) wanted[i] = (plan_output){d.of_penalty[i], NULL};
    if (plan_compile(d.graph, &(plan_phase){wanted, WEIGHTS}, 1, NULL, &p) != FOIL_OK) fail_msg("%s", foil_error());
    feed(p, d.x, d.value[WEIGHTS]);
    for (int i = 0; i < WEIGHTS; i++) feed(p, d.theta[i], d.value[i]);
    plan_run(p, 0, 1, 1);
    for (int i = 0; i < WEIGHTS; i++) {
        double expected[512] = {0}, largest = 0;
        const float *ours = plan_data(p, d.of_penalty[i]);
        assert_non_null(ours);
        run(&d, d.of_penalty[i], expected);
        const int64_t n = shape_count(d.theta[i]->shape);
        for (int64_t j = 0; j < n; j++) largest = fmax(largest, fabs(expected[j]));
        for (int64_t j = 0; j < n; j++) assert_true(fabs((double)ours[j] - expected[j]) <= 2e-5 * largest);
    }
    plan_free(p);
    for (int i = 0; i <= WEIGHTS; i++) test_free(d.value[i]);
    graph_free(d.graph);
}

static void test_smooth(void **state) {
    (void)state;
    check(true, false);
}
static void test_leaky_relu(void **state) {
    (void)state;
    check(false, false);
}
static void test_layer_norm(void **state) {
    (void)state;
    check(true, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_smooth), cmocka_unit_test(test_leaky_relu), cmocka_unit_test(test_layer_norm),
                                       cmocka_unit_test(test_plan_agrees_with_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
