#include "base/thread.h"

#include <cblas.h>
#include <omp.h>
#include <stdlib.h>

#include "base/cores.h"
#include "base/text.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

void thread_flush_denormals(void) {
#if defined(__SSE2__)
    const unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040; // bits of MXCSR
    _mm_setcsr(_mm_getcsr() | flush_to_zero | denormals_are_zero);
#elif defined(__aarch64__)
    unsigned long fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr | (1ul << 24)));
#endif
}

void threads_set(int n) {
    const int cores = cores_count(); // asked by all ranks, whatever each has been told
    const char *wanted = getenv("OMP_NUM_THREADS");
    long long told;
    if (n <= 0) n = wanted && text_to_int(wanted, &told) && told > 0 && told <= 4096 ? (int)told : cores;
    omp_set_dynamic(0); // the same number in each region, or results would differ from run to run
    omp_set_num_threads(n);
    openblas_set_num_threads(n);
    thread_flush_denormals(); // OpenMP's threads inherit it when they are made, at the first parallel region
}

void thread_compute_alone(void) {
    omp_set_num_threads(1);
}

int threads_count(void) {
    return omp_get_max_threads();
}
