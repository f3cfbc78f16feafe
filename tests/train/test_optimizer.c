// Optimizers against PyTorch's values, their schedules, and their state in files.
#include <jansson.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/philox.h"
#include "tests/cmocka.h"
#include "train/optimizer.h"

static void parse(const char *map, optimizer_options *out) {
    yaml *document;
    assert_int_equal(yaml_parse(map, "test", &document), FOIL_OK);
    if (optimizer_parse(yaml_root(document), out) != FOIL_OK) fail_msg("%s", foil_error());
    yaml_free(document);
}

static store *new_store(int64_t n) {
    store *s = store_new();
    assert_non_null(s);
    assert_int_equal(store_declare(s, "w", SHAPE(n), (init){INIT_ZEROS}, true), 0);
    assert_int_equal(store_allocate(s), FOIL_OK);
    return s;
}

static void read_numbers(const json_t *list, float *out) {
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v) out[i] = (float)json_number_value(v);
}

static void check_case(const json_t *c) {
    const json_t *start = json_object_get(c, "start"), *gradients = json_object_get(c, "gradients");
    size_t step;
    json_t *g;
    optimizer_options options;
    optimizer *o;
    store *s = new_store((int64_t)json_array_size(start));
    parse(json_string_value(json_object_get(c, "options")), &options);
    assert_int_equal(optimizer_new(&options, s, &o), FOIL_OK);
    read_numbers(start, s->values);
    json_array_foreach(gradients, step, g) {
        read_numbers(g, optimizer_gradient(o));
        double norm = optimizer_step(o, 100), expected = json_number_value(json_array_get(json_object_get(c, "norms"), step));
        if (!(fabs(norm - expected) <= 1e-6 * expected)) fail_msg("norm %.9g is not %.9g", norm, expected);
    }
    assert_int_equal(optimizer_steps_done(o), json_array_size(gradients));
    for (size_t i = 0; i < s->value_count; i++) {
        double expected = json_number_value(json_array_get(json_object_get(c, "end"), i));
        if (!(fabs((double)s->values[i] - expected) <= 1e-6)) fail_msg("value %zu: %.9g is not %.9g", i, (double)s->values[i], expected);
    }
    optimizer_free(o);
    store_free(s);
}

static void test_pytorch(void **state) {
    (void)state;
    json_t *cases = json_load_file(SOURCE_DIR "/tests/train/optimizer_values.json", 0, NULL), *c;
    assert_true(json_array_size(cases) >= 6);
    size_t at;
    json_array_foreach(cases, at, c) check_case(c);
    json_decref(cases);
}

// Norms are summed over fixed blocks: the number of threads changes nothing.
static void test_threads(void **state) {
    (void)state;
    const size_t n = 300000;
    optimizer_options options;
    parse("{adam: {lr: 0.1, clip: 1}}", &options);
    store *s[2];
    double norms[2];
    for (int k = 0; k < 2; k++) {
        optimizer *o;
        omp_set_num_threads(k ? 3 : 1);
        s[k] = new_store((int64_t)n);
        assert_int_equal(optimizer_new(&options, s[k], &o), FOIL_OK);
        philox_fill_normal((philox_key){1, STREAM_INIT, 0}, 0, optimizer_gradient(o), n);
        norms[k] = optimizer_step(o, 10);
        optimizer_free(o);
    }
    assert_true(norms[0] == norms[1]);
    assert_memory_equal(s[0]->values, s[1]->values, n * sizeof(float));
    for (int k = 0; k < 2; k++) store_free(s[k]);
}

static void test_not_finite_changes_nothing(void **state) {
    (void)state;
    enum { N = 200000 }; // some blocks
    static const char *const MAPS[] = {"{adam: {lr: 0.1}}", "{sgd: {lr: 0.1}}", "{adam: {lr: 0.1, clip: 1}}"};
    for (size_t k = 0; k < sizeof MAPS / sizeof *MAPS; k++)
        for (size_t at = 1; at < N; at += N - 3) {
            optimizer_options options;
            parse(MAPS[k], &options);
            store *s = new_store(N);
            optimizer *o;
            assert_int_equal(optimizer_new(&options, s, &o), FOIL_OK);
            assert_true(optimizer_step(o, 10) == 0);
            optimizer_gradient(o)[0] = 1;
            optimizer_gradient(o)[at] = k ? NAN : INFINITY;
            assert_true(!isfinite(optimizer_step(o, 10)));
            assert_int_equal(optimizer_steps_done(o), 1);
            for (size_t i = 0; i < N; i++) assert_true(s->values[i] == 0);
            optimizer_gradient(o)[0] = optimizer_gradient(o)[at] = 0;
            optimizer_step(o, 10);
            for (size_t i = 0; i < N; i++) assert_true(s->values[i] == 0); // moments did not change either
            optimizer_free(o);
            store_free(s);
        }
}

static double step_with(optimizer *o, double squares) {
    optimizer_gradient(o)[0] = 3;
    optimizer_gradient(o)[4] = 4;
    *optimizer_squares(o, 1) = squares;
    return optimizer_step(o, 10);
}

// Sums that are there count, once; those that f32 can't hold don't.
static void test_squares(void **state) {
    (void)state;
    optimizer_options options;
    parse("{sgd: {lr: 1}}", &options);
    store *s = store_new();
    assert_int_equal(store_declare(s, "a", SHAPE(4), (init){INIT_ZEROS}, true), 0);
    assert_int_equal(store_declare(s, "b", SHAPE(2), (init){INIT_ZEROS}, true), 1);
    assert_int_equal(store_declare(s, "c", SHAPE(3), (init){INIT_ZEROS}, true), 2);
    assert_int_equal(store_allocate(s), FOIL_OK);
    optimizer *o;
    assert_int_equal(optimizer_new(&options, s, &o), FOIL_OK);
    const size_t last = s->tensor[2].offset;
    optimizer_gradient(o)[last] = 12;
    assert_true(s->tensor[1].offset == 4);
    assert_true(step_with(o, NAN) == 13);
    const size_t all = s->value_count * sizeof(float), traffic = optimizer_traffic(o);
    assert_int_equal(traffic, 6 * all); // the gradient twice; values and a moment, read and written
    assert_true(step_with(o, 16) == 13);
    assert_int_equal(optimizer_traffic(o), traffic - 2 * sizeof(float));
    assert_true(step_with(o, 72 * 72 + 16) == sqrt(153 + 72 * 72 + 16)); // it is this that counts, not the gradient
    assert_true(optimizer_step(o, 10) == 13);                            // and once
    assert_true(step_with(o, INFINITY) == 13);
    assert_true(step_with(o, 0) == 13);
    assert_int_equal(optimizer_steps_done(o), 6);
    assert_true(s->values[4] == -24);
    optimizer_gradient(o)[5] = INFINITY;
    assert_true(!isfinite(step_with(o, NAN)) && !isfinite(step_with(o, INFINITY)));
    optimizer_gradient(o)[5] = 0;
    optimizer_gradient(o)[1] = NAN;
    assert_true(!isfinite(step_with(o, 72 * 72)));
    assert_int_equal(optimizer_steps_done(o), 6);
    assert_true(s->values[0] == -18 && s->values[4] == -24 && s->values[last] == -72);
    optimizer_gradient(o)[1] = 0;
    assert_true(optimizer_step(o, 10) == 13); // it was forgotten then, too
    optimizer_free(o);
    store_free(s);
}

static void test_schedules(void **state) {
    (void)state;
    optimizer_options o = {.lr = 2, .schedule = SCHEDULE_LINEAR, .final_lr = 0.25};
    assert_true(schedule_lr(&o, 0, 100) == 2);
    assert_true(fabs(schedule_lr(&o, 50, 100) - 1.25) < 1e-12);
    assert_true(fabs(schedule_lr(&o, 100, 100) - 0.5) < 1e-12);
    o.schedule = SCHEDULE_COSINE;
    assert_true(schedule_lr(&o, 0, 100) == 2);
    assert_true(fabs(schedule_lr(&o, 50, 100) - 1.25) < 1e-12);
    assert_true(fabs(schedule_lr(&o, 25, 100) - (0.5 + 1.5 * 0.5 * (1 + sqrt(0.5)))) < 1e-12);
    o.warmup = 3;
    for (int i = 0; i < 4; i++) assert_true(fabs(schedule_lr(&o, i, 100) - 2.0 * (i + 1) / 4) < 1e-12);
    o.schedule = SCHEDULE_CONSTANT;
    assert_true(schedule_lr(&o, 99, 100) == 2);
}

static void assert_refused(const char *map, const char *expected) {
    yaml *document;
    optimizer_options o;
    assert_int_equal(yaml_parse(map, "test", &document), FOIL_OK);
    assert_int_equal(optimizer_parse(yaml_root(document), &o), FOIL_INVALID);
    if (!strstr(foil_error(), expected)) fail_msg("'%s' does not say '%s'", foil_error(), expected);
    yaml_free(document);
}

static void test_broken_options(void **state) {
    (void)state;
    assert_refused("{adm: {lr: 1}}", "did you mean 'adam'?");
    assert_refused("{adam: {learning: 1}}", "unknown key 'learning'");
    assert_refused("{adam: {momentum: 0.9}}", "momentum");
    assert_refused("{adam: {lr: fast}}", "lr");
    assert_refused("{adam: {beta1: 1.5}}", "beta1");
    assert_refused("{adam: {schedule: cosin}}", "cosine");
    assert_refused("[adam]", "expected one optimizer");
    assert_refused("{adam: {}, sgd: {}}", "expected one optimizer");
}

static void step_from(optimizer *o, uint64_t gradient, size_t n) {
    philox_fill_normal((philox_key){1, STREAM_INIT, gradient}, 0, optimizer_gradient(o), n);
    optimizer_step(o, 10);
}

// A copy that loads what another saved goes on exactly as it does.
static void test_save_and_load(void **state) {
    (void)state;
    enum { N = 50 };
    char path[] = "/tmp/foil-optimizer-XXXXXX";
    assert_int_equal(close(mkstemp(path)), 0);
    optimizer_options options;
    parse("{adam: {lr: 0.1}}", &options);
    store *s[2] = {new_store(N), new_store(N)};
    optimizer *o[2];
    for (int k = 0; k < 2; k++) assert_int_equal(optimizer_new(&options, s[k], &o[k]), FOIL_OK);
    for (uint64_t i = 0; i < 3; i++) step_from(o[0], i, N);
    safetensors_writer *w = safetensors_writer_new();
    optimizer_save(o[0], w, "opt.");
    assert_int_equal(safetensors_write(w, path), FOIL_OK);
    safetensors_writer_free(w);
    safetensors *f;
    assert_int_equal(safetensors_open(path, &f), FOIL_OK);
    assert_int_equal(optimizer_load(o[1], f, "opt."), FOIL_OK);
    assert_int_equal(optimizer_load(o[1], f, "other."), FOIL_INVALID);
    assert_non_null(strstr(foil_error(), "other.w.m"));
    safetensors_close(f);
    store_copy(s[1], s[0]);
    for (int k = 0; k < 2; k++) step_from(o[k], 9, N);
    assert_memory_equal(s[0]->values, s[1]->values, N * sizeof(float));
    for (int k = 0; k < 2; k++) {
        optimizer_free(o[k]);
        store_free(s[k]);
    }
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pytorch),       cmocka_unit_test(test_threads),
        cmocka_unit_test(test_squares),       cmocka_unit_test(test_not_finite_changes_nothing),
        cmocka_unit_test(test_schedules),     cmocka_unit_test(test_broken_options),
        cmocka_unit_test(test_save_and_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
