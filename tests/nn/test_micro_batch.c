// Inference by micro-batches: as many samples at once as caches and weights make worthwhile, with the numbers of the whole batch.
#include "nn/micro_batch.h"

#include <math.h>
#include <omp.h>

#include "nn/net.h"
#include "nn/store.h"
#include "tests/nn/plan_check.h"

// 4 MB of activations for each sample, and next to no weights.
static const char LARGE[] = "input: {image: [256, 256, 1]}\n"
                            "layers: [{conv: {out: 16, kernel: 3, pad: 1}}, relu, {global_pool: mean}, {linear: {out: 1}}]\n";
static const char SMALL[] = "input: {image: [8, 8, 1]}\n"
                            "layers: [{conv: {out: 16, kernel: 3, pad: 1}}, relu, {global_pool: mean}, {linear: {out: 1}}]\n";
enum { BATCH = 10, MB = 1 << 20 };

typedef struct model {
    net *net;
    store *store;
    bool broken; // it asks for what cannot be computed
} model;

static int calls;
static void build(const void *context, micro_batch *m) {
    const model *from = context;
    const shape in = net_input(from->net);
    calls++;
    m->input = graph_input(m->graph, "x", SHAPE(m->samples, in.d[0], in.d[1], in.d[2]), F32);
    node *y = net_apply(from->net, m->graph, from->store, m->input, NET_INFER, 0, NULL);
    if (from->broken) y = nn_add(y, graph_input(m->graph, "z", SHAPE(7, 7), F32));
    m->output[0].node = y;
    m->outputs = 1;
}

static model open_model(const char *network) {
    model m = {0};
    calls = 0;
    check_ok(net_parse(network, "network", 0, &m.net));
    m.store = store_new();
    assert_non_null(m.store);
    check_ok(net_declare(m.net, m.store));
    check_ok(store_allocate(m.store));
    store_initialize(m.store, 5);
    store_freeze(m.store);
    return m;
}

static void close_model(model *m) {
    store_free(m->store);
    net_free(m->net);
}

// y of samples first …, which are made up; places without a sample hold what was there.
static void run(const micro_batch *p, const model *m, int first, int n, float *y) {
    float *x = plan_data(p->plan, p->input);
    const int64_t one = shape_count(net_input(m->net));
    for (int i = 0; i < n; i++)
        for (int64_t k = 0; k < one; k++) x[i * one + k] = (float)(first + i) * sinf((float)k);
    plan_run(p->plan, 0, 0, 0);
    memcpy(y, plan_data(p->plan, p->output[0].node), (size_t)n * sizeof *y);
}

static void test_parts_give_what_the_batch_gives(void **state) {
    (void)state;
    model m = open_model(LARGE);
    micro_batch whole, parts;
    float a[BATCH], b[BATCH];
    check_ok(micro_batch_compile(build, &m, F32, BATCH, true, NULL, &whole));
    assert_int_equal(whole.samples, BATCH);
    run(&whole, &m, 0, BATCH, a);
    check_ok(micro_batch_compile(build, &m, F32, BATCH, false, NULL, &parts));
    assert_int_equal(parts.samples, 3); // 10, 5, 3
    for (int i = 0; i < BATCH; i += parts.samples) run(&parts, &m, i, BATCH - i < parts.samples ? BATCH - i : parts.samples, b + i);
    for (int i = 0; i < BATCH; i++)
        if (!(fabsf(a[i] - b[i]) <= 1e-6f * fabsf(a[i]))) fail_msg("sample %d: %g, in a micro-batch %g", i, (double)a[i], (double)b[i]);
    assert_true(fabsf(a[0] - a[1]) > 1e-4f * fabsf(a[0])); // else it would not matter which is which
    micro_batch_free(&whole);
    micro_batch_free(&parts);
    close_model(&m);
}

static void test_what_fits_stays_whole(void **state) {
    (void)state;
    model m = open_model(SMALL);
    micro_batch p;
    check_ok(micro_batch_compile(build, &m, F32, 64, false, NULL, &p));
    assert_int_equal(p.samples, 64);
    assert_int_equal(calls, 1);
    micro_batch_free(&p);
    close_model(&m);
}

// Twice as many threads have twice the caches; weights that are read again with each part keep it large; bf16 takes half the memory.
static void test_threads_weights_and_types_count(void **state) {
    (void)state;
    static const char HEAVY[] = "input: {image: [256, 256, 1]}\n"
                                "layers: [{conv: {out: 16, kernel: 3, pad: 1}}, relu, {average_pool: {kernel: 8}}, flatten, {linear: {out: 512}}]\n";
    model light = open_model(LARGE), heavy = open_model(HEAVY);
    micro_batch p;
    check_ok(micro_batch_compile(build, &light, BF16, BATCH, false, NULL, &p));
    assert_int_equal(p.samples, 5);
    micro_batch_free(&p);
    check_ok(micro_batch_compile(build, &heavy, F32, BATCH, false, NULL, &p));
    assert_int_equal(p.samples, BATCH);
    micro_batch_free(&p);
    omp_set_num_threads(2);
    check_ok(micro_batch_compile(build, &light, F32, BATCH, false, NULL, &p));
    assert_int_equal(p.samples, 5);
    micro_batch_free(&p);
    omp_set_num_threads(1);
    close_model(&light);
    close_model(&heavy);
}

static void test_memory_of_the_whole_is_not_taken(void **state) {
    (void)state;
    model m = open_model(LARGE);
    workspace *w = workspace_new();
    assert_non_null(w);
    micro_batch p;
    check_ok(micro_batch_compile(build, &m, F32, 4 * BATCH, false, w, &p));
    const plan_memory taken = plan_memory_of(p.plan);
    assert_true(taken.activations <= 16 * MB);
    assert_true(workspace_bytes(w) <= taken.activations + taken.scratch + 2 * MB); // it comes in large pages
    micro_batch_free(&p);
    workspace_free(w);
    close_model(&m);
}

static void test_errors_leave_nothing(void **state) {
    (void)state;
    model m = open_model(LARGE);
    m.broken = true;
    micro_batch p;
    assert_int_equal(micro_batch_compile(build, &m, F32, BATCH, false, NULL, &p), FOIL_INVALID);
    assert_null(p.plan);
    assert_null(p.graph);
    assert_int_equal(calls, 1);
    micro_batch_free(&p);
    close_model(&m);
}

int main(void) {
    omp_set_num_threads(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_give_what_the_batch_gives),
        cmocka_unit_test(test_what_fits_stays_whole),
        cmocka_unit_test(test_threads_weights_and_types_count),
        cmocka_unit_test(test_memory_of_the_whole_is_not_taken),
        cmocka_unit_test(test_errors_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
