// Pillow's resampling, bit by bit: filters in doubles, weights rounded to 22 bits, 8 bits between the two passes. Along rows first, then along columns, as
// Pillow always did up to version 12; from 13 on it takes the other order for some changes of aspect.
#include "data/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/vectorised.h"

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

static foil_status taps_new(const resize_axis *axis, resize_filter f, taps *t) {
    double ratio = (double)axis->in / axis->out, scale = ratio < 1 ? 1 : ratio, support = FILTERS[f].support * scale;
    int widest = (int)ceil(support) * 2 + 1;
    size_t n = (size_t)axis->n;
    *t = (taps){widest, calloc(n, sizeof(int)), calloc(n, sizeof(int)), calloc(n * (size_t)widest, sizeof(int32_t))};
    double *w = calloc((size_t)widest, sizeof *w);
    if (!t->first || !t->count || !t->weight || !w) {
        taps_free(t);
        *t = (taps){0};
        free(w);
        return foil_fail_memory(n * (size_t)widest * sizeof(int32_t), "resizing");
    }
    for (int i = 0; i < axis->n; i++) {
        taps_at(axis->in, (axis->first + i + 0.5) * ratio, support, scale, f, w, &t->first[i], &t->count[i]);
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

// Rows of bytes: a picture, or a part of one.
typedef struct rows {
    const uint8_t *first;
    size_t stride;
    int height, width, channels;
} rows;

typedef uint8_t sixteen_bytes __attribute__((vector_size(16)));
typedef uint32_t four_words __attribute__((vector_size(16)));
typedef int32_t four_sums __attribute__((vector_size(16)));

// Four bytes as numbers.
static inline four_sums four_of(uint32_t word) {
    const sixteen_bytes bytes = (sixteen_bytes)(four_words){word}, zero = {0};
    return (four_sums)__builtin_shufflevector(bytes, zero, 0, 16, 16, 16, 1, 16, 16, 16, 2, 16, 16, 16, 3, 16, 16, 16);
}

static inline uint32_t word_at(const uint8_t *from) {
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

// The three colours of a pixel are three of four lanes. The last pixel has no byte after it that may be read.
VECTORISED static void colour_row(const uint8_t *row, const taps *t, int width, uint8_t *to) {
    for (int x = 0; x < width; x++, to += 3) {
        const int32_t *w = t->weight + (size_t)x * (size_t)t->widest;
        const uint8_t *from = row + 3 * (size_t)t->first[x];
        int last = t->count[x] - 1;
        const uint8_t *end = from + 3 * (size_t)last;
        four_sums sum = four_of(end[0] | (uint32_t)end[1] << 8 | (uint32_t)end[2] << 16) * w[last] + (1 << (BITS - 1));
        for (int i = 0; i < last; i++) sum += four_of(word_at(from + 3 * i)) * w[i];
        for (int k = 0; k < 3; k++) to[k] = rounded(sum[k]);
    }
}

VECTORISED static void grey_row(const uint8_t *row, const taps *t, int width, uint8_t *to) {
    for (int x = 0; x < width; x++) {
        const int32_t *w = t->weight + (size_t)x * (size_t)t->widest;
        const uint8_t *from = row + t->first[x];
        int32_t sum = 1 << (BITS - 1);
        for (int i = 0; i < t->count[x]; i++) sum += from[i] * w[i];
        to[x] = rounded(sum);
    }
}

static void resize_rows(const rows *in, const taps *t, image *out) {
    for (int y = 0; y < out->height; y++)
        (in->channels == 3 ? colour_row : grey_row)(in->first + (size_t)y * in->stride, t, out->width,
                                                    out->pixels + (size_t)y * (size_t)out->width * (size_t)out->channels);
}

enum { CHUNK = 256 }; // sums that stay in the first-level cache

VECTORISED static void add_rows(const uint8_t *from, size_t stride, const int32_t *w, int count, int n, uint8_t *to) {
    int32_t sum[CHUNK];
    for (int x = 0; x < n; x++) sum[x] = 1 << (BITS - 1);
    for (int i = 0; i < count; i++, from += stride)
        for (int x = 0; x < n; x++) sum[x] += from[x] * w[i];
    for (int x = 0; x < n; x++) to[x] = rounded(sum[x]);
}

static void resize_columns(const rows *in, const taps *t, image *out) {
    size_t width = (size_t)out->width * (size_t)out->channels;
    for (size_t y = 0; y < (size_t)out->height; y++)
        for (size_t x = 0; x < width; x += CHUNK)
            add_rows(in->first + (size_t)t->first[y] * in->stride + x, in->stride, t->weight + y * (size_t)t->widest, t->count[y],
                     width - x < CHUNK ? (int)(width - x) : CHUNK, out->pixels + y * width + x);
}

static foil_status resized_width(const rows *in, const resize_axis *axis, resize_filter f, image *out) {
    taps t;
    TRY(image_new(in->height, axis->n, in->channels, out));
    foil_status s = taps_new(axis, f, &t);
    if (s == FOIL_OK)
        resize_rows(in, &t, out);
    else
        image_free(out);
    taps_free(&t);
    return s;
}

static foil_status resized_height(const rows *in, const taps *t, int height, image *out) {
    TRY(image_new(height, in->width, in->channels, out));
    resize_columns(in, t, out);
    return FOIL_OK;
}

static foil_status copied(const rows *in, image *out) {
    TRY(image_new(in->height, in->width, in->channels, out));
    size_t width = (size_t)in->width * (size_t)in->channels;
    for (size_t y = 0; y < (size_t)in->height; y++) memcpy(out->pixels + y * width, in->first + y * in->stride, width);
    return FOIL_OK;
}

// The rows that the wanted ones are made of, and of them the wanted columns if those stay as they are. Makes `first` of the taps count from there.
static rows needed(const image *in, taps *t, const resize_axis *down, const resize_axis *across) {
    int first = down->first, end = first + down->n;
    if (t->first) {
        first = t->first[0];
        end = t->first[down->n - 1] + t->count[down->n - 1];
        for (int i = 0; i < down->n; i++) t->first[i] -= first;
    }
    size_t pixel = (size_t)in->channels, stride = (size_t)in->width * pixel;
    bool cut = across->in == across->out;
    return (rows){in->pixels + (size_t)first * stride + (cut ? (size_t)across->first * pixel : 0), stride, end - first, cut ? across->n : in->width,
                  in->channels};
}

static foil_status resized(const image *in, taps *t, const resize_axis *down, const resize_axis *across, resize_filter f, image *out) {
    rows from = needed(in, t, down, across);
    if (across->in == across->out) return t->first ? resized_height(&from, t, down->n, out) : copied(&from, out);
    if (!t->first) return resized_width(&from, across, f, out);
    image half;
    TRY(resized_width(&from, across, f, &half));
    foil_status s =
        resized_height(&(rows){half.pixels, (size_t)half.width * (size_t)half.channels, half.height, half.width, half.channels}, t, down->n, out);
    image_free(&half);
    return s;
}

foil_status image_resize_part(const image *in, resize_axis down, resize_axis across, resize_filter f, image *out) {
    *out = (image){0};
    if (down.n < 1 || across.n < 1 || down.in < 1 || across.in < 1)
        return foil_fail(FOIL_INVALID, "cannot resize %d x %d pixels to %d x %d", across.in, down.in, across.n, down.n);
    taps t = {0};
    if (down.in != down.out) TRY(taps_new(&down, f, &t));
    foil_status s = resized(in, &t, &down, &across, f, out);
    taps_free(&t);
    return s;
}

foil_status image_resize(const image *in, int height, int width, resize_filter f, image *out) {
    return image_resize_part(in, (resize_axis){in->height, height, 0, height}, (resize_axis){in->width, width, 0, width}, f, out);
}
