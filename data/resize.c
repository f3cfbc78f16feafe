// Pillow's resampling, bit by bit: filters in doubles, weights rounded to 22 bits, 8 bits between the two passes. Along rows first, then along columns, as Pillow
// always did up to version 12; from 13 on it takes the other order for some changes of aspect.
#include "data/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const RESIZE_NAMES[] = {"bilinear", "bicubic", "lanczos", NULL};

static double bilinear(double x) {
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static double bicubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static double sinc(double x) {
    if (x == 0) return 1;
    x *= M_PI;
    return sin(x) / x;
}

static double lanczos(double x) {
    return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

static const struct {
    double (*weight)(double);
    double support;
} FILTERS[RESIZE_FILTERS] = {{bilinear, 1}, {bicubic, 2}, {lanczos, 3}};

enum { BITS = 22 };

// For each output position: `count` inputs from `first`, with weights that sum to about 1 << BITS.
typedef struct taps {
    int widest;
    int *first, *count;
    int32_t *weight; // [out, widest]
} taps;

static void taps_free(taps *t) {
    free(t->first);
    free(t->count);
    free(t->weight);
}

static int least(int a, int b) {
    return a < b ? a : b;
}

static void taps_at(int in, double centre, double support, double scale, resize_filter f, double *w, int *first, int *count) {
    int low = (int)(centre - support + 0.5), high = (int)(centre + support + 0.5);
    *first = low < 0 ? 0 : low;
    *count = least(high, in) - *first;
    double sum = 0;
    for (int i = 0; i < *count; i++) sum += w[i] = FILTERS[f].weight((i + *first - centre + 0.5) * (1 / scale));
    if (sum != 0)
        for (int i = 0; i < *count; i++) w[i] /= sum;
}

static foil_status taps_new(int in, int out, resize_filter f, taps *t) {
    double ratio = (double)in / out, scale = ratio < 1 ? 1 : ratio, support = FILTERS[f].support * scale;
    int widest = (int)ceil(support) * 2 + 1;
    size_t n = (size_t)out;
    *t = (taps){widest, calloc(n, sizeof(int)), calloc(n, sizeof(int)), calloc(n * (size_t)widest, sizeof(int32_t))};
    double *w = calloc((size_t)widest, sizeof *w);
    if (!t->first || !t->count || !t->weight || !w) {
        taps_free(t);
        *t = (taps){0};
        free(w);
        return foil_fail_memory(n * (size_t)widest * sizeof(int32_t), "resizing");
    }
    for (int i = 0; i < out; i++) {
        taps_at(in, (i + 0.5) * ratio, support, scale, f, w, &t->first[i], &t->count[i]);
        int32_t *to = t->weight + (size_t)i * (size_t)widest;
        for (int k = 0; k < t->count[i]; k++) to[k] = (int32_t)((w[k] < 0 ? -0.5 : 0.5) + w[k] * (1 << BITS));
    }
    free(w);
    return FOIL_OK;
}

static uint8_t rounded(int32_t sum) {
    sum >>= BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void resize_rows(const image *in, const taps *t, image *out) {
    const int c = in->channels;
    uint8_t *to = out->pixels;
    for (int y = 0; y < in->height; y++) {
        const uint8_t *row = in->pixels + (size_t)y * (size_t)in->width * (size_t)c;
        for (int x = 0; x < out->width; x++) {
            const int32_t *w = t->weight + (size_t)x * (size_t)t->widest;
            for (int k = 0; k < c; k++) {
                const uint8_t *from = row + t->first[x] * c + k;
                int32_t sum = 1 << (BITS - 1);
                for (int i = 0; i < t->count[x]; i++) sum += from[i * c] * w[i];
                *to++ = rounded(sum);
            }
        }
    }
}

static void resize_columns(const image *in, const taps *t, int32_t *sums, image *out) {
    size_t stride = (size_t)in->width * (size_t)in->channels;
    for (int y = 0; y < out->height; y++) {
        const int32_t *w = t->weight + (size_t)y * (size_t)t->widest;
        for (size_t x = 0; x < stride; x++) sums[x] = 1 << (BITS - 1);
        for (int i = 0; i < t->count[y]; i++) {
            const uint8_t *from = in->pixels + (size_t)(t->first[y] + i) * stride;
            for (size_t x = 0; x < stride; x++) sums[x] += from[x] * w[i];
        }
        for (size_t x = 0; x < stride; x++) out->pixels[(size_t)y * stride + x] = rounded(sums[x]);
    }
}

static foil_status resized_width(const image *in, int width, resize_filter f, image *out) {
    taps t;
    TRY(image_new(in->height, width, in->channels, out));
    foil_status s = taps_new(in->width, width, f, &t);
    if (s != FOIL_OK) {
        image_free(out);
        return s;
    }
    resize_rows(in, &t, out);
    taps_free(&t);
    return FOIL_OK;
}

static foil_status resized_height(const image *in, int height, resize_filter f, image *out) {
    size_t bytes = (size_t)in->width * (size_t)in->channels * sizeof(int32_t);
    taps t;
    TRY(image_new(height, in->width, in->channels, out));
    foil_status s = taps_new(in->height, height, f, &t);
    int32_t *sums = calloc(1, bytes);
    if (s == FOIL_OK && !sums) s = foil_fail_memory(bytes, "resizing");
    if (s == FOIL_OK) resize_columns(in, &t, sums, out);
    taps_free(&t);
    free(sums);
    if (s != FOIL_OK) image_free(out);
    return s;
}

static foil_status copied(const image *in, image *out) {
    TRY(image_new(in->height, in->width, in->channels, out));
    memcpy(out->pixels, in->pixels, image_bytes(in));
    return FOIL_OK;
}

foil_status image_resize(const image *in, int height, int width, resize_filter f, image *out) {
    *out = (image){0};
    if (height < 1 || width < 1 || in->height < 1 || in->width < 1)
        return foil_fail(FOIL_INVALID, "cannot resize %d x %d pixels to %d x %d", in->width, in->height, width, height);
    if (width == in->width && height == in->height) return copied(in, out);
    if (width == in->width) return resized_height(in, height, f, out);
    if (height == in->height) return resized_width(in, width, f, out);
    image half;
    TRY(resized_width(in, width, f, &half));
    foil_status s = resized_height(&half, height, f, out);
    image_free(&half);
    return s;
}
