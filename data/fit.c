#include <math.h>
#include <string.h>

#include "data/resize.h"

const char *const FIT_NAMES[] = {"crop", "resize", "native", NULL};

static foil_status centre(const image *in, int height, int width, image *out) {
    TRY(image_new(height, width, in->channels, out));
    size_t top = (size_t)(in->height - height) / 2, left = (size_t)(in->width - width) / 2, c = (size_t)in->channels;
    for (size_t y = 0; y < (size_t)height; y++)
        memcpy(out->pixels + y * (size_t)width * c, in->pixels + ((top + y) * (size_t)in->width + left) * c, (size_t)width * c);
    return FOIL_OK;
}

// The smallest size of `in`'s aspect that covers height x width, then its centre.
static foil_status covered(const image *in, int height, int width, resize_filter f, image *out) {
    const double limit = 1 << 28; // pixels; of a strip one pixel wide much more could be asked for
    double scale = fmax((double)height / in->height, (double)width / in->width);
    if (in->height * scale * (in->width * scale) > limit)
        return foil_fail(FOIL_INVALID, "%d x %d pixels are too narrow to cover %d x %d", in->width, in->height, width, height);
    int h = (int)fmax(height, round(in->height * scale)), w = (int)fmax(width, round(in->width * scale));
    image scaled;
    TRY(image_resize(in, h, w, f, &scaled));
    foil_status s = centre(&scaled, height, width, out);
    image_free(&scaled);
    return s;
}

static foil_status fitted(const image *in, int height, int width, image_fit fit, resize_filter f, image *out) {
    if (fit == FIT_RESIZE) return image_resize(in, height, width, f, out);
    if (fit == FIT_CROP || in->height < height || in->width < width) return covered(in, height, width, f, out);
    return centre(in, height, width, out);
}

foil_status image_fitted(const image *in, int height, int width, int channels, image_fit fit, resize_filter f, image *out) {
    *out = (image){0};
    image as = {0};
    TRY(centre(in, in->height, in->width, &as)); // a copy
    foil_status s = image_to_channels(&as, channels);
    if (s == FOIL_OK && height == 0) { // native size wanted
        *out = as;
        return FOIL_OK;
    }
    if (s == FOIL_OK) s = fitted(&as, height, width, fit, f, out);
    image_free(&as);
    return s;
}
