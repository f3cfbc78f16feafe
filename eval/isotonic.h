// Isotonic regression: the best fit that never falls.
#ifndef FOIL_EVAL_ISOTONIC_H
#define FOIL_EVAL_ISOTONIC_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

typedef struct isotonic { // in the arena that isotonic_fit was given
    int n;                // two knots for each block of equal values, where it begins and ends; one if that is the same x
    const double *x, *y;  // [n], x rising, y not falling
} isotonic;

// Minimises Σ (y_i - f(x_i))² over functions f that do not fall, by pool-adjacent-violators (Ayer et al. 1955); equal x are one point with their mean, as in
// scikit-learn's IsotonicRegression. O(n log n). n >= 1.
foil_status isotonic_fit(const double *x, const double *y, int64_t n, arena *memory, isotonic *out);

// Linear between knots, constant beyond them (out_of_bounds="clip").
double isotonic_at(const isotonic *f, double x);

#endif
