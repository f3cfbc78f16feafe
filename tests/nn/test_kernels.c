// The kernels that copy, gather and draw, against the reference, on tensors large enough to be shared between threads, in f32 and bf16. (Element-wise kernels
// run inside a plan's loops and are compared there.)
#include <math.h>

#include "base/philox.h"
#include "nn/op.h"
#include "nn/ops.h"
#include "nn/reference.h"
#include "tests/cmocka.h"

typedef struct row {
    const char *name;
    node *(*f)(node **x);
    int n;
    shape shape[2];
    int64_t indices; // > 0: the last input is an index below it
} row;

#define FUNCTION(name, expression)                                                                                                                   \
    static node *name(node **x) {                                                                                                                    \
        return expression;                                                                                                                           \
    }
FUNCTION(transpose, nn_permute(x[0], (const int[]){1, 0}))
FUNCTION(to_channels_first, nn_permute(x[0], (const int[]){0, 3, 1, 2}))
FUNCTION(reverse, nn_permute(x[0], (const int[]){5, 4, 3, 2, 1, 0}))
FUNCTION(crop, nn_slice(x[0], (const int64_t[]){0, 3, 5, 0}, (const int64_t[]){4, 29, 30, 16}, NULL))
FUNCTION(every_third, nn_slice(x[0], (const int64_t[]){1, 0, 2, 4}, (const int64_t[]){4, 32, 31, 16}, (const int64_t[]){2, 1, 3, 5}))
FUNCTION(pad, nn_pad(x[0], (const int64_t[]){0, 1, 2, 0}, (const int64_t[]){0, 3, 0, 5}))
FUNCTION(concat_channels, nn_concat(x, 2, 3))
FUNCTION(concat_batch, nn_concat(x, 2, 0))
FUNCTION(gather_rows, nn_gather(x[0], x[1], 0))
FUNCTION(gather_inner, nn_gather(x[0], x[1], 2))
FUNCTION(scatter_rows, nn_scatter_add(x[0], x[1], 0, 7))
FUNCTION(scatter_inner, nn_scatter_add(x[0], x[1], 1, 9))
FUNCTION(uniform, graph_uniform(x[0]->graph, SHAPE(3, 7001), 5))
FUNCTION(normal, graph_normal(x[0]->graph, SHAPE(3, 7001), 6))

static const row ROWS[] = {
    {"transpose", transpose, 1, {{.n = 2, .d = {217, 131}}}, 0},
    {"to channels first", to_channels_first, 1, {{.n = 4, .d = {4, 32, 32, 16}}}, 0},
    {"reverse six axes", reverse, 1, {{.n = 6, .d = {5, 4, 3, 7, 6, 11}}}, 0},
    {"crop", crop, 1, {{.n = 4, .d = {4, 32, 32, 16}}}, 0},
    {"every third", every_third, 1, {{.n = 4, .d = {4, 32, 32, 16}}}, 0},
    {"pad", pad, 1, {{.n = 4, .d = {4, 32, 32, 16}}}, 0},
    {"concat channels", concat_channels, 2, {{.n = 4, .d = {4, 32, 32, 16}}, {.n = 4, .d = {4, 32, 32, 3}}}, 0},
    {"concat batch", concat_batch, 2, {{.n = 4, .d = {4, 32, 32, 16}}, {.n = 4, .d = {1, 32, 32, 16}}}, 0},
    {"gather rows", gather_rows, 2, {{.n = 2, .d = {33, 257}}, {.n = 1, .d = {100}}}, 33},
    {"gather inner", gather_inner, 2, {{.n = 3, .d = {33, 11, 57}}, {.n = 1, .d = {100}}}, 57},
    {"scatter rows", scatter_rows, 2, {{.n = 2, .d = {100, 257}}, {.n = 1, .d = {100}}}, 7},
    {"scatter inner", scatter_inner, 2, {{.n = 3, .d = {33, 100, 9}}, {.n = 1, .d = {100}}}, 9},
    {"uniform", uniform, 1, {{0}}, 0},
    {"normal", normal, 1, {{0}}, 0},
};

typedef struct tensor {
    double *exact; // what the reference sees
    void *stored;  // what the kernel sees
} tensor;

static tensor draw(const node *n, int64_t indices, uint32_t stream) {
    const int64_t count = shape_count(n->shape);
    tensor t = {test_malloc((size_t)count * sizeof(double)), test_malloc((size_t)count * dtype_size(n->type))};
    for (int64_t i = 0; i < count; i++) {
        const philox_key key = {.seed = 2, .stream = stream};
        const float value = indices ? (float)philox_below(key, (uint64_t)i, (uint32_t)indices) : philox_uniform(key, (uint64_t)i) - 0.5f;
        if (n->type == I32) ((int32_t *)t.stored)[i] = (int32_t)value;
        if (n->type == F32) ((float *)t.stored)[i] = value;
        if (n->type == BF16) ((uint16_t *)t.stored)[i] = f32_to_bf16(value);
        t.exact[i] = (double)(n->type == BF16 ? bf16_to_f32(f32_to_bf16(value)) : value);
    }
    return t;
}

static double stored(const node *n, const void *data, int64_t i) {
    return (double)(n->type == BF16 ? bf16_to_f32(((const uint16_t *)data)[i]) : ((const float *)data)[i]);
}

static void check(const row *r, dtype type) {
    graph *g = graph_new(type);
    assert_non_null(g);
    node *x[2];
    tensor t[2] = {{0}};
    reference_leaf leaf[2];
    const void *in[2];
    for (int i = 0; i < r->n; i++) {
        const bool index = r->indices && i == r->n - 1;
        x[i] = graph_input(g, "x", r->shape[i], index ? I32 : type);
        t[i] = draw(x[i], index ? r->indices : 0, (uint32_t)i);
        leaf[i] = (reference_leaf){x[i], t[i].exact};
        in[i] = t[i].stored;
    }
    node *y = r->f(x);
    const int64_t count = shape_count(y->shape);
    double *expected = test_malloc((size_t)count * sizeof *expected);
    void *out = test_malloc((size_t)count * dtype_size(y->type));
    if (reference_run(g, leaf, r->n, 9, 4, &y, 1, &expected) != FOIL_OK) fail_msg("%s: %s", r->name, foil_error());
    y->op->run(&(kernel){.node = y, .in = in, .out = out, .seed = 9, .step = 4});
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(stored(y, out, i) - expected[i]) <= 1e-5 * (1 + fabs(expected[i]))))
            fail_msg("%s in %s: element %lld of %s is %g, expected %g", r->name, dtype_name(type), (long long)i, shape_text(y->shape),
                     stored(y, out, i), expected[i]);
    for (int i = 0; i < r->n; i++) {
        test_free(t[i].exact);
        test_free(t[i].stored);
    }
    test_free(expected);
    test_free(out);
    graph_free(g);
}

static void test_f32(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) check(&ROWS[i], F32);
}
static void test_bf16(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) check(&ROWS[i], BF16);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_f32), cmocka_unit_test(test_bf16)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
