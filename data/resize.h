// Antialiased resizing, the same everywhere: packing, loading, scoring.
#ifndef FOIL_DATA_RESIZE_H
#define FOIL_DATA_RESIZE_H

#include "data/image.h"

// Support grows with the reduction (antialiasing), half-pixel centres, as Pillow's resize; the name is stored in sets and detectors.
typedef enum resize_filter { RESIZE_BILINEAR, RESIZE_BICUBIC, RESIZE_LANCZOS, RESIZE_FILTERS } resize_filter;
extern const char *const RESIZE_NAMES[]; // "bilinear" …, NULL-terminated

// One side of a picture: `in` pixels come to `out`, of which `n` from `first` on are wanted.
typedef struct resize_axis {
    int in, out, first, n;
} resize_axis;

// A part of what image_resize would make, without the rest. in->height is down.in, in->width across.in.
foil_status image_resize_part(const image *in, resize_axis down, resize_axis across, resize_filter f, image *out);
foil_status image_resize(const image *in, int height, int width, resize_filter f, image *out);

// How a picture of any size comes to the size that a set or a network has.
typedef enum image_fit {
    FIT_CROP,   // scale so that the shorter side fits, then the centre
    FIT_RESIZE, // both sides to the size, whatever the aspect
    FIT_NATIVE, // as it is: a set keeps native sizes; a network takes the centre, scaled up only if it is too small
} image_fit;
extern const char *const FIT_NAMES[]; // "crop", "resize", "native"

foil_status image_fitted(const image *in, int height, int width, int channels, image_fit fit, resize_filter f, image *out);

#endif
