// One OpenMP pool, set up the same way everywhere.
#ifndef FOIL_BASE_THREAD_H
#define FOIL_BASE_THREAD_H

// Sets the number of threads of OpenMP and OpenBLAS, and flushes denormals to zero in each of them. `n` = 0: as many as there are cores for
// this process. Call before building plans; they remember the number.
void threads_set(int n);
int threads_count(void);
// Flush-to-zero and denormals-are-zero for the calling thread: for threads of our own.
void thread_flush_denormals(void);

#endif
