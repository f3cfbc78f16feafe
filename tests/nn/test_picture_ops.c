// Pooling and resampling: against their definitions, against PyTorch, and as adjoint pairs.
#include <string.h>

#include "nn/ops/table.h"
#include "tests/nn/run_op.h"

static const double F32_TOLERANCE = 1e-6, BF16_TOLERANCE = 4e-3;

typedef enum kind { nearest, bilinear, max, average } kind;
typedef struct how {
    kind kind;
    pool_params pool;
    int64_t height, width;
} how;

static node *apply(how h, node *x) {
    switch (h.kind) {
    case nearest:
        return nn_resize_nearest(x, h.height, h.width);
    case bilinear:
        return nn_resize_bilinear(x, h.height, h.width);
    case max:
        return nn_max_pool(x, h.pool);
    default:
        return nn_average_pool(x, h.pool);
    }
}

// PyTorch. -----------------------------------------------------------------------------------------------------------------------------------------------

enum { HEIGHT = 5, WIDTH = 7, CHANNELS = 2, IN = HEIGHT * WIDTH * CHANNELS, MOST = 10 * 14 * CHANNELS };
typedef struct pytorch_case {
    how how;
    int64_t shape[4];
    double result[MOST], gradient[IN];
} pytorch_case;

#define CASE(kind_, ...) CASE_##kind_(__VA_ARGS__)
#define CASE_nearest(h, w)                                                                                                                           \
    { .kind = nearest, .height = h, .width = w }
#define CASE_bilinear(h, w)                                                                                                                          \
    { .kind = bilinear, .height = h, .width = w }
#define CASE_max(...)                                                                                                                                \
    {                                                                                                                                                \
        .kind = max, .pool = { __VA_ARGS__ }                                                                                                         \
    }
#define CASE_average(...)                                                                                                                            \
    {                                                                                                                                                \
        .kind = average, .pool = { __VA_ARGS__ }                                                                                                     \
    }
static const pytorch_case CASES[] = {
#include "tests/nn/picture_values.h"
};

static void assert_near(const double *a, const double *b, int64_t n, const char *what, size_t index) {
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= 1e-6 * fmax(1, fabs(b[i]))))
            fail_msg("case %zu, %s: element %d is %g, PyTorch's %g", index, what, (int)i, a[i], b[i]);
}

static void results_and_gradients_are_pytorch_s(void **state) {
    (void)state;
    double pixels[IN];
    for (int i = 0; i < IN; i++) pixels[i] = ((i * 37 + 11) % 64 - 32) / 16.;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const pytorch_case *c = &CASES[i];
        graph *g = graph_new(F32);
        node *x = graph_input(g, "x", SHAPE(1, HEIGHT, WIDTH, CHANNELS), F32), *y = apply(c->how, x);
        node *gy = graph_input(g, "gy", y->shape, F32), *gx[2] = {NULL, NULL};
        if (graph_status(g) != FOIL_OK) fail_msg("%s", foil_error());
        assert_memory_equal(y->shape.d, c->shape, sizeof c->shape);
        double out[MOST], ramp[MOST], back[IN];
        y->op->reference(y, (const double *[]){pixels}, out);
        assert_near(out, c->result, shape_count(y->shape), "result", i);
        y->op->vjp(y, gy, gx);
        for (int e = 0; e < MOST; e++) ramp[e] = e / 8.;
        gx[0]->op->reference(gx[0], gx[0]->n_in == 2 ? (const double *[]){pixels, ramp} : (const double *[]){ramp}, back);
        assert_near(back, c->gradient, IN, "gradient", i);
        graph_free(g);
    }
}

// The definition. ----------------------------------------------------------------------------------------------------------------------------------------

static const how HOWS[] = {
    {.kind = nearest, .height = 16, .width = 14},
    {.kind = nearest, .height = 3, .width = 20},
    {.kind = bilinear, .height = 16, .width = 14},
    {.kind = bilinear, .height = 3, .width = 20},
    {.kind = bilinear, .height = 8, .width = 7},
    {.kind = max, .pool = {{2, 2}, {2, 2}, {0}, false}},
    {.kind = max, .pool = {{4, 7}, {4, 7}, {0}, false}}, // each element is in one window
    {.kind = max, .pool = {{3, 3}, {2, 2}, {1, 1, 1, 1}, false}},
    {.kind = max, .pool = {{3, 2}, {1, 1}, {0, 1, 2, 0}, false}},
    {.kind = max, .pool = {{3, 2}, {3, 3}, {1, 0, 2, 1}, false}}, // padded, and windows do not overlap
    {.kind = max, .pool = {{2, 2}, {3, 4}, {0}, false}},          // some elements are in no window
    {.kind = max, .pool = {{3, 2}, {2, 2}, {1, 0, 0, 1}, false}}, // the last of a line lies half outside
    {.kind = average, .pool = {{2, 2}, {2, 2}, {0}, true}},
    {.kind = average, .pool = {{3, 3}, {2, 2}, {1, 1, 1, 1}, true}},
    {.kind = average, .pool = {{3, 3}, {1, 2}, {1, 0, 2, 1}, false}},
    {.kind = average, .pool = {{2, 2}, {3, 3}, {0}, false}}, // some elements are in no window
};

// The op, its adjoint and the adjoint's: all that gradients of any order are made of.
static void check_family(how h, shape s, dtype compute, double tolerance) {
    graph *g = graph_new(compute);
    node *x = graph_input(g, "x", s, F32), *small = compute == BF16 ? nn_cast(x, BF16) : x, *y = apply(h, small);
    node *gy = graph_input(g, "gy", y->shape, F32), *small_gy = compute == BF16 ? nn_cast(gy, BF16) : gy;
    node *v = graph_input(g, "v", s, F32), *small_v = compute == BF16 ? nn_cast(v, BF16) : v;
    node *first[2] = {NULL, NULL}, *second[2] = {NULL, NULL};
    y->op->vjp(y, small_gy, first);
    first[0]->op->vjp(first[0], small_v, second);
    node *back = first[0], *again = second[back->n_in - 1];
    node *results[] = {y, back, again};
    for (int r = 0; r < 3; r++) {
        assert_int_equal(results[r]->type, compute);
        double difference = difference_from_reference(results[r]);
        if (!(difference <= tolerance)) fail_msg("%s of %s: %g", results[r]->op->name, shape_text(s), difference);
    }
    assert_true(shape_equal(back->shape, s));
    assert_true(shape_equal(again->shape, y->shape));
    graph_free(g);
}

static void plans_equal_the_definition(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof HOWS / sizeof *HOWS; i++) {
        check_family(HOWS[i], SHAPE(3, 8, 7, 3), F32, F32_TOLERANCE);
        check_family(HOWS[i], SHAPE(2, 8, 7, 100), F32, F32_TOLERANCE);
        if (HOWS[i].kind == max) check_family(HOWS[i], SHAPE(2, 6, 8, 16), F32, F32_TOLERANCE); // even sizes, whole registers
        if (HOWS[i].kind == max) check_family(HOWS[i], SHAPE(2, 8, 7, 8), F32, F32_TOLERANCE);
        if (HOWS[i].kind == max) check_family(HOWS[i], SHAPE(2, 6, 8, 9), BF16, BF16_TOLERANCE);
        check_family(HOWS[i], SHAPE(1, 8, 7, 300), BF16, BF16_TOLERANCE);
        check_family(HOWS[i], SHAPE(2, 8, 7, 1), BF16, BF16_TOLERANCE);
    }
}

// <op(x), g> = <x, adjoint(g)> for the linear ones, for the maximum with x's choice kept.
static void pairs_are_adjoint(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof HOWS / sizeof *HOWS; i++) {
        graph *g = graph_new(F32);
        node *x = graph_input(g, "x", SHAPE(2, 8, 7, 3), F32), *y = apply(HOWS[i], x), *gy = graph_input(g, "gy", y->shape, F32), *gx[2];
        y->op->vjp(y, gy, gx);
        int64_t nx = shape_count(x->shape), ny = shape_count(y->shape);
        double *in = random_values(nx, 1), *out = random_values(ny, 2), *gradient = random_values(ny, 3), *back = random_values(nx, 4), sum = 0,
               adjoint = 0;
        y->op->reference(y, (const double *[]){in}, out);
        gx[0]->op->reference(gx[0], gx[0]->n_in == 2 ? (const double *[]){in, gradient} : (const double *[]){gradient}, back);
        for (int64_t e = 0; e < ny; e++) sum += out[e] * gradient[e];
        for (int64_t e = 0; e < nx; e++) adjoint += back[e] * in[e];
        assert_true(fabs(sum - adjoint) <= 1e-9 * (1 + fabs(sum)));
        free(in), free(out), free(gradient), free(back);
        graph_free(g);
    }
}

static void run_max_pool(const float *pixels, shape s, pool_params pool, const float *gradient, float *out, float *back) {
    graph *g = graph_new(F32);
    node *x = graph_input(g, "x", s, F32), *y = nn_max_pool(x, pool), *gy = graph_input(g, "gy", y->shape, F32), *gx[2] = {NULL, NULL};
    y->op->vjp(y, gy, gx);
    assert_null(gx[1]);
    plan_output wanted[] = {{y, out}, {gx[0], back}};
    plan *p = NULL;
    assert_int_equal(plan_compile(g, &(plan_phase){wanted, 2}, 1, NULL, &p), FOIL_OK);
    plan_feed(p, x, pixels);
    plan_feed(p, gy, gradient);
    plan_run(p, 0, 1, 1);
    plan_free(p);
    graph_free(g);
}

static void ties_go_to_the_first_and_padding_never_wins(void **state) {
    (void)state;
    const float same[] = {-3, -3, -3, -3}, gradient[] = {5};
    float out[4], back[16];
    run_max_pool(same, SHAPE(1, 2, 2, 1), (pool_params){.kernel = {2, 2}}, gradient, out, back);
    assert_float_equal(out[0], -3, 0);
    assert_memory_equal(back, ((float[]){5, 0, 0, 0}), 4 * sizeof *back);

    const float negative[] = {-1, -2, -3, -4}, ramp[] = {1, 2, 3, 4};
    run_max_pool(negative, SHAPE(1, 2, 2, 1), (pool_params){.kernel = {2, 2}, .stride = {2, 2}, .pad = {1, 1, 1, 1}}, ramp, out, back);
    assert_memory_equal(out, negative, sizeof negative); // each window holds one element, not the zeros around it
    assert_memory_equal(back, ramp, sizeof ramp);

    const float broken[] = {1, NAN, 2, 3};
    run_max_pool(broken, SHAPE(1, 2, 2, 1), (pool_params){.kernel = {2, 2}}, gradient, out, back);
    assert_true(isnan(out[0]));
    assert_memory_equal(back, ((float[]){0, 5, 0, 0}), 4 * sizeof *back);
}

// Of each two of these.
static void bf16_is_compared_as_numbers_are(void **state) {
    (void)state;
    const float some[] = {NAN, -NAN, INFINITY, -INFINITY, 0, -0.0f, 1e-40f, -1e-40f, 1, -1, 1.5f, -1.5f, 3e38f, -3e38f};
    enum { SOME = sizeof some / sizeof *some, PAIRS = SOME * SOME };
    uint16_t x[2 * PAIRS];
    for (int i = 0; i < PAIRS; i++) x[2 * i] = f32_to_bf16(some[i / SOME]), x[2 * i + 1] = f32_to_bf16(some[i % SOME]);
    graph *g = graph_new(BF16);
    node *in = graph_input(g, "x", SHAPE(1, 1, 2 * PAIRS, 1), BF16), *y = nn_max_pool(in, (pool_params){.kernel = {1, 2}, .stride = {1, 2}});
    plan *p = NULL;
    assert_int_equal(plan_compile(g, &(plan_phase){&(plan_output){y, NULL}, 1}, 1, NULL, &p), FOIL_OK);
    plan_feed(p, in, x);
    plan_run(p, 0, 1, 1);
    const uint16_t *out = plan_data(p, y);
    for (int i = 0; i < PAIRS; i++) {
        const float a = bf16_to_f32(x[2 * i]), b = bf16_to_f32(x[2 * i + 1]), got = bf16_to_f32(out[i]);
        if (isnan(a) || isnan(b))
            assert_true(isnan(got));
        else
            assert_true(got == fmaxf(a, b));
    }
    plan_free(p);
    graph_free(g);
}

static void expect_error(how h, shape s, const char *message) {
    graph *g = graph_new(F32);
    assert_true(graph_is_poison(apply(h, graph_input(g, "x", s, F32))));
    assert_int_equal(graph_status(g), FOIL_INVALID);
    if (!strstr(foil_error(), message)) fail_msg("\"%s\" expected, got \"%s\"", message, foil_error());
    graph_free(g);
}

static void errors_say_what_is_wrong(void **state) {
    (void)state;
    expect_error((how){.kind = max, .pool = {.kernel = {9, 2}}}, SHAPE(1, 8, 8, 3), "max_pool: a window of 9x2 does not fit into [1, 8, 8, 3]");
    expect_error((how){.kind = max, .pool = {.kernel = {2, 2}, .pad = {2, 0, 0, 0}}}, SHAPE(1, 8, 8, 3), "less than the window of 2x2");
    expect_error((how){.kind = average, .pool = {.kernel = {0, 2}}}, SHAPE(1, 8, 8, 3), "average_pool: window and stride must be at least 1");
    expect_error((how){.kind = average, .pool = {.kernel = {2, 2}}}, SHAPE(8, 8, 3), "average_pool: input is [8, 8, 3], [N,H,W,C] expected");
    expect_error((how){.kind = nearest, .width = 4}, SHAPE(1, 8, 8, 3), "resize: a size of 0x4, at least 1x1 expected");
    expect_error((how){.kind = bilinear, .height = 4, .width = 4}, SHAPE(8, 3), "resize: input is [8, 3], [N,H,W,C] expected");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_and_gradients_are_pytorch_s),
        cmocka_unit_test(plans_equal_the_definition),
        cmocka_unit_test(pairs_are_adjoint),
        cmocka_unit_test(ties_go_to_the_first_and_padding_never_wins),
        cmocka_unit_test(bf16_is_compared_as_numbers_are),
        cmocka_unit_test(errors_say_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
