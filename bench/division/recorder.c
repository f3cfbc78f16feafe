// Stands between a program and GCC's OpenMP, and records how long each thread of each parallel region computes: what it waits does not count, so
// that there may be more threads than cores. To be loaded before the program (LD_PRELOAD); at its end everything goes to the file that DIVISION
// names. bench/division.py reads it.
#include <dlfcn.h>
#include <omp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BETWEEN __attribute__((visibility("default")))

enum { MOST_THREADS = 1024, FIRST = 1 << 12 };

typedef enum kind { ALONE, WORK, TASK } kind; // before a region; in it, up to a barrier; of a loop whose tasks go to who is free

typedef struct record {
    uint64_t region;
    uint32_t function; // where it lies in its library; 0 = ALONE
    uint32_t nanoseconds;
    uint16_t thread;
    uint8_t phase, kind; // barriers so far
    uint32_t unused;
} record;

typedef struct thread {
    record *records;
    size_t n, room;
    record now;
    int64_t since; // 0 = before the first region
    bool inside;
} thread;

static thread *threads[MOST_THREADS];
static int n_threads;
static uint64_t regions;
static __thread thread *mine;

static void *library(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) {
        fprintf(stderr, "the program's OpenMP has no %s, expected GCC's\n", name);
        exit(1);
    }
    return function;
}

static int64_t computed(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static thread *self(void) {
    if (mine) return mine;
    const int i = __atomic_fetch_add(&n_threads, 1, __ATOMIC_SEQ_CST);
    mine = calloc(1, sizeof *mine);
    if (!mine || i >= MOST_THREADS) abort();
    return threads[i] = mine;
}

static void put(thread *t, kind what) {
    const int64_t now = computed();
    if (t->n == t->room) {
        t->room = t->room ? 2 * t->room : FIRST;
        t->records = realloc(t->records, t->room * sizeof *t->records);
        if (!t->records) abort();
    }
    record *r = &t->records[t->n++];
    *r = t->now;
    r->kind = (uint8_t)what;
    r->nanoseconds = (uint32_t)(now - t->since);
    t->since = computed();
}

typedef struct call {
    void (*function)(void *);
    void *data;
    record first;
} call;

static void run(void *p) {
    const call *c = p;
    thread *t = self();
    t->now = c->first;
    t->now.thread = (uint16_t)omp_get_thread_num();
    t->inside = true;
    t->since = computed();
    c->function(c->data);
    put(t, WORK);
    t->inside = false;
}

typedef void parallel(void (*)(void *), void *, unsigned, unsigned);
BETWEEN parallel GOMP_parallel;
void GOMP_parallel(void (*function)(void *), void *data, unsigned n, unsigned flags) {
    static parallel *real;
    if (!real) *(void **)&real = library("GOMP_parallel");
    thread *t = self();
    if (t->inside) {
        real(function, data, n, flags);
        return;
    }
    Dl_info at = {0};
    dladdr(*(void **)&function, &at);
    call c = {function, data, {.region = __atomic_add_fetch(&regions, 1, __ATOMIC_SEQ_CST)}};
    t->now = c.first;
    if (t->since) put(t, ALONE);
    c.first.function = (uint32_t)((uintptr_t)function - (uintptr_t)at.dli_fbase);
    real(run, &c, n, flags);
    t->since = computed();
}

static void meet(thread *t, void (*real)(void)) {
    if (t->inside) put(t, WORK);
    real();
    if (!t->inside) return;
    t->now.phase++;
    t->since = computed();
}

BETWEEN void GOMP_barrier(void);
void GOMP_barrier(void) {
    static void (*real)(void);
    if (!real) *(void **)&real = library("GOMP_barrier");
    meet(self(), real);
}

BETWEEN void GOMP_loop_end(void);
void GOMP_loop_end(void) {
    static void (*real)(void);
    if (!real) *(void **)&real = library("GOMP_loop_end");
    meet(self(), real);
}

typedef bool start(long, long, long, long, long *, long *);
BETWEEN start GOMP_loop_nonmonotonic_dynamic_start;
bool GOMP_loop_nonmonotonic_dynamic_start(long first, long end, long step, long chunk, long *from, long *to) {
    static start *real;
    if (!real) *(void **)&real = library("GOMP_loop_nonmonotonic_dynamic_start");
    thread *t = self();
    if (t->inside) put(t, WORK);
    const bool any = real(first, end, step, chunk, from, to);
    t->since = computed();
    return any;
}

typedef bool next(long *, long *);
BETWEEN next GOMP_loop_nonmonotonic_dynamic_next;
bool GOMP_loop_nonmonotonic_dynamic_next(long *from, long *to) {
    static next *real;
    if (!real) *(void **)&real = library("GOMP_loop_nonmonotonic_dynamic_next");
    thread *t = self();
    if (t->inside) put(t, TASK);
    const bool any = real(from, to);
    t->since = computed();
    return any;
}

static __attribute__((destructor)) void write_all(void) {
    const char *name = getenv("DIVISION");
    FILE *f = name ? fopen(name, "wb") : NULL;
    if (!f) return;
    for (int i = 0; i < n_threads; i++) fwrite(threads[i]->records, sizeof(record), threads[i]->n, f);
    fclose(f);
}
