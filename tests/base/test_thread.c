#include <omp.h>
#include <stdlib.h>

#include "base/thread.h"
#include "tests/cmocka.h"

static void the_number_is_kept(void **state) {
    (void)state;
    threads_set(3);
    assert_int_equal(threads_count(), 3);
    int members = 0;
#pragma omp parallel reduction(+ : members)
    members += 1;
    assert_int_equal(members, 3);
    setenv("OMP_NUM_THREADS", "2", 1);
    threads_set(0);
    assert_int_equal(threads_count(), 2);
}

#if defined(__SSE2__) || defined(__aarch64__)
static void denormals_are_flushed_in_each_thread(void **state) {
    (void)state;
    static volatile float small = 1e-38f; // a volatile variable of the region's own is a constant to gcc
    threads_set(2);
    int denormals = 0;
#pragma omp parallel reduction(+ : denormals)
    denormals += small * 0.01f != 0.0f;
    assert_int_equal(denormals, 0);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_is_kept),
#if defined(__SSE2__) || defined(__aarch64__)
        cmocka_unit_test(denormals_are_flushed_in_each_thread),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
