// What is left when everything smooth is taken away: the noise.
//
// Immerkær's operator (Fast Noise Variance Estimation, CVIU 1996), [1 -2 1; -2 4 -2; 1 -2 1] / 6, keeps the deviation of white noise and removes what is
// locally a plane: sigma = median |r| / 0.6745, which edges raise less than a mean. A sensor's noise is nearly white and grows with brightness (Foi et al.:
// IEEE TIP 2008); enlarged, denoised or generated pictures lack fine noise: the same operator with its taps two pixels apart then finds more. Colour filters of
// cameras and common processing make the noise of the three colours alike.
#include <math.h>

#include "eval/cues/cue.h"

enum { SIGMA, WHITENESS, TREND, KURTOSIS, COLOURS };
enum { BINS = 1024, BY_BRIGHTNESS = 16, LEAST = 16, LEAST_IN_BIN = 64 };
static const float DARKEST = 8, BRIGHTEST = 247, WIDTH = .125F; // what is clipped has no noise; grey levels of a bin of |r|

typedef struct residuals {
    int of[BY_BRIGHTNESS][BINS], n[BY_BRIGHTNESS];
    double square, fourth; // sums of r² and r⁴
} residuals;

static float operator_at(const float *x, size_t row, size_t d) {
    const float *a = x - d * row, *c = x + d * row;
    return (4 * x[0] - 2 * (a[0] + c[0] + *(x - d) + x[d]) + *(a - d) + a[d] + *(c - d) + c[d]) / 6;
}

static void collect(const cue_scene *s, int distance, residuals *out) {
    size_t width = (size_t)s->picture->width, height = (size_t)s->picture->height, d = (size_t)distance;
    for (size_t y = d; y + d < height; y++)
        for (size_t x = d; x + d < width; x++) {
            const float *at = s->luma + y * width + x;
            if (*at < DARKEST || *at > BRIGHTEST) continue;
            float r = operator_at(at, width, d), bright = (at[0] + *(at - 1) + at[1] + *(at - width) + at[width]) / 5;
            int bin = (int)(fabsf(r) / WIDTH), by = (int)(bright * BY_BRIGHTNESS / 256);
            out->of[by][bin < BINS ? bin : BINS - 1]++;
            out->n[by]++;
            out->square += (double)r * r;
            out->fourth += (double)r * r * (double)r * r;
        }
}

// From the median of |r| in bins from..to-1 of brightness.
static double sigma_of(const residuals *r, int from, int to) {
    int n = 0, below = 0;
    for (int b = from; b < to; b++) n += r->n[b];
    if (n < LEAST_IN_BIN) return NAN;
    for (int i = 0; i < BINS; i++) {
        int here = 0;
        for (int b = from; b < to; b++) here += r->of[b][i];
        if (2 * (below + here) >= n) return (i + (.5 * n - below) / here) * (double)WIDTH / .6745;
        below += here;
    }
    return NAN;
}

// Of log2 sigma against brightness 0..1, each bin by its number of pixels.
static double trend_of(const residuals *r) {
    double n = 0, x1 = 0, x2 = 0, y1 = 0, xy = 0;
    int bins = 0;
    for (int b = 0; b < BY_BRIGHTNESS; b++) {
        double sigma = sigma_of(r, b, b + 1), x = (b + .5) / BY_BRIGHTNESS;
        if (!(sigma > 0)) continue;
        double w = r->n[b], y = log2(sigma);
        n += w;
        x1 += w * x;
        x2 += w * x * x;
        y1 += w * y;
        xy += w * x * y;
        bins++;
    }
    return bins < 3 ? (double)NAN : (n * xy - x1 * y1) / (n * x2 - x1 * x1);
}

static double operator_in(const uint8_t *x, size_t row) {
    const uint8_t *a = x - row, *c = x + row;
    return 4 * x[0] - 2 * (a[0] + c[0] + *(x - 3) + x[3]) + *(a - 3) + a[3] + *(c - 3) + c[3];
}

// Mean correlation of what the operator finds in red and green, and in green and blue.
static double colours_of(const image *im) {
    if (im->channels != 3) return NAN;
    size_t row = 3 * (size_t)im->width;
    double sum[3] = {0}, rg = 0, gb = 0;
    for (size_t y = 1; y + 1 < (size_t)im->height; y++)
        for (size_t x = 1; x + 1 < (size_t)im->width; x++) {
            const uint8_t *at = im->pixels + y * row + 3 * x;
            double r = operator_in(at, row), g = operator_in(at + 1, row), b = operator_in(at + 2, row);
            sum[0] += r * r;
            sum[1] += g * g;
            sum[2] += b * b;
            rg += r * g;
            gb += g * b;
        }
    if (sum[0] == 0 || sum[1] == 0 || sum[2] == 0) return NAN;
    return (rg / sqrt(sum[0] * sum[1]) + gb / sqrt(sum[1] * sum[2])) / 2;
}

static void draw(const residuals *r, cue_plot *plot) {
    *plot = (cue_plot){.title = "Noise by brightness", .x = "brightness", .y = "sigma, grey levels", .series = 1, .n = BY_BRIGHTNESS};
    for (int b = 0; b < BY_BRIGHTNESS; b++) {
        plot->at[b] = (b + .5) * 256 / BY_BRIGHTNESS;
        plot->value[0][b] = sigma_of(r, b, b + 1);
    }
}

static foil_status measure(const cue_scene *s, double *value, cue_plot *plot, arena *scratch) {
    for (int i = 0; i < CUE_NUMBERS; i++) value[i] = NAN;
    if (s->picture->height < LEAST || s->picture->width < LEAST) return FOIL_OK;
    residuals *near = arena_alloc(scratch, sizeof *near), *far = arena_alloc(scratch, sizeof *far);
    if (!near || !far) return foil_fail_memory(2 * sizeof *near, "a noise estimate");
    collect(s, 1, near);
    collect(s, 2, far);
    double n = 0, coarse = sigma_of(far, 0, BY_BRIGHTNESS);
    for (int b = 0; b < BY_BRIGHTNESS; b++) n += near->n[b];
    value[SIGMA] = sigma_of(near, 0, BY_BRIGHTNESS);
    if (coarse > 0) value[WHITENESS] = value[SIGMA] / coarse;
    value[TREND] = trend_of(near);
    if (near->square > 0) value[KURTOSIS] = log2(near->fourth * n / (near->square * near->square) / 3);
    value[COLOURS] = colours_of(s->picture);
    if (plot && !isnan(value[SIGMA])) draw(near, plot);
    return FOIL_OK;
}

static void words(const cue_scene *s, const double *value, text *out) {
    (void)s;
    if (isnan(value[SIGMA])) {
        text_add(out, "Too small, too dark or too bright for an estimate of noise.");
        return;
    }
    text_format(out, "Fine noise has a deviation of %.2f grey levels. ", value[SIGMA]);
    if (value[WHITENESS] < .6)
        text_format(out,
                    "It is not fine-grained (%.2f of what is found two pixels apart; a bare sensor's noise has 1): smoothed, enlarged, compressed or "
                    "generated. ",
                    value[WHITENESS]);
    else if (!isnan(value[WHITENESS]))
        text_format(out, "It is about as strong at one pixel's distance as at two (%.2f), as grain that nothing has smoothed. ", value[WHITENESS]);
    if (value[TREND] > .5)
        text_add(out, "It grows with brightness, as a sensor's does. ");
    else if (!isnan(value[TREND]))
        text_add(out, "It does not grow with brightness; after a camera's own processing it often does not. ");
    text_add(out, "Texture counts as noise here, and noise can be added by anyone.");
}

const cue CUE_NOISE = {"noise",
                       "what is left when everything smooth is taken away",
                       "Immerkaer 1996, Foi et al. 2008",
                       {[SIGMA] = {"sigma", "grey levels", "deviation of the fine noise, from a median", true},
                        [WHITENESS] = {"whiteness", "", "sigma over that of taps two pixels apart: 1 = white", true},
                        [TREND] = {"trend", "octaves", "growth of sigma from black to white", true},
                        [KURTOSIS] = {"kurtosis", "octaves", "log2 of the residual's kurtosis over a normal distribution's", true},
                        [COLOURS] = {"colours", "", "correlation of the residuals of neighbouring colours", true}},
                       measure,
                       words};
