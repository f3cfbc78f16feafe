// Which items must stay together, and in which split they go.
#ifndef FOIL_DATASETS_GROUPING_H
#define FOIL_DATASETS_GROUPING_H

#include "datasets/importer.h"

// Items of one clip, one subject or the same bytes form a group; `sha256` [n][32]. Sets clip[i] (a number for those of one clip or the same bytes) and split[i].
// Groups without a split of their own are dealt in a random order keyed by `seed`, within each class and method, so that the shares are met; each share that is not
// zero gets at least one group where there are enough. Methods with fewer groups than shares are dealt together, by class. Fails naming both paths when a group
// holds two splits, or the same bytes are real and fake.
foil_status group_items(const import_item *const *item, int64_t n, const unsigned char (*sha256)[32], const double share[3], uint64_t seed, int *clip,
                        set_split *split, int64_t *duplicates);

#endif
