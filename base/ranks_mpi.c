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

static struct {
    int self, count;
    bool joined;
    bool agreed;         // the failure that all ranks leave with
    MPI_Comm background; // of sums that go on meanwhile: their order is apart from that of other calls
    MPI_Request request[RANKS_SUMS];
    int requests;
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
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &given); // errors end the job: MPI's default
    MPI_Comm_rank(MPI_COMM_WORLD, &all.self);
    MPI_Comm_size(MPI_COMM_WORLD, &all.count);
    MPI_Comm_dup(MPI_COMM_WORLD, &all.background);
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
    MPI_Comm machine;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
    MPI_Allreduce(MPI_IN_PLACE, x, n, MPI_INT, MPI_SUM, machine);
    MPI_Comm_free(&machine);
}

void ranks_barrier(void) {
    if (all.count > 1) MPI_Barrier(MPI_COMM_WORLD);
}

foil_status ranks_agree(foil_status mine) {
    if (all.count == 1) return mine;
    int first = mine == FOIL_OK ? all.count : all.self; // the lowest rank that failed
    MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
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
    MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return any;
}

void ranks_broadcast(void *bytes, size_t n) {
    for (size_t at = 0; all.count > 1 && at < n; at += PIECE)
        MPI_Bcast((char *)bytes + at, (int)(n - at < PIECE ? n - at : PIECE), MPI_BYTE, 0, MPI_COMM_WORLD);
}

void ranks_sum(float *x, size_t n) {
    const size_t piece = PIECE / sizeof *x;
    if (all.count == 1) return;
    double from = MPI_Wtime();
    for (size_t at = 0; at < n; at += piece)
        MPI_Allreduce(MPI_IN_PLACE, x + at, (int)(n - at < piece ? n - at : piece), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
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

// Sums meanwhile. -----------------------------------------------------------------------------------------------------------------------------------

void ranks_sum_begin(const float *from, float *to, size_t n) {
    if (all.count == 1) {
        if (n) memcpy(to, from, n * sizeof *to);
        return;
    }
    if (all.requests == RANKS_SUMS) ranks_sum_end();
    all.traffic.bytes += (double)(n * sizeof *to);
    if (!all.requests && all.helped) {
        all.busy = true;
        sem_post(&all.begun);
    }
    MPI_Iallreduce(from, to, (int)n, MPI_FLOAT, MPI_SUM, all.background, &all.request[all.requests++]);
}

void ranks_sum_end(void) {
    if (!all.requests) return;
    double from = MPI_Wtime();
    MPI_Waitall(all.requests, all.request, MPI_STATUSES_IGNORE); // NOLINT(clang-analyzer-optin.mpi.MPI-Checker): begun elsewhere
    all.busy = false;
    all.traffic.waited += MPI_Wtime() - from;
    all.requests = 0;
}

ranks_traffic ranks_traffic_so_far(void) {
    return all.traffic;
}
