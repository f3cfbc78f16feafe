// The processes that share one piece of work: as many as `mpirun -n N foil …` started, numbered from 0. Started plainly: one, and everything here returns
// at once.
//
// Two bodies: ranks_mpi.c, the only file that knows MPI (-DFOIL_MPI=ON), and ranks_alone.c. All ranks must make the same calls in the same order with the
// same sizes, each from the thread that opened. A rank that dies, or a connection that breaks, ends the processes of all ranks with a message of the
// launcher's: no call here returns after that.
#ifndef FOIL_BASE_RANKS_H
#define FOIL_BASE_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

// Joins the others. FOIL_UNSUPPORTED if a launcher started several processes that cannot find each other. Before it, and after ranks_close, one is alone.
foil_status ranks_open(void);
// Leaves. A rank that leaves with a failure of its own, one that ranks_agree did not spread, takes the others down: they might wait for it for ever.
void ranks_close(bool failed);

int ranks_count(void);
int ranks_self(void);
// Replaces x [n] by its sum over the ranks on this machine, which share its cores.
void ranks_sum_beside(int *x, int n);
// Whether this rank is the one to tell people what happens: rank 0, or one that failed alone.
bool ranks_speaks(bool failed);

void ranks_barrier(void);
// FOIL_OK if all ranks say so; else all fail with the status and message of the lowest rank that failed. Everything that may fail on one rank alone (reading,
// writing, memory) is agreed upon before the next call that all ranks make.
foil_status ranks_agree(foil_status mine);
bool ranks_any(bool mine); // whether it is true on any rank

void ranks_broadcast(void *bytes, size_t n); // rank 0's to all
// Sums in place; the same bits on all ranks.
void ranks_sum(float *x, size_t n);
// Rank 0 gets the bytes of all ranks, one after another in the order of ranks, in `*all` (it frees), and how many each sent in sizes[ranks_count()]. Elsewhere
// `*all` is NULL and `sizes` is not written. Agreed: fails on all ranks or none.
foil_status ranks_gather(const void *mine, size_t n, char **all, size_t *sizes);

// Memory of n floats, zero at first, for long sums: ranks on one machine read it in each other's place, which is faster than sending. All ranks ask for it at
// the same time. NULL: not enough memory.
float *ranks_slab_new(size_t n);
void ranks_slab_free(float *slab); // or memory from malloc

// Sums in place that may go on while this rank computes; the same bits on all ranks. x [n], of a slab or not, stays untouched until ranks_sum_end. All
// other calls may be made in between.
enum { RANKS_SUMS = 256 }; // at most, at a time
void ranks_sum_begin(float *x, size_t n);
void ranks_sum_end(void); // waits for all that were begun

// So far: bytes that went into sums, of both kinds, and seconds spent in sums and agreements, which wait for others.
typedef struct ranks_traffic {
    double bytes, waited;
} ranks_traffic;
ranks_traffic ranks_traffic_so_far(void);

#endif
