// The order of an epoch: every picture of a selection once, in an order that is drawn anew for each epoch and stored nowhere.
//
// Up to SHUFFLE_SHARDS shards, pictures are shuffled as one. Of more, the shards are put in a random order, and the pictures of the first SHUFFLE_SHARDS are
// shuffled as one, then those of the next: so a reader has only so many files open at once. Place p of epoch e depends on key, selection, p and e alone.
#ifndef FOIL_DATA_SHUFFLE_H
#define FOIL_DATA_SHUFFLE_H

#include "base/philox.h"
#include "data/set.h"

enum { SHUFFLE_SHARDS = 8 };

// Remembers the order of the last epoch's shards (16 bytes each): one for each thread.
typedef struct shuffle {
    const selection *of;
    uint64_t seed;
    uint32_t stream;
    uint64_t epoch;  // of what follows
    int64_t *shard;  // [parts]: in their order
    int64_t *before; // [parts + 1]: pictures in the shards before
} shuffle;
// `stream` tells apart what is shuffled within one run: below 2^16.
foil_status shuffle_open(const selection *of, uint64_t seed, uint32_t stream, shuffle *out);
void shuffle_close(shuffle *s);
// The picture at place `at` of an endless row of epochs.
int64_t shuffle_at(shuffle *s, uint64_t at);

#endif
