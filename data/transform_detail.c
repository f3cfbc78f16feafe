// How fine pictures are: blurred, made smaller and large again.
#include "data/edit.h"
#include "data/transform_type.h"

typedef struct blur {
    double p, sigma[2];
} blur;
static const key BLUR_KEYS[] = {
    {"sigma", KEY_RANGE, offsetof(blur, sigma), "[0, 1.5]", 0, 16, .doc = "of the Gaussian, in pixels"}, TRANSFORM_P(blur, "1"), {0}};

static foil_status apply_blur(const void *settings, image *im, draws *d) {
    const blur *o = settings;
    return image_blur(im, draw(d, o->sigma[0], o->sigma[1]));
}

const transform_type TRANSFORM_BLUR = {"blur", "Blurs with a Gaussian", BLUR_KEYS, sizeof(blur), apply_blur};

typedef struct scale {
    double p, factor[2];
} scale;
static const key SCALE_KEYS[] = {
    {"factor", KEY_RANGE, offsetof(scale, factor), "[0.5, 1]", 0.05, 1, .doc = "size in between"}, TRANSFORM_P(scale, "1"), {0}};

static foil_status apply_scale(const void *settings, image *im, draws *d) {
    const scale *o = settings;
    double factor = draw(d, o->factor[0], o->factor[1]);
    resize_filter down = (resize_filter)draw_int(d, 0, RESIZE_FILTERS - 1), up = (resize_filter)draw_int(d, 0, RESIZE_FILTERS - 1);
    return image_shrink_and_enlarge(im, factor, down, up);
}

const transform_type TRANSFORM_SCALE = {"scale",
                                        "Makes the picture smaller and large again, each with a random filter of bilinear, bicubic and lanczos",
                                        SCALE_KEYS, sizeof(scale), apply_scale};
