// Batches, prepared ahead by threads of their own.
//
// Batch k is a pure function of (set, options, k): an epoch's order (data/shuffle.h) is keyed by (seed, epoch), a transform by the sample's position. So a
// resumed run seeks and goes on bit-identically, and the number of threads does not matter.
#ifndef FOIL_DATA_LOADER_H
#define FOIL_DATA_LOADER_H

#include "data/set.h"
#include "data/transform.h"

typedef struct loader_options {
    const set *set;
    const selection *from; // the pictures to draw from; must outlive the loader
    int batch, height, width, channels;
    image_fit fit;
    const transform *transform; // may be NULL; must outlive the loader
    bool shuffle;               // else in order, and the last batch of an epoch wraps around
    uint64_t seed;
    uint32_t stream;       // keeps loaders of one run apart
    int every;             // gives batches first_batch, first_batch + every, …; 0 = 1. Several ranks take turns so
    int threads, prefetch; // 0 = 1 thread, 4 batches
} loader_options;

typedef struct batch {
    uint8_t *pixels; // [batch, height, width, channels]
    set_label *label;
    int64_t *index; // in the set
    int n;
} batch;

typedef struct loader loader;
foil_status loader_open(const loader_options *o, uint64_t first_batch, loader **out);
void loader_close(loader *l);
// The next batch, borrowed until the next call. Errors of the set come out here.
foil_status loader_next(loader *l, const batch **out);
// Seconds that loader_next has spent waiting so far.
double loader_waited(const loader *l);

#endif
