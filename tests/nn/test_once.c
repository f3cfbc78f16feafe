// Frozen stores: what depends on them alone is computed when the plan is compiled, and nothing else changes.
#include <math.h>
#include <stdlib.h>

#include "nn/net.h"
#include "nn/store.h"
#include "tests/nn/plan_check.h"

static const float TOLERANCE = 1e-5f; // between plans that compute the same in another order

// A small network whose weights are not used as they lie: spectral norm, batch norm.
static const char NETWORK[] = "input: {image: [16, 16, 3]}\n"
                              "layers:\n"
                              "  - conv: {out: 16, kernel: 3, pad: 1, spectral_norm: true}\n"
                              "  - leaky_relu: 0.2\n"
                              "  - conv: {out: 32, kernel: 3, stride: 2, pad: 1}\n"
                              "  - batch_norm\n"
                              "  - relu\n"
                              "  - flatten\n"
                              "  - linear: {out: 1, spectral_norm: true}\n";
enum { BATCH = 4, PIXELS = BATCH * 16 * 16 * 3 };

typedef struct model {
    net *net;
    store *store;
    graph *graph;
    node *x, *y;
    plan *plan;
} model;

static model open_model(dtype compute, bool frozen, workspace *w) {
    model m = {0};
    check_ok(net_parse(NETWORK, "network", 0, &m.net));
    m.store = store_new();
    check_ok(net_declare(m.net, m.store));
    check_ok(store_allocate(m.store));
    store_initialize(m.store, 7);
    if (frozen) store_freeze(m.store);
    m.graph = graph_new(compute);
    m.x = graph_input(m.graph, "x", SHAPE(BATCH, 16, 16, 3), F32);
    m.y = net_apply(m.net, m.graph, m.store, m.x, NET_INFER, 0, NULL);
    check_ok(plan_compile(m.graph, &(plan_phase){&(plan_output){m.y, NULL}, 1}, 1, w, &m.plan));
    return m;
}

static void close_model(model *m) {
    plan_free(m->plan);
    graph_free(m->graph);
    store_free(m->store);
    net_free(m->net);
}

static void run_model(model *m, float *out) {
    float x[PIXELS];
    for (int i = 0; i < PIXELS; i++) x[i] = sinf((float)i);
    plan_feed(m->plan, m->x, x);
    plan_run(m->plan, 0, 0, 0);
    for (int i = 0; i < BATCH; i++)
        out[i] = m->y->type == F32 ? ((float *)plan_data(m->plan, m->y))[i] : bf16_to_f32(((uint16_t *)plan_data(m->plan, m->y))[i]);
}

static bool has_step(const plan *p, const char *part) {
    for (int i = 0; i < plan_steps(p); i++)
        if (strstr(plan_step_at(p, i).name, part)) return true;
    return false;
}

static void test_results_are_the_plain_plans(void **state) {
    (void)state;
    const float tolerance[] = {[F32] = TOLERANCE, [BF16] = 2e-2f};
    for (dtype t = F32; t <= BF16; t++) {
        model plain = open_model(t, false, NULL), frozen = open_model(t, true, NULL);
        float a[BATCH], b[BATCH];
        run_model(&plain, a);
        run_model(&frozen, b);
        for (int i = 0; i < BATCH; i++)
            if (!(fabsf(a[i] - b[i]) <= tolerance[t] * fmaxf(1, fabsf(a[i]))))
                fail_msg("%s: %g, frozen %g", dtype_name(t), (double)a[i], (double)b[i]);
        run_model(&frozen, a);
        assert_memory_equal(a, b, sizeof a);
        close_model(&plain), close_model(&frozen);
    }
}

static void test_runs_prepare_nothing(void **state) {
    (void)state;
    model plain = open_model(F32, false, NULL), frozen = open_model(F32, true, NULL);
    assert_true(has_step(plain.plan, "reorder"));
    assert_true(has_step(plain.plan, "sum")); // spectral norms
    assert_false(has_step(frozen.plan, "reorder"));
    assert_false(has_step(frozen.plan, "sum"));
    assert_true(plan_flops(frozen.plan) < plan_flops(plain.plan));
    close_model(&plain), close_model(&frozen);
}

// Nothing of what was computed once lies where other plans write.
static void test_workspaces_may_be_shared(void **state) {
    (void)state;
    workspace *w = workspace_new();
    assert_non_null(w);
    model first = open_model(F32, true, w);
    float a[BATCH], b[BATCH];
    run_model(&first, a);
    model second = open_model(BF16, true, w);
    run_model(&second, b);
    run_model(&first, b);
    assert_memory_equal(a, b, sizeof a);
    close_model(&first), close_model(&second);
    workspace_free(w);
}

static store *two_values(void) {
    store *s = store_new();
    assert_non_null(s);
    assert_int_equal(store_declare(s, "w", SHAPE(2), (init){INIT_CONSTANT, 3, 0, 0}, true), 0);
    check_ok(store_allocate(s));
    store_initialize(s, 1);
    return s;
}

// An output that depends on nothing else is known, too; values of other stores are read in each run.
static void test_only_frozen_stores_are_known(void **state) {
    (void)state;
    store *frozen = two_values(), *living = two_values();
    store_freeze(frozen);
    graph *g = graph_new(F32);
    node *known = nn_square(graph_param(g, frozen, 0)), *sum = nn_add(known, graph_param(g, living, 0));
    float slab[2] = {0};
    plan_output o[] = {{known, NULL}, {nn_neg(known), slab}, {sum, NULL}};
    plan *p;
    check_ok(plan_compile(g, &(plan_phase){o, 3}, 1, NULL, &p));
    store_data(living, 0)[0] = 5;
    plan_run(p, 0, 0, 0);
    assert_true(((float *)plan_data(p, known))[0] == 9.0f);
    assert_true(slab[0] == -9.0f);
    assert_true(((float *)plan_data(p, sum))[0] == 14.0f);
    assert_true(((float *)plan_data(p, sum))[1] == 12.0f);
    plan_free(p);
    graph_free(g);
    store_free(frozen), store_free(living);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_are_the_plain_plans),
        cmocka_unit_test(test_runs_prepare_nothing),
        cmocka_unit_test(test_workspaces_may_be_shared),
        cmocka_unit_test(test_only_frozen_stores_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
