// What JPEG's quantisation left in the picture: once, or twice.
//
// On the grid that blocks.c finds (the corner's, if none): the cosine transform of the blocks' brightness. After one JPEG the coefficients of a frequency lie
// near multiples of its step q: the comb, mean of cos(2π c / q) over coefficients that are not near 0; rounding to 8 bits leaves exp(-2π² σ² / q²) of it, σ² =
// 1/12. The steps of nine low frequencies give the quality of libjpeg whose table is nearest. Had the picture been a JPEG of other steps q1 before, then of the
// quantised values v = round(c / q) only those occur often that collect many multiples of q1, n(v) = q1 (floor(q / q1 (v + ½)) - ceil(q / q1 (v - ½)) + 1):
// their histogram is periodic (Popescu, Farid: Statistical Tools for Digital Forensics, IH 2004; Lukáš, Fridrich 2003).
#include <math.h>
#include <string.h>

#include "eval/cues/blocks.h"

enum { COMB, QUALITY, DOUBLE, CHANCE };
enum {
    COEFFICIENTS = 9,
    MOST_BLOCKS = 4096,
    LEAST_BLOCKS = 9,
    MOST_STEP = 64,
    VALUES = 24,
    FREQUENCIES = 128,
    LEAST_NONZERO = 24,
    LEAST_VALUES = 8,
    LEAST_AT_END = 16
};
static const double COMB_NOTABLE = .35, DOUBLE_NOTABLE = .3, CHANCE_NOTABLE = 14;

// Row and column of the first frequencies, and the luminance table of JPEG's annex K for them.
static const unsigned char AT[COEFFICIENTS][2] = {{0, 1}, {1, 0}, {2, 0}, {1, 1}, {0, 2}, {0, 3}, {1, 2}, {2, 1}, {3, 0}};
static const unsigned char TABLE[COEFFICIENTS] = {11, 12, 14, 12, 10, 16, 14, 13, 14};

typedef struct coefficient {
    float *value; // [blocks]
    int step;     // 0: not known
    double comb;  // of the step, or the best that there is
    // Of the histogram of quantised values, which may be periodic:
    double histogram[VALUES + 1]; // of |v|
    double periodic, chance;      // the period's amplitude in the logarithm; its power in units of what chance gives on average
} coefficient;

typedef struct blocks {
    int n;
    coefficient of[COEFFICIENTS];
} blocks;

static foil_status transform(const cue_scene *s, const block_phases phases[2], blocks *b, arena *scratch) {
    const int left = blocks_offset(&phases[0]), top = blocks_offset(&phases[1]), width = s->picture->width;
    const int columns = (width - left) / BLOCK, rows = (s->picture->height - top) / BLOCK, all = rows * columns;
    double basis[4][BLOCK];
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < BLOCK; i++) basis[k][i] = (k ? .5 : sqrt(.125)) * cos((2 * i + 1) * k * M_PI / 16);
    b->n = all < MOST_BLOCKS ? all : MOST_BLOCKS;
    for (int c = 0; c < COEFFICIENTS; c++) {
        b->of[c].value = arena_alloc(scratch, (size_t)b->n * sizeof(float));
        if (!b->of[c].value) return foil_fail_memory((size_t)b->n * sizeof(float), "JPEG's coefficients");
    }
    for (int i = 0; i < b->n; i++) {
        int at = (int)((int64_t)i * all / b->n);
        const float *x = s->luma + (size_t)(top + at / columns * BLOCK) * (size_t)width + (size_t)(left + at % columns * BLOCK);
        double rows_of[4][BLOCK] = {{0}}; // transformed along each row
        for (int y = 0; y < BLOCK; y++)
            for (int k = 0; k < 4; k++)
                for (int j = 0; j < BLOCK; j++) rows_of[k][y] += basis[k][j] * x[(size_t)y * (size_t)width + (size_t)j];
        for (int c = 0; c < COEFFICIENTS; c++) {
            double sum = 0;
            for (int y = 0; y < BLOCK; y++) sum += basis[AT[c][0]][y] * rows_of[AT[c][1]][y];
            b->of[c].value[i] = (float)sum;
        }
    }
    return FOIL_OK;
}

// cos 2πx for x >= 0 by its series, to .002.
static float cosine(float x) {
    float u = x - (float)(int)(x + .5F), t = 39.4784F * u * u;
    return 1 - t / 2 * (1 - t / 12 * (1 - t / 30 * (1 - t / 56 * (1 - t / 90))));
}

// How near the coefficients lie to multiples of a step, by chance's deviation less.
static double comb_of(const coefficient *c, int n, int step) {
    double sum = 0;
    int used = 0;
    for (int i = 0; i < n; i++) {
        float v = fabsf(c->value[i]) / (float)step;
        if (v < .5F) continue;
        sum += (double)cosine(v);
        used++;
    }
    return used < LEAST_NONZERO ? NAN : sum / used - 1.5 / sqrt(used);
}

// The step itself has a stronger comb than its divisors, of which it has all the teeth: rounding blurs theirs more.
static void find_step(coefficient *c, int n) {
    c->comb = NAN;
    for (int q = 2; q <= MOST_STEP; q++) {
        double comb = comb_of(c, n, q);
        if (!(comb > c->comb) && !isnan(c->comb)) continue;
        c->comb = comb;
        c->step = q;
    }
    if (!(c->comb >= COMB_NOTABLE)) c->step = 0;
}

// libjpeg's step of table entry c at a quality (jpeg_quality_scaling).
static int step_at(int c, int quality) {
    int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality, step = (TABLE[c] * scale + 50) / 100;
    return step < 1 ? 1 : step;
}

static double nearest_quality(const blocks *b) {
    double best = NAN, least = INFINITY;
    for (int quality = 100; quality >= 1; quality--) {
        double distance = 0;
        int known = 0;
        for (int c = 0; c < COEFFICIENTS; c++) {
            if (!b->of[c].step) continue;
            distance += fabs(log((double)step_at(c, quality) / b->of[c].step));
            known++;
        }
        if (!known || distance >= least) continue;
        least = distance;
        best = quality;
    }
    return best;
}

// The parabola through the logarithms of up to six neighbours on each side, at v: what the histogram would be without a period.
// Weights n, x1 … are of 1, x, x² …
static double smooth_at(const double *h, int last, int v) {
    double m[5] = {0}, y[3] = {0};
    for (int i = v - 6; i <= v + 6; i++) {
        if (i < 1 || i > last) continue;
        double x = 1;
        for (int k = 0; k < 5; k++, x *= i - v) {
            m[k] += x;
            if (k < 3) y[k] += x * log(h[i] + .5);
        }
    }
    double a = m[2] * m[4] - m[3] * m[3], b = m[1] * m[4] - m[2] * m[3], c = m[1] * m[3] - m[2] * m[2];
    return (y[0] * a - y[1] * b + y[2] * c) / (m[0] * a - m[1] * b + m[2] * c);
}

// Fills the histogram of |v| and looks for a period in its logarithm above or below the smooth one.
static void find_period(coefficient *c, int n) {
    double above[VALUES + 1], variance = 0;
    int last = VALUES;
    for (int i = 0; i < n; i++) {
        long v = lroundf(fabsf(c->value[i]) / (float)c->step);
        if (v <= VALUES) c->histogram[v]++;
    }
    while (last > 1 && c->histogram[last] + c->histogram[last - 1] < LEAST_AT_END) last--;
    if (last < LEAST_VALUES) return;
    for (int v = 2; v <= last; v++) {
        double smooth = smooth_at(c->histogram, last, v);
        above[v] = log(c->histogram[v] + .5) - smooth;
        variance += 1 / (exp(smooth) + 1) / (last - 1);
    }
    for (int k = 0; k < FREQUENCIES; k++) {
        double f = .12 + (.5 - .12) * k / (FREQUENCIES - 1), re = 0, im = 0;
        for (int v = 2; v <= last; v++) {
            re += above[v] * cos(2 * M_PI * f * v);
            im += above[v] * sin(2 * M_PI * f * v);
        }
        double share = hypot(re, im) / (last - 1), chance = share * share * (last - 1) / variance;
        if (share <= c->periodic) continue;
        c->periodic = share;
        c->chance = chance;
    }
}

static const coefficient *most_periodic(const blocks *b) {
    const coefficient *best = &b->of[0];
    for (int c = 1; c < COEFFICIENTS; c++)
        if (b->of[c].periodic > best->periodic) best = &b->of[c];
    return best;
}

static void judge(blocks *b, double *value) {
    double comb = 0;
    int known = 0;
    for (int i = 0; i < COEFFICIENTS; i++) {
        coefficient *c = &b->of[i];
        find_step(c, b->n);
        if (isnan(c->comb)) continue;
        comb += c->comb;
        known++;
        if (c->step) find_period(c, b->n);
    }
    if (!known) return;
    value[COMB] = comb / known;
    value[QUALITY] = nearest_quality(b);
    if (isnan(value[QUALITY])) return;
    value[DOUBLE] = most_periodic(b)->periodic;
    value[CHANCE] = most_periodic(b)->chance;
}

static void draw(const blocks *b, cue_plot *plot) {
    const coefficient *best = most_periodic(b);
    *plot = (cue_plot){.title = "Quantised coefficients of the most periodic low frequency",
                       .x = "value, in steps",
                       .y = "blocks",
                       .series = 1,
                       .n = VALUES,
                       .bars = true};
    for (int v = 1; v <= VALUES; v++) {
        plot->at[v - 1] = v;
        plot->value[0][v - 1] = best->histogram[v];
    }
}

static foil_status measure(const cue_scene *s, double *value, cue_plot *plot, arena *scratch) {
    block_phases phases[2];
    blocks b = {0};
    for (int i = 0; i < CUE_NUMBERS; i++) value[i] = NAN;
    if (!blocks_find(s, phases)) return FOIL_OK;
    TRY(transform(s, phases, &b, scratch));
    judge(&b, value);
    if (plot && !isnan(value[DOUBLE])) draw(&b, plot);
    return FOIL_OK;
}

static void words(const cue_scene *s, const double *value, text *out) {
    (void)s;
    if (isnan(value[COMB])) {
        text_add(out, "Too few blocks with detail to look for JPEG's quantisation.");
    } else if (isnan(value[QUALITY])) {
        text_add(out, "No trace of JPEG's quantisation at this size: never a JPEG, one of very high quality, or resized since.");
    } else {
        text_format(out, "Quantised as by a JPEG of quality %.0f or so, at this very size. ", value[QUALITY]);
        if (value[DOUBLE] >= DOUBLE_NOTABLE && value[CHANCE] >= CHANCE_NOTABLE)
            text_format(
                out,
                "The numbers of its quantised values go up and down periodically (by a factor of %.1f): saved as a JPEG of other quality before, as "
                "most pictures that were edited or forwarded.",
                exp(2 * value[DOUBLE]));
        else
            text_add(out, "Nothing shows that it was a JPEG of other quality before; equal or finer steps before would not show.");
    }
}

const cue CUE_JPEG = {"jpeg",
                      "what JPEG's quantisation left: once, or twice",
                      "Popescu, Farid 2004; Lukas, Fridrich 2003",
                      {[COMB] = {"comb", "", "how near low frequencies lie to multiples of a step: 1 = on them, 0 = anywhere", true},
                       [QUALITY] = {"quality", "", "libjpeg's whose table is nearest to these steps; none if there is no comb", true},
                       [DOUBLE] = {"double", "", "amplitude of the strongest period in the logarithm of their histogram; 0.3 count", true},
                       [CHANCE] = {"chance", "", "power of that period in units of what chance gives on average; 14 count", false}},
                      measure,
                      words};
