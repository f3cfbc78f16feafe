// What a run uses of a set: all, or all but some methods and sources; all pictures to learn from, or an amount of them.
#ifndef FOIL_DATA_PORTION_H
#define FOIL_DATA_PORTION_H

#include "base/keys.h"
#include "data/set.h"

typedef struct portion {
    key_texts without; // methods of fakes, sources of reals
    double amount;     // of the reals and of the fakes to learn from: a share up to 1, or so many pictures. 1 = all
} portion;

// FOIL_INVALID with the place `at` and the names that the set has, unless it has all of `names`.
foil_status set_check_methods(const set *s, const key_texts *names, const yaml_node *at);
// For set_select: whether a picture is not one of those left out. `context` is a portion; NULL = all are in it.
bool portion_has(const set *s, set_label label, const void *context);
// The pictures of the training split to learn from: reals, or fakes of `methods` (NULL or none = all). An amount is taken evenly through them.
foil_status portion_select(const set *s, const portion *p, bool fake, const key_texts *methods, selection *out);

#endif
