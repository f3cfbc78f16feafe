// Where pixels are: mirrored, shifted.
#include <string.h>

#include "data/edit.h"
#include "data/transform_type.h"

typedef struct flip {
    double p;
} flip;
static const key FLIP_KEYS[] = {TRANSFORM_P(flip, "0.5"), {0}};

static foil_status apply_flip(const void *settings, image *im, draws *d) {
    (void)settings;
    (void)d;
    size_t c = (size_t)im->channels, w = (size_t)im->width;
    for (int y = 0; y < im->height; y++) {
        uint8_t *row = im->pixels + (size_t)y * w * c;
        for (size_t x = 0; x < w / 2; x++)
            for (size_t k = 0; k < c; k++) {
                uint8_t left = row[x * c + k];
                row[x * c + k] = row[(w - 1 - x) * c + k];
                row[(w - 1 - x) * c + k] = left;
            }
    }
    return FOIL_OK;
}

const transform_type TRANSFORM_FLIP = {"flip", "Mirrors left and right", FLIP_KEYS, sizeof(flip), apply_flip};

typedef struct crop {
    double p;
    int64_t shift;
} crop;
static const key CROP_KEYS[] = {
    {"shift", KEY_INT, offsetof(crop, shift), "4", 0, 1024, .doc = "most pixels in each direction"}, TRANSFORM_P(crop, "1"), {0}};

static foil_status apply_crop(const void *settings, image *im, draws *d) {
    const crop *o = settings;
    int down = draw_int(d, -o->shift, o->shift), right = draw_int(d, -o->shift, o->shift);
    image to;
    TRY(image_new(im->height, im->width, im->channels, &to));
    size_t c = (size_t)im->channels;
    uint8_t *p = to.pixels;
    for (int y = 0; y < im->height; y++) {
        const uint8_t *row = im->pixels + (size_t)image_mirrored(y - down, im->height) * (size_t)im->width * c;
        for (int x = 0; x < im->width; x++, p += c) memcpy(p, row + (size_t)image_mirrored(x - right, im->width) * c, c);
    }
    image_free(im);
    *im = to;
    return FOIL_OK;
}

const transform_type TRANSFORM_CROP = {"crop", "Shifts the picture at random; what comes in at the border is its mirror image", CROP_KEYS,
                                       sizeof(crop), apply_crop};
