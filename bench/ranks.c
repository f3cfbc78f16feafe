// What the connection between ranks gives: mpirun -n N bench_ranks. Sums of growing size: in one call, begun and waited for, and in a slab.
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/ranks.h"
#include "base/sort.h"

enum { FLOATS = 1 << 24, RUNS = 15 };

static double median(void (*sum)(float *x, size_t n), float *x, size_t n) {
    double took[RUNS];
    for (int i = -2; i < RUNS; i++) {
        ranks_barrier();
        double begin = clock_now();
        sum(x, n);
        if (i >= 0) took[i] = clock_now() - begin;
    }
    sort_numbers(took, RUNS);
    return took[RUNS / 2];
}

static void meanwhile(float *x, size_t n) {
    ranks_sum_begin(x, n);
    ranks_sum_end();
}

int main(void) {
    if (ranks_open() != FOIL_OK) {
        fprintf(stderr, "%s\n", foil_error());
        return 1;
    }
    float *own = calloc(FLOATS, sizeof *own), *slab = ranks_slab_new(FLOATS);
    bool failed = !own || !slab;
    if (ranks_speaks(failed))
        printf("%d ranks\n%12s %14s %10s %14s %10s %14s %10s\n", ranks_count(), "bytes", "sum, us", "GB/s", "meanwhile, us", "GB/s", "slab, us",
               "GB/s");
    for (size_t n = 1; !failed && n <= FLOATS; n *= 4) {
        const double took[] = {median(ranks_sum, own, n), median(meanwhile, own, n), median(meanwhile, slab, n)}, bytes = (double)(n * sizeof *own);
        if (ranks_self() > 0) continue;
        printf("%12.0f", bytes);
        for (int i = 0; i < 3; i++) printf(" %14.1f %10.2f", 1e6 * took[i], bytes / took[i] / 1e9);
        printf("\n");
    }
    free(own);
    ranks_slab_free(slab);
    ranks_close(failed);
    return failed;
}
