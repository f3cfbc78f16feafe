// What convolutions with frozen weights take in: the results are those of the same graph over a store that is not frozen.
#include <math.h>
#include <stdlib.h>

#include "nn/ops/narrow_conv.h"
#include "nn/store.h"
#include "tests/nn/plan_check.h"

// f32: sums in another order. bf16: results are rounded once instead of after each step, to 8 bits.
static const double TOLERANCE[] = {[F32] = 1e-5, [BF16] = 4e-2};

enum { N = 2, SIZE = 9, WIDE = 45, CHANNELS = 64 };

// Parameters: a filter of CHANNELS or, `last`, of FEW outputs, and vectors.
enum { FILTER, SECOND, NARROW, SCALE, SHIFT, COLOURS, EIGHT, SCALE_8, SHIFT_8, POINT, TENSORS, FEW = 3 };
static store *new_store(bool frozen) {
    store *s = store_new();
    assert_non_null(s);
    const shape filter = SHAPE(CHANNELS, CHANNELS, 3, 3);
    const init normal = {INIT_NORMAL, 0.05f, 0, 0}, near_one = {INIT_NORMAL_ONE, 0.3f, 0, 0};
    store_declare(s, "filter", filter, normal, true);
    store_declare(s, "second", filter, normal, true);
    store_declare(s, "narrow", SHAPE(FEW, CHANNELS, 3, 3), normal, true);
    store_declare(s, "scale", SHAPE(CHANNELS), near_one, true);
    store_declare(s, "shift", SHAPE(CHANNELS), normal, true);
    store_declare(s, "colours", SHAPE(8, FEW, 3, 3), normal, true);
    store_declare(s, "eight", SHAPE(8, 8, 5, 5), normal, true);
    store_declare(s, "scale_8", SHAPE(8), (init){INIT_NORMAL, 1, 0, 0}, true); // of either sign
    store_declare(s, "shift_8", SHAPE(8), normal, true);
    store_declare(s, "point", SHAPE(CHANNELS, CHANNELS, 1, 1), normal, true);
    check_ok(store_allocate(s));
    store_initialize(s, 3);
    if (frozen) store_freeze(s);
    return s;
}

typedef struct scene {
    node *x, *wide, *p[TENSORS];
} scene;

static node *conv(node *x, node *w) {
    return nn_conv(x, w, (conv_params){.pad = {1, 1, 1, 1}});
}
static node *norm(const scene *s, node *x) {
    return nn_batch_norm(x, (batch_stats){s->p[SHIFT], nn_square(s->p[SCALE])}, s->p[SCALE], s->p[SHIFT], 1e-5);
}

// Graphs, and how many steps they become.
static node *bias_and_rectifier(const scene *s) {
    return nn_leaky_relu(nn_add(conv(s->x, s->p[FILTER]), s->p[SHIFT]), 0.2);
}
static node *batch_norm(const scene *s) {
    return nn_relu(norm(s, nn_add(conv(s->x, s->p[FILTER]), s->p[SHIFT])));
}
static node *residual_of_input(const scene *s) {
    return nn_relu(nn_add(norm(s, conv(s->x, s->p[FILTER])), s->x));
}
static node *residual_block(const scene *s) { // the second convolution adds to the first one's result
    node *first = nn_relu(conv(s->x, s->p[FILTER]));
    return nn_relu(nn_add(first, norm(s, conv(first, s->p[SECOND]))));
}
static node *bottleneck(const scene *s) { // in bf16 the second one adds, too, where the kernel of its own can
    node *first = nn_relu(norm(s, nn_conv(s->x, s->p[POINT], (conv_params){0})));
    return nn_relu(nn_add(norm(s, nn_conv(first, s->p[POINT], (conv_params){0})), s->x));
}
static node *two_branches(const scene *s) {
    return nn_relu(nn_add(norm(s, conv(s->x, s->p[FILTER])), norm(s, conv(s->x, s->p[SECOND]))));
}
static node *read_twice(const scene *s) { // the plain result, too: nothing may be taken in
    node *y = conv(s->x, s->p[FILTER]);
    return nn_mul(nn_relu(y), nn_tanh(y));
}
static node *norm_after_rectifier(const scene *s) {
    return norm(s, nn_relu(conv(s->x, s->p[FILTER])));
}
static node *mirrored(const scene *s) { // computed in a way that takes nothing in
    return nn_relu(conv(s->x, s->p[NARROW]));
}
static node *norm_8(const scene *s, node *x) {
    return nn_batch_norm(x, (batch_stats){s->p[SHIFT_8], nn_square(s->p[SCALE_8])}, s->p[SCALE_8], s->p[SHIFT_8], 1e-2);
}
static node *narrow_norms(const scene *s) { // the kernel for few channels does what follows its rectifier, too
    node *first = norm_8(s, nn_leaky_relu(nn_add(conv(s->wide, s->p[COLOURS]), s->p[SHIFT_8]), 0.1));
    return norm_8(s, nn_relu(nn_conv(first, s->p[EIGHT], (conv_params){.pad = {2, 2, 2, 2}})));
}
static node *narrow_residual(const scene *s) { // a sum with another picture is not for it
    node *first = nn_relu(conv(s->wide, s->p[COLOURS]));
    return nn_relu(nn_add(nn_conv(first, s->p[EIGHT], (conv_params){.pad = {2, 2, 2, 2}}), first));
}
static node *mean_of_convolution(const scene *s) { // rewrite_resized.c makes one of the two; what follows is taken in
    node *y = nn_add(conv(s->x, s->p[FILTER]), s->p[SHIFT]);
    return nn_relu(nn_average_pool(y, (pool_params){.kernel = {3, 3}}));
}
static node *negative_slope(const scene *s) {
    return nn_leaky_relu(conv(s->x, s->p[FILTER]), -0.5);
}

static const struct {
    const char *name;
    node *(*build)(const scene *s);
    int steps; // in f32, with all kernels
} CASES[] = {{"bias and rectifier", bias_and_rectifier, 1},
             {"batch norm", batch_norm, 1},
             {"residual of an input", residual_of_input, 1},
             {"residual block", residual_block, 2},
             {"bottleneck", bottleneck, 3},
             {"two branches", two_branches, 2},
             {"read twice", read_twice, 2},
             {"norm after rectifier", norm_after_rectifier, 2},
             {"mirrored", mirrored, 2},
             {"negative slope", negative_slope, 1},
             {"mean of a convolution", mean_of_convolution, 1},
             {"narrow residual", narrow_residual, 3},
             {"narrow norms", narrow_norms, 2}};

// Not all processors have the kernel for few channels.
static int expected_steps(size_t i) {
    const onednn_conv first = {.kind = ONEDNN_CONV,
                               .n = N,
                               .height = SIZE,
                               .width = WIDE,
                               .channels = FEW,
                               .out_height = SIZE,
                               .out_width = WIDE,
                               .out = 8,
                               .rows = 3,
                               .cols = 3,
                               .params = {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}};
    return CASES[i].build == narrow_norms && !narrow_conv_pays(&first) ? 4 : CASES[i].steps;
}

static float *result_of(node *(*build)(const scene *s), dtype compute, bool frozen, conv_algorithm how, int *steps, int64_t *count) {
    store *st = new_store(frozen);
    graph *g = graph_new(compute);
    g->convolution = how;
    scene s = {.x = graph_input(g, "x", SHAPE(N, SIZE, SIZE, CHANNELS), compute), .wide = graph_input(g, "wide", SHAPE(N, SIZE, WIDE, FEW), F32)};
    for (int i = 0; i < TENSORS; i++) s.p[i] = graph_param(g, st, i);
    node *y = build(&s);
    *count = shape_count(y->shape);
    float *out = malloc((size_t)*count * sizeof *out);
    plan *p;
    check_ok(plan_compile(g, &(plan_phase){&(plan_output){y, NULL}, 1}, 1, NULL, &p));
    node *const inputs[] = {s.x, s.wide};
    for (int k = 0; k < 2; k++) {
        void *to = plan_data(p, inputs[k]);
        for (int64_t i = 0; to && i < shape_count(inputs[k]->shape); i++) put(to, inputs[k]->type, i, sin((double)i));
    }
    for (int run = 0; run < 2; run++) plan_run(p, 0, 0, 0); // the second one finds its input as it was
    const void *data = plan_data(p, y);
    for (int64_t i = 0; i < *count; i++) out[i] = y->type == F32 ? ((const float *)data)[i] : bf16_to_f32(((const uint16_t *)data)[i]);
    *steps = plan_steps(p);
    plan_free(p);
    graph_free(g);
    store_free(st);
    return out;
}

static void check_results(conv_algorithm how) {
    for (size_t k = 0; k < sizeof CASES / sizeof *CASES; k++)
        for (dtype t = F32; t <= BF16; t++) {
            int steps, plain_steps;
            int64_t count;
            float *plain = result_of(CASES[k].build, t, false, CONV_DIRECT, &plain_steps, &count),
                  *taken = result_of(CASES[k].build, t, true, how, &steps, &count);
            for (int64_t i = 0; i < count; i++) {
                double a = (double)plain[i], b = (double)taken[i];
                if (!(fabs(a - b) <= TOLERANCE[t] * fmax(1, fabs(a))))
                    fail_msg("%s, %s: [%d] is %g, was %g", CASES[k].name, dtype_name(t), (int)i, b, a);
            }
            if (t == F32 && steps != expected_steps(k)) fail_msg("%s: %d steps, expected %d", CASES[k].name, steps, expected_steps(k));
            assert_true(steps <= plain_steps);
            free(plain), free(taken);
        }
}

static void test_results_are_the_plain_plans(void **state) {
    (void)state;
    check_results(CONV_DIRECT);
}

static void test_fast_convolutions_take_in_the_same(void **state) {
    (void)state;
    check_results(CONV_FAST);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_results_are_the_plain_plans), cmocka_unit_test(test_fast_convolutions_take_in_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
