// A signed map over a picture, mixed in OKLab (Ottosson 2020): lightness keeps the picture, colour tells the map.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sort.h"
#include "eval/maps/explain.h"

// Orange and blue of one lightness and one chroma.
static const double LIGHTNESS = .68, CHROMA = .16, FAKE_HUE = 55, REAL_HUE = 255;

double explain_scale(const float *heat, size_t n) {
    float *size = malloc(n * sizeof *size);
    float largest = 0, scale = 0; // in double, gcc 12 for AArch64 fails on the loop
    for (size_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(heat[i]));
    if (size && n) {
        for (size_t i = 0; i < n; i++) size[i] = fabsf(heat[i]);
        sort_floats(size, n);
        scale = size[(n - 1) * 99 / 100];
    }
    free(size);
    return (double)(scale > 0 ? scale : largest);
}

static double linear_of(double srgb) {
    return srgb <= .04045 ? srgb / 12.92 : pow((srgb + .055) / 1.055, 2.4);
}

static uint8_t byte_of(double linear) {
    double srgb = linear <= .0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - .055;
    return (uint8_t)lround(255 * fmin(fmax(srgb, 0), 1));
}

static void write_colour(double lightness, double a, double b, uint8_t rgb[3]) {
    double l = lightness + .3963377774 * a + .2158037573 * b, m = lightness - .1055613458 * a - .0638541728 * b;
    double s = lightness - .0894841775 * a - 1.2914855480 * b;
    l = l * l * l, m = m * m * m, s = s * s * s;
    rgb[0] = byte_of(4.0767416621 * l - 3.3077115913 * m + .2309699292 * s);
    rgb[1] = byte_of(-1.2684380046 * l + 2.6097574011 * m - .3413193965 * s);
    rgb[2] = byte_of(-.0041960863 * l - .7034186147 * m + 1.7076147010 * s);
}

// `strength` in -1..1. Full strength leaves a third of the picture's contrast, so that what lies beneath can still be seen.
static void mix(uint8_t grey, double strength, uint8_t rgb[3]) {
    double far = fabs(strength), hue = (strength > 0 ? FAKE_HUE : REAL_HUE) * 3.14159265358979323846 / 180;
    double picture = cbrt(linear_of(grey / 255.)), coloured = LIGHTNESS + (picture - .5) / 3;
    write_colour(picture + far * (coloured - picture), far * CHROMA * cos(hue), far * CHROMA * sin(hue), rgb);
}

foil_status explain_overlay(const image *fitted, const float *heat, image *out) {
    image grey = {0};
    size_t n = (size_t)fitted->height * (size_t)fitted->width;
    TRY(image_new(fitted->height, fitted->width, 3, out));
    foil_status status = image_new(fitted->height, fitted->width, fitted->channels, &grey);
    if (status == FOIL_OK) {
        memcpy(grey.pixels, fitted->pixels, image_bytes(fitted));
        status = image_to_channels(&grey, 1);
    }
    double scale = explain_scale(heat, n);
    for (size_t i = 0; status == FOIL_OK && i < n; i++) mix(grey.pixels[i], scale > 0 ? fmin(fmax(heat[i] / scale, -1), 1) : 0, out->pixels + 3 * i);
    image_free(&grey);
    if (status != FOIL_OK) image_free(out);
    return status;
}
