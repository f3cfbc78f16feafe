// Convolutions of bf16 in f32, part by part of the batch, against the definition: rounded once, whatever the parts.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/op.h"
#include "nn/ops/table.h"
#include "nn/ops/wide_conv.h"
#include "tests/nn/conv_graph.h"
#include "tests/nn/operands.h"
#include "tests/nn/run_op.h"

// Of sums in f32, in units of the largest Σ |x| |w|: more where there are many terms, one after the other. Of bf16, beside each result.
static const double TOLERANCE = 1e-6, ROUNDING = 4e-3;

// One part; several, the last not filled; one picture in each.
static const conv_example EXAMPLES[] = {
    {5, 9, 8, 16, 24, 3, 3, {BY_TWO, .pad = {1, 1, 1, 1}}},
    {6, 16, 16, 64, 64, 3, 3, {UNIT, .pad = {1, 1, 1, 1}}},
    {9, 16, 16, 1024, 1024, 1, 1, {.stride = {1, 1}, .dilation = {1, 1}, .groups = 1024}},
    {3, 1024, 1024, 2, 2, 1, 1, {.stride = {4, 4}, .dilation = {1, 1}, .groups = 1}},
};
static const int64_t PARTS[] = {1, 1, 2, 3};
enum { COUNT = sizeof EXAMPLES / sizeof *EXAMPLES };

// Multiples of 1/64 in [-2, 2): exact in bf16. (Knuth's multiplicative hash: there are millions.)
static double *random_of(int64_t n, uint32_t stream) {
    double *v = allocate((size_t)n * sizeof *v);
    for (int64_t i = 0; i < n; i++) v[i] = ((double)(((uint32_t)i + stream * 1000003u) * 2654435761u >> 24) - 128) / 64;
    return v;
}

static void *in_type(const double *v, int64_t n, dtype t) {
    char *to = allocate((size_t)n * dtype_size(t));
    for (int64_t i = 0; i < n; i++) {
        const float f = (float)v[i];
        const uint16_t half = f32_to_bf16(f);
        memcpy(to + (size_t)i * dtype_size(t), t == BF16 ? (const void *)&half : &f, dtype_size(t));
    }
    return to;
}

// `w`: filters in PyTorch's order, as input or as result.
static void run(const onednn_conv *c, const void *in0, const void *in1, const conv_vectors *v, void *out) {
    wide_conv *k = NULL;
    onednn_layout *plain = NULL;
    assert_int_equal(wide_conv_create(c, CONV_DIRECT, &k), FOIL_OK);
    const onednn_layout *layout = conv_kernel_weights(wide_conv_kernel(k));
    assert_int_equal(onednn_layout_plain(layout, F32, &plain), FOIL_OK);
    void *packed = allocate(onednn_layout_bytes(layout)), *scratch = allocate(wide_conv_scratch(k));
    const bool weights = c->kind == ONEDNN_CONV_WEIGHTS;
    if (!weights) reorder(plain, in1, layout, packed);
    wide_conv_run(k, in0, weights ? in1 : packed, v, weights ? packed : out, NULL, scratch);
    if (weights) reorder(layout, packed, plain, out);
    free(packed), free(scratch);
    onednn_layout_free(plain);
    wide_conv_free(k);
}

static double largest_sum(const node *n, double *const in[2]) {
    const int64_t count = shape_count(n->shape);
    double *sums = allocate((size_t)count * sizeof *sums), most = 0;
    double *sizes[2];
    for (int i = 0; i < 2; i++) {
        sizes[i] = random_of(shape_count(n->in[i]->shape), 0);
        for (int64_t e = 0; e < shape_count(n->in[i]->shape); e++) sizes[i][e] = fabs(in[i][e]);
    }
    n->op->reference(n, (const double *const *)sizes, sums);
    for (int64_t i = 0; i < count; i++) most = fmax(most, sums[i]);
    free(sums), free(sizes[0]), free(sizes[1]);
    return most;
}

static void expect(const conv_example *e, const node *n, const double *expected, double unit, const void *got, dtype t) {
    const double terms = n->op->flops(n) / 2 / (double)shape_count(n->shape), tolerance = fmax(TOLERANCE, sqrt(terms) * 0x1p-24);
    for (int64_t i = 0; i < shape_count(n->shape); i++) {
        const double value = value_at(got, t, i), most = tolerance * unit + (t == BF16 ? ROUNDING * fabs(expected[i]) : 0);
        if (!(fabs(value - expected[i]) <= most))
            fail_msg("example %d, %s, element %lld: %g instead of %g", (int)(e - EXAMPLES), n->op->name, (long long)i, value, expected[i]);
    }
}

// `x`: type of a convolution's picture, which may not have been rounded yet.
static void check(const conv_example *e, onednn_conv_kind kind, dtype x) {
    const conv_graph g = conv_graph_of(e, F32, CONV_DIRECT, false);
    const node *n = (node *[]){g.conv, g.data, g.weights}[kind];
    onednn_conv c = conv_of(e, kind, BF16);
    c.x = x;
    double *in[2], *expected = allocate((size_t)shape_count(n->shape) * sizeof *expected);
    for (int i = 0; i < 2; i++) in[i] = random_of(shape_count(n->in[i]->shape), 1 + (uint32_t)i);
    n->op->reference(n, (const double *const *)in, expected);
    const bool weights = kind == ONEDNN_CONV_WEIGHTS;
    const dtype result = weights ? F32 : BF16;
    void *in0 = in_type(in[0], shape_count(n->in[0]->shape), kind == ONEDNN_CONV ? x : BF16);
    void *in1 = in_type(in[1], shape_count(n->in[1]->shape), weights ? BF16 : F32),
         *out = allocate((size_t)shape_count(n->shape) * dtype_size(result));
    run(&c, in0, in1, &(conv_vectors){0}, out);
    expect(e, n, expected, largest_sum(n, in), out, result);
    free(in[0]), free(in[1]), free(expected), free(in0), free(in1), free(out);
    graph_free(g.g);
}

static void all_kinds_equal_the_definition(void **state) {
    (void)state;
    for (const conv_example *e = EXAMPLES; e < EXAMPLES + COUNT; e++) {
        for (int kind = ONEDNN_CONV; kind <= ONEDNN_CONV_WEIGHTS; kind++) check(e, (onednn_conv_kind)kind, BF16);
        check(e, ONEDNN_CONV, F32);
    }
}

static void parts_fit_the_batch(void **state) {
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        const onednn_conv c = conv_of(&EXAMPLES[i], ONEDNN_CONV, BF16), part = wide_conv_inner(&c);
        assert_int_equal((c.n + part.n - 1) / part.n, PARTS[i]);
    }
}

// What follows the sums, of each part on its own pictures.
static void sums_take_in_what_follows(void **state) {
    (void)state;
    for (const conv_example *e = EXAMPLES; e < EXAMPLES + COUNT; e++) {
        const conv_graph g = conv_graph_of(e, F32, CONV_DIRECT, false);
        const int64_t count = shape_count(g.conv->shape);
        onednn_conv c = conv_of(e, ONEDNN_CONV, BF16);
        c.constant = true;
        c.post = (onednn_post){.has_bias = true, .adds = true, .rectifies = true, .slope = .25f};
        double *in[] = {random_of(shape_count(g.x->shape), 1), random_of(shape_count(g.w->shape), 2)}, *held = random_of(count, 3),
               *bias = random_of(c.out, 4);
        double *expected = allocate((size_t)count * sizeof *expected);
        g.conv->op->reference(g.conv, (const double *const *)in, expected);
        for (int64_t i = 0; i < count; i++) {
            expected[i] += bias[i % c.out] + held[i];
            if (expected[i] < 0) expected[i] *= .25;
        }
        void *x = in_type(in[0], shape_count(g.x->shape), BF16), *out = in_type(held, count, BF16);
        float *w = in_type(in[1], shape_count(g.w->shape), F32), *b = in_type(bias, c.out, F32);
        run(&c, x, w, &(conv_vectors){.bias = b}, out);
        expect(e, g.conv, expected, largest_sum(g.conv, in), out, BF16);
        free(in[0]), free(in[1]), free(held), free(bias), free(expected), free(x), free(out), free(w), free(b);
        graph_free(g.g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_fit_the_batch),
        cmocka_unit_test(all_kinds_equal_the_definition),
        cmocka_unit_test(sums_take_in_what_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
