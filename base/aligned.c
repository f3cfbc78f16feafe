#include "base/aligned.h"

#include <stdlib.h>
#include <string.h>

void *aligned_zeros(size_t bytes) {
    const size_t whole = aligned(bytes ? bytes : 1);
    void *p = aligned_alloc(ALIGNMENT, whole);
    return p ? memset(p, 0, whole) : NULL;
}
