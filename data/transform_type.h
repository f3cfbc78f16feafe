// One kind of transform: a row of the table in transform.c, its body in transform_<family>.c. Internal to data/.
#ifndef FOIL_DATA_TRANSFORM_TYPE_H
#define FOIL_DATA_TRANSFORM_TYPE_H

#include "data/transform.h"

// Random numbers of one transform of one picture.
typedef struct draws {
    philox_key key;
    uint64_t next;
} draws;

static inline double draw(draws *d, double low, double high) {
    return low + (high - low) * (double)philox_uniform(d->key, d->next++);
}
static inline int draw_int(draws *d, int64_t low, int64_t high) { // both included
    return (int)(low + (int64_t)philox_below(d->key, d->next++, (uint32_t)(high - low + 1)));
}

typedef struct transform_type {
    const char *name, *doc;
    const key *keys;
    size_t size;                                                     // of the settings, whose first field is `double p`
    foil_status (*apply)(const void *settings, image *im, draws *d); // done with probability p
} transform_type;

extern const transform_type TRANSFORM_FLIP, TRANSFORM_CROP, TRANSFORM_COLOUR, TRANSFORM_JPEG, TRANSFORM_BLUR, TRANSFORM_SCALE;

#define TRANSFORM_P(settings, fallback_p)                                                                                                            \
    { .name = "p", .type = KEY_FLOAT, .offset = offsetof(settings, p), .fallback = (fallback_p), .min = 0, .max = 1, .doc = "share of pictures" }

#endif
