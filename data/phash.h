// Pictures that look alike: a perceptual hash, a thumbnail to confirm what it finds, and a search that needs not compare all with all.
#ifndef FOIL_DATA_PHASH_H
#define FOIL_DATA_PHASH_H

#include "data/image.h"

enum { PHASH_SIDE = 16, PHASH_NEAR = 7 };
typedef struct phash {
    uint64_t bits;                          // signs, against their median, of 8 x 8 low frequencies of the thumbnail's cosine transform
    uint8_t thumb[PHASH_SIDE * PHASH_SIDE]; // grey, areas averaged
} phash;
// Of a picture of any size, 1 or 3 channels.
void phash_of(const image *im, phash *out);
// Hashes at most PHASH_NEAR bits apart, and thumbnails that correlate by .98 or more. Flat pictures are like none.
bool phash_alike(const phash *a, const phash *b);

// Calls `pair` for pairs i < j of alike pictures, some of them more than once. Multi-index hashing: of eight parts of 8 bits one is equal in hashes 7 bits
// apart. Each picture is compared with at most the next PHASH_CROWD that share a part, in order of their hashes: O(n log n) whatever the pictures are, exact
// unless more than that many share one.
enum { PHASH_CROWD = 1000 };
foil_status phash_pairs(const phash *h, int64_t n, void (*pair)(int64_t i, int64_t j, void *context), void *context);

#endif
