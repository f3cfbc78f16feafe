#include "nn/ops/strided.h"

#include <assert.h>
#include <string.h>

#include "nn/ops/pieces.h"

walk walk_dense(shape s) {
    walk w = {0};
    int64_t stride = 1;
    for (int i = s.n - 1; i >= 0; i--) {
        w.stride[i] = stride;
        stride *= s.d[i];
    }
    return w;
}

#define COPY_LINE(T)                                                                                                                                 \
    do {                                                                                                                                             \
        const T *f = from;                                                                                                                           \
        T *t = to;                                                                                                                                   \
        for (int64_t i = 0; i < n; i++) t[i * to_stride] = f[i * from_stride];                                                                       \
    } while (0)

static void copy_line(int64_t n, size_t size, const void *from, int64_t from_stride, void *to, int64_t to_stride) {
    if (from_stride == 1 && to_stride == 1)
        memcpy(to, from, (size_t)n * size);
    else if (size == 1)
        COPY_LINE(uint8_t);
    else if (size == 2)
        COPY_LINE(uint16_t);
    else if (size == 4)
        COPY_LINE(uint32_t);
    else
        COPY_LINE(uint64_t);
}

// Drops axes of size 1 and joins neighbours that both walks pass without a jump: fewer, longer lines.
static void simplify(shape *box, walk *a, walk *b) {
    int n = 0;
    for (int i = 0; i < box->n; i++) {
        const int64_t d = box->d[i];
        if (d == 1) continue;
        const bool joins = n && a->stride[n - 1] == a->stride[i] * d && b->stride[n - 1] == b->stride[i] * d;
        if (joins)
            box->d[n - 1] *= d;
        else
            box->d[n++] = d;
        a->stride[n - 1] = a->stride[i];
        b->stride[n - 1] = b->stride[i];
    }
    box->n = n;
}

void strided_copy(shape box, size_t size, const void *from, walk at_from, void *to, walk at_to) {
    assert(size == 1 || size == 2 || size == 4 || size == 8);
    enum { SMALL = 1 << 14 }; // elements: not worth waking threads; of a piece of a long line
    const int64_t count = shape_count(box);
    simplify(&box, &at_from, &at_to);
    const int last = box.n - 1;
    const int64_t line = box.n ? box.d[last] : 1, lines = line ? count / line : 0;
    const int64_t pieces = divide_up(line, SMALL); // of a line
    const int64_t from_stride = box.n ? at_from.stride[last] : 1, to_stride = box.n ? at_to.stride[last] : 1;
#pragma omp parallel for schedule(static) if (count > SMALL)
    for (int64_t l = 0; l < lines * pieces; l++) {
        const int64_t first = l % pieces * SMALL;
        int64_t f = at_from.start + first * from_stride, t = at_to.start + first * to_stride, rest = l / pieces;
        for (int i = last - 1; i >= 0; i--) {
            int64_t index = rest % box.d[i];
            rest /= box.d[i];
            f += index * at_from.stride[i];
            t += index * at_to.stride[i];
        }
        copy_line(smaller(line - first, SMALL), size, (const char *)from + (size_t)f * size, from_stride, (char *)to + (size_t)t * size, to_stride);
    }
}
