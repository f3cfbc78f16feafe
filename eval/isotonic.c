#include "eval/isotonic.h"

#include <stdlib.h>

typedef struct block {
    double first, last; // x
    double sum, weight;
} block;

static int by_x(const void *a, const void *b) {
    const block *p = a, *q = b;
    return (p->first > q->first) - (p->first < q->first);
}

static double mean(const block *b) {
    return b->sum / b->weight;
}

static void join(block *a, const block *b) {
    a->last = b->last;
    a->sum += b->sum;
    a->weight += b->weight;
}

// Points to blocks, in place: a block that is not above the one before it becomes one with it.
static int64_t pool(block *b, int64_t n) {
    int64_t points = 0, blocks = 0;
    for (int64_t i = 0; i < n; i++) {
        if (points && b[points - 1].first == b[i].first)
            join(&b[points - 1], &b[i]);
        else
            b[points++] = b[i];
    }
    for (int64_t i = 0; i < points; i++) {
        block next = b[i];
        while (blocks && mean(&b[blocks - 1]) >= mean(&next)) {
            block before = b[--blocks];
            join(&before, &next);
            next = before;
        }
        b[blocks++] = next;
    }
    return blocks;
}

static foil_status set_knots(const block *b, int64_t n, arena *memory, isotonic *out) {
    size_t bytes = 2 * (size_t)n * sizeof(double);
    double *x = arena_alloc(memory, bytes), *y = arena_alloc(memory, bytes);
    if (!x || !y) return foil_fail_memory(2 * bytes, "knots");
    *out = (isotonic){.x = x, .y = y};
    for (int64_t i = 0; i < n; i++)
        for (int end = 0; end < (b[i].first < b[i].last ? 2 : 1); end++) {
            x[out->n] = end ? b[i].last : b[i].first;
            y[out->n++] = mean(&b[i]);
        }
    return FOIL_OK;
}

foil_status isotonic_fit(const double *x, const double *y, int64_t n, arena *memory, isotonic *out) {
    block *b = malloc((size_t)n * sizeof *b);
    if (!b) return foil_fail_memory((size_t)n * sizeof *b, "an isotonic fit");
    for (int64_t i = 0; i < n; i++) b[i] = (block){x[i], x[i], y[i], 1};
    qsort(b, (size_t)n, sizeof *b, by_x);
    foil_status status = set_knots(b, pool(b, n), memory, out);
    free(b);
    return status;
}

double isotonic_at(const isotonic *f, double x) {
    int low = 0, high = f->n - 1;
    if (x <= f->x[low]) return f->y[low];
    if (x >= f->x[high]) return f->y[high];
    while (high - low > 1) {
        int middle = (low + high) / 2;
        *(f->x[middle] <= x ? &low : &high) = middle;
    }
    return f->y[low] + (f->y[high] - f->y[low]) * ((x - f->x[low]) / (f->x[high] - f->x[low]));
}
