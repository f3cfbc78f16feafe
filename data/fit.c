#include <math.h>
#include <string.h>

#include "data/resize.h"

const char *const FIT_NAMES[] = {"crop", "resize", "native", NULL};

// The centre of `in` as scaled to `scaled` pixels.
static resize_axis centre(int in, int scaled, int wanted) {
    return (resize_axis){in, scaled, (scaled - wanted) / 2, wanted};
}

// The smallest size of `in`'s aspect that covers height x width, then its centre.
static foil_status covered(const image *in, int height, int width, resize_filter f, image *out) {
    const double limit = 1 << 28; // pixels; of a strip one pixel wide much more could be asked for
    double scale = fmax((double)height / in->height, (double)width / in->width);
    if (in->height * scale * (in->width * scale) > limit)
        return foil_fail(FOIL_INVALID, "%d x %d pixels are too narrow to cover %d x %d", in->width, in->height, width, height);
    int h = (int)fmax(height, round(in->height * scale)), w = (int)fmax(width, round(in->width * scale));
    return image_resize_part(in, centre(in->height, h, height), centre(in->width, w, width), f, out);
}

static foil_status fitted(const image *in, int height, int width, image_fit fit, resize_filter f, image *out) {
    if (height == 0) return image_copy(in, out); // native size wanted
    if (fit == FIT_RESIZE) return image_resize(in, height, width, f, out);
    if (fit == FIT_CROP || in->height < height || in->width < width) return covered(in, height, width, f, out);
    return image_resize_part(in, centre(in->height, in->height, height), centre(in->width, in->width, width), f, out);
}

foil_status image_fitted(const image *in, int height, int width, int channels, image_fit fit, resize_filter f, image *out) {
    *out = (image){0};
    if (in->channels == channels) return fitted(in, height, width, fit, f, out);
    image as;
    TRY(image_copy(in, &as));
    foil_status s = image_to_channels(&as, channels);
    if (s == FOIL_OK) s = fitted(&as, height, width, fit, f, out);
    image_free(&as);
    return s;
}
