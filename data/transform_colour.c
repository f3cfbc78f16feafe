// What colour pixels have: brightness, contrast, saturation, in this order, as torchvision's ColorJitter blends.
#include <math.h>

#include "data/transform_type.h"

typedef struct colour {
    double p, brightness, contrast, saturation;
} colour;
static const key KEYS[] = {{"brightness", KEY_FLOAT, offsetof(colour, brightness), "0.2", 0, 1, .doc = "factor is 1 plus or minus this"},
                           {"contrast", KEY_FLOAT, offsetof(colour, contrast), "0.2", 0, 1, .doc = "the same, around the mean grey"},
                           {"saturation", KEY_FLOAT, offsetof(colour, saturation), "0.2", 0, 1, .doc = "the same, around each pixel's grey"},
                           TRANSFORM_P(colour, "1"),
                           {0}};

static uint8_t blend(double anchor, double value, double factor) {
    double v = anchor + (value - anchor) * factor;
    return (uint8_t)lrint(v < 0 ? 0 : v > 255 ? 255 : v);
}

static double grey(const uint8_t *pixel, int channels) {
    return channels == 1 ? pixel[0] : 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
}

static foil_status apply(const void *settings, image *im, draws *d) {
    const colour *o = settings;
    double brightness = draw(d, 1 - o->brightness, 1 + o->brightness), contrast = draw(d, 1 - o->contrast, 1 + o->contrast);
    double saturation = draw(d, 1 - o->saturation, 1 + o->saturation), mean = 0;
    size_t n = image_bytes(im), c = (size_t)im->channels;
    for (size_t i = 0; i < n; i++) im->pixels[i] = blend(0, im->pixels[i], brightness);
    for (size_t i = 0; i < n; i += c) mean += grey(im->pixels + i, im->channels);
    mean /= (double)im->height * im->width;
    for (size_t i = 0; i < n; i++) im->pixels[i] = blend(mean, im->pixels[i], contrast);
    for (size_t i = 0; c == 3 && i < n; i += c) {
        double g = grey(im->pixels + i, im->channels);
        for (size_t k = 0; k < c; k++) im->pixels[i + k] = blend(g, im->pixels[i + k], saturation);
    }
    return FOIL_OK;
}

const transform_type TRANSFORM_COLOUR = {"colour", "Changes brightness, contrast and saturation", KEYS, sizeof(colour), apply};
