#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "tests/cmocka.h"

static void growing(void **state) {
    (void)state;
    text t = {0};
    for (int i = 0; i < 1000; i++) text_format(&t, "%d,", i % 10);
    text_add(&t, "end");
    text_add_bytes(&t, NULL, 0);
    assert_false(t.failed);
    assert_int_equal(t.length, 2003);
    assert_int_equal(strlen(t.data), 2003);
    assert_true(text_ends(t.data, "8,9,end") && text_starts(t.data, "0,1,2"));
    text_add_bytes(&t, "", SIZE_MAX); // never satisfiable: sticky
    assert_true(t.failed);
    text_add(&t, "more");
    assert_int_equal(t.length, 2003);
    text_free(&t);
    assert_null(t.data);
}

static void ends(void **state) {
    (void)state;
    assert_true(text_ends("a.JPG", ".JPG") && !text_ends("a.JPG", ".jpg") && text_ends_nocase("a.JPG", ".jpg"));
    assert_false(text_ends("jpg", ".jpg"));
    assert_true(text_starts("abc", "") && !text_starts("ab", "abc"));
}

static void nearest(void **state) {
    (void)state;
    static const char *const words[] = {"conv", "conv_transpose", "linear", "batch_norm", "p", NULL};
    assert_string_equal(text_nearest("cnov", words), "conv");
    assert_string_equal(text_nearest("Linear", words), "linear");
    assert_string_equal(text_nearest("batchnorm", words), "batch_norm");
    assert_string_equal(text_nearest("conv_transposed", words), "conv_transpose");
    assert_null(text_nearest("dropout", words));
    assert_null(text_nearest("q", words));
    assert_null(text_nearest("", words));
    char endless[500];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_null(text_nearest(endless, words));
}

static void numbers(void **state) {
    (void)state;
    long long i;
    double d;
    assert_true(text_to_int("-12", &i) && i == -12);
    assert_true(text_to_float("2e-4", &d) && d == 2e-4);
    static const char *const not_ints[] = {"", " 1", "1 ", "1.0", "x", "0x10", "9223372036854775808", "-"};
    for (size_t k = 0; k < sizeof not_ints / sizeof *not_ints; k++) assert_false(text_to_int(not_ints[k], &i));
    static const char *const not_floats[] = {"", " 1", "1 ", "nan", "inf", "1e999", "1..2", "."};
    for (size_t k = 0; k < sizeof not_floats / sizeof *not_floats; k++) assert_false(text_to_float(not_floats[k], &d));
}

static void utf8(void **state) {
    (void)state;
    assert_true(text_is_utf8("") && text_is_utf8("abc") && text_is_utf8("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"));
    static const char *const not_utf8[] = {"\x80", "\xc3", "\xc3x", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"};
    for (size_t k = 0; k < sizeof not_utf8 / sizeof *not_utf8; k++) assert_false(text_is_utf8(not_utf8[k]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing), cmocka_unit_test(ends), cmocka_unit_test(nearest), cmocka_unit_test(numbers), cmocka_unit_test(utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
