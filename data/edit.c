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

// Along one axis: `n` pixels `step` apart, in each of `lines` lines that start `line_step` apart; `channels` values each. Borders are mirrored.
static void convolve(const float *from, float *to, int n, size_t step, int lines, size_t line_step, int channels, const float *weight, int radius) {
    for (int l = 0; l < lines; l++)
        for (int i = 0; i < n; i++)
            for (int c = 0; c < channels; c++) {
                const float *line = from + (size_t)l * line_step + (size_t)c;
                float sum = weight[0] * line[(size_t)i * step];
                for (int r = 1; r <= radius; r++)
                    sum += weight[r] * (line[(size_t)image_mirrored(i - r, n) * step] + line[(size_t)image_mirrored(i + r, n) * step]);
                to[(size_t)l * line_step + (size_t)i * step + (size_t)c] = sum;
            }
}

foil_status image_blur(image *im, double sigma) {
    if (sigma < 1e-3) return FOIL_OK;
    float weight[MAX_RADIUS + 1] = {0};
    int radius = gaussian(sigma, weight);
    size_t n = image_bytes(im), pixel = (size_t)im->channels, row = (size_t)im->width * pixel;
    float *a = calloc(2 * n, sizeof *a);
    if (!a) return foil_fail_memory(2 * n * sizeof *a, "a blur");
    float *b = a + n;
    for (size_t i = 0; i < n; i++) a[i] = im->pixels[i];
    convolve(a, b, im->width, pixel, im->height, row, im->channels, weight, radius);
    convolve(b, a, im->height, row, im->width, pixel, im->channels, weight, radius);
    for (size_t i = 0; i < n; i++) im->pixels[i] = (uint8_t)lrintf(a[i] < 0 ? 0 : a[i] > 255 ? 255 : a[i]);
    free(a);
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
