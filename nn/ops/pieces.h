// How many pieces, and how large: whole numbers, of which `by` and `to` are positive.
#ifndef FOIL_NN_OPS_PIECES_H
#define FOIL_NN_OPS_PIECES_H

#include <stdint.h>

static inline int64_t divide_up(int64_t n, int64_t by) {
    return (n + by - 1) / by;
}

// The next multiple of `to`.
static inline int64_t round_up(int64_t n, int64_t to) {
    return divide_up(n, to) * to;
}

static inline int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

#endif
