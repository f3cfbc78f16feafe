// Stores: layout of the slabs, copies, and the statistics of every kind of initialisation.
#include <math.h>
#include <stdio.h>

#include "nn/store.h"
#include "tests/cmocka.h"

static store *example(init i, shape s) {
    store *st = store_new();
    assert_non_null(st);
    assert_int_equal(store_declare(st, "running", SHAPE(3), (init){INIT_ONES, 0, 0, 0}, false), 0);
    assert_int_equal(store_declare(st, "weight", s, i, true), 1);
    assert_int_equal(store_declare(st, "bias", SHAPE(5), (init){.kind = INIT_CONSTANT, .a = 0.25f}, true), 2);
    assert_int_equal(store_allocate(st), FOIL_OK);
    store_initialize(st, 7);
    return st;
}

static void test_values_and_buffers_lie_apart(void **state) {
    (void)state;
    store *s = example((init){.kind = INIT_NORMAL, .a = 1}, SHAPE(4, 6));
    assert_int_equal(s->value_count, 29);
    assert_int_equal(s->buffer_count, 3);
    assert_ptr_equal(store_data(s, 0), s->buffers);
    assert_ptr_equal(store_data(s, 2), s->values + 24);
    assert_int_equal((size_t)s->values % 64, 0);
    assert_int_equal(store_find(s, "bias"), 2);
    assert_int_equal(store_find(s, "nothing"), -1);
    store *copy = store_clone(s);
    assert_non_null(copy);
    assert_memory_equal(copy->values, s->values, 29 * sizeof(float));
    copy->values[0] += 1;
    store_copy(s, copy);
    assert_memory_equal(copy->values, s->values, 29 * sizeof(float));
    store_free(copy);
    store_free(s);
}

static void test_many_tensors(void **state) {
    (void)state;
    store *s = store_new();
    assert_non_null(s);
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        assert_int_equal(store_declare(s, name, SHAPE(i + 1), (init){0}, true), i);
    }
    assert_int_equal(s->value_count, 5050);
    assert_int_equal(store_find(s, "t77"), 77);
    store_free(s);
}

// Mean, deviation and largest magnitude of 20,000 draws; `bound` 0 = not bounded.
static void check_statistics(init i, double mean, double deviation, double bound) {
    store *s = example(i, SHAPE(100, 200));
    const float *w = store_data(s, 1);
    double sum = 0, squares = 0, largest = 0;
    for (int j = 0; j < 20000; j++) {
        sum += (double)w[j];
        squares += (double)w[j] * (double)w[j];
        largest = fmax(largest, fabs((double)w[j]));
    }
    sum /= 20000;
    assert_true(fabs(sum - mean) < 0.04 * deviation + 1e-12);
    assert_true(fabs(sqrt(squares / 20000 - sum * sum) - deviation) <= 0.03 * deviation + 1e-7);
    if (bound > 0) assert_true(largest <= bound && largest > 0.99 * bound);
    store_free(s);
}

static void test_initial_statistics(void **state) {
    (void)state;
    const double root3 = sqrt(3);
    check_statistics((init){.kind = INIT_ZEROS}, 0, 0, 0);
    check_statistics((init){.kind = INIT_ONES}, 1, 0, 0);
    check_statistics((init){.kind = INIT_NORMAL, .a = 0.02f}, 0, 0.02, 0);
    check_statistics((init){.kind = INIT_NORMAL_ONE, .a = 0.02f}, 1, 0.02, 0);
    check_statistics((init){.kind = INIT_UNIFORM, .a = 0.5f}, 0, 0.5 / root3, 0.5);
    check_statistics((init){.kind = INIT_XAVIER_UNIFORM, .a = 2, .fan_in = 200, .fan_out = 100}, 0, 2 * sqrt(0.02) / root3, 2 * sqrt(0.02));
    check_statistics((init){.kind = INIT_KAIMING_NORMAL, .fan_in = 200, .fan_out = 50}, 0, 0.2, 0);
    check_statistics((init){.kind = INIT_KAIMING_UNIFORM, .fan_in = 16, .fan_out = 50}, 0, 0.25 / root3, 0.25);
}

static double dot(const float *a, const float *b, int n, int stride) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)a[i * stride] * (double)b[i * stride];
    return sum;
}

static void test_orthogonal_rows_and_columns(void **state) {
    (void)state;
    store *wide = example((init){.kind = INIT_ORTHOGONAL, .a = 2}, SHAPE(6, 5, 2)),
          *tall = example((init){.kind = INIT_ORTHOGONAL, .a = 1}, SHAPE(10, 6));
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
            const float *rows = store_data(wide, 1), *columns = store_data(tall, 1);
            assert_true(fabs(dot(rows + 10 * i, rows + 10 * j, 10, 1) - (i == j ? 4 : 0)) < 1e-5);
            assert_true(fabs(dot(columns + i, columns + j, 10, 6) - (i == j ? 1 : 0)) < 1e-5);
        }
    store_free(wide);
    store_free(tall);
}

static void test_unit_vector_and_seed(void **state) {
    (void)state;
    store *a = example((init){.kind = INIT_UNIT_VECTOR}, SHAPE(33)), *b = example((init){.kind = INIT_UNIT_VECTOR}, SHAPE(33));
    assert_true(fabs(dot(store_data(a, 1), store_data(a, 1), 33, 1) - 1) < 1e-6);
    assert_memory_equal(store_data(a, 1), store_data(b, 1), 33 * sizeof(float));
    store_initialize(b, 8);
    assert_memory_not_equal(store_data(a, 1), store_data(b, 1), 33 * sizeof(float));
    store_free(a);
    store_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values_and_buffers_lie_apart), cmocka_unit_test(test_many_tensors),
                                       cmocka_unit_test(test_initial_statistics), cmocka_unit_test(test_orthogonal_rows_and_columns),
                                       cmocka_unit_test(test_unit_vector_and_seed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
