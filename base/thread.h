// One OpenMP pool, set up the same way everywhere.
#ifndef FOIL_BASE_THREAD_H
#define FOIL_BASE_THREAD_H

// Sets the number of threads of OpenMP and OpenBLAS, and flushes denormals to zero in each of them. `n` = 0: OMP_NUM_THREADS, as users of OpenMP
// programs expect, else as many as there are cores for this process (base/cores.h). All ranks call it, before building plans (they remember the
// number) and before the first parallel region.
void threads_set(int n);
int threads_count(void);
// For threads of our own that compute alone, beside others that do: OpenMP's regions have one thread in the calling thread from now on.
void thread_compute_alone(void);
// Flush-to-zero and denormals-are-zero for the calling thread: for threads of our own.
void thread_flush_denormals(void);

#endif
