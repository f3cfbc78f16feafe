#include "data/image.h"

#include <stdlib.h>
#include <string.h>

foil_status image_new(int height, int width, int channels, image *out) {
    size_t n = (size_t)height * (size_t)width * (size_t)channels;
    *out = (image){height, width, channels, calloc(n ? n : 1, 1)};
    if (out->pixels) return FOIL_OK;
    *out = (image){0};
    return foil_fail_memory(n, "a picture");
}

foil_status image_copy(const image *im, image *out) {
    TRY(image_new(im->height, im->width, im->channels, out));
    memcpy(out->pixels, im->pixels, image_bytes(im));
    return FOIL_OK;
}

void image_free(image *im) {
    free(im->pixels);
    *im = (image){0};
}

size_t image_bytes(const image *im) {
    return (size_t)im->height * (size_t)im->width * (size_t)im->channels;
}

static uint8_t luma(const uint8_t *rgb) {
    return (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

foil_status image_to_channels(image *im, int channels) {
    if (im->channels == channels) return FOIL_OK;
    image to;
    TRY(image_new(im->height, im->width, channels, &to));
    size_t n = (size_t)im->height * (size_t)im->width;
    if (channels == 1)
        for (size_t i = 0; i < n; i++) to.pixels[i] = luma(im->pixels + 3 * i);
    else
        for (size_t i = 0; i < n; i++) memset(to.pixels + 3 * i, im->pixels[i], 3);
    image_free(im);
    *im = to;
    return FOIL_OK;
}
