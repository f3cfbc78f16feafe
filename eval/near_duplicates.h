// Pictures of the validation and test splits that were seen in another: what is measured on them is memory.
#ifndef FOIL_EVAL_NEAR_DUPLICATES_H
#define FOIL_EVAL_NEAR_DUPLICATES_H

#include "data/set.h"

// Looked at, evenly through the set: at most so many, and not more than 4 GiB of pixels; of native size fewer.
enum { NEAR_PICTURES = 100000, NEAR_NATIVE = 20000, NEAR_SHOWN = 3 };
typedef struct near_duplicates {
    int64_t looked;                        // pictures
    int64_t val, test;                     // pictures of val like one of train, of test like one of train or val (data/phash.h)
    int64_t of_val, of_test;               // of how many
    int64_t shown, example[NEAR_SHOWN][2]; // the first of them: the picture, and one of the other split
} near_duplicates;
foil_status near_duplicates_find(const set *s, near_duplicates *out);

#endif
