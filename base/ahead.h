// Numbered pieces of work, done ahead by threads of their own and taken in order.
//
// Piece k is made in slot k mod `slots` by whichever thread comes to it first. Its slot is lent to the taker until the next piece is asked for, and free again
// then: never more than `slots` pieces are in memory, and what is taken does not depend on the number of threads.
#ifndef FOIL_BASE_AHEAD_H
#define FOIL_BASE_AHEAD_H

#include <stdint.h>

#include "base/status.h"

typedef struct ahead ahead;

typedef struct ahead_options {
    // Makes piece k in thread `worker` (0 … threads - 1). A failure comes out, with its message, where the piece is taken; the others are made all the same.
    foil_status (*make)(void *context, int worker, uint64_t slot, uint64_t k);
    void *context;
    int threads;         // 1 at least
    uint64_t slots;      // 2 at least
    uint64_t first, end; // pieces first … end - 1
} ahead_options;

// The threads take no signals and flush denormals.
foil_status ahead_open(const ahead_options *o, ahead **out);
void ahead_close(ahead *a); // waits for the pieces being made; NULL is fine
// Waits for the next piece, and tells where it is and how it went. Not to be called after the last one.
foil_status ahead_next(ahead *a, uint64_t *slot);
// Seconds spent waiting in ahead_next so far.
double ahead_waited(const ahead *a);

#endif
