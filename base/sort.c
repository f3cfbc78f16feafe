#include "base/sort.h"

#include <stdlib.h>

#define SORT(name, number)                                                                                                                           \
    static int compare_##name(const void *a, const void *b) {                                                                                        \
        const number x = *(const number *)a, y = *(const number *)b;                                                                                 \
        return (x > y) - (x < y);                                                                                                                    \
    }                                                                                                                                                \
    void sort_##name(number *x, size_t n) {                                                                                                          \
        if (n > 0) qsort(x, n, sizeof *x, compare_##name);                                                                                           \
    }
SORT(numbers, double)
SORT(floats, float)
SORT(integers, int64_t)
