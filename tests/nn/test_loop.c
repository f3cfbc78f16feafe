// Fused loops: every kind of repeat and reduction, and random graphs, against the reference; the same bits each time.
#include <stdio.h>

#include "base/thread.h"
#include "nn/grad.h"
#include "tests/nn/dice.h"
#include "tests/nn/plan_check.h"

// Random graphs. -------------------------------------------------------------------------------------------------------------------------------------------
static shape random_shape(dice *d, bool large) {
    static const int64_t SIZES[] = {1, 2, 3, 4, 5, 7, 16, 33};
    static const shape LARGE[] = {{.n = 4, .d = {16, 16, 16, 3}}, {.n = 4, .d = {8, 8, 8, 64}},    {.n = 2, .d = {300, 70}},
                                  {.n = 1, .d = {20000}},         {.n = 5, .d = {3, 5, 7, 2, 99}}, {.n = 3, .d = {4, 3, 1500}},
                                  {.n = 2, .d = {7, 2000}},       {.n = 3, .d = {3, 300, 24}}};
    if (large) return LARGE[roll(d, (int)(sizeof LARGE / sizeof *LARGE))];
    shape s = {.n = roll(d, 5)};
    for (int i = 0; i < s.n; i++) s.d[i] = SIZES[roll(d, 8)];
    return s;
}

// Some axes of s are 1, some leading ones missing.
static shape random_repeat(dice *d, shape s) {
    shape r = {0};
    int skip = s.n ? roll(d, s.n + 1) : 0;
    if (roll(d, 2)) skip = 0;
    for (int i = skip; i < s.n; i++) r.d[r.n++] = roll(d, 2) ? s.d[i] : 1;
    return r;
}

static node *random_unary(dice *d, node *x) {
    switch (roll(d, 12)) {
    case 0:
        return nn_relu(x);
    case 1:
        return nn_tanh(x);
    case 2:
        return nn_leaky_relu(x, 0.2);
    case 3:
        return nn_sigmoid(x);
    case 4:
        return nn_abs(x);
    case 5:
        return nn_neg(x);
    case 6:
        return nn_mul_scalar(x, 0.5);
    case 7:
        return nn_add_scalar(x, -0.25);
    case 8:
        return nn_square(nn_clip(x, -1, 1));
    case 9:
        return nn_stop_gradient(x);
    case 10:
        return nn_reshape(nn_tanh(nn_reshape(x, SHAPE(-1))), x->shape);
    default:
        return nn_softplus(x);
    }
}

static node *random_binary(dice *d, node *a, node *b) {
    switch (roll(d, 5)) {
    case 0:
        return nn_add(a, b);
    case 1:
        return nn_sub(a, b);
    case 2:
        return nn_mul(nn_tanh(a), b);
    case 3:
        return nn_min(a, b);
    default:
        return nn_max(a, b);
    }
}

static node *random_reduction(dice *d, node *x) {
    axes a = x->shape.n ? (axes)roll(d, 1 << x->shape.n) : 0;
    if (!roll(d, 3)) a = nn_all_axes(x);
    return roll(d, 3) ? nn_mean(x, a, true) : nn_stop_gradient(nn_max_over(x, a, true)); // which has no derivative
}

enum { POOL = 24 };

static int grow_pool(dice *d, graph *g, check_inputs *in, node **pool, bool large, bool bf16) {
    shape s = random_shape(d, large);
    int n = 0;
    for (int i = 0; i < 5; i++) {
        shape t = i < 2 ? s : random_repeat(d, s);
        static const dtype TYPES[] = {F32, F32, U8, I32, BF16};
        dtype type = bf16 ? BF16 : F32;
        if (i >= 2) type = TYPES[roll(d, bf16 ? 5 : 4)];
        pool[n++] = check_input(in, g, t, type, d->key.seed);
        if (type == U8 || type == I32) pool[n - 1] = nn_mul_scalar(nn_cast(pool[n - 1], F32), 0.125);
    }
    pool[n++] = graph_constant(g, SCALAR, 0.75);
    while (n < POOL) {
        node *x = pool[roll(d, n)], *y = pool[roll(d, n)];
        int kind = roll(d, 8);
        if (kind < 3)
            pool[n++] = random_unary(d, x);
        else if (kind < 6)
            pool[n++] = random_binary(d, x, y);
        else
            pool[n++] = random_reduction(d, x);
    }
    return n;
}

static void random_graph(uint64_t seed, bool large, bool bf16) {
    dice d = {.key = {seed, STREAM_SHUFFLE, large}};
    graph *g = graph_new(bf16 ? BF16 : F32);
    check_inputs in = {0};
    node *pool[POOL], *wanted[4];
    int n = grow_pool(&d, g, &in, pool, large, bf16);
    wanted[0] = pool[n - 1];
    wanted[1] = pool[n - 2];
    wanted[2] = pool[roll(&d, n)];
    node *x = pool[0];
    grad(nn_mean(nn_tanh(pool[n - 1]), nn_all_axes(pool[n - 1]), false), &x, 1, &wanted[3]);
    check_ok(graph_status(g));
    char what[64];
    snprintf(what, sizeof what, "graph %d%s%s", (int)seed, large ? ", large" : "", bf16 ? ", bf16" : "");
    // Gradients of minima and maxima jump where operands are equal, which rounding to bf16 decides.
    check_plan(g, &in, wanted, bf16 ? 3 : 4, bf16 ? 0.1 : 2e-4, what);
    check_free(&in);
    graph_free(g);
}

static void test_random_graphs(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        threads_set(threads);
        for (uint64_t seed = 1; seed <= 60; seed++) random_graph(1000 * (uint64_t)threads + seed, false, seed % 3 == 0);
        for (uint64_t seed = 1; seed <= 12; seed++) random_graph(5000 * (uint64_t)threads + seed, true, seed % 3 == 0);
    }
    threads_set(2);
}

// Every set of reduced axes of shapes with rows shorter and longer than a block. -------------------------------------------------------------------------
static void test_reductions(void **state) {
    (void)state;
    static const shape SHAPES[] = {{.n = 3, .d = {40, 30, 9}},     {.n = 3, .d = {7, 100, 128}},   {.n = 2, .d = {100, 300}},
                                   {.n = 4, .d = {3, 1, 2, 1700}}, {.n = 4, .d = {9, 10, 11, 12}}, {.n = 2, .d = {10000, 3}},
                                   {.n = 2, .d = {3, 10000}},      {.n = 1, .d = {12345}},         {.n = 0, .d = {0}}};
    for (int threads = 1; threads <= 3; threads++) {
        threads_set(threads);
        for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
            graph *g = graph_new(F32);
            check_inputs in = {0};
            node *wanted[CHECK_MAX], *x = check_input(&in, g, SHAPES[i], F32, i);
            int n = 0;
            for (axes a = 0; a <= nn_all_axes(x); a++) {
                wanted[n++] = nn_sum(nn_square(x), a, false);
                wanted[n++] = nn_max_over(x, a, true);
            }
            check_plan(g, &in, wanted, n, 1e-5, shape_text(SHAPES[i]));
            check_free(&in);
            graph_free(g);
        }
    }
    threads_set(2);
}

// f64 sums: a million values of which f32 would lose the small part.
static void test_sums_keep_small_terms(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    node *x = graph_input(g, "x", SHAPE(1 << 20, 3), F32), *mean = nn_mean(x, AXIS(0), false);
    plan *p;
    check_ok(plan_compile(g, &(plan_phase){&(plan_output){mean, NULL}, 1}, 1, NULL, &p));
    float *values = plan_data(p, x);
    for (int i = 0; i < 3 << 20; i++) values[i] = 1000.0f + (i % 2 ? 0.125f : 0.0f);
    plan_run(p, 0, 0, 0);
    for (int i = 0; i < 3; i++) assert_true(fabsf(((float *)plan_data(p, mean))[i] - 1000.0625f) < 1e-3f);
    plan_free(p);
    graph_free(g);
}

// Batch norm, leaky ReLU and their gradients: few passes, right values. --------------------------------------------------------------------------------
static void check_batch_norm(int64_t batches) {
    graph *g = graph_new(F32);
    check_inputs in = {0};
    node *x = check_input(&in, g, SHAPE(4, 8, 9, 64), F32, 1), *gamma = check_input(&in, g, SHAPE(64), F32, 2);
    node *beta = check_input(&in, g, SHAPE(64), F32, 3), *dy = check_input(&in, g, SHAPE(4, 8, 9, 64), F32, 4);
    node *y = nn_leaky_relu(nn_batch_norm(x, nn_batch_stats(x, batches), gamma, beta, 1e-5), 0.2), *wanted[4] = {y};
    grad_from(y, dy, (node *const[]){x, gamma, beta}, 3, wanted + 1);
    check_plan(g, &in, wanted, 4, 1e-4, "batch norm");
    plan_output o[4];
    for (int i = 0; i < 4; i++) o[i] = (plan_output){wanted[i], NULL};
    plan *p;
    check_ok(plan_compile(g, &(plan_phase){o, 4}, 1, NULL, &p));
    int passes = 0;
    for (int i = 0; i < plan_steps(p); i++) passes += plan_step_at(p, i).bytes >= 4 * 8 * 9 * 64 * 4;
    assert_in_range(passes, 1, 6); // mean, variance, y; sums, dx and at most one more
    plan_free(p);
    check_free(&in);
    graph_free(g);
}

static void test_batch_norm_passes(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        threads_set(threads);
        for (int64_t batches = 1; batches <= 4; batches *= 2) check_batch_norm(batches);
    }
    threads_set(2);
}

// Two operations that run as one. ---------------------------------------------------------------------------------------------------------------------------
static node *first_of_two(int kind, node *a, node *b) {
    return kind == 0 ? nn_add(a, b) : kind == 1 ? nn_sub(a, b) : nn_mul(a, b);
}

static node *second_of_two(int kind, node *v, node *c) {
    node *rectified = nn_leaky_relu(c, 0.2), *gradient;
    switch (kind) {
    case 0:
        return nn_add(v, c);
    case 1:
        return nn_add(c, v);
    case 2:
        return nn_sub(v, c);
    case 3:
        return nn_sub(c, v);
    case 4:
        return nn_mul(v, c);
    case 5:
        return nn_mul(c, v);
    case 6:
        return nn_relu(v);
    case 7:
        return nn_leaky_relu(v, 0.3);
    default:
        grad_from(rectified, v, &c, 1, &gradient);
        return gradient;
    }
}

static void test_pairs(void **state) {
    (void)state;
    for (int i = 0; i < 3 * 9 * 2; i++) { // what lies between them is read by nobody else, or wanted, too
        graph *g = graph_new(F32);
        check_inputs in = {0};
        node *x[3], *wanted[2];
        for (int j = 0; j < 3; j++) x[j] = check_input(&in, g, SHAPE(7, 333), F32, (uint64_t)j);
        wanted[1] = first_of_two(i % 3, x[0], x[1]);
        wanted[0] = second_of_two(i / 3 % 9, wanted[1], x[2]);
        char what[64];
        snprintf(what, sizeof what, "pair %d, %d", i % 3, i / 3 % 9);
        check_plan(g, &in, wanted, 1 + i / 27, 1e-6, what);
        check_free(&in);
        graph_free(g);
    }
}

// The same bits in each run and each plan. -----------------------------------------------------------------------------------------------------------------
static void test_same_bits(void **state) {
    (void)state;
    float first[64];
    for (int threads = 1; threads <= 3; threads++) {
        threads_set(threads);
        for (int again = 0; again < 3; again++) {
            graph *g = graph_new(F32);
            check_inputs in = {0};
            node *x = check_input(&in, g, SHAPE(999, 64), F32, 5), *y = nn_sum(nn_exp(x), AXIS(0), false);
            plan *p;
            check_ok(plan_compile(g, &(plan_phase){&(plan_output){y, NULL}, 1}, 1, NULL, &p));
            check_feed(p, &in);
            for (int run = 0; run < 3; run++) {
                plan_run(p, 0, 0, 0);
                if (!again && !run) memcpy(first, plan_data(p, y), sizeof first);
                assert_memory_equal(first, plan_data(p, y), sizeof first);
            }
            plan_free(p);
            check_free(&in);
            graph_free(g);
        }
    }
    threads_set(2);
}

static void test_nan_passes_through(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    node *x = graph_input(g, "x", SHAPE(3, 700), F32), *half = nn_cast(x, BF16);
    node *all = nn_max_over(x, AXIS(0) | AXIS(1), false), *rows = nn_max_over(x, AXIS(1), false), *columns = nn_max_over(x, AXIS(0), false);
    plan_output o[] = {{all, NULL}, {rows, NULL}, {columns, NULL}, {half, NULL}};
    plan *p;
    check_ok(plan_compile(g, &(plan_phase){o, 4}, 1, NULL, &p));
    float *values = plan_data(p, x);
    for (int i = 0; i < 2100; i++) values[i] = (float)i;
    values[5] = NAN;
    plan_run(p, 0, 0, 0);
    assert_true(isnan(*(float *)plan_data(p, all)));
    assert_true(isnan(((float *)plan_data(p, rows))[0]) && ((float *)plan_data(p, rows))[1] == 1399.0f);
    assert_true(isnan(((float *)plan_data(p, columns))[5]) && ((float *)plan_data(p, columns))[6] == 1406.0f);
    assert_true(isnan(bf16_to_f32(((uint16_t *)plan_data(p, half))[5])));
    plan_free(p);
    graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_graphs),      cmocka_unit_test(test_reductions), cmocka_unit_test(test_sums_keep_small_terms),
        cmocka_unit_test(test_batch_norm_passes),  cmocka_unit_test(test_pairs),      cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_nan_passes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
