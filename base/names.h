// Texts numbered in the order in which they first came.
#ifndef FOIL_BASE_NAMES_H
#define FOIL_BASE_NAMES_H

#include <stdint.h>

#include "base/arena.h"

// Zero-initialise; names_free. Not for several threads at once, except names_find and reading.
typedef struct names {
    const char **at; // [count], each owned
    int count, capacity;
    int *slot; // hash table of index + 1
    uint32_t slots;
    arena texts;
} names;

int names_add(names *n, const char *text);        // the number of `text`, new or not; -1 when out of memory
int names_find(const names *n, const char *text); // or -1
void names_free(names *n);

#endif
