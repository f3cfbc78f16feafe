// Gradients of weights as a product over windows against the definition in f64, by every machine's loops, and with the roles of x and y exchanged.
#include <omp.h>

#include "nn/ops/conv_kernel.h"
#include "nn/ops/window_weights.h"
#include "nn/ops/winograd_inner.h"
#include "tests/nn/conv_example.h"
#include "tests/nn/plan_check.h"
#include "tests/nn/squares.h"

static const conv_example EXAMPLES[] = {
    {5, 16, 16, 3, 64, 4, 4, {BY_TWO, .pad = {1, 1, 1, 1}}},
    {3, 7, 9, 3, 32, 3, 3, {UNIT, .pad = {1, 1, 1, 1}}},                           // lines of odd length
    {1, 5, 6, 1, 96, 5, 2, {UNIT, .pad = {2, 0, 1, 3}}},                           // fewer lines than shares
    {40, 4, 3, 4, 32, 3, 3, {BY_TWO, .pad = {0, 1, 0, 1}}},                        // more of them
    {2, 6, 300, 3, 32, 2, 7, {.stride = {1, 2}, .dilation = {1, 1}, .groups = 1}}, // lines longer than what is multiplied at a time
    {2, 3, 4, 2, 32, 3, 3, {UNIT, .pad = {4, 4, 4, 4}}},                           // windows that are all padding
    {2, 9, 9, 3, 32, 2, 2, {.stride = {4, 4}, .dilation = {1, 1}, .groups = 1}},   // pixels that nobody needs
    {1, 1, 1, 1, 32, 1, 1, {UNIT}},
};
enum { COUNT = sizeof EXAMPLES / sizeof *EXAMPLES };

static onednn_conv gradient_of(const conv_example *e, dtype type) {
    return conv_of(e, ONEDNN_CONV_WEIGHTS, type);
}

// In memory that ends where it ends.
static void *draw(int64_t n, dtype type, uint64_t stream) {
    void *p = malloc((size_t)n * dtype_size(type));
    assert_non_null(p);
    for (int64_t i = 0; i < n; i++) put(p, type, i, 2 * (double)philox_uniform((philox_key){6, STREAM_SAMPLES, stream}, (uint64_t)i) - 1);
    return p;
}

typedef struct work {
    void *x, *y;
    double *exact, *terms; // of each weight [O, C, R, S]: the sum, and that of its terms' absolute values
} work;

static int64_t weights_of(const onednn_conv *c) {
    return c->out * c->channels * c->rows * c->cols;
}

static void define(const onednn_conv *c, const work *k, int64_t n, int64_t i, int64_t j, int64_t o, int64_t tap) {
    const conv_params *p = &c->params;
    const int64_t h = i * p->stride[0] - p->pad[0] + tap / c->cols, v = j * p->stride[1] - p->pad[1] + tap % c->cols;
    if (h < 0 || h >= c->height || v < 0 || v >= c->width) return;
    const double y = get(k->y, c->y, ((n * c->out_height + i) * c->out_width + j) * c->out + o);
    for (int64_t e = 0; e < c->channels; e++) {
        const int64_t to = (o * c->channels + e) * c->rows * c->cols + tap;
        const double term = y * get(k->x, c->x, ((n * c->height + h) * c->width + v) * c->channels + e);
        k->exact[to] += term;
        k->terms[to] += fabs(term);
    }
}

static work draw_all(const onednn_conv *c) {
    work k = {draw(c->n * c->height * c->width * c->channels, c->x, 1), draw(c->n * c->out_height * c->out_width * c->out, c->y, 2),
              calloc((size_t)weights_of(c), sizeof(double)), calloc((size_t)weights_of(c), sizeof(double))};
    assert_true(k.exact && k.terms);
    for (int64_t n = 0; n < c->n; n++)
        for (int64_t i = 0; i < c->out_height; i++)
            for (int64_t j = 0; j < c->out_width; j++)
                for (int64_t o = 0; o < c->out; o++)
                    for (int64_t tap = 0; tap < c->rows * c->cols; tap++) define(c, &k, n, i, j, o, tap);
    return k;
}

static void free_all(work *k) {
    free(k->x), free(k->y), free(k->exact), free(k->terms);
}

static float *nothing(const onednn_conv *c) {
    float *w = malloc((size_t)weights_of(c) * sizeof *w);
    assert_non_null(w);
    for (int64_t i = 0; i < weights_of(c); i++) w[i] = NAN;
    return w;
}

static void *scratch_of(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    assert_non_null(p);
    memset(p, 0xff, bytes); // NaN
    return p;
}

static float *run(const onednn_conv *c, const work *k, int machine, bool mirrored) {
    float *w = nothing(c);
    void *scratch = scratch_of(window_weights_scratch(c, machine));
    double squares = NAN;
    window_weights_run(c, machine, mirrored, k->x, k->y, w, &squares, scratch);
    check_squares(w, weights_of(c), squares);
    window_weights_run(c, machine, mirrored, k->x, k->y, w, NULL, scratch);
    free(scratch);
    return w;
}

// Where weight i of [O, C, R, S] is in [C, O, R, S] with taps from the last to the first.
static int64_t mirror(const onednn_conv *c, int64_t i) {
    const int64_t taps = c->rows * c->cols, tap = i % taps, e = i / taps % c->channels, o = i / taps / c->channels;
    return (e * c->out + o) * taps + taps - 1 - tap;
}

static void check(const onednn_conv *c, const work *k, bool mirrored, const float *w, const char *what, int number) {
    for (int64_t i = 0; i < weights_of(c); i++) {
        const double got = (double)w[mirrored ? mirror(c, i) : i];
        if (!(fabs(got - k->exact[i]) <= 1e-6 * k->terms[i]))
            fail_msg("example %d, %s, %s %d: weight %lld is %g, expected %g", number, dtype_name(c->x), what, mirrored, (long long)i, got,
                     k->exact[i]);
    }
}

static void results_are_the_definition(void **state) {
    (void)state;
    int done = 0;
    for (int i = 0; i < COUNT; i++)
        for (int type = F32; type <= BF16; type++) {
            const onednn_conv c = gradient_of(&EXAMPLES[i], (dtype)type);
            work k = draw_all(&c);
            for (int machine = 0; winograd_machine_at(machine); machine++)
                for (int mirrored = 0; mirrored < 2; mirrored++) {
                    assert_true(window_weights_takes(&c, machine));
                    float *w = run(&c, &k, machine, mirrored);
                    check(&c, &k, mirrored, w, "mirrored", i);
                    free(w);
                    done += machine == 0;
                }
            free_all(&k);
        }
    assert_int_equal(done, 4 * COUNT);
}

static void results_do_not_depend_on_threads(void **state) {
    (void)state;
    const int threads = omp_get_max_threads();
    for (int i = 0; i < COUNT; i++) {
        const onednn_conv c = gradient_of(&EXAMPLES[i], i % 2 ? F32 : BF16);
        work k = draw_all(&c);
        omp_set_num_threads(1);
        float *expected = run(&c, &k, 0, false);
        omp_set_num_threads(5);
        float *got = run(&c, &k, 0, false);
        omp_set_num_threads(threads);
        assert_memory_equal(got, expected, (size_t)weights_of(&c) * sizeof *got);
        free(expected), free(got);
        free_all(&k);
    }
}

// As a convolution's gradient: of `plain`, or of the one whose x and y are y and x there.
static void check_kernel(const onednn_conv *plain, bool mirrored) {
    onednn_conv c = *plain;
    if (mirrored) { // at stride 1, with as much padding as makes up for the exchange
        c.height = plain->out_height, c.width = plain->out_width, c.channels = plain->out;
        c.out_height = plain->height, c.out_width = plain->width, c.out = plain->channels;
        for (int i = 0; i < 4; i++) c.params.pad[i] = (i % 2 ? plain->cols : plain->rows) - 1 - plain->params.pad[i];
    }
    work k = draw_all(plain);
    conv_kernel *made;
    assert_int_equal(conv_kernel_create(&c, CONV_DIRECT, &made), FOIL_OK);
    assert_string_equal(conv_kernel_implementation(made), "foil:windows");
    float *w = nothing(plain);
    void *scratch = scratch_of(conv_kernel_scratch(made));
    double squares = NAN;
    conv_kernel_run(made, mirrored ? k.y : k.x, mirrored ? k.x : k.y, w, &squares, scratch);
    check(plain, &k, mirrored, w, "as a kernel, mirrored", 0);
    check_squares(w, weights_of(plain), squares);
    free(w), free(scratch);
    conv_kernel_free(made);
    free_all(&k);
}

static void convolutions_use_it(void **state) {
    (void)state;
    const onednn_conv first = gradient_of(&EXAMPLES[0], F32), last = gradient_of(&EXAMPLES[1], F32), first_bf16 = gradient_of(&EXAMPLES[0], BF16);
    if (!window_weights_pays(&first)) skip(); // a processor for which oneDNN does better
    check_kernel(&first, false);
    check_kernel(&last, true);
    if (window_weights_pays(&first_bf16)) check_kernel(&first_bf16, false);
}

// What it is not made for, and what others do better.
static void it_pays_for_some(void **state) {
    (void)state;
    const winograd_machine *m = winograd_machine_at(0);
    const bool wide = m->rows * m->width >= 256;
    onednn_conv c = gradient_of(&EXAMPLES[0], F32);
    assert_int_equal(window_weights_pays(&c), wide);
    c = gradient_of(&EXAMPLES[0], BF16);
    assert_int_equal(window_weights_pays(&c), wide);
    c.y = F32;
    assert_false(window_weights_takes(&c, 0));
    c = gradient_of(&EXAMPLES[0], F32);
    c.kind = ONEDNN_CONV;
    assert_false(window_weights_takes(&c, 0));
    c = gradient_of(&EXAMPLES[0], F32);
    c.params.groups = 2;
    assert_false(window_weights_takes(&c, 0));
    c = gradient_of(&EXAMPLES[0], F32);
    c.params.dilation[1] = 2;
    assert_false(window_weights_takes(&c, 0));
    c = gradient_of(&EXAMPLES[0], F32);
    c.out = 72;
    assert_false(window_weights_takes(&c, 0));
    c = gradient_of(&EXAMPLES[0], F32);
    c.channels = 8; // oneDNN fills half of its lanes
    assert_false(window_weights_pays(&c));
    c = gradient_of(&EXAMPLES[COUNT - 1], F32); // 1x1
    assert_false(window_weights_pays(&c));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(results_are_the_definition), cmocka_unit_test(results_do_not_depend_on_threads),
                                       cmocka_unit_test(convolutions_use_it), cmocka_unit_test(it_pays_for_some)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
