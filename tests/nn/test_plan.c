// Plans: phases, sharing, dead nodes, where outputs go, memory in place, views, workspaces; and a run that allocates nothing.
#include <stdatomic.h>
#include <stdio.h>

#include "nn/grad.h"
#include "nn/ops/place_conv.h"
#include "nn/store.h"
#include "tests/nn/conv_example.h"
#include "tests/nn/plan_check.h"
#include "tests/nn/squares.h"

// Counts what our own code asks of malloc: the test's objects come before the C library when symbols are looked up. -----------------------------------
static atomic_int allocations;
static atomic_bool counting;

#if !defined(__SANITIZE_ADDRESS__)
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t n, size_t bytes);
extern void *__libc_realloc(void *p, size_t bytes);
void *malloc(size_t bytes) {
    allocations += counting;
    return __libc_malloc(bytes);
}
void *calloc(size_t n, size_t bytes) {
    allocations += counting;
    return __libc_calloc(n, bytes);
}
void *realloc(void *p, size_t bytes) {
    allocations += counting;
    return __libc_realloc(p, bytes);
}
#endif

static plan *compile(graph *g, const plan_phase *phases, int n, workspace *w) {
    plan *p;
    check_ok(plan_compile(g, phases, n, w, &p));
    return p;
}

static float first_of(plan *p, const node *n) {
    const float *data = plan_data(p, n);
    assert_non_null(data);
    return data[0];
}

static bool has_step(const plan *p, const char *part) {
    for (int i = 0; i < plan_steps(p); i++)
        if (strstr(plan_step_at(p, i).name, part)) return true;
    return false;
}

static store *one_tensor(shape s, init i) {
    store *st = store_new();
    assert_non_null(st);
    assert_int_equal(store_declare(st, "w", s, i, true), 0);
    check_ok(store_allocate(st));
    store_initialize(st, 1);
    return st;
}

// ------------------------------------------------------------------------------------------------------------------------------------------------------------
static void test_dead_nodes_are_dropped_and_equal_ones_shared(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    node *x = graph_input(g, "x", SHAPE(8, 8), F32);
    node *dead = nn_tanh(x);
    node *a = nn_sum(nn_exp(x), AXIS(1), false), *b = nn_sum(nn_exp(x), AXIS(1), false),
         *y = nn_add(nn_permute(a, (int[]){0}), nn_permute(b, (int[]){0}));
    plan *p = compile(g, &(plan_phase){&(plan_output){y, NULL}, 1}, 1, NULL);
    assert_false(has_step(p, "tanh"));
    int exps = 0;
    for (int i = 0; i < plan_steps(p); i++)
        for (const char *at = plan_step_at(p, i).name; (at = strstr(at, "exp")); at++) exps++;
    assert_int_equal(exps, 1);
    assert_null(plan_data(p, dead));
    float ones[64];
    for (int i = 0; i < 64; i++) ones[i] = 0;
    plan_feed(p, x, ones);
    plan_run(p, 0, 0, 0);
    assert_true(first_of(p, y) == 16.0f);
    plan_free(p);
    graph_free(g);
}

static void test_random_streams_differ_and_steps_too(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    node *a = graph_uniform(g, SHAPE(1000), 1), *b = graph_uniform(g, SHAPE(1000), 2);
    plan_output o[] = {{a, NULL}, {b, NULL}};
    plan *p = compile(g, &(plan_phase){o, 2}, 1, NULL);
    plan_run(p, 0, 5, 1);
    float before = first_of(p, a);
    assert_true(before != first_of(p, b));
    plan_run(p, 0, 5, 2);
    assert_true(before != first_of(p, a));
    plan_run(p, 0, 5, 1);
    assert_true(before == first_of(p, a));
    plan_free(p);
    graph_free(g);
}

// Phase 1 uses what phase 0 left, with the parameters of then; its own nodes see the new ones.
static void test_phases(void **state) {
    (void)state;
    store *st = one_tensor(SHAPE(1000), (init){INIT_CONSTANT, 2, 0, 0});
    graph *g = graph_new(F32);
    node *x = graph_input(g, "x", SHAPE(1000), F32), *w = graph_param(g, st, 0);
    node *shared = nn_tanh(nn_mul(x, w));       // used by both
    node *early = nn_add_scalar(shared, 1);     // phase 0
    node *late = nn_add(shared, nn_mul(x, w));  // phase 1: what phase 0 left, and a product of its own, with new parameters
    node *new = nn_square(nn_mul_scalar(w, 1)); // phase 1: new parameters
    plan_output o0[] = {{early, NULL}}, o1[] = {{late, NULL}, {new, NULL}};
    plan *p = compile(g, (plan_phase[]){{o0, 1}, {o1, 2}}, 2, NULL);
    float ones[1000];
    for (int i = 0; i < 1000; i++) ones[i] = 1;
    plan_feed(p, x, ones);
    plan_run(p, 0, 0, 0);
    plan_run(p, 0, 0, 0);
    assert_true(fabsf(first_of(p, early) - 1 - tanhf(2)) < 1e-6f);
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < 1000; i++) store_data(st, 0)[i] = 2;
        plan_run(p, 0, 0, 0);
        for (int i = 0; i < 1000; i++) store_data(st, 0)[i] = 3;
        plan_run(p, 1, 0, 0);
        assert_true(fabsf(first_of(p, late) - tanhf(2) - 3) < 1e-5f);
        assert_true(first_of(p, new) == 9.0f);
    }
    plan_free(p);
    graph_free(g);
    store_free(st);
}

static void test_outputs_to_slabs(void **state) {
    (void)state;
    store *st = one_tensor(SHAPE(4, 3), (init){INIT_NORMAL, 1, 0, 0});
    graph *g = graph_new(F32);
    check_inputs in = {0};
    node *x = check_input(&in, g, SHAPE(5, 4, 3), F32, 1), *w = graph_param(g, st, 0), *dw;
    node *y = nn_mul(x, w), *loss = nn_mean(nn_square(y), nn_all_axes(y), false);
    grad(loss, &w, 1, &dw);
    float once[12], twice[12], view[60], leaf[12], half[60], constant[2];
    node *bf16 = nn_cast(y, BF16), *two = graph_constant(g, SHAPE(2), 2), *flat = nn_reshape(y, SHAPE(60));
    plan_output o[] = {{dw, once}, {dw, twice}, {flat, view}, {w, leaf}, {bf16, half}, {two, constant}, {loss, NULL}};
    node *wanted[] = {dw, y, w, loss};
    double *expected[4];
    plan *p = compile(g, &(plan_phase){o, 7}, 1, NULL);
    check_feed(p, &in);
    check_reference(g, &in, 0, 0, wanted, 4, expected);
    for (int run = 0; run < 2; run++) {
        memset(once, 0, sizeof once);
        plan_run(p, 0, 0, 0);
        check_close(once, F32, expected[0], 12, 1e-5, "dw");
        check_close(twice, F32, expected[0], 12, 1e-5, "dw, second");
        check_close(view, F32, expected[1], 60, 1e-5, "a view");
        check_close(leaf, F32, expected[2], 12, 1e-6, "a parameter");
        check_close(half, F32, expected[1], 60, 1e-2, "bf16");
        check_close(plan_data(p, loss), F32, expected[3], 1, 1e-5, "loss");
        assert_true(constant[0] == 2 && constant[1] == 2);
    }
    for (int i = 0; i < 4; i++) free(expected[i]);
    check_free(&in);
    plan_free(p);
    graph_free(g);
    store_free(st);
}

// Of what a fast convolution writes there; not of what is only part of a result, and not of what a loop makes.
static void test_squares_of_outputs(void **state) {
    (void)state;
    enum { FILTERS = 64 * 64 * 9 };
    graph *g = graph_new(F32);
    g->convolution = CONV_FAST;
    check_inputs in = {0};
    node *x = check_input(&in, g, SHAPE(4, 8, 8, 64), F32, 1), *once = check_input(&in, g, SHAPE(64, 64, 3, 3), F32, 2),
         *twice = check_input(&in, g, SHAPE(64, 64, 3, 3), F32, 3), *bias = check_input(&in, g, SHAPE(64), F32, 4), *d[3];
    const conv_params same = {.stride = {1, 1}, .pad = {1, 1, 1, 1}, .dilation = {1, 1}, .groups = 1};
    node *y = nn_add(nn_conv(nn_conv(nn_conv(x, once, same), twice, same), twice, same), bias);
    grad(nn_mean(nn_square(y), nn_all_axes(y), false), (node *const[]){once, twice, bias}, 3, d);
    static float to[3][FILTERS];
    plan_output o[] = {{d[0], to[0]}, {d[1], to[1]}, {d[2], to[2]}};
    plan *p = compile(g, &(plan_phase){o, 3}, 1, NULL);
    double squares[] = {-1, -1, -1, -1};
    for (int i = 0; i < 3; i++) plan_sum_squares(p, to[i], &squares[i]);
    plan_sum_squares(p, (const float *)(const void *)&in, &squares[3]); // no output's
    check_feed(p, &in);
    for (int run = 0; run < 2; run++) {
        plan_run(p, 0, 0, 0);
        assert_true(sum_of_squares(to[0], FILTERS) > 0);
        check_squares(to[0], FILTERS, squares[0]);
        assert_true(squares[1] == -1 && squares[2] == -1 && squares[3] == -1);
        assert_true(sum_of_squares(to[1], FILTERS) > 0 && sum_of_squares(to[2], 64) > 0);
        squares[0] = -1;
    }
    check_free(&in);
    plan_free(p);
    graph_free(g);
}

// Where filters are as large as the picture, and this processor multiplies between places.
static void test_squares_of_products_between_places(void **state) {
    (void)state;
    enum { FILTERS = 64 * 64 * 16 };
    graph *g = graph_new(F32);
    check_inputs in = {0};
    node *x = check_input(&in, g, SHAPE(16, 4, 4, 64), F32, 1), *y = check_input(&in, g, SHAPE(16, 1, 1, 64), F32, 2);
    const conv_params unit = {.stride = {1, 1}, .dilation = {1, 1}, .groups = 1};
    static float to[FILTERS];
    plan_output o[] = {{nn_conv_weights(x, y, unit, 4, 4), to}};
    plan *p = compile(g, &(plan_phase){o, 1}, 1, NULL);
    double squares = -1;
    plan_sum_squares(p, to, &squares);
    check_feed(p, &in);
    plan_run(p, 0, 0, 0);
    const onednn_conv c = conv_of(&(conv_example){16, 4, 4, 64, 64, 4, 4, unit}, ONEDNN_CONV_WEIGHTS, F32);
    assert_true(sum_of_squares(to, FILTERS) > 0);
    if (place_conv_pays(&c))
        check_squares(to, FILTERS, squares);
    else
        assert_true(squares == -1);
    check_free(&in);
    plan_free(p);
    graph_free(g);
}

// After every reader, also of later nodes.
static void test_assign(void **state) {
    (void)state;
    store *st = one_tensor(SHAPE(10), (init){INIT_CONSTANT, 1, 0, 0});
    graph *g = graph_new(F32);
    node *w = graph_param(g, st, 0), *a = graph_assign(g, st, 0, nn_mul_scalar(w, 2)), *after = nn_add_scalar(w, 0.5);
    plan_output o[] = {{a, NULL}, {after, NULL}};
    plan *p = compile(g, &(plan_phase){o, 2}, 1, NULL);
    for (int run = 0; run < 3; run++) {
        plan_run(p, 0, 0, 0);
        assert_true(first_of(p, after) == (float)(1 << run) + 0.5f);
        assert_true(store_data(st, 0)[9] == (float)(2 << run));
    }
    plan_free(p);
    graph_free(g);
    store_free(st);
}

// A long chain with permutations in between needs memory for few of its values, whatever reads the first ones again.
static void test_memory_is_reused(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    check_inputs in = {0};
    node *x = check_input(&in, g, SHAPE(64, 64), F32, 3), *y = x, *early = NULL;
    for (int i = 0; i < 20; i++) {
        y = nn_permute(nn_tanh(y), (int[]){1, 0});
        if (i == 3) early = y;
    }
    node *z = nn_add(y, early), *wanted[] = {z, nn_sum(y, AXIS(0), false)};
    plan_output o[] = {{z, NULL}};
    plan *p = compile(g, &(plan_phase){o, 1}, 1, NULL);
    assert_true(plan_memory_of(p).activations <= 5 * 64 * 64 * sizeof(float));
    plan_free(p);
    check_plan(g, &in, wanted, 2, 1e-5, "chain");
    check_free(&in);
    graph_free(g);
}

// Results that could overwrite an operand too early: it is read through a repeat, by a later operation of the same loop, or is an input.
static void test_in_place_is_safe(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    check_inputs in = {0};
    node *x = check_input(&in, g, SHAPE(40, 40), F32, 4), *p0 = nn_permute(x, (int[]){1, 0}),
         *row = nn_slice(p0, (int64_t[]){0, 0}, (int64_t[]){1, 40}, NULL);
    node *a = nn_tanh(nn_add(p0, row)), *b = nn_mul(a, nn_exp(p0)), *c = nn_add(p0, nn_reshape(nn_permute(b, (int[]){1, 0}), SHAPE(40, 40)));
    node *square = nn_permute(nn_reshape(c, SHAPE(1600, 1)), (int[]){1, 0}),
         *wanted[] = {a, b, nn_add(c, nn_sum(c, AXIS(1), true)), nn_neg(square), x};
    check_plan(g, &in, wanted, 5, 1e-5, "in place");
    check_plan(g, &in, wanted + 2, 1, 1e-5, "in place, one output");
    check_free(&in);
    graph_free(g);
}

// The smaller plan is compiled first and must follow the workspace when it grows.
static void test_plans_share_a_workspace(void **state) {
    (void)state;
    workspace *w = workspace_new();
    graph *g = graph_new(F32);
    node *x = graph_input(g, "x", SHAPE(10), F32), *y = nn_add_scalar(x, 1);
    node *big = graph_input(g, "big", SHAPE(1 << 21), F32), *z = nn_sum(nn_tanh(nn_permute(big, (int[]){0})), AXIS(0), false);
    plan *p = compile(g, &(plan_phase){&(plan_output){y, NULL}, 1}, 1, w);
    float values[10] = {1, 2, 3};
    plan_feed(p, x, values);
    plan_run(p, 0, 0, 0);
    assert_true(first_of(p, y) == 2);
    size_t before = workspace_bytes(w);
    plan *q = compile(g, &(plan_phase){&(plan_output){z, NULL}, 1}, 1, w);
    assert_true(workspace_bytes(w) > before);
    plan_feed(p, x, values);
    plan_run(p, 0, 0, 0);
    assert_true(first_of(p, y) == 2);
    memset(plan_data(q, big), 0, sizeof(float) << 21);
    plan_run(q, 0, 0, 0);
    assert_true(first_of(q, z) == 0);
    plan_free(q);
    plan_free(p);
    graph_free(g);
    workspace_free(w);
}

static void test_errors_are_reported(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    node *x = graph_input(g, "x", SHAPE(3, 4), F32), *y = nn_add(x, graph_input(g, "y", SHAPE(5), F32));
    plan *p;
    assert_int_not_equal(plan_compile(g, &(plan_phase){&(plan_output){y, NULL}, 1}, 1, NULL, &p), FOIL_OK);
    assert_null(p);
    assert_non_null(strstr(foil_error(), "[3, 4]"));
    graph_free(g);
}

static void test_a_run_allocates_nothing(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    check_inputs in = {0};
    node *x = check_input(&in, g, SHAPE(8, 16, 16, 32), F32, 1), *gamma = check_input(&in, g, SHAPE(32), F32, 2),
         *beta = check_input(&in, g, SHAPE(32), F32, 3);
    node *y = nn_leaky_relu(nn_batch_norm(x, nn_batch_stats(x, 1), gamma, beta, 1e-5), 0.2),
         *loss = nn_mean(nn_dropout(y, 0.5, 1), nn_all_axes(y), false), *d[3];
    grad(loss, (node *const[]){x, gamma, beta}, 3, d);
    float slab[64];
    plan_output o[] = {{loss, NULL}, {d[1], slab}, {d[2], slab + 32}, {d[0], NULL}};
    plan *p = compile(g, &(plan_phase){o, 4}, 1, NULL);
    check_feed(p, &in);
    plan_run(p, 0, 1, 1);
    allocations = 0;
    counting = true;
    for (uint64_t step = 2; step < 5; step++) plan_run(p, 0, 1, step);
    counting = false;
    assert_int_equal(allocations, 0);
    for (int i = 0; i < plan_steps(p); i++) assert_int_not_equal(strncmp(plan_step_at(p, i).implementation, "ref", 3), 0);
    check_free(&in);
    plan_free(p);
    graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_nodes_are_dropped_and_equal_ones_shared),
        cmocka_unit_test(test_random_streams_differ_and_steps_too),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_outputs_to_slabs),
        cmocka_unit_test(test_squares_of_outputs),
        cmocka_unit_test(test_squares_of_products_between_places),
        cmocka_unit_test(test_assign),
        cmocka_unit_test(test_memory_is_reused),
        cmocka_unit_test(test_in_place_is_safe),
        cmocka_unit_test(test_plans_share_a_workspace),
        cmocka_unit_test(test_errors_are_reported),
        cmocka_unit_test(test_a_run_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
