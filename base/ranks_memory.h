// Memory that the processes of one machine share, for ranks_mpi.c: one makes it, others look into it. It has no name in any folder, and is gone with the last
// process that has it.
#ifndef FOIL_BASE_RANKS_MEMORY_H
#define FOIL_BASE_RANKS_MEMORY_H

#include <stddef.h>

// What others need to find it: to be copied to them as it is.
typedef struct memory_offer {
    long long process, inode;
    size_t bytes;
    int file; // of the process that made it; -1: there is none
} memory_offer;

// Zero at first. NULL: there is not enough, or this system has none.
void *memory_make(size_t bytes, memory_offer *out);
// Once others have looked: nobody finds it any more. Who has it keeps it.
void memory_withdraw(const memory_offer *mine);
// To be read. NULL: another user's process, or one in a container of its own, whose number means another process here.
const void *memory_find(const memory_offer *o);
void memory_unmap(const void *at, size_t bytes); // of both kinds; NULL: nothing

#endif
