// Convolutions that work at the coarser resolution, of a mean or of an enlarged picture: values and gradients are those of the graph as it was written, and
// it is they that compute them.
#include "nn/grad.h"
#include "nn/ops/table.h"
#include "tests/nn/plan_check.h"

// Of the largest error, beside a value's typical size. f32: sums in another order, fast ones with errors of their own
// (test_winograd.c); bf16: 8 bits, two roundings.
static const double TOLERANCE[][2] = {
    [CONV_DIRECT] = {[F32] = 1e-5, [BF16] = 3e-2}, [CONV_FAST] = {[F32] = 2e-5, [BF16] = 1e-1}, [CONV_PLAIN] = {[F32] = 1e-5, [BF16] = 3e-2}};

typedef struct scene {
    shape x, w;
    conv_params conv;
    pool_params pool; // no window = the picture is enlarged instead
    bool bias;
    bool merged; // whether it pays
} scene;

#define POOL(rows, cols)                                                                                                                             \
    {                                                                                                                                                \
        .kernel = { rows, cols }                                                                                                                     \
    }
#define PAD(n)                                                                                                                                       \
    {                                                                                                                                                \
        .pad = { n, n, n, n }                                                                                                                        \
    }
static const struct {
    const char *name;
    scene scene;
} CASES[] = {
    {"a mean of 2x2", {.x = SHAPE(2, 8, 12, 16), .w = SHAPE(16, 16, 3, 3), .conv = PAD(1), .pool = POOL(2, 2), .merged = true}},
    {"with a bias", {.x = SHAPE(2, 8, 12, 16), .w = SHAPE(16, 16, 3, 3), .conv = PAD(1), .pool = POOL(2, 2), .bias = true, .merged = true}},
    {"wide enough to go fast",
     {.x = SHAPE(16, 16, 16, 64), .w = SHAPE(64, 64, 3, 3), .conv = PAD(1), .pool = POOL(2, 2), .bias = true, .merged = true}},
    {"a mean of 3x2, without padding",
     {.x = SHAPE(1, 11, 12, 5), .w = SHAPE(7, 5, 3, 3), .conv = {.groups = 1}, .pool = POOL(3, 2), .bias = true, .merged = true}},
    {"odd padding", {.x = SHAPE(1, 6, 8, 4), .w = SHAPE(4, 4, 4, 4), .conv = {.pad = {1, 2, 2, 1}}, .pool = POOL(2, 2), .merged = true}},
    {"groups", {.x = SHAPE(2, 8, 8, 8), .w = SHAPE(12, 2, 3, 3), .conv = {.pad = {1, 1, 1, 1}, .groups = 4}, .pool = POOL(2, 2), .merged = true}},
    {"one tap", {.x = SHAPE(2, 8, 8, 8), .w = SHAPE(8, 8, 1, 1), .conv = {.groups = 1}, .pool = POOL(2, 2)}},
    {"a stride", {.x = SHAPE(2, 16, 16, 8), .w = SHAPE(8, 8, 3, 3), .conv = {.stride = {2, 2}, .pad = {1, 1, 1, 1}}, .pool = POOL(2, 2)}},
    {"dilated", {.x = SHAPE(2, 8, 8, 8), .w = SHAPE(8, 8, 3, 3), .conv = {.pad = {2, 2, 2, 2}, .dilation = {2, 2}}, .pool = POOL(2, 2)}},
    {"rows that no window takes", {.x = SHAPE(2, 9, 8, 8), .w = SHAPE(8, 8, 3, 3), .conv = PAD(1), .pool = POOL(2, 2)}},
    {"windows that overlap", {.x = SHAPE(2, 8, 8, 8), .w = SHAPE(8, 8, 3, 3), .conv = PAD(1), .pool = {.kernel = {2, 2}, .stride = {1, 1}}}},
    {"padded windows", {.x = SHAPE(2, 8, 8, 8), .w = SHAPE(8, 8, 3, 3), .conv = PAD(1), .pool = {.kernel = {2, 2}, .pad = {1, 1, 1, 1}}}},
    {"enlarged", {.x = SHAPE(2, 5, 4, 64), .w = SHAPE(64, 64, 3, 3), .conv = PAD(1), .merged = true}},
    {"enlarged, with a bias", {.x = SHAPE(1, 4, 7, 72), .w = SHAPE(65, 72, 3, 3), .conv = PAD(1), .bias = true, .merged = true}},
    {"enlarged, few channels", {.x = SHAPE(2, 4, 4, 8), .w = SHAPE(64, 8, 3, 3), .conv = PAD(1)}},
    {"enlarged, too small", {.x = SHAPE(2, 2, 4, 64), .w = SHAPE(64, 64, 3, 3), .conv = PAD(1)}},
    {"enlarged, no padding", {.x = SHAPE(1, 4, 4, 64), .w = SHAPE(64, 64, 3, 3), .conv = {.groups = 1}}},
};
enum { N_CASES = sizeof CASES / sizeof *CASES };

// y, and its derivatives: of a loss toward each input, and of that toward the picture, squared, toward the filter.
enum { Y, TOWARD_X, TOWARD_W, SECOND, TOWARD_BIAS, MOST };
typedef struct made {
    graph *graph;
    check_inputs inputs;
    node *wanted[MOST];
    int n;
} made;

static node *result(const scene *s, node *x, node *w, node *bias) {
    const bool pools = s->pool.kernel[0] > 0;
    node *y = nn_conv(pools ? x : nn_resize_bilinear(x, 2 * s->x.d[1], 2 * s->x.d[2]), w, s->conv);
    if (bias) y = nn_add(y, bias);
    return pools ? nn_average_pool(y, s->pool) : y;
}

static made make(const scene *s, dtype compute, conv_algorithm how) {
    made m = {.graph = graph_new(compute)};
    graph *g = m.graph;
    g->convolution = how;
    node *x = check_input(&m.inputs, g, s->x, compute, 1), *w = check_input(&m.inputs, g, s->w, F32, 2);
    node *bias = s->bias ? check_input(&m.inputs, g, SHAPE(s->w.d[0]), F32, 3) : NULL;
    node *y = result(s, x, w, bias), *weight = check_input(&m.inputs, g, y->shape, F32, 4);
    node *const toward[] = {x, w, bias};
    node *slopes[3], *second;
    grad(nn_sum(nn_mul(nn_cast(y, F32), weight), nn_all_axes(y), false), toward, s->bias ? 3 : 2, slopes);
    grad(nn_sum(nn_square(nn_cast(slopes[0], F32)), nn_all_axes(x), false), &w, 1, &second);
    node *const wanted[] = {[Y] = y, [TOWARD_X] = slopes[0], [TOWARD_W] = slopes[1], [SECOND] = second, [TOWARD_BIAS] = slopes[2]};
    m.n = s->bias ? MOST : TOWARD_BIAS;
    memcpy(m.wanted, wanted, (size_t)m.n * sizeof(node *));
    return m;
}

static void free_made(made *m) {
    check_free(&m->inputs);
    graph_free(m->graph);
}

static plan *compile(const made *m) {
    plan_output o[MOST];
    plan *p;
    for (int i = 0; i < m->n; i++) o[i] = (plan_output){m->wanted[i], NULL};
    check_ok(plan_compile(m->graph, &(plan_phase){o, m->n}, 1, NULL, &p));
    return p;
}

static void check_near(const void *got, const node *n, const double *expected, double tolerance, const char *what, int which) {
    double worst = 0, square = 0;
    const int64_t count = shape_count(n->shape);
    for (int64_t i = 0; i < count; i++) {
        worst = fmax(worst, fabs(get(got, n->type, i) - expected[i]));
        square += expected[i] * expected[i];
    }
    double typical = sqrt(square / (double)count);
    assert_true(typical > 0);
    if (!(worst <= tolerance * typical)) fail_msg("%s, %s, output %d: off by %g of %g", what, dtype_name(n->graph->compute), which, worst, typical);
}

static void test_values_and_gradients(void **state) {
    (void)state;
    for (int k = 0; k < N_CASES; k++)
        for (dtype t = F32; t <= BF16; t++) {
            double *expected[MOST];
            for (conv_algorithm how = CONV_DIRECT; how <= CONV_PLAIN; how++) {
                made m = make(&CASES[k].scene, t, how);
                if (how == CONV_DIRECT) check_reference(m.graph, &m.inputs, 0, 0, m.wanted, m.n, expected); // the same for all
                plan *p = compile(&m);
                check_feed(p, &m.inputs);
                plan_run(p, 0, 0, 0);
                for (int i = 0; i < m.n; i++) check_near(plan_data(p, m.wanted[i]), m.wanted[i], expected[i], TOLERANCE[how][t], CASES[k].name, i);
                plan_free(p);
                if (how == CONV_PLAIN)
                    for (int i = 0; i < m.n; i++) free(expected[i]);
                free_made(&m);
            }
        }
}

// Convolution steps with the shapes that they have in the graph as it was written, and FLOPs of all convolutions.
typedef struct counted {
    int written, all;
    double flops;
} counted;

static counted count_convolutions(const made *m) {
    counted c = {0};
    plan *p = compile(m);
    for (int i = 0; i < plan_steps(p); i++) {
        const plan_step s = plan_step_at(p, i);
        if (strncmp(s.kind, "conv", 4) != 0) continue;
        c.all++;
        c.flops += s.flops;
        for (int id = 0, found = 0; id < m->graph->n && !found; id++) {
            const node *n = m->graph->nodes[id];
            found = strcmp(n->op->name, s.kind) == 0 && shape_equal(n->shape, s.shape) && strcmp(s.kind, "conv_data") != 0;
            c.written += found;
        }
    }
    plan_free(p);
    return c;
}

static void test_the_coarser_resolution_is_where_it_pays(void **state) {
    (void)state;
    for (int k = 0; k < N_CASES; k++) {
        made direct = make(&CASES[k].scene, F32, CONV_DIRECT), plain = make(&CASES[k].scene, F32, CONV_PLAIN);
        counted a = count_convolutions(&direct), b = count_convolutions(&plain);
        assert_int_equal(a.all, b.all);
        assert_true(fabs(a.flops / b.flops - 1) < 1e-9); // of what was written
        if ((a.written < b.written) != CASES[k].scene.merged) fail_msg("%s: %d of %d as written", CASES[k].name, a.written, b.written);
        free_made(&direct), free_made(&plain);
    }
}

static void test_what_others_read_stays(void **state) { // a convolution beside its mean
    (void)state;
    graph *g = graph_new(F32);
    check_inputs in = {0};
    node *y = nn_conv(check_input(&in, g, SHAPE(2, 8, 8, 8), F32, 1), check_input(&in, g, SHAPE(8, 8, 3, 3), F32, 2), (conv_params)PAD(1));
    node *const wanted[] = {nn_average_pool(y, (pool_params)POOL(2, 2)), nn_tanh(y)};
    check_plan(g, &in, wanted, 2, 1e-5, "read twice");
    plan *p;
    check_ok(plan_compile(g, &(plan_phase){(plan_output[]){{wanted[0], NULL}, {wanted[1], NULL}}, 2}, 1, NULL, &p));
    int convolutions = 0;
    for (int i = 0; i < plan_steps(p); i++) convolutions += strcmp(plan_step_at(p, i).kind, "conv") == 0;
    assert_int_equal(convolutions, 1);
    plan_free(p);
    check_free(&in);
    graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values_and_gradients), cmocka_unit_test(test_the_coarser_resolution_is_where_it_pays),
                                       cmocka_unit_test(test_what_others_read_stays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
