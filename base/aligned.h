// Memory that begins at a cache line, which is also a register of AVX-512.
#ifndef FOIL_BASE_ALIGNED_H
#define FOIL_BASE_ALIGNED_H

#include <stddef.h>

enum { ALIGNMENT = 64 };

// Rounded up: what follows so many bytes is aligned if they are, and aligned_alloc takes such sizes alone.
static inline size_t aligned(size_t bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

// Zeroed, and there even if `bytes` is 0; free() it. NULL when out of memory.
void *aligned_zeros(size_t bytes);

#endif
