// Sums of squares, as plan_sum_squares gives them, against f64.
#ifndef FOIL_TESTS_NN_SQUARES_H
#define FOIL_TESTS_NN_SQUARES_H

#include <math.h>
#include <stdint.h>

#include "tests/cmocka.h"

static inline double sum_of_squares(const float *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

static inline void check_squares(const float *x, int64_t n, double squares) {
    const double expected = sum_of_squares(x, n);
    if (!(fabs(squares - expected) <= 1e-6 * expected)) fail_msg("the sum of squares is %.9g, not %.9g", squares, expected);
}

#endif
