// JPEG's 8 x 8 blocks, and where their grid lies.
//
// z = |a - b - c + d| of each square of four pixels. Squares across a block's edge have larger ones than squares inside: K = Σ over values of |H_across -
// H_inside|, the two relative histograms, for each of the eight columns (rows) in which the edges may lie (Fan, de Queiroz: Identification of Bitmap
// Compression History, IEEE TIP 2003). Columns and rows are judged apart, which uses every square instead of one in 64. The column of the largest K gives the
// grid, if its squares are the rougher ones and K stands out from the other seven.
#include "eval/cues/blocks.h"

#include <math.h>
#include <string.h>

enum { STRENGTH, ALIGNED, CHANCE, OFFSET_X, OFFSET_Y };
enum { BINS = 64 };
static const double NOTABLE = 8; // standard deviations

typedef struct counts {
    int of[BLOCK][BINS], n[BLOCK];
    double sum[BLOCK];
} counts;

static void count_squares(const cue_scene *s, counts side[2]) {
    const int height = s->picture->height, width = s->picture->width;
    for (int y = 0; y + 1 < height; y++) {
        const float *a = s->luma + (size_t)y * (size_t)width, *c = a + width;
        for (int x = 0; x + 1 < width; x++) {
            float z = fabsf(a[x] - a[x + 1] - c[x] + c[x + 1]);
            int bin = z < BINS - 1 ? (int)(z + .5F) : BINS - 1;
            side[0].of[x % BLOCK][bin]++;
            side[0].sum[x % BLOCK] += (double)z;
            side[1].of[y % BLOCK][bin]++;
            side[1].sum[y % BLOCK] += (double)z;
        }
    }
    for (int i = 0; i < 2 * BLOCK; i++)
        for (int b = 0; b < BINS; b++) side[i / BLOCK].n[i % BLOCK] += side[i / BLOCK].of[i % BLOCK][b];
}

static double median(const double *k) {
    double sorted[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        int j = i;
        for (; j > 0 && sorted[j - 1] > fabs(k[i]); j--) sorted[j] = sorted[j - 1];
        sorted[j] = fabs(k[i]);
    }
    return (sorted[BLOCK / 2 - 1] + sorted[BLOCK / 2]) / 2;
}

static void judge(const counts *s, block_phases *out) {
    int all[BINS] = {0}, total = 0;
    double mean = 0, variance = 0;
    for (int c = 0; c < BLOCK; c++) {
        for (int b = 0; b < BINS; b++) all[b] += s->of[c][b];
        total += s->n[c];
        mean += s->sum[c];
    }
    mean /= total;
    *out = (block_phases){0};
    for (int c = 0; c < BLOCK; c++) {
        for (int b = 0; b < BINS; b++) out->k[c] += fabs((double)s->of[c][b] / s->n[c] - (double)(all[b] - s->of[c][b]) / (total - s->n[c]));
        if (s->sum[c] / s->n[c] < mean) out->k[c] = -out->k[c];
        if (out->k[c] > out->k[out->best]) out->best = c;
    }
    out->strength = out->k[out->best] - median(out->k);
    // Without blocks each bin's difference is normal around 0, and the variance of its absolute value 1 - 2/π of its own.
    for (int b = 0; b < BINS; b++) variance += (1 - 2 / M_PI) * all[b] / total / s->n[out->best];
    out->chance = out->strength / sqrt(variance);
}

bool blocks_find(const cue_scene *s, block_phases phases[2]) {
    if (s->picture->height < BLOCKS_LEAST || s->picture->width < BLOCKS_LEAST) return false;
    counts side[2] = {0};
    count_squares(s, side);
    for (int i = 0; i < 2; i++) judge(&side[i], &phases[i]);
    return true;
}

int blocks_offset(const block_phases *p) {
    return p->chance >= NOTABLE ? (p->best + 1) % BLOCK : 0;
}

static foil_status measure(const cue_scene *s, double *value, cue_plot *plot, arena *scratch) {
    (void)scratch;
    block_phases p[2];
    for (int i = 0; i < CUE_NUMBERS; i++) value[i] = NAN;
    if (!blocks_find(s, p)) return FOIL_OK;
    value[STRENGTH] = (p[0].strength + p[1].strength) / 2;
    value[ALIGNED] = (p[0].k[BLOCK - 1] - median(p[0].k) + p[1].k[BLOCK - 1] - median(p[1].k)) / 2;
    value[CHANCE] = fmin(p[0].chance, p[1].chance);
    if (value[CHANCE] >= NOTABLE) {
        value[OFFSET_X] = blocks_offset(&p[0]);
        value[OFFSET_Y] = blocks_offset(&p[1]);
    }
    if (!plot) return FOIL_OK;
    *plot = (cue_plot){.title = "Where 8 x 8 blocks may begin",
                       .x = "column or row, modulo 8",
                       .y = "K",
                       .series = 2,
                       .n = BLOCK,
                       .bars = true,
                       .name = {"columns", "rows"}};
    for (int o = 0; o < BLOCK; o++) {
        plot->at[o] = o;
        for (int i = 0; i < 2; i++) plot->value[i][o] = p[i].k[(o + BLOCK - 1) % BLOCK];
    }
    return FOIL_OK;
}

static void words(const cue_scene *s, const double *value, text *out) {
    (void)s;
    if (isnan(value[STRENGTH])) {
        text_format(out, "The picture is too small to look for blocks: %d pixels each way are needed.", BLOCKS_LEAST);
    } else if (isnan(value[OFFSET_X])) {
        text_add(out, "No 8 x 8 blocks can be seen: never a JPEG, one of high quality, or resized since.");
    } else if (value[OFFSET_X] == 0 && value[OFFSET_Y] == 0) {
        text_add(
            out,
            "8 x 8 blocks that begin at the corner: a JPEG, or the copy of one, that was not cropped (or by whole blocks). It says nothing about "
            "where the picture came from before.");
    } else {
        text_format(
            out,
            "8 x 8 blocks, the first of which begins at column %.0f, row %.0f: cropped or moved after it was a JPEG. That is an everyday edit; "
            "a region pasted in may have another grid, which this number, of the whole picture, does not show.",
            value[OFFSET_X], value[OFFSET_Y]);
    }
}

const cue CUE_BLOCKS = {"blocks",
                        "JPEG's 8 x 8 blocks and where their grid lies",
                        "Fan, de Queiroz 2003",
                        {[STRENGTH] = {"strength", "", "K of the best column and row above the median of all eight, mean of both", true},
                         [ALIGNED] = {"aligned", "", "the same of the grid that begins at the corner", true},
                         [CHANCE] = {"chance", "standard deviations", "how far the weaker of both stands above chance; 8 count", false},
                         [OFFSET_X] = {"offset x", "pixels", "first column of a block; none if no grid stands out", false},
                         [OFFSET_Y] = {"offset y", "pixels", "first row of a block", false}},
                        measure,
                        words};
