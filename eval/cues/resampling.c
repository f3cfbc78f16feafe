// Traces of resizing: interpolated pixels depend on their neighbours more at some places than at others, periodically.
//
// v(j) = mean over the lines of |2 x(j) - x(j-1) - x(j+1)|; its Fourier transform has a peak at the frequency 1/s, folded to 0 ... ½, if the picture was scaled
// up by s (Gallagher: Detection of Linear and Cubic Interpolation in JPEG Compressed Images, CRV 2005). JPEG's blocks leave peaks at all multiples of 1/8: one
// of those counts only by what it has above the highest of the others.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <kiss_fftr.h>

#include "base/sort.h"
#include "eval/cues/cue.h"

enum { ACROSS, DOWN, FREQUENCY, FACTOR };
enum { LEAST = 24, LOCAL = 12 };
static const double NOTABLE = 17, LOWEST = .04; // dB; below it is the picture itself

typedef struct trace {
    int n;                          // a multiple of 8
    double *magnitude, *prominence; // [n / 2 + 1]; the latter in dB
    double strength, frequency;     // of the most prominent; of the highest that counts, or NaN
} trace;

static void second_derivative(const cue_scene *s, bool down, int n, double *v) {
    const int height = s->picture->height, width = s->picture->width;
    const int lines = down ? width : height, before = ((down ? height : width) - n) / 2;
    const size_t step = down ? (size_t)width : 1;
    memset(v, 0, (size_t)n * sizeof *v);
    if (down) {
        for (int j = 0; j < n; j++) {
            const float *x = s->luma + (size_t)(before + j) * step;
            for (int i = 0; i < lines; i++, x++) v[j] += fabsf(2 * x[0] - x[-(ptrdiff_t)step] - x[step]);
        }
        return;
    }
    for (int i = 0; i < lines; i++) {
        const float *x = s->luma + (size_t)i * (size_t)width + before;
        for (int j = 0; j < n; j++, x++) v[j] += fabsf(2 * x[0] - x[-1] - x[1]);
    }
}

static foil_status transform(const double *v, trace *t, arena *scratch) {
    size_t n = (size_t)t->n, bytes = 0;
    kiss_fftr_alloc(t->n, 0, NULL, &bytes);
    void *plan = arena_alloc(scratch, bytes);
    float *x = arena_alloc(scratch, n * sizeof *x);
    kiss_fft_cpx *f = arena_alloc(scratch, (n / 2 + 1) * sizeof *f);
    if (!plan || !x || !f) return foil_fail_memory(n * sizeof *f, "a spectrum");
    double mean = 0;
    for (size_t i = 0; i < n; i++) mean += v[i] / (double)n;
    for (size_t i = 0; i < n; i++) x[i] = (float)((v[i] - mean) * (.5 - .5 * cos(2 * M_PI * ((double)i + .5) / (double)n)));
    kiss_fftr(kiss_fftr_alloc(t->n, 0, plan, &bytes), x, f);
    for (size_t k = 0; k <= n / 2; k++) t->magnitude[k] = hypot(f[k].r, f[k].i);
    return FOIL_OK;
}

// The median of what surrounds k, itself and its neighbours, over which the window smears it, apart.
static double surroundings(const trace *t, int k) {
    double near[2 * LOCAL];
    int n = 0;
    for (int d = -LOCAL; d <= LOCAL; d++)
        if (abs(d) > 2 && k + d >= 2 && k + d <= t->n / 2) near[n++] = t->magnitude[k + d];
    if (n == 0) return INFINITY;
    sort_numbers(near, (size_t)n);
    return near[n / 2] + 1e-9;
}

static void find_peak(trace *t) {
    const int eighth = t->n / 8;
    double of_blocks[2] = {0}; // the two highest of 1/8 … 4/8
    for (int m = 1; m <= 4; m++) {
        double v = t->magnitude[m * eighth];
        of_blocks[1] = fmax(of_blocks[1], fmin(v, of_blocks[0]));
        of_blocks[0] = fmax(of_blocks[0], v);
    }
    double highest = 0; // of the peaks that count: the first harmonic is higher than the others, if not always more prominent
    t->strength = t->frequency = NAN;
    for (int k = (int)fmax(3, ceil(LOWEST * t->n)); k <= t->n / 2; k++) {
        double below = surroundings(t, k);
        int nearest = (k + eighth / 2) / eighth * eighth;
        if (abs(k - nearest) == 1 || (abs(k - nearest) == 2 && eighth > 4)) below = fmax(below, t->magnitude[nearest]); // only smeared
        if (k == nearest) below = fmax(below, t->magnitude[k] == of_blocks[0] ? of_blocks[1] : of_blocks[0]);
        t->prominence[k] = 20 * log10((t->magnitude[k] + 1e-9) / below);
        t->strength = fmax(t->strength, t->prominence[k]);
        if (t->prominence[k] < NOTABLE || t->magnitude[k] <= highest) continue;
        highest = t->magnitude[k];
        t->frequency = (double)k / t->n;
    }
}

static foil_status trace_lines(const cue_scene *s, bool down, trace *t, arena *scratch) {
    int length = down ? s->picture->height : s->picture->width;
    *t = (trace){.n = (length - 2) / 8 * 8, .strength = NAN, .frequency = NAN};
    if (t->n < LEAST) return FOIL_OK;
    size_t n = (size_t)t->n;
    double *v = arena_alloc(scratch, n * sizeof *v);
    t->magnitude = arena_alloc(scratch, n * sizeof *v);
    t->prominence = arena_alloc(scratch, n * sizeof *v);
    if (!v || !t->magnitude || !t->prominence) return foil_fail_memory(n * 3 * sizeof *v, "a trace of resizing");
    second_derivative(s, down, t->n, v);
    TRY(transform(v, t, scratch));
    find_peak(t);
    return FOIL_OK;
}

// Long curves keep the highest of neighbouring points.
static void draw(const trace t[2], const double *value, cue_plot *plot) {
    enum { POINTS = 256 };
    *plot = (cue_plot){.title = "Periodic traces of resizing", .x = "cycles per pixel", .y = "above surroundings, dB", .series = 2, .n = POINTS};
    for (int axis = 0; axis < 2; axis++) {
        plot->name[axis] = axis ? "down" : "across";
        for (int i = 0; i < POINTS; i++) {
            plot->at[i] = .5 * (i + 1) / POINTS;
            plot->value[axis][i] = NAN;
            if (!t[axis].prominence) continue;
            int from = (int)ceil(.5 * (i + .5) / POINTS * t[axis].n), to = (int)floor(.5 * (i + 1.5) / POINTS * t[axis].n);
            if (from >= to) from = to = (int)lround(plot->at[i] * t[axis].n);
            for (int k = from; k <= to && k <= t[axis].n / 2; k++)
                if (k >= LOWEST * t[axis].n) plot->value[axis][i] = fmax(plot->value[axis][i], t[axis].prominence[k]);
        }
    }
    cue_plot_mark(plot, value[FREQUENCY], "peak");
}

static foil_status measure(const cue_scene *s, double *value, cue_plot *plot, arena *scratch) {
    trace t[2];
    for (int i = 0; i < CUE_NUMBERS; i++) value[i] = NAN;
    TRY(trace_lines(s, false, &t[0], scratch));
    TRY(trace_lines(s, true, &t[1], scratch));
    value[ACROSS] = t[0].strength;
    value[DOWN] = t[1].strength;
    const trace *best = t[1].strength > t[0].strength || isnan(t[0].strength) ? &t[1] : &t[0];
    value[FREQUENCY] = best->frequency;
    value[FACTOR] = 1 / (1 - best->frequency);
    if (plot && best->n >= LEAST) draw(t, value, plot);
    return FOIL_OK;
}

static void words(const cue_scene *s, const double *value, text *out) {
    (void)s;
    if (isnan(value[ACROSS]) && isnan(value[DOWN])) {
        text_format(out, "The picture is too small to look for resizing: %d pixels are needed.", LEAST + 2);
    } else if (isnan(value[FREQUENCY])) {
        text_format(
            out,
            "No periodic trace of resizing (the strongest stands out by %.0f dB; %.0f would count). Reduction leaves hardly any, and compression "
            "afterwards wipes them out.",
            fmax(value[ACROSS], value[DOWN]), NOTABLE);
    } else {
        text_format(out, "Peaks of up to %.0f dB, the highest at %.4f cycles per pixel: traces of enlarging by %.3f or by %.3f. ",
                    fmax(value[ACROSS], value[DOWN]), value[FREQUENCY], value[FACTOR], 1 / value[FREQUENCY]);
        text_add(out, "Ordinary editing, thumbnails and digital zoom leave the same, and so do regular textures.");
    }
}

const cue CUE_RESAMPLING = {
    "resampling",
    "periodic traces of enlarging",
    "Gallagher 2005",
    {[ACROSS] = {"across", "dB", "the strongest peak of |DFT| of the mean second derivative along rows, above its surroundings", true},
     [DOWN] = {"down", "dB", "the same along columns", true},
     [FREQUENCY] = {"frequency", "cycles per pixel", "where it is; none below 17 dB", false},
     [FACTOR] = {"factor", "", "the factor below 2 that gives it, 1 / (1 - frequency); 1 / frequency gives it as well", false}},
    measure,
    words};
