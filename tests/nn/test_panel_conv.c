// Convolutions as products of windows and panels against the definition in f64, by every machine's loops.
#include <omp.h>

#include "nn/ops/panel_conv.h"
#include "nn/ops/winograd_inner.h"
#include "tests/nn/conv_example.h"
#include "tests/nn/plan_check.h"

typedef struct example {
    int64_t n, height, width, channels, out, rows, cols, stride;
    int64_t pad[4];
} example;

static const example EXAMPLES[] = {
    {2, 16, 16, 32, 64, 1, 1, 1, {0}},        // pixels where they lie
    {3, 9, 7, 64, 96, 1, 1, 1, {0}},          // and the last few of them through copies
    {1, 5, 3, 2, 32, 1, 1, 1, {0}},           // less than a block
    {2, 17, 15, 32, 32, 1, 1, 2, {0}},        // every second one
    {1, 3, 3, 18, 32, 1, 1, 1, {2, 1, 0, 3}}, // windows that are all padding
    {1, 3, 3, 18, 32, 1, 1, 2, {1, 1, 1, 1}}, // as many windows as pixels, but others
    {1, 8, 8, 128, 128, 4, 4, 2, {1, 1, 1, 1}},
    {2, 6, 5, 10, 64, 3, 5, 1, {1, 4, 2, 0}},
    {1, 4, 4, 256, 224, 4, 4, 1, {0}},
    {1, 2, 3, 6, 32, 3, 2, 1, {5, 3, 0, 4}},
};
enum { COUNT = sizeof EXAMPLES / sizeof *EXAMPLES };

static onednn_conv geometry(const example *e, dtype type, onednn_post post) {
    const conv_params p = {{e->stride, e->stride}, {e->pad[0], e->pad[1], e->pad[2], e->pad[3]}, {1, 1}, 1};
    onednn_conv c = conv_of(&(conv_example){e->n, e->height, e->width, e->channels, e->out, e->rows, e->cols, p}, ONEDNN_CONV, type);
    c.post = post;
    c.constant = true;
    return c;
}

static void *allocate(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 64) / 64 * 64);
    assert_non_null(p);
    memset(p, 0xff, bytes); // NaN
    return p;
}

typedef struct tensor { // `n` elements in [-1, 1) of some type, and what they are
    int64_t n;
    dtype type;
    double *exact;
    void *stored;
} tensor;

static tensor draw(int64_t n, dtype type, uint64_t stream) {
    tensor t = {n, type, allocate((size_t)n * sizeof(double)), allocate((size_t)n * dtype_size(type))};
    for (int64_t i = 0; i < n; i++) {
        const float v = 2 * philox_uniform((philox_key){6, STREAM_SAMPLES, stream}, (uint64_t)i) - 1;
        put(t.stored, type, i, (double)v);
        t.exact[i] = get(t.stored, type, i);
    }
    return t;
}

static void free_tensor(tensor *t) {
    free(t->exact), free(t->stored);
}

// Of one convolution: x, filters [O, C, R, S], bias, and what y held.
typedef struct operands {
    tensor x, w, bias, y;
} operands;

static operands draw_operands(const onednn_conv *c) {
    return (operands){draw(c->n * c->height * c->width * c->channels, c->x, 1), draw(c->out * c->rows * c->cols * c->channels, c->w, 2),
                      draw(c->out, F32, 3), draw(c->n * c->out_height * c->out_width * c->out, c->y, 4)};
}

static void free_operands(operands *o) {
    free_tensor(&o->x), free_tensor(&o->w), free_tensor(&o->bias), free_tensor(&o->y);
}

// Result i in f64, and the sum of its terms' absolute values.
static double result(const onednn_conv *c, const operands *in, int64_t i, double *terms) {
    const int64_t o = i % c->out, window = i / c->out, left = window % c->out_width * c->params.stride[1] - c->params.pad[1];
    const int64_t top = window / c->out_width % c->out_height * c->params.stride[0] - c->params.pad[0], n = window / c->out_width / c->out_height;
    double sum = 0;
    *terms = 0;
    for (int64_t r = 0; r < c->rows; r++)
        for (int64_t s = 0; s < c->cols; s++) {
            const int64_t h = top + r, v = left + s;
            if (h < 0 || h >= c->height || v < 0 || v >= c->width) continue;
            const double *x = in->x.exact + ((n * c->height + h) * c->width + v) * c->channels;
            const double *w = in->w.exact + (o * c->channels * c->rows + r) * c->cols + s;
            for (int64_t k = 0; k < c->channels; k++) {
                const double term = x[k] * w[k * c->rows * c->cols];
                sum += term, *terms += fabs(term);
            }
        }
    if (c->post.has_bias) sum += in->bias.exact[o];
    if (c->post.adds) sum += in->y.exact[i];
    *terms += 2;
    return c->post.rectifies && sum < 0 ? sum * (double)c->post.slope : sum;
}

// In panels.
static void *filters_of(const onednn_conv *c, const tensor *w, int64_t width) {
    onednn_layout *plain, *panels;
    onednn_kernel *k;
    assert_int_equal(onednn_layout_panels(c, width, &panels), FOIL_OK);
    assert_int_equal(onednn_layout_plain(panels, c->w, &plain), FOIL_OK);
    assert_int_equal(onednn_reorder_create(plain, panels, &k), FOIL_OK);
    void *to = allocate(onednn_layout_bytes(panels)), *scratch = allocate(onednn_kernel_scratch(k));
    onednn_run(k, w->stored, NULL, to, scratch);
    free(scratch);
    onednn_kernel_free(k);
    onednn_layout_free(plain), onednn_layout_free(panels);
    return to;
}

// y in memory that ends where it ends.
static void *run(const onednn_conv *c, const operands *in, int machine) {
    panel_conv *p;
    assert_int_equal(panel_conv_create(c, machine, &p), FOIL_OK);
    void *packed = filters_of(c, &in->w, panel_conv_width(p)), *scratch = allocate(panel_conv_scratch(p));
    const size_t bytes = (size_t)in->y.n * dtype_size(c->y);
    void *y = malloc(bytes);
    assert_non_null(y);
    memcpy(y, in->y.stored, bytes);
    panel_conv_run(p, in->x.stored, packed, c->post.has_bias ? in->bias.stored : NULL, y, scratch);
    free(packed), free(scratch);
    panel_conv_free(p);
    return y;
}

static const onednn_post POSTS[] = {{0}, {.has_bias = true}, {.adds = true, .rectifies = true}, {true, true, true, .2f}, {true, false, true, 0}};
enum { POST_COUNT = sizeof POSTS / sizeof *POSTS };

// f32: sums in any order. bf16: its products are exact, and results are rounded once, to 8 bits.
static void check(const onednn_conv *c, const operands *in, int machine, int number) {
    void *y = run(c, in, machine);
    for (int64_t i = 0; i < in->y.n; i++) {
        double terms, expected = result(c, in, i, &terms), error = fabs(get(y, c->y, i) - expected);
        if (!(error <= 1e-6 * terms + (c->y == BF16 ? fabs(expected) / 256 : 0)))
            fail_msg("example %d, %s, machine %d: element %lld is %g, expected %g", number, dtype_name(c->y), machine, (long long)i, get(y, c->y, i),
                     expected);
    }
    free(y);
}

static void results_are_the_definition(void **state) {
    (void)state;
    for (int i = 0; i < COUNT; i++)
        for (int post = 0; post < POST_COUNT; post++)
            for (int type = F32; type <= BF16; type++) {
                const onednn_conv c = geometry(&EXAMPLES[i], (dtype)type, POSTS[post]);
                operands in = draw_operands(&c);
                for (int machine = 0; winograd_machine_at(machine); machine++) check(&c, &in, machine, i);
                free_operands(&in);
            }
}

static void results_do_not_depend_on_threads(void **state) {
    (void)state;
    const int threads = omp_get_max_threads();
    for (int i = 0; i < COUNT; i++)
        for (int type = F32; type <= BF16; type++) {
            const onednn_conv c = geometry(&EXAMPLES[i], (dtype)type, POSTS[3]);
            operands in = draw_operands(&c);
            omp_set_num_threads(1);
            void *expected = run(&c, &in, 0);
            omp_set_num_threads(5);
            void *got = run(&c, &in, 0);
            assert_memory_equal(got, expected, (size_t)in.y.n * dtype_size(c.y));
            free(expected), free(got);
            free_operands(&in);
        }
    omp_set_num_threads(threads);
}

// What it is not made for, and what is too much for it.
static void it_pays_for_some(void **state) {
    (void)state;
    onednn_conv few = geometry(&(example){1, 8, 8, 256, 512, 4, 4, 2, {1, 1, 1, 1}}, F32, POSTS[0]), c = few;
    assert_true(panel_conv_pays(&c));
    c.constant = false;
    assert_false(panel_conv_pays(&c));
    c = few, c.n = 32;
    assert_false(panel_conv_pays(&c));
    c = few, c.params.groups = 2;
    assert_false(panel_conv_pays(&c));
    c = few, c.out = 500;
    assert_false(panel_conv_pays(&c));
    c = geometry(&(example){4, 16, 16, 64, 64, 1, 1, 1, {0}}, BF16, POSTS[0]);
    assert_true(panel_conv_pays(&c));
    c.channels = 65;
    assert_false(panel_conv_pays(&c));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(results_are_the_definition), cmocka_unit_test(results_do_not_depend_on_threads),
                                       cmocka_unit_test(it_pays_for_some)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
