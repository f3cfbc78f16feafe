// The clock that durations are measured by.
#ifndef FOIL_BASE_CLOCK_H
#define FOIL_BASE_CLOCK_H

#include <time.h>

// Seconds since some moment before the program began: whoever sets the time of day does not move it.
static inline double clock_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
