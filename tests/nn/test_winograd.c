// Fast convolutions against the definition in f64 and beside the direct ones in f32.
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "nn/op.h"
#include "nn/ops.h"
#include "nn/ops/conv_kernel.h"
#include "nn/ops/winograd.h"
#include "nn/ops/winograd_inner.h"
#include "tests/cmocka.h"
#include "tests/nn/bf16.h"
#include "tests/nn/conv_example.h"
#include "tests/nn/operands.h"
#include "tests/nn/squares.h"

typedef struct example {
    int64_t n, height, width, channels, out;
    int64_t kernel;
    int64_t pad[4];
} example;

enum { MOST_ERRING = 160 }; // output channels of the example whose gradients err most in bf16

static const example EXAMPLES[] = {
    {2, 8, 8, 32, 32, 3, {1, 1, 1, 1}},
    {1, 1, 1, 16, 16, 3, {1, 1, 1, 1}},
    {3, 9, 7, 5, 6, 3, {1, 1, 1, 1}},
    {2, 10, 13, 40, 72, 3, {0, 0, 0, 0}},
    {2, 5, 6, 33, 31, 3, {2, 0, 1, 2}},
    {1, 3, 3, 1, 1, 3, {0, 0, 0, 0}},
    {2, 6, 11, 64, 96, 3, {5, 3, 0, 4}},
    {3, 16, 16, 128, 64, 3, {1, 1, 1, 1}},
    {2, 8, 8, 32, 32, 4, {1, 1, 1, 1}},
    {1, 2, 2, 16, 16, 4, {1, 1, 1, 1}},
    {3, 9, 7, 5, 6, 4, {1, 1, 1, 1}},
    {2, 10, 13, 40, 72, 4, {0, 0, 0, 0}},
    {2, 5, 6, 33, 31, 4, {2, 0, 1, 2}},
    {1, 4, 5, 1, 1, 4, {0, 0, 0, 0}},
    {2, 6, 11, 64, 96, 4, {5, 3, 0, 4}},
    {3, 16, 16, 128, 64, 4, {1, 1, 1, 1}},
    {2, 7, 12, 20, 35, 4, {3, 2, 1, 0}},
    // more tiles than a block has; long sums
    {20, 17, 15, 33, 40, 3, {1, 1, 1, 1}},
    {2, 4, 4, 256, 48, 4, {1, 1, 1, 1}},
    {1, 6, 6, 512, 32, 3, {1, 1, 1, 1}},
    {2, 4, 4, 512, MOST_ERRING, 4, {1, 1, 1, 1}},
    // large filters and few tiles: several parts, the last one of any size; in bf16
    {1, 4, 4, 267, 45, 4, {1, 1, 1, 1}},
    {2, 8, 8, 512, 128, 4, {1, 1, 1, 1}},
    // gradients toward pictures of one view at a time: large filters that are not shared; more tiles than a group has for all views
    {9, 8, 8, 32, 672, 4, {1, 1, 1, 1}},
    {41, 4, 4, 176, 64, 4, {1, 1, 1, 1}},
};
enum { COUNT = sizeof EXAMPLES / sizeof *EXAMPLES };

static onednn_conv geometry(const example *e, onednn_conv_kind kind) {
    int64_t stride = e->kernel == 4 ? 2 : 1;
    const conv_params p = {{stride, stride}, {e->pad[0], e->pad[1], e->pad[2], e->pad[3]}, {1, 1}, 1};
    return conv_of(&(conv_example){e->n, e->height, e->width, e->channels, e->out, e->kernel, e->kernel, p}, kind, F32);
}

// Uniform in [-1, 1).
static double *values(int64_t n, uint64_t stream) {
    double *v = allocate((size_t)n * sizeof *v);
    for (int64_t i = 0; i < n; i++) v[i] = (double)(2 * philox_uniform((philox_key){5, STREAM_SAMPLES, stream}, (uint64_t)i) - 1);
    return v;
}

static float *rounded(const double *v, int64_t n) {
    float *f = allocate((size_t)n * sizeof *f);
    for (int64_t i = 0; i < n; i++) f[i] = (float)v[i];
    return f;
}

static void check_ok(foil_status s) {
    if (s != FOIL_OK) fail_msg("%s", foil_error());
}

typedef struct sizes {
    int64_t in0, in1, out;
} sizes;

static sizes sizes_of(const onednn_conv *c) {
    int64_t x = c->n * c->height * c->width * c->channels, y = c->n * c->out_height * c->out_width * c->out,
            w = c->out * c->channels * c->rows * c->cols;
    return c->kind == ONEDNN_CONV ? (sizes){x, w, y} : c->kind == ONEDNN_CONV_DATA ? (sizes){y, w, x} : (sizes){x, y, w};
}

// Of filters in PyTorch's order, as are their gradients.
static float *direct_result(const onednn_conv *c, const void *in0, const void *in1) {
    conv_kernel *k;
    onednn_layout *plain;
    check_ok(conv_kernel_create(c, CONV_DIRECT, &k));
    const onednn_layout *layout = conv_kernel_weights(k);
    check_ok(onednn_layout_plain(layout, F32, &plain));
    bool weights = c->kind == ONEDNN_CONV_WEIGHTS;
    float *packed = allocate(onednn_layout_bytes(layout)), *out = allocate((size_t)sizes_of(c).out * sizeof *out);
    void *scratch = allocate(conv_kernel_scratch(k));
    if (!weights) reorder(plain, in1, layout, packed);
    conv_kernel_run(k, in0, weights ? in1 : packed, weights ? packed : out, NULL, scratch);
    if (weights) reorder(layout, packed, plain, out);
    onednn_layout_free(plain);
    conv_kernel_free(k);
    free(packed), free(scratch);
    return out;
}

static double last_squares; // of the last gradient of filters

static float *fast_result(const onednn_conv *c, int m, int machine, const void *in0, const void *in1) {
    winograd *w;
    check_ok(winograd_create(c, m, machine, &w));
    float *out = allocate((size_t)sizes_of(c).out * sizeof *out);
    void *scratch = allocate(winograd_scratch(w)), *once = NULL;
    if (winograd_filter_bytes(w)) {
        once = allocate(winograd_filter_bytes(w));
        winograd_transform_filters(w, in1, once);
    }
    double squares = NAN;
    winograd_run(w, in0, once ? once : in1, NULL, out, &squares, scratch);
    if (c->kind == ONEDNN_CONV_WEIGHTS)
        check_squares(out, sizes_of(c).out, last_squares = squares);
    else
        assert_true(isnan(squares)); // left alone
    free(scratch), free(once);
    winograd_free(w);
    return out;
}

// The definition in f64, and in `terms` the largest sum of the terms' absolute values.
static double *definition(const example *e, const onednn_conv *c, double *in0, double *in1, double *terms) {
    graph *g = graph_new(F32);
    node *x = graph_input(g, "x", SHAPE(c->n, c->height, c->width, c->channels), F32);
    node *w = graph_input(g, "w", SHAPE(c->out, c->channels, c->rows, c->cols), F32);
    node *y = graph_input(g, "y", SHAPE(c->n, c->out_height, c->out_width, c->out), F32);
    node *form = c->kind == ONEDNN_CONV        ? nn_conv(x, w, c->params)
                 : c->kind == ONEDNN_CONV_DATA ? nn_conv_data(y, w, c->params, e->height, e->width)
                                               : nn_conv_weights(x, y, c->params, c->rows, c->cols);
    check_ok(graph_status(g));
    sizes n = sizes_of(c);
    double *out = allocate((size_t)n.out * sizeof *out), *sums = allocate((size_t)n.out * sizeof *sums);
    form->op->reference(form, (const double *[]){in0, in1}, out);
    for (int64_t i = 0; i < n.in0; i++) in0[i] = fabs(in0[i]);
    for (int64_t i = 0; i < n.in1; i++) in1[i] = fabs(in1[i]);
    form->op->reference(form, (const double *[]){in0, in1}, sums);
    *terms = 0;
    for (int64_t i = 0; i < n.out; i++) *terms = fmax(*terms, sums[i]);
    free(sums);
    graph_free(g);
    return out;
}

static double largest_difference(const float *a, const double *b, int64_t n) {
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        worst = d > worst || isnan(d) ? d : worst;
    }
    return worst;
}

static int machines(void) {
    int n = 0;
    while (winograd_machine_at(n)) n++;
    return n;
}

// Results in f32, and what they are held against.
typedef struct values_of {
    onednn_conv conv;
    sizes n;
    float *in0, *in1;
    double *expected, terms;
} values_of;

static values_of make_values(const example *e, int kind) {
    values_of v = {.conv = geometry(e, (onednn_conv_kind)kind)};
    v.n = sizes_of(&v.conv);
    double *in0 = values(v.n.in0, 1), *in1 = values(v.n.in1, 2);
    v.in0 = rounded(in0, v.n.in0);
    v.in1 = rounded(in1, v.n.in1);
    v.expected = definition(e, &v.conv, in0, in1, &v.terms);
    free(in0), free(in1);
    return v;
}

static void free_values(values_of *v) {
    free(v->in0), free(v->in1), free(v->expected);
}

// Of a result, which it frees.
static double error_of(const values_of *v, float *result_) {
    double error = largest_difference(result_, v->expected, v->n.out) / v->terms;
    free(result_);
    return error;
}

// The bounds of winograd.h.
static void errors_are_bounded(void **state) {
    (void)state;
    static const double FAST[] = {[2] = 2.5e-7, [4] = 6e-7};
    double worst[5] = {0};
    for (int i = 0; i < COUNT; i++)
        for (int kind = ONEDNN_CONV; kind <= ONEDNN_CONV_WEIGHTS; kind++) {
            values_of v = make_values(&EXAMPLES[i], kind);
            double direct = error_of(&v, direct_result(&v.conv, v.in0, v.in1));
            worst[0] = fmax(worst[0], direct);
            for (int machine = 0; machine < machines(); machine++)
                for (int m = 2; m <= 4; m += 2) {
                    double error = error_of(&v, fast_result(&v.conv, m, machine, v.in0, v.in1));
                    if (!(error <= FAST[m])) fail_msg("example %d, kind %d, m = %d, machine %d: %g", i, kind, m, machine, error);
                    worst[m] = fmax(worst[m], error);
                }
            free_values(&v);
        }
    print_message("largest errors: direct %.1e, m = 2 %.1e, m = 4 %.1e\n", worst[0], worst[2], worst[4]);
}

// Equal to the last bit.
static void results_do_not_depend_on_threads(void **state) {
    (void)state;
    int threads = omp_get_max_threads();
    for (int i = 0; i < COUNT; i++)
        for (int kind = ONEDNN_CONV; kind <= ONEDNN_CONV_WEIGHTS; kind++) {
            onednn_conv c = geometry(&EXAMPLES[i], (onednn_conv_kind)kind);
            sizes n = sizes_of(&c);
            double *in0 = values(n.in0, 1), *in1 = values(n.in1, 2);
            float *f0 = rounded(in0, n.in0), *f1 = rounded(in1, n.in1), *out[3];
            for (int m = 2; m <= 4; m += 2) {
                double squares = 0;
                for (int t = 0; t < 3; t++) {
                    omp_set_num_threads(t + 1);
                    out[t] = fast_result(&c, m, 0, f0, f1);
                    if (t == 0) squares = last_squares;
                    assert_true(squares == last_squares);
                    assert_memory_equal(out[0], out[t], (size_t)n.out * sizeof *f0);
                }
                for (int t = 0; t < 3; t++) free(out[t]);
            }
            free(in0), free(in1), free(f0), free(f1);
        }
    omp_set_num_threads(threads);
}

static uint16_t *halves(const float *v, int64_t n) {
    uint16_t *h = allocate((size_t)n * sizeof *h);
    for (int64_t i = 0; i < n; i++) h[i] = f32_to_bf16(v[i]);
    return h;
}

// Of bf16 pictures; products are of bf16, too, if this tells so.
static bool multiplies_bf16(const onednn_conv *c, int m) {
    winograd *w;
    check_ok(winograd_create(c, m, 0, &w));
    const bool paired = strncmp(winograd_implementation(w), "foil:winograd_bf16", 18) == 0;
    winograd_free(w);
    return paired;
}

// Pictures in bf16 are those in f32, rounded: to the last bit, on each kind of processor.
static void pictures_may_be_bf16(void **state) {
    (void)state;
    for (int i = 0; i < COUNT; i++)
        for (int kind = ONEDNN_CONV; kind <= ONEDNN_CONV_WEIGHTS; kind++) {
            onednn_conv c = geometry(&EXAMPLES[i], (onednn_conv_kind)kind), half = c;
            bool weights = kind == ONEDNN_CONV_WEIGHTS;
            half.x = half.y = BF16;
            half.constant = !weights; // those that learn may multiply in bf16
            sizes n = sizes_of(&c);
            double *in0 = values(n.in0, 1), *in1 = values(n.in1, 2);
            float *f0 = rounded(in0, n.in0), *f1 = rounded(in1, n.in1);
            uint16_t *h0 = halves(f0, n.in0), *h1 = halves(f1, n.in1);
            for (int64_t e = 0; e < n.in0; e++) f0[e] = bf16_to_f32(h0[e]);
            for (int64_t e = 0; weights && e < n.in1; e++) f1[e] = bf16_to_f32(h1[e]);
            for (int machine = 0; machine < machines(); machine++)
                for (int m = 2; m <= 4; m += 2) {
                    if (multiplies_bf16(&half, m)) continue;
                    float *exact = fast_result(&c, m, machine, f0, f1);
                    void *got = fast_result(&half, m, machine, h0, weights ? (const void *)h1 : f1);
                    uint16_t *expected = halves(exact, n.out);
                    assert_memory_equal(got, weights ? (void *)exact : (void *)expected, (size_t)n.out * (weights ? 4 : 2));
                    free(exact), free(got), free(expected);
                }
            free(in0), free(in1), free(f0), free(f1), free(h0), free(h1);
        }
}

// Of all results together, beside their own size.
static double typical_error(const values_of *v, const float *f) {
    double errors = 0, all = 0;
    for (int64_t i = 0; i < v->n.out; i++) {
        const double d = (double)f[i] - v->expected[i];
        errors += d * d;
        all += v->expected[i] * v->expected[i];
    }
    return sqrt(errors / all);
}

// f32 from a result of a convolution of bf16 pictures by F(m, r), 0 = direct.
static float *result_of_halves(const onednn_conv *c, int m, int machine, const uint16_t *in0, const void *in1) {
    void *got = m ? fast_result(c, m, machine, in0, in1) : direct_result(c, in0, in1);
    const int64_t n = sizes_of(c).out;
    float *f = allocate((size_t)n * sizeof *f);
    for (int64_t i = 0; i < n; i++) f[i] = c->kind == ONEDNN_CONV_WEIGHTS ? ((float *)got)[i] : bf16_to_f32(((uint16_t *)got)[i]);
    free(got);
    return f;
}

// The bounds of winograd.h for products of bf16, beside what oneDNN's kernels err, which round filters and results.
static void products_of_bf16_are_bounded(void **state) {
    (void)state;
    static const double MOST[] = {[2] = 4e-3, [4] = 5e-3}, MOST_OF_WEIGHTS[] = {[2] = 8e-3, [4] = 1.5e-2}, TYPICAL[] = {[2] = 6e-3, [4] = 1.4e-2};
    double worst[5] = {0}, typical[5] = {0};
    for (int i = 0; i < COUNT; i++)
        for (int kind = ONEDNN_CONV; kind <= ONEDNN_CONV_WEIGHTS; kind++) {
            const bool weights = kind == ONEDNN_CONV_WEIGHTS;
            onednn_conv half = geometry(&EXAMPLES[i], (onednn_conv_kind)kind);
            half.x = half.y = BF16;
            half.w = weights ? F32 : BF16;
            if (!multiplies_bf16(&half, 2)) continue;
            values_of v = make_values(&EXAMPLES[i], kind);
            uint16_t *h0 = halves(v.in0, v.n.in0), *h1 = halves(v.in1, v.n.in1);
            for (int m = has_bf16() ? 0 : 2; m <= 4; m += 2)
                for (int machine = 0; machine < (m ? machines() : 1); machine++) {
                    if (m && !multiplies_bf16(&half, m)) continue;
                    float *f = result_of_halves(&half, m, machine, h0, weights ? (const void *)h1 : v.in1);
                    const double all = typical_error(&v, f), error = error_of(&v, f);
                    const double most = !weights ? MOST[m] : m == 2 && EXAMPLES[i].out == MOST_ERRING ? 1e-2 : MOST_OF_WEIGHTS[m];
                    if (m && !(error <= most && all <= TYPICAL[m]))
                        fail_msg("example %d, kind %d, m = %d, machine %d: %g, %g", i, kind, m, machine, error, all);
                    worst[m] = fmax(worst[m], error);
                    typical[m] = fmax(typical[m], all);
                }
            free_values(&v);
            free(h0), free(h1);
        }
    print_message("largest errors of bf16: direct %.1e, m = 2 %.1e, m = 4 %.1e\n", worst[0], worst[2], worst[4]);
    print_message("typical ones, beside results: direct %.1e, m = 2 %.1e, m = 4 %.1e\n", typical[0], typical[2], typical[4]);
}

// Equal to the last bit, all views and types.
static void constant_filters_may_be_transformed_before(void **state) {
    (void)state;
    for (int i = 0; i < COUNT; i++)
        for (int kind = ONEDNN_CONV; kind <= ONEDNN_CONV_DATA; kind++)
            for (int m = 2; m <= 4; m += 2)
                for (int type = 0; type < 2; type++) {
                    onednn_conv c = geometry(&EXAMPLES[i], (onednn_conv_kind)kind), constant;
                    c.x = c.y = type ? BF16 : F32;
                    constant = c;
                    constant.constant = true;
                    if (multiplies_bf16(&c, m) != multiplies_bf16(&constant, m)) continue; // held against f32 by pictures_may_be_bf16
                    sizes n = sizes_of(&c);
                    double *in0 = values(n.in0, 1), *in1 = values(n.in1, 2);
                    float *f0 = rounded(in0, n.in0), *filters = rounded(in1, n.in1);
                    uint16_t *h0 = halves(f0, n.in0);
                    const void *in = type ? (const void *)h0 : f0;
                    void *expected = fast_result(&c, m, 0, in, filters), *got = fast_result(&constant, m, 0, in, filters);
                    assert_memory_equal(got, expected, (size_t)n.out * (type ? 2 : 4));
                    free(in0), free(in1), free(f0), free(filters), free(h0), free(expected), free(got);
                }
}

// Of `n` filters, `stride` floats apart, at columns [at, at + n), on each kind of processor.
static void check_taps(int64_t taps, int64_t n, int64_t stride, int64_t at) {
    const int64_t size = (n - 1) * stride + taps;
    float *filters = allocate((size_t)size * sizeof *filters), *back = allocate((size_t)size * sizeof *back);
    for (int64_t i = 0; i < size; i++) filters[i] = (float)i;
    for (int machine = 0; machine < machines(); machine++) {
        const winograd_machine *w = winograd_machine_at(machine);
        winograd_taps rows = {{{0}}};
        w->collect(taps, n, filters, stride, &rows, at);
        for (int64_t t = 0; t < WINOGRAD_TAPS; t++)
            for (int64_t i = 0; i < WINOGRAD_WIDTH; i++)
                assert_true(rows.tap[t][i] == (t < taps && i >= at && i < at + n ? filters[(i - at) * stride + t] : 0));
        for (int64_t i = 0; i < size; i++) back[i] = -1;
        const double squares = w->spread(taps, n, back, stride, &rows, at);
        double expected = 0;
        for (int64_t i = 0; i < size; i++) assert_true(back[i] == (i % stride < taps ? filters[i] : -1));
        for (int64_t i = 0; i < size; i++) expected += i % stride < taps ? (double)filters[i] * (double)filters[i] : 0;
        assert_true(fabs(squares - expected) <= 1e-6 * expected);
    }
    free(filters), free(back);
}

// The sum of squares tells of each of them.
static void check_not_finite(int64_t taps, int64_t n) {
    const float broken[] = {INFINITY, NAN, 1e30F};
    float *filters = allocate((size_t)(n * taps) * sizeof *filters);
    for (int machine = 0; machine < machines(); machine++)
        for (int64_t i = 0; i < n * taps; i++) {
            const winograd_machine *w = winograd_machine_at(machine);
            winograd_taps rows = {{{0}}};
            rows.tap[i % taps][i / taps] = broken[i % 3];
            assert_true(!isfinite(w->spread(taps, n, filters, taps, &rows, 0)));
            rows.tap[i % taps][i / taps] = 2;
            assert_true(w->spread(taps, n, filters, taps, &rows, 0) == 4);
        }
    free(filters);
}

static void squares_are_of_all_taps(void **state) {
    (void)state;
    for (int64_t taps = 9; taps <= 16; taps += 7)
        for (int64_t n = 16; n <= 32; n += 16) check_not_finite(taps, n);
}

static void taps_are_collected_and_spread(void **state) {
    (void)state;
    for (int64_t taps = 9; taps <= 16; taps += 7)
        for (int64_t stride = taps; stride <= 3 * taps + 5; stride += taps + 5) {
            check_taps(taps, 16, stride, 0);
            check_taps(taps, 16, stride, 16);
            check_taps(taps, 32, stride, 0);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(taps_are_collected_and_spread),
                                       cmocka_unit_test(squares_are_of_all_taps),
                                       cmocka_unit_test(errors_are_bounded),
                                       cmocka_unit_test(results_do_not_depend_on_threads),
                                       cmocka_unit_test(pictures_may_be_bf16),
                                       cmocka_unit_test(products_of_bf16_are_bounded),
                                       cmocka_unit_test(constant_filters_may_be_transformed_before)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
