// Random choices that a seed decides.
#ifndef FOIL_TESTS_NN_DICE_H
#define FOIL_TESTS_NN_DICE_H

#include <stdbool.h>

#include "base/philox.h"

typedef struct dice {
    philox_key key;
    uint64_t n; // rolled so far
} dice;

static inline int roll(dice *d, int sides) { // 0 … sides - 1
    return (int)philox_below(d->key, d->n++, (uint32_t)sides);
}

static inline bool once_in(dice *d, int times) {
    return roll(d, times) == 0;
}

#define ONE_OF(d, type, ...) ((const type[]){__VA_ARGS__}[roll(d, (int)(sizeof((const type[]){__VA_ARGS__}) / sizeof(type)))])

#endif
