// What the connection between ranks gives: mpirun -n N bench_ranks. Sums of growing size, waited for at once, and in the background of nothing.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/ranks.h"

enum { FLOATS = 1 << 24, RUNS = 15 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(void (*sum)(float *from, float *to, size_t n), float *from, float *to, size_t n) {
    double took[RUNS];
    for (int i = -2; i < RUNS; i++) {
        ranks_barrier();
        double begin = now();
        sum(from, to, n);
        if (i >= 0) took[i] = now() - begin;
    }
    qsort(took, RUNS, sizeof *took, compare);
    return took[RUNS / 2];
}

static void at_once(float *from, float *to, size_t n) {
    (void)to;
    ranks_sum(from, n);
}

static void meanwhile(float *from, float *to, size_t n) {
    ranks_sum_begin(from, to, n);
    ranks_sum_end();
}

int main(void) {
    if (ranks_open() != FOIL_OK) {
        fprintf(stderr, "%s\n", foil_error());
        return 1;
    }
    float *from = calloc(FLOATS, sizeof *from), *to = calloc(FLOATS, sizeof *to);
    bool failed = !from || !to;
    if (ranks_speaks(failed)) printf("%d ranks\n%12s %14s %10s %14s %10s\n", ranks_count(), "bytes", "sum, us", "GB/s", "meanwhile, us", "GB/s");
    for (size_t n = 1; !failed && n <= FLOATS; n *= 4) {
        double s = median(at_once, from, to, n), m = median(meanwhile, from, to, n), bytes = (double)(n * sizeof *from);
        if (ranks_self() == 0) printf("%12.0f %14.1f %10.2f %14.1f %10.2f\n", bytes, 1e6 * s, bytes / s / 1e9, 1e6 * m, bytes / m / 1e9);
    }
    free(from);
    free(to);
    ranks_close(failed);
    return failed;
}
