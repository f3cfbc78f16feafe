// Values that are computed again instead of kept: the same results in less memory, and never from what has changed in between.
#include "tests/nn/plan_check.h"

enum { SIDE = 64, CHANNELS = 32, BATCH = 4, BIG = 4 * BATCH * SIDE * SIDE * CHANNELS }; // elements of the resized picture

static int steps_again(const plan *p) {
    int n = 0;
    for (int i = 0; i < plan_steps(p); i++) n += !strcmp(plan_step_at(p, i).kind, "again");
    return n;
}

static node *turn(node *x) { // a kernel: its operand must lie in memory
    return nn_permute(x, (int[]){0, 2, 1, 3});
}

// A picture twice as large, needed now and, when another of its size has come and gone, once more.
static void build_pictures(graph *g, check_inputs *in, node *out[2]) {
    node *x = check_input(in, g, SHAPE(BATCH, SIDE, SIDE, CHANNELS), F32, 1);
    node *large = nn_resize_nearest(x, 2 * SIDE, 2 * SIDE), *first = turn(large), *passing = nn_add(turn(nn_exp(first)), turn(nn_tanh(first)));
    out[0] = nn_sum(turn(passing), nn_all_axes(x), false);
    out[1] = nn_sum(nn_mul(turn(nn_add(large, out[0])), turn(large)), nn_all_axes(x), false);
}

// A filter that is computed, laid out for a convolution and, later, for another one in another way.
static void build_filters(graph *g, check_inputs *in, node *out[2]) {
    enum { FILTERS = 512, DEPTH = 256 };
    const conv_params same = {.pad = {1, 1, 1, 1}};
    node *x = check_input(in, g, SHAPE(1, 8, 8, DEPTH), F32, 1), *w = nn_tanh(check_input(in, g, SHAPE(FILTERS, DEPTH, 3, 3), F32, 2));
    node *large = check_input(in, g, SHAPE(BATCH, 2 * SIDE, 2 * SIDE, 2 * CHANNELS), F32, 3), *first = nn_conv(x, w, same);
    node *passing = nn_add(turn(nn_exp(turn(nn_add(large, nn_mean(first, nn_all_axes(first), false))))), turn(nn_tanh(large)));
    out[0] = nn_mean(turn(passing), nn_all_axes(large), false);
    out[1] = nn_sum(nn_square(nn_conv_data(nn_add(first, out[0]), w, same, 8, 8)), nn_all_axes(x), false);
}

// So much work that a little more does not count.
static node *heavy(graph *g) {
    node *a = graph_input(g, "a", SHAPE(3072, 3072), F32);
    return nn_sum(nn_matmul(a, a, false, false), AXIS(0) | AXIS(1), false);
}

// Without the heavy product it would take too much of the time.
static void check_same(void (*build)(graph *g, check_inputs *in, node *out[2])) {
    float got[2][2];
    for (int more = 0; more < 2; more++) {
        graph *g = graph_new(F32);
        check_inputs in = {0};
        node *out[2];
        build(g, &in, out);
        plan_output o[] = {{out[0], NULL}, {out[1], NULL}, {heavy(g), NULL}};
        plan *p;
        check_ok(plan_compile(g, &(plan_phase){o, 2 + more}, 1, NULL, &p));
        assert_int_equal(steps_again(p) > 0, more);
        check_feed(p, &in);
        plan_run(p, 0, 0, 0);
        for (int i = 0; i < 2; i++) got[more][i] = *(const float *)plan_data(p, out[i]);
        for (int i = 0; i < plan_steps(p); i++) assert_true(strcmp(plan_step_at(p, i).kind, "again") != 0 || plan_step_at(p, i).flops == 0);
        plan_free(p);
        check_free(&in);
        graph_free(g);
    }
    assert_memory_equal(got[0], got[1], sizeof got[0]);
}

static void test_the_same_in_less_memory(void **state) {
    (void)state;
    check_same(build_pictures);
    check_same(build_filters);
}

// What two phases read is computed again in the second one only if what it is computed from holds still.
static void check_phases(bool steady) {
    store *s = store_new();
    assert_non_null(s);
    store_declare(s, "w", SHAPE(CHANNELS), (init){INIT_CONSTANT, 2, 0, 0}, true);
    check_ok(store_allocate(s));
    store_initialize(s, 1);
    graph *g = graph_new(F32);
    if (steady) g->steady = s;
    node *x = graph_input(g, "x", SHAPE(BATCH, 2 * SIDE, 2 * SIDE, CHANNELS), F32), *w = graph_param(g, s, 0);
    node *scaled = nn_mul(x, w), *early = nn_sum(turn(scaled), nn_all_axes(x), false);
    node *other = turn(nn_exp(turn(x))), *passing = nn_sum(turn(nn_add(nn_tanh(other), turn(x))), nn_all_axes(x), false);
    node *late = nn_sum(turn(nn_add_scalar(scaled, 1)), nn_all_axes(x), false);
    plan_output o0[] = {{early, NULL}, {passing, NULL}, {heavy(g), NULL}}, o1[] = {{late, NULL}};
    plan *p;
    check_ok(plan_compile(g, (plan_phase[]){{o0, 3}, {o1, 1}}, 2, NULL, &p));
    float *data = plan_data(p, x);
    for (int i = 0; i < BIG; i++) data[i] = 1;
    plan_run(p, 0, 0, 0);
    assert_true(*(float *)plan_data(p, early) == 2.0f * BIG);
    if (!steady)
        for (int i = 0; i < CHANNELS; i++) store_data(s, 0)[i] = 3;
    plan_run(p, 1, 0, 0);
    assert_true(*(float *)plan_data(p, late) == 3.0f * BIG);
    int late_again = 0;
    for (int i = 0; i < plan_steps(p); i++) late_again += plan_step_at(p, i).phase == 1 && !strcmp(plan_step_at(p, i).kind, "again");
    assert_int_equal(late_again > 0, steady);
    plan_free(p);
    graph_free(g);
    store_free(s);
}

static void test_phases(void **state) {
    (void)state;
    check_phases(false);
    check_phases(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_same_in_less_memory), cmocka_unit_test(test_phases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
