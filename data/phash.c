#include "data/phash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sort.h"

enum { SIDE = PHASH_SIDE, LOW = 8 };

// The mean of a cell of at least one pixel, as ITU-R 601-2 luma.
static uint8_t cell_mean(const image *im, int row, int column) {
    int top = row * im->height / SIDE, bottom = (row + 1) * im->height / SIDE, left = column * im->width / SIDE,
        right = (column + 1) * im->width / SIDE;
    if (bottom == top) bottom++;
    if (right == left) right++;
    uint64_t sum = 0, pixels = (uint64_t)(bottom - top) * (uint64_t)(right - left);
    for (int y = top; y < bottom; y++) {
        const uint8_t *p = im->pixels + ((size_t)y * (size_t)im->width + (size_t)left) * (size_t)im->channels;
        for (int x = left; x < right; x++, p += im->channels) sum += im->channels == 1 ? p[0] * 1000u : p[0] * 299u + p[1] * 587u + p[2] * 114u;
    }
    return (uint8_t)((sum + pixels * 500) / (pixels * 1000));
}

// Frequencies 1 to 8 of each axis: the mean, and what varies along one axis alone, are left out.
static void transform(const uint8_t *thumb, float out[LOW * LOW]) {
    float basis[LOW][SIDE], half[SIDE][LOW];
    for (int f = 0; f < LOW; f++)
        for (int x = 0; x < SIDE; x++) basis[f][x] = (float)cos(M_PI * (f + 1) * (x + .5) / SIDE);
    for (int y = 0; y < SIDE; y++)
        for (int f = 0; f < LOW; f++) {
            half[y][f] = 0;
            for (int x = 0; x < SIDE; x++) half[y][f] += basis[f][x] * (float)thumb[y * SIDE + x];
        }
    for (int g = 0; g < LOW; g++)
        for (int f = 0; f < LOW; f++) {
            float sum = 0;
            for (int y = 0; y < SIDE; y++) sum += basis[g][y] * half[y][f];
            out[g * LOW + f] = sum;
        }
}

void phash_of(const image *im, phash *out) {
    float low[LOW * LOW], sorted[LOW * LOW];
    for (int i = 0; i < SIDE * SIDE; i++) out->thumb[i] = cell_mean(im, i / SIDE, i % SIDE);
    transform(out->thumb, low);
    memcpy(sorted, low, sizeof low);
    sort_floats(sorted, LOW * LOW);
    out->bits = 0;
    for (int i = 0; i < LOW * LOW; i++) out->bits |= (uint64_t)(low[i] >= sorted[LOW * LOW / 2]) << i;
}

static bool correlate(const uint8_t *a, const uint8_t *b) {
    const double n = SIDE * SIDE, flat = 4; // a variance of less than 4 grey levels, squared
    double sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        sa += a[i];
        sb += b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
        ab += a[i] * b[i];
    }
    double va = aa / n - sa / n * sa / n, vb = bb / n - sb / n * sb / n;
    return va > flat && vb > flat && ab / n - sa / n * sb / n >= .98 * sqrt(va * vb);
}

bool phash_alike(const phash *a, const phash *b) {
    return __builtin_popcountll(a->bits ^ b->bits) <= PHASH_NEAR && correlate(a->thumb, b->thumb);
}

// Hashes turned by 8 bits at a time, so that each part comes first once: sorting brings those that share it together.
typedef struct turned {
    uint64_t bits;
    int64_t at;
} turned;

static int by_bits(const void *a, const void *b) {
    const turned *x = a, *y = b;
    if (x->bits != y->bits) return x->bits < y->bits ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

foil_status phash_pairs(const phash *h, int64_t n, void (*pair)(int64_t i, int64_t j, void *context), void *context) {
    turned *t = malloc((size_t)(n + 1) * sizeof *t);
    if (!t) return foil_fail_memory((size_t)n * sizeof *t, "hashes of pictures");
    for (int part = 0; part < 64; part += 8) {
        for (int64_t i = 0; i < n; i++) t[i] = (turned){h[i].bits << part | (part ? h[i].bits >> (64 - part) : 0), i};
        qsort(t, (size_t)n, sizeof *t, by_bits);
        for (int64_t a = 0; a < n; a++)
            for (int64_t b = a + 1; b < n && b - a <= PHASH_CROWD && t[b].bits >> 56 == t[a].bits >> 56; b++) {
                if (!phash_alike(&h[t[a].at], &h[t[b].at])) continue;
                int64_t i = t[a].at, j = t[b].at;
                pair(i < j ? i : j, i < j ? j : i, context);
            }
    }
    free(t);
    return FOIL_OK;
}
