// What is done to pictures, in place: the same for the random transforms of training (transform.h) and for what detectors are tried with afterwards
// (eval/perturb.h). Pure functions; the number of channels stays.
#ifndef FOIL_DATA_EDIT_H
#define FOIL_DATA_EDIT_H

#include <stdlib.h>

#include "data/resize.h"

// Codes the picture and decodes it again: image_encode_jpeg, image_encode_webp.
foil_status image_through_jpeg(image *im, int quality);
foil_status image_through_webp(image *im, double quality);

// Gaussian of `sigma` pixels up to 16, cut off at 3 sigma; mirrored borders.
foil_status image_blur(image *im, double sigma);

// To `factor` of its sides, one pixel at least; and back to its size.
foil_status image_scale(image *im, double factor, resize_filter f);
foil_status image_shrink_and_enlarge(image *im, double factor, resize_filter down, resize_filter up);

// As torchvision's adjust_brightness, adjust_contrast (around the mean grey) and adjust_saturation (around each pixel's grey).
void image_brightness(image *im, double factor);
void image_contrast(image *im, double factor);
void image_saturation(image *im, double factor);

// Position i mirrored into 0 … n-1, the border not repeated: -1 is 1, n is n-2.
static inline int image_mirrored(int i, int n) {
    if (n == 1) return 0;
    i = abs(i) % (2 * n - 2);
    return i < n ? i : 2 * n - 2 - i;
}

#endif
