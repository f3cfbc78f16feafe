// Convolutions as products between places against the definition in f64, in their three directions, by every machine's loops.
#include <omp.h>

#include "nn/ops/place_conv.h"
#include "nn/ops/winograd_inner.h"
#include "tests/nn/conv_example.h"
#include "tests/nn/operands.h"
#include "tests/nn/plan_check.h"
#include "tests/nn/squares.h"

static const conv_example EXAMPLES[] = {
    {16, 8, 8, 64, 32, 4, 4, {BY_TWO, .pad = {1, 1, 1, 1}}},
    {70, 4, 4, 32, 32, 4, 4, {BY_TWO, .pad = {1, 1, 1, 1}}}, // more pictures than are taken at a time, not a multiple of the machine's rows
    {2, 5, 3, 32, 160, 3, 3, {UNIT, .pad = {1, 2, 0, 1}}},   // more filters than are summed at a time
    {3, 3, 4, 64, 64, 3, 3, {UNIT, .pad = {0, 1, 2, 1}}},    // odd
    {4, 2, 2, 32, 64, 3, 3, {UNIT, .pad = {4, 4, 4, 4}}},    // windows that are all padding
    {2, 9, 9, 32, 32, 3, 3, {.stride = {4, 4}, .dilation = {1, 1}, .groups = 1}}, // pixels and taps that nobody needs
    {2, 7, 7, 32, 32, 3, 3, {.stride = {1, 1}, .dilation = {2, 2}, .groups = 1, .pad = {2, 2, 2, 2}}},
    {2, 3, 3, 320, 32, 4, 4, {UNIT, .pad = {1, 1, 2, 2}}}, // deeper than what is multiplied at a time
    {2, 1, 1, 32, 32, 3, 3, {UNIT, .pad = {1, 1, 1, 1}}},  // taps that meet nothing
    {6, 4, 4, 32, 134, 4, 4, {UNIT}},                      // a window that is the picture; filters not a multiple of the machine's rows
};
enum { COUNT = sizeof EXAMPLES / sizeof *EXAMPLES };

// The tensors of the form; filters are f32 in memory, and rounded where the convolution is in bf16.
enum { X, W, Y };
static const int RESULT[] = {[ONEDNN_CONV] = Y, [ONEDNN_CONV_DATA] = X, [ONEDNN_CONV_WEIGHTS] = W};
typedef struct tensor {
    int64_t n;
    dtype type;
    void *stored;
    double *exact, *terms; // of a result: the sum, and that of its terms' absolute values
} tensor;

static tensor draw(int64_t n, dtype type, bool rounded, uint64_t stream) {
    tensor t = {n, type, allocate((size_t)n * dtype_size(type)), calloc((size_t)n, sizeof(double)), calloc((size_t)n, sizeof(double))};
    assert_true(t.exact && t.terms);
    for (int64_t i = 0; i < n; i++) {
        const float v = 2 * philox_uniform((philox_key){6, STREAM_SAMPLES, stream}, (uint64_t)i) - 1;
        put(t.stored, type, i, (double)v);
        t.exact[i] = rounded ? (double)bf16_to_f32(f32_to_bf16(v)) : get(t.stored, type, i);
    }
    return t;
}

static void add_term(int to, const tensor *t, const int64_t at[3]) {
    double term = 1;
    for (int i = 0; i < 3; i++) term *= i == to ? 1 : t[i].exact[at[i]];
    t[to].exact[at[to]] += term;
    t[to].terms[at[to]] += fabs(term);
}

static void define(const onednn_conv *c, const tensor *t) {
    const int to = RESULT[c->kind];
    const conv_params *p = &c->params;
    for (int64_t y = 0; y < t[Y].n; y++) {
        const int64_t o = y % c->out, j = y / c->out % c->out_width, i = y / c->out / c->out_width % c->out_height,
                      n = y / c->out / c->out_width / c->out_height;
        for (int64_t tap = 0; tap < c->rows * c->cols; tap++) {
            const int64_t h = i * p->stride[0] - p->pad[0] + tap / c->cols * p->dilation[0],
                          v = j * p->stride[1] - p->pad[1] + tap % c->cols * p->dilation[1];
            if (h < 0 || h >= c->height || v < 0 || v >= c->width) continue;
            for (int64_t k = 0; k < c->channels; k++)
                add_term(to, t,
                         (int64_t[]){((n * c->height + h) * c->width + v) * c->channels + k, (o * c->channels + k) * c->rows * c->cols + tap, y});
        }
    }
}

static double squares; // of the last gradient of filters

// The result is in memory that ends where it ends.
static void *run(const onednn_conv *c, const tensor *t, int machine) {
    place_conv *p;
    assert_int_equal(place_conv_create(c, machine, &p), FOIL_OK);
    void *scratch = aligned_alloc(64, (place_conv_scratch(p) + 63) / 64 * 64),
         *out = allocate((size_t)t[RESULT[c->kind]].n * dtype_size(t[RESULT[c->kind]].type));
    assert_non_null(scratch);
    memset(scratch, 0xff, place_conv_scratch(p));
    const bool weights = c->kind == ONEDNN_CONV_WEIGHTS;
    squares = NAN;
    place_conv_run(p, t[c->kind == ONEDNN_CONV_DATA ? Y : X].stored, t[weights ? Y : W].stored, out, &squares, scratch);
    if (weights)
        check_squares(out, t[W].n, squares);
    else
        assert_true(isnan(squares)); // left alone
    free(scratch);
    place_conv_free(p);
    return out;
}

static void draw_all(const onednn_conv *c, tensor t[3]) {
    t[X] = draw(c->n * c->height * c->width * c->channels, c->x, false, 1);
    t[W] = draw(c->out * c->channels * c->rows * c->cols, F32, c->x == BF16, 2);
    t[Y] = draw(c->n * c->out_height * c->out_width * c->out, c->x, false, 3);
    tensor *result = &t[RESULT[c->kind]];
    memset(result->exact, 0, (size_t)result->n * sizeof(double));
    define(c, t);
}

static void free_all(tensor t[3]) {
    for (int i = 0; i < 3; i++) free(t[i].stored), free(t[i].exact), free(t[i].terms);
}

// f32: sums in any order. bf16: its products are exact, and pictures are rounded once, to 8 bits.
static void check(const onednn_conv *c, const tensor *t, int machine, int number) {
    tensor got = t[RESULT[c->kind]];
    got.stored = run(c, t, machine);
    for (int64_t i = 0; i < got.n; i++) {
        const double error = fabs(get(got.stored, got.type, i) - got.exact[i]);
        if (!(error <= 1e-6 * got.terms[i] + (got.type == BF16 ? fabs(got.exact[i]) / 256 : 0)))
            fail_msg("example %d, kind %d, %s, machine %d: element %lld is %g, expected %g", number, (int)c->kind, dtype_name(c->x), machine,
                     (long long)i, get(got.stored, got.type, i), got.exact[i]);
    }
    free(got.stored);
}

static void results_are_the_definition(void **state) {
    (void)state;
    int done = 0;
    for (int i = 0; i < COUNT; i++)
        for (int kind = ONEDNN_CONV; kind <= ONEDNN_CONV_WEIGHTS; kind++)
            for (int type = F32; type <= BF16; type++) {
                const onednn_conv c = conv_of(&EXAMPLES[i], (onednn_conv_kind)kind, (dtype)type);
                tensor t[3];
                draw_all(&c, t);
                for (int machine = 0; winograd_machine_at(machine); machine++)
                    if (place_conv_takes(&c, machine)) check(&c, t, machine, i), done += machine == 0;
                free_all(t);
            }
    assert_int_equal(done, 6 * COUNT - 3); // an odd number of pictures makes no pairs, and 134 filters are not panels
}

static void check_threads(const onednn_conv *c, const tensor *t) {
    const tensor *result = &t[RESULT[c->kind]];
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    void *expected = run(c, t, 0);
    const double sum = squares;
    omp_set_num_threads(5);
    void *got = run(c, t, 0);
    omp_set_num_threads(threads);
    assert_true(squares == sum || c->kind != ONEDNN_CONV_WEIGHTS);
    assert_memory_equal(got, expected, (size_t)result->n * dtype_size(result->type));
    free(expected), free(got);
}

// Filters' gradients are added up band by band: pictures here are more than the 8 MB that are packed at a time; filters fewer than a machine's rows, and
// more than are summed at a time.
static void large_pictures_are_taken_in_bands(void **state) {
    (void)state;
    const conv_example large[] = {{32, 36, 36, 32, 6, 3, 3, {UNIT, .pad = {1, 1, 1, 1}}}, {32, 20, 20, 32, 133, 3, 3, {UNIT, .pad = {1, 1, 1, 1}}}};
    for (int i = 0; i < 2; i++) {
        const onednn_conv c = conv_of(&large[i], ONEDNN_CONV_WEIGHTS, F32);
        tensor t[3];
        draw_all(&c, t);
        for (int machine = 0; winograd_machine_at(machine); machine++)
            if (place_conv_takes(&c, machine)) check(&c, t, machine, COUNT + i);
        check_threads(&c, t);
        free_all(t);
    }
}

static void results_do_not_depend_on_threads(void **state) {
    (void)state;
    for (int i = 0; i < COUNT; i++)
        for (int kind = ONEDNN_CONV; kind <= ONEDNN_CONV_WEIGHTS; kind++)
            for (int type = F32; type <= BF16; type++) {
                const onednn_conv c = conv_of(&EXAMPLES[i], (onednn_conv_kind)kind, (dtype)type);
                if (!place_conv_takes(&c, 0)) continue;
                tensor t[3];
                draw_all(&c, t);
                check_threads(&c, t);
                free_all(t);
            }
}

static bool pays(const conv_example *e, onednn_conv_kind kind, dtype type) {
    const onednn_conv c = conv_of(e, kind, type);
    return place_conv_pays(&c);
}

// What it is not made for, and what others do better.
static void it_pays_for_some(void **state) {
    (void)state;
    const conv_example small = {64, 8, 8, 256, 512, 4, 4, {BY_TWO, .pad = {1, 1, 1, 1}}};
    const bool wide = winograd_machine_at(0)->rows * winograd_machine_at(0)->width >= 256;
    onednn_conv c = conv_of(&small, ONEDNN_CONV, F32);
    assert_int_equal(place_conv_pays(&c), wide);
    c.constant = true; // columns that take in what follows
    assert_false(place_conv_pays(&c));
    c = conv_of(&small, ONEDNN_CONV, F32);
    c.post.has_bias = true;
    assert_false(place_conv_takes(&c, 0));
    c = conv_of(&small, ONEDNN_CONV_DATA, F32);
    assert_int_equal(place_conv_pays(&c), wide);
    c = conv_of(&small, ONEDNN_CONV_WEIGHTS, F32);
    c.params.groups = 2;
    assert_false(place_conv_takes(&c, 0));
    for (int64_t n = 32; n <= 66; n += 2) { // the first layer of a generator
        const conv_example first = {n, 4, 4, 512, 100, 4, 4, {UNIT}};
        assert_false(pays(&first, ONEDNN_CONV, F32));
        assert_false(pays(&first, ONEDNN_CONV, BF16));
        assert_int_equal(pays(&first, ONEDNN_CONV_DATA, F32), wide && n <= 32);
        assert_int_equal(pays(&first, ONEDNN_CONV_DATA, BF16), wide && n <= 64);
        assert_int_equal(pays(&first, ONEDNN_CONV_WEIGHTS, F32), wide && n <= 64);
        assert_int_equal(pays(&first, ONEDNN_CONV_WEIGHTS, BF16), wide && n <= 64);
    }
    c = conv_of(&(conv_example){64, 32, 32, 256, 512, 4, 4, {BY_TWO, .pad = {1, 1, 1, 1}}}, ONEDNN_CONV, F32); // little padding
    assert_false(place_conv_pays(&c));
    c = conv_of(&(conv_example){64, 8, 8, 256, 512, 5, 5, {BY_TWO, .pad = {1, 1, 1, 1}}}, ONEDNN_CONV, F32);
    assert_false(place_conv_takes(&c, 0));
    c = conv_of(&(conv_example){63, 8, 8, 256, 512, 4, 4, {BY_TWO, .pad = {1, 1, 1, 1}}}, ONEDNN_CONV_WEIGHTS, BF16);
    assert_false(place_conv_takes(&c, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(results_are_the_definition), cmocka_unit_test(large_pictures_are_taken_in_bands),
                                       cmocka_unit_test(results_do_not_depend_on_threads), cmocka_unit_test(it_pays_for_some)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
