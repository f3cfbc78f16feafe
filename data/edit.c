#include "data/edit.h"

#include <math.h>
#include <stdlib.h>

static void replace(image *im, const image *by) {
    image_free(im);
    *im = *by;
}

// Coding. ---------------------------------------------------------------------------------------------------------------------------------------

// Takes `bytes`. WebP knows no grey.
static foil_status decode_again(image *im, uint8_t *bytes, size_t n) {
    image coded;
    foil_status s = image_decode(bytes, n, "coded in memory", &coded);
    free(bytes);
    TRY(s);
    s = image_to_channels(&coded, im->channels);
    if (s == FOIL_OK)
        replace(im, &coded);
    else
        image_free(&coded);
    return s;
}

foil_status image_through_jpeg(image *im, int quality) {
    uint8_t *bytes;
    size_t n;
    TRY(image_encode_jpeg(im, quality, &bytes, &n));
    return decode_again(im, bytes, n);
}

foil_status image_through_webp(image *im, double quality) {
    uint8_t *bytes;
    size_t n;
    TRY(image_encode_webp(im, quality, &bytes, &n));
    return decode_again(im, bytes, n);
}

// Detail. ---------------------------------------------------------------------------------------------------------------------------------------

enum { MAX_RADIUS = 48 }; // three times the largest sigma

// The weights of positions 0 … radius; both sides sum to 1.
static int gaussian(double sigma, float *weight) {
    int radius = (int)ceil(3 * sigma);
    double sum = 0;
    for (int i = 0; i <= radius; i++) sum += (i ? 2 : 1) * exp(-i * i / (2 * sigma * sigma));
    for (int i = 0; i <= radius; i++) weight[i] = (float)(exp(-i * i / (2 * sigma * sigma)) / sum);
    return radius;
}

// to[i] = weight[0] · middle[i] + Σ weight[r] · (the values r before and after), in this order; `before` and `after` have those of r = 1 … radius.
static void weigh(const float *middle, const float *const *before, const float *const *after, const float *weight, int radius, size_t n, float *to) {
    for (size_t i = 0; i < n; i++) to[i] = weight[0] * middle[i];
    for (int r = 1; r <= radius; r++)
        for (size_t i = 0; i < n; i++) to[i] += weight[r] * (before[r][i] + after[r][i]);
}

// Each row by itself; `line` has room for one with `radius` pixels more at both ends.
static void blur_rows(const image *im, const float *weight, int radius, float *line, float *to) {
    const float *before[MAX_RADIUS + 1], *after[MAX_RADIUS + 1];
    size_t c = (size_t)im->channels, row = (size_t)im->width * c;
    for (int r = 1; r <= radius; r++) {
        before[r] = line + (size_t)(radius - r) * c;
        after[r] = line + (size_t)(radius + r) * c;
    }
    for (size_t y = 0; y < (size_t)im->height; y++) {
        float *at = line;
        for (int x = -radius; x < im->width + radius; x++)
            for (size_t k = 0; k < c; k++) *at++ = im->pixels[y * row + (size_t)image_mirrored(x, im->width) * c + k];
        weigh(line + (size_t)radius * c, before, after, weight, radius, row, to + y * row);
    }
}

static void blur_columns(const float *from, const float *weight, int radius, float *line, image *im) {
    const float *before[MAX_RADIUS + 1], *after[MAX_RADIUS + 1];
    size_t row = (size_t)im->width * (size_t)im->channels;
    for (int y = 0; y < im->height; y++) {
        for (int r = 1; r <= radius; r++) {
            before[r] = from + (size_t)image_mirrored(y - r, im->height) * row;
            after[r] = from + (size_t)image_mirrored(y + r, im->height) * row;
        }
        weigh(from + (size_t)y * row, before, after, weight, radius, row, line);
        uint8_t *to = im->pixels + (size_t)y * row;
        for (size_t i = 0; i < row; i++) to[i] = (uint8_t)lrintf(line[i] < 0 ? 0 : line[i] > 255 ? 255 : line[i]);
    }
}

foil_status image_blur(image *im, double sigma) {
    if (sigma < 1e-3) return FOIL_OK;
    float weight[MAX_RADIUS + 1] = {0};
    int radius = gaussian(sigma, weight);
    size_t n = image_bytes(im), line = ((size_t)im->width + 2 * (size_t)radius) * (size_t)im->channels;
    float *rows = malloc((n + line) * sizeof *rows);
    if (!rows) return foil_fail_memory((n + line) * sizeof *rows, "a blur");
    blur_rows(im, weight, radius, rows + n, rows);
    blur_columns(rows, weight, radius, rows + n, im);
    free(rows);
    return FOIL_OK;
}

foil_status image_scale(image *im, double factor, resize_filter f) {
    int h = (int)fmax(1, round(im->height * factor)), w = (int)fmax(1, round(im->width * factor));
    image scaled;
    TRY(image_resize(im, h, w, f, &scaled));
    replace(im, &scaled);
    return FOIL_OK;
}

foil_status image_shrink_and_enlarge(image *im, double factor, resize_filter down, resize_filter up) {
    int h = im->height, w = im->width;
    TRY(image_scale(im, factor, down));
    image back;
    TRY(image_resize(im, h, w, up, &back));
    replace(im, &back);
    return FOIL_OK;
}

// Colour. ---------------------------------------------------------------------------------------------------------------------------------------

static uint8_t blend(double anchor, double value, double factor) {
    double v = anchor + (value - anchor) * factor;
    return (uint8_t)lrint(v < 0 ? 0 : v > 255 ? 255 : v);
}

static double grey(const uint8_t *pixel, int channels) {
    return channels == 1 ? pixel[0] : 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
}

void image_brightness(image *im, double factor) {
    for (size_t i = 0; i < image_bytes(im); i++) im->pixels[i] = blend(0, im->pixels[i], factor);
}

void image_contrast(image *im, double factor) {
    double mean = 0;
    size_t n = image_bytes(im), c = (size_t)im->channels;
    for (size_t i = 0; i < n; i += c) mean += grey(im->pixels + i, im->channels);
    mean /= (double)im->height * im->width;
    for (size_t i = 0; i < n; i++) im->pixels[i] = blend(mean, im->pixels[i], factor);
}

void image_saturation(image *im, double factor) {
    if (im->channels != 3) return;
    for (size_t i = 0; i < image_bytes(im); i += 3) {
        double g = grey(im->pixels + i, 3);
        for (size_t k = 0; k < 3; k++) im->pixels[i + k] = blend(g, im->pixels[i + k], factor);
    }
}
