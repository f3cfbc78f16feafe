// Messages: what, where, what was expected; context goes in front.
#include <errno.h>

#include "base/arena.h"
#include "base/status.h"
#include "tests/cmocka.h"

static void test_context_goes_in_front(void **state) {
    (void)state;
    assert_int_equal(foil_fail(FOIL_INVALID, "expected %d channels", 3), FOIL_INVALID);
    assert_int_equal(foil_fail_within(FOIL_INVALID, "a.png"), FOIL_INVALID);
    assert_string_equal(foil_error(), "a.png: expected 3 channels");
}

static void test_system_errors_say_why(void **state) {
    (void)state;
    assert_int_equal(foil_fail_errno(ENOENT, "x/y"), FOIL_IO);
    assert_string_equal(foil_error(), "x/y: No such file or directory");
    assert_int_equal(foil_fail_errno(ENOMEM, "x"), FOIL_MEMORY);
}

static void test_arena_is_zeroed_and_aligned(void **state) {
    (void)state;
    arena a = {0};
    for (size_t n = 1; n < 200000; n = n * 3 + 1) {
        unsigned char *p = arena_alloc(&a, n);
        assert_non_null(p);
        assert_int_equal((size_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
    }
    assert_string_equal(arena_format(&a, "layers.%d", 3), "layers.3");
    arena_free(&a);
    assert_null(a.blocks);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_context_goes_in_front), cmocka_unit_test(test_system_errors_say_why),
                                       cmocka_unit_test(test_arena_is_zeroed_and_aligned)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
