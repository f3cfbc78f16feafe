// What colour pixels have: brightness, contrast, saturation, in this order, as torchvision's ColorJitter blends.
#include "data/edit.h"
#include "data/transform_type.h"

typedef struct colour {
    double p, brightness, contrast, saturation;
} colour;
static const key KEYS[] = {{"brightness", KEY_FLOAT, offsetof(colour, brightness), "0.2", 0, 1, .doc = "factor is 1 plus or minus this"},
                           {"contrast", KEY_FLOAT, offsetof(colour, contrast), "0.2", 0, 1, .doc = "the same, around the mean grey"},
                           {"saturation", KEY_FLOAT, offsetof(colour, saturation), "0.2", 0, 1, .doc = "the same, around each pixel's grey"},
                           TRANSFORM_P(colour, "1"),
                           {0}};

static foil_status apply(const void *settings, image *im, draws *d) {
    const colour *o = settings;
    double brightness = draw(d, 1 - o->brightness, 1 + o->brightness), contrast = draw(d, 1 - o->contrast, 1 + o->contrast);
    double saturation = draw(d, 1 - o->saturation, 1 + o->saturation);
    image_brightness(im, brightness);
    image_contrast(im, contrast);
    image_saturation(im, saturation);
    return FOIL_OK;
}

const transform_type TRANSFORM_COLOUR = {"colour", "Changes brightness, contrast and saturation", KEYS, sizeof(colour), apply};
