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

// OMP_NUM_THREADS, as users of OpenMP programs expect, else as many as there are cores for this process.
static int default_count(void) {
    const char *wanted = getenv("OMP_NUM_THREADS");
    long long n;
    if (wanted && text_to_int(wanted, &n) && n > 0 && n <= 4096) return (int)n;
    return cores_count();
}

void threads_set(int n) {
    if (n <= 0) n = default_count();
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
