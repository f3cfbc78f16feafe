// Ranks as MPI's processes: the only file that knows it.
//
// A started program that was not started by a launcher, or as the only process, never calls MPI: it is alone, and starts at once.
#include <mpi.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/launcher.h"
#include "base/ranks.h"
#include "base/ranks_memory.h"
#include "base/vectorised.h"

// Memory that all ranks, who are on one machine, see in each other's place.
typedef struct slab {
    float *mine; // NULL: not in use
    size_t n;
    const float **at; // [count] by rank
} slab;

// A sum that has begun, of parts of slabs.
typedef struct piece {
    const slab *of;
    size_t first, n;
} piece;

enum { SLABS = 16 }; // at a time; more are memory of a rank's own

static struct {
    int self, count;
    bool joined;
    bool agreed;         // the failure that all ranks leave with
    MPI_Comm background; // of sums that go on meanwhile: their order is apart from that of other calls
    MPI_Request request[RANKS_SUMS];
    int requests;
    MPI_Comm machine; // the ranks on this one
    int beside;       // how many
    slab slab[SLABS];
    piece piece[RANKS_SUMS];
    int pieces;
    pthread_t helper;
    bool helped;
    sem_t begun;             // wakes the helper
    atomic_bool busy, leave; // what it is to do
    ranks_traffic traffic;
} all = {.count = 1};

// MPI counts in int.
static const size_t PIECE = (size_t)1 << 30;
enum { MESSAGE = 1024 };

// MPI goes on with sums only within calls of it. This thread calls it now and then while this rank computes: rarely, for it may not have a core of its own, and
// to wake up takes such a core more than 10 us.
static void *help(void *unused) {
    static const struct timespec PAUSE = {.tv_nsec = 1000000};
    (void)unused;
    for (;;) {
        while (sem_wait(&all.begun) != 0) continue;
        if (all.leave) return NULL;
        while (all.busy) {
            int flag;
            MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, all.background, &flag, MPI_STATUS_IGNORE);
            nanosleep(&PAUSE, NULL);
        }
    }
}

static foil_status start_helper(int given) {
    if (given < MPI_THREAD_MULTIPLE) return FOIL_OK; // sums wait for ranks_sum_end then
    sigset_t every, before;
    sem_init(&all.begun, 0, 0);
    sigfillset(&every); // signals are for the program's own thread
    pthread_sigmask(SIG_SETMASK, &every, &before);
    int error = pthread_create(&all.helper, NULL, help, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    all.helped = error == 0;
    return error ? foil_fail_errno(error, "no thread for sums over ranks") : FOIL_OK;
}

static void stop_helper(void) {
    if (!all.helped) return;
    all.leave = true;
    sem_post(&all.begun);
    pthread_join(all.helper, NULL);
    sem_destroy(&all.begun);
    all.leave = false;
    all.helped = false;
}

foil_status ranks_open(void) {
    int given, processes = launcher_processes();
    if (processes == 1) return FOIL_OK;
    // Rabenseifner's, halving and doubling. Open MPI's own choice sends twice as much between two ranks, and around a ring from four on. Other MPIs don't read it.
    setenv("OMPI_MCA_coll_libnbc_iallreduce_algorithm", "3", 0);
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &given); // errors end the job: MPI's default
    MPI_Comm_rank(MPI_COMM_WORLD, &all.self);
    MPI_Comm_size(MPI_COMM_WORLD, &all.count);
    MPI_Comm_dup(MPI_COMM_WORLD, &all.background);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &all.machine);
    MPI_Comm_size(all.machine, &all.beside);
    all.joined = true;
    TRY(start_helper(given));
    if (all.count == processes) return FOIL_OK;
    return foil_fail(FOIL_UNSUPPORTED, "%d processes were started, but MPI finds %d (under Slurm: srun --mpi=pmix, or another of srun --mpi=list)",
                     processes, all.count);
}

void ranks_close(bool failed) {
    if (!all.joined) return;
    if (failed && !all.agreed) {
        fflush(NULL);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    stop_helper();
    MPI_Comm_free(&all.machine);
    MPI_Comm_free(&all.background);
    MPI_Finalize();
    all.joined = false;
    all.self = 0;
    all.count = 1;
}

int ranks_count(void) {
    return all.count;
}

int ranks_self(void) {
    return all.self;
}

bool ranks_speaks(bool failed) {
    return all.self == 0 || (failed && !all.agreed);
}

void ranks_sum_beside(int *x, int n) {
    if (all.count == 1) return;
    MPI_Allreduce(MPI_IN_PLACE, x, n, MPI_INT, MPI_SUM, all.machine);
}

void ranks_barrier(void) {
    if (all.count > 1) MPI_Barrier(MPI_COMM_WORLD);
}

foil_status ranks_agree(foil_status mine) {
    if (all.count == 1) return mine;
    int first = mine == FOIL_OK ? all.count : all.self; // the lowest rank that failed
    const double from = MPI_Wtime();
    MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    all.traffic.waited += MPI_Wtime() - from;
    if (first == all.count) return FOIL_OK;
    struct {
        foil_status status;
        char message[MESSAGE];
    } failure = {mine, ""};
    if (first == all.self) snprintf(failure.message, sizeof failure.message, "%s", foil_error());
    MPI_Bcast(&failure, sizeof failure, MPI_BYTE, first, MPI_COMM_WORLD);
    all.agreed = true;
    if (first == 0) return foil_fail(failure.status, "%s", failure.message);
    return foil_fail(failure.status, "rank %d of %d: %s", first, all.count, failure.message);
}

bool ranks_any(bool mine) {
    if (all.count == 1) return mine;
    int any = mine;
    const double from = MPI_Wtime();
    MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    all.traffic.waited += MPI_Wtime() - from;
    return any;
}

void ranks_broadcast(void *bytes, size_t n) {
    for (size_t at = 0; all.count > 1 && at < n; at += PIECE)
        MPI_Bcast((char *)bytes + at, (int)(n - at < PIECE ? n - at : PIECE), MPI_BYTE, 0, MPI_COMM_WORLD);
}

void ranks_sum(float *x, size_t n) {
    const size_t most = PIECE / sizeof *x;
    if (all.count == 1) return;
    double from = MPI_Wtime();
    for (size_t at = 0; at < n; at += most)
        MPI_Allreduce(MPI_IN_PLACE, x + at, (int)(n - at < most ? n - at : most), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    all.traffic.waited += MPI_Wtime() - from;
    all.traffic.bytes += (double)(n * sizeof *x);
}

// Gathering. ----------------------------------------------------------------------------------------------------------------------------------------

static void send_pieces(const char *bytes, size_t n) {
    for (size_t at = 0; at < n; at += PIECE) MPI_Send(bytes + at, (int)(n - at < PIECE ? n - at : PIECE), MPI_BYTE, 0, 0, MPI_COMM_WORLD);
}

static void receive_pieces(char *bytes, size_t n, int from) {
    for (size_t at = 0; at < n; at += PIECE)
        MPI_Recv(bytes + at, (int)(n - at < PIECE ? n - at : PIECE), MPI_BYTE, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

foil_status ranks_gather(const void *mine, size_t n, char **out, size_t *sizes) {
    *out = NULL;
    size_t one = n, total = 0;
    if (all.self == 0) sizes[0] = n;
    if (all.count > 1) MPI_Gather(&one, sizeof one, MPI_BYTE, sizes, sizeof one, MPI_BYTE, 0, MPI_COMM_WORLD);
    for (int i = 0; all.self == 0 && i < all.count; i++) total += sizes[i];
    if (all.self == 0) *out = malloc(total + 1);
    TRY(ranks_agree(all.self > 0 || *out ? FOIL_OK : foil_fail_memory(total, "what the ranks have made")));
    if (!*out) { // not rank 0
        send_pieces(mine, n);
        return FOIL_OK;
    }
    if (n) memcpy(*out, mine, n);
    char *at = *out + n;
    for (int i = 1; i < all.count; at += sizes[i++]) receive_pieces(at, sizes[i], i);
    return FOIL_OK;
}

// Slabs. --------------------------------------------------------------------------------------------------------------------------------------------

static void close_slab(slab *s) {
    for (int i = 0; s->at && i < all.count; i++) memory_unmap(s->at[i], s->n * sizeof *s->mine);
    free(s->at);
    *s = (slab){0};
}

// Each rank makes one and looks for all others'; whether all ranks found all.
static bool map_all(slab *s, memory_offer *offers) {
    s->at[all.self] = s->mine = memory_make(s->n * sizeof *s->mine, &offers[all.self]);
    MPI_Allgather(MPI_IN_PLACE, 0, MPI_BYTE, offers, sizeof *offers, MPI_BYTE, MPI_COMM_WORLD);
    bool found = s->mine != NULL;
    for (int i = 0; found && i < all.count; i++)
        if (i != all.self) found = (s->at[i] = memory_find(&offers[i])) != NULL;
    found = !ranks_any(!found);
    memory_withdraw(&offers[all.self]);
    return found;
}

// On all ranks or none.
static bool open_slab(slab *s, size_t n) {
    memory_offer *offers = calloc((size_t)all.count, sizeof *offers);
    *s = (slab){.n = n, .at = calloc((size_t)all.count, sizeof *s->at)};
    const bool room = offers && s->at, open = !ranks_any(!room) && room && map_all(s, offers);
    free(offers);
    if (!open) close_slab(s);
    return open;
}

static slab *free_slab(void) {
    for (slab *s = all.slab; s < all.slab + SLABS; s++)
        if (!s->mine) return s;
    return NULL;
}

float *ranks_slab_new(size_t n) {
    slab *s = n > 0 && all.count > 1 && all.beside == all.count ? free_slab() : NULL;
    return s && open_slab(s, n) ? s->mine : calloc(n ? n : 1, sizeof(float));
}

static slab *slab_of(const float *x) {
    for (slab *s = all.slab; s < all.slab + SLABS; s++)
        if (s->mine && x >= s->mine && x < s->mine + s->n) return s;
    return NULL;
}

void ranks_slab_free(float *x) {
    slab *s = slab_of(x);
    if (s)
        close_slab(s);
    else
        free(x);
}

// Sums in slabs. ------------------------------------------------------------------------------------------------------------------------------------

// What a rank wrote before, all may read afterwards.
static void meet(void) {
    atomic_thread_fence(memory_order_seq_cst);
    ranks_barrier();
    atomic_thread_fence(memory_order_seq_cst);
}

// The n numbers of a piece, cut into as many parts as there are ranks: where part i begins, at a cache line's bounds.
static size_t part(size_t n, int i) {
    const size_t line = 64 / sizeof(float), lines = n / line;
    return i == all.count ? n : lines * (size_t)i / (size_t)all.count * line;
}

VECTORISED static void add(size_t n, float *restrict to, const float *restrict x) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) to[i] += x[i];
}

enum { CHUNK = 1 << 12 };

// Each rank adds up one part, in its own slab; nobody else reads or writes it there meanwhile.
static void add_up(piece p) {
    const size_t first = part(p.n, all.self), last = part(p.n, all.self + 1);
    float *mine = p.of->mine + p.first;
    for (int k = 1; k < all.count; k++) {
        const float *other = p.of->at[(all.self + k) % all.count] + p.first;
#pragma omp parallel for schedule(static)
        for (size_t i = first; i < last; i += CHUNK) add(last - i < CHUNK ? last - i : CHUNK, mine + i, other + i);
    }
}

// And gets the others from who has added them up.
static void collect(piece p) {
    float *mine = p.of->mine + p.first;
    for (int k = 1; k < all.count; k++) {
        const int rank = (all.self + k) % all.count;
        const float *other = p.of->at[rank] + p.first;
        const size_t last = part(p.n, rank + 1);
#pragma omp parallel for schedule(static)
        for (size_t i = part(p.n, rank); i < last; i += CHUNK) memcpy(mine + i, other + i, (last - i < CHUNK ? last - i : CHUNK) * sizeof *mine);
    }
}

// All at the end: 17 MB take less than a millisecond, which is not worth hiding.
static void sum_pieces(void) {
    if (!all.pieces) return;
    meet();
    for (int i = 0; i < all.pieces; i++) add_up(all.piece[i]);
    meet();
    for (int i = 0; i < all.pieces; i++) collect(all.piece[i]);
    meet(); // or some would write again what others still read
    all.pieces = 0;
}

// Sums meanwhile. -----------------------------------------------------------------------------------------------------------------------------------

static void send(float *x, size_t n) {
    if (!all.requests && all.helped) {
        all.busy = true;
        sem_post(&all.begun);
    }
    MPI_Iallreduce(MPI_IN_PLACE, x, (int)n, MPI_FLOAT, MPI_SUM, all.background, &all.request[all.requests++]);
}

void ranks_sum_begin(float *x, size_t n) {
    if (all.count == 1) return;
    if (all.requests == RANKS_SUMS || all.pieces == RANKS_SUMS) ranks_sum_end();
    all.traffic.bytes += (double)(n * sizeof *x);
    const slab *s = slab_of(x);
    if (s)
        all.piece[all.pieces++] = (piece){s, (size_t)(x - s->mine), n};
    else
        send(x, n);
}

static void wait_for_sent(void) {
    if (!all.requests) return;
    MPI_Waitall(all.requests, all.request, MPI_STATUSES_IGNORE); // NOLINT(clang-analyzer-optin.mpi.MPI-Checker): begun elsewhere
    all.busy = false;
    all.requests = 0;
}

void ranks_sum_end(void) {
    if (!all.requests && !all.pieces) return;
    double from = MPI_Wtime();
    wait_for_sent();
    sum_pieces();
    all.traffic.waited += MPI_Wtime() - from;
}

ranks_traffic ranks_traffic_so_far(void) {
    return all.traffic;
}
