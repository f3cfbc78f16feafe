// Which items must stay together, and in which split they go.
#ifndef FOIL_DATASETS_GROUPING_H
#define FOIL_DATASETS_GROUPING_H

#include "datasets/importer.h"

typedef struct grouped {
    int *clip;               // by item: a number for those of one clip or the same bytes
    set_split *split;        // by item
    int *shard;              // by item: 0 .. shards-1
    int shards;              // given
    int64_t duplicates;      // files whose bytes another one had before
    int64_t clips, subjects; // that have names
} grouped;

// Items of one clip, one subject or the same bytes form a group, which goes to one split and one shard; `sha256` [n][32].
// Groups without a split of their own are dealt in a random order keyed by `seed`, within each class and method, so that the shares are met; each share that is
// not zero gets at least one group where there are enough. Methods with fewer groups than shares are dealt together, by class. In the same order groups fill
// the shards. Fails naming both paths when a group holds two splits, or the same bytes are real and fake; and when a shard would be empty. About 60 bytes per
// item meanwhile, and the names of clips and subjects.
foil_status group_items(const import_item *const *item, int64_t n, const unsigned char (*sha256)[32], const double share[3], uint64_t seed,
                        grouped *out);

#endif
