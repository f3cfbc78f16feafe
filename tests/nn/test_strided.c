// Copies between strided boxes against one element after the other: lines longer than a thread copies at a time, backwards and with gaps, and many short ones.
#include "nn/ops/strided.h"

#include <stdlib.h>
#include <string.h>

#include "tests/cmocka.h"

enum { MOST = 300000 };

static int64_t place(shape box, const walk *w, int64_t element) {
    int64_t at = w->start;
    for (int i = box.n - 1; i >= 0; i--) {
        at += element % box.d[i] * w->stride[i];
        element /= box.d[i];
    }
    return at;
}

static void check(shape box, size_t size, walk from, walk to) {
    unsigned char *a = malloc(MOST * size), *b = calloc(MOST, size), *expected = calloc(MOST, size);
    assert_true(a && b && expected);
    for (size_t i = 0; i < MOST * size; i++) a[i] = (unsigned char)(i * 2654435761u >> 13);
    for (int64_t i = 0; i < shape_count(box); i++)
        memcpy(expected + (size_t)place(box, &to, i) * size, a + (size_t)place(box, &from, i) * size, size);
    strided_copy(box, size, a, from, b, to);
    assert_memory_equal(b, expected, MOST * size);
    free(a), free(b), free(expected);
}

static void copies_are_of_each_element(void **state) {
    (void)state;
    for (size_t size = 1; size <= 8; size *= 2) {
        check(SHAPE(100001), size, (walk){.start = 7, .stride = {1}}, (walk){.start = 9, .stride = {1}});
        check(SHAPE(3, 40000), size, (walk){.stride = {50000, 1}}, (walk){.start = 5, .stride = {40001, 1}});        // gaps between lines
        check(SHAPE(2, 50000), size, (walk){.start = 99999, .stride = {-50000, -1}}, (walk){.stride = {100001, 2}}); // backwards, to every second one
        check(SHAPE(5000, 4, 3), size, (walk){.stride = {13, 3, 1}}, (walk){.stride = {1, 5000, 20000}});            // short lines, transposed
        check(SHAPE(1 << 14), size, (walk){.stride = {1}}, (walk){.stride = {3}});                                   // as long as a piece
        check(SHAPE(4, 0), size, (walk){.stride = {1, 1}}, (walk){.stride = {1, 1}});
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(copies_are_of_each_element)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
