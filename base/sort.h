// Sorting of plain numbers.
#ifndef FOIL_BASE_SORT_H
#define FOIL_BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

// In ascending order; none of them is NaN.
void sort_numbers(double *x, size_t n);
void sort_floats(float *x, size_t n);
void sort_integers(int64_t *x, size_t n);

#endif
