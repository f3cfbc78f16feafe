// How brightness and colours are distributed.
//
// Colourfulness: Hasler, Süsstrunk: Measuring Colourfulness in Natural Images, SPIE 2003. Generators avoid clipped pixels (McCloskey, Albright: Detecting
// GAN-generated Imagery using Saturation Cues, ICIP 2019) and treat colours otherwise than cameras (Li et al.: Signal Processing 2020). Gaps: levels between
// the 5 % and the 95 % quantile that no pixel has, which changed contrast leaves.
#include <math.h>

#include "eval/cues/cue.h"

enum { BRIGHTNESS, CONTRAST, DARK, BRIGHT, GAPS, COLOURFULNESS, SATURATION, FINE_COLOUR };

typedef struct levels {
    int64_t of[256], n;
} levels;

static void count_levels(const cue_scene *s, levels *l) {
    l->n = (int64_t)s->picture->height * s->picture->width;
    for (int64_t i = 0; i < l->n; i++) l->of[(int)(s->luma[i] + .5F)]++;
}

static void judge_levels(const levels *l, double *value) {
    double n = (double)l->n, mean = 0, square = 0;
    int64_t below = 0;
    int low = -1, high = -1, empty = 0;
    for (int v = 0; v < 256; v++) {
        mean += v * (double)l->of[v] / n;
        square += (double)v * v * (double)l->of[v] / n;
        below += l->of[v];
        if (low < 0 && (double)below >= .05 * n) low = v;
        if (high < 0 && (double)below >= .95 * n) high = v;
    }
    for (int v = low; v <= high; v++) empty += l->of[v] == 0;
    value[BRIGHTNESS] = mean;
    value[CONTRAST] = sqrt(fmax(0, square - mean * mean));
    value[DARK] = 100 * (double)(l->of[0] + l->of[1]) / n;
    value[BRIGHT] = 100 * (double)(l->of[254] + l->of[255]) / n;
    // A small picture has empty levels without anybody's doing.
    if (l->n >= 64 * (int64_t)(high - low + 1)) value[GAPS] = 100. * empty / (high - low + 1);
}

static void judge_colours(const image *im, double *value) {
    double n = (double)im->height * im->width, rg1 = 0, rg2 = 0, yb1 = 0, yb2 = 0, saturation = 0, fine_y = 0, fine_c = 0;
    for (int y = 0; y < im->height; y++) {
        const uint8_t *p = im->pixels + 3 * (size_t)y * (size_t)im->width;
        double before_y = 0, before_c = 0;
        for (int x = 0; x < im->width; x++, p += 3) {
            double r = p[0], g = p[1], b = p[2], rg = r - g, yb = (r + g) / 2 - b, most = fmax(r, fmax(g, b)), least = fmin(r, fmin(g, b));
            double luma = .299 * r + .587 * g + .114 * b, chroma = .5 * r - .4187 * g - .0813 * b;
            rg1 += rg / n;
            rg2 += rg * rg / n;
            yb1 += yb / n;
            yb2 += yb * yb / n;
            saturation += most > 0 ? (most - least) / most / n : 0;
            if (x) {
                fine_y += (luma - before_y) * (luma - before_y);
                fine_c += (chroma - before_c) * (chroma - before_c);
            }
            before_y = luma;
            before_c = chroma;
        }
    }
    double spread = fmax(0, rg2 - rg1 * rg1) + fmax(0, yb2 - yb1 * yb1);
    value[COLOURFULNESS] = sqrt(spread) + .3 * hypot(rg1, yb1);
    value[SATURATION] = 100 * saturation;
    if (fine_y > 0) value[FINE_COLOUR] = 10 * log10((fine_c + 1e-3 * n) / fine_y);
}

static void draw(const image *im, cue_plot *plot) {
    static const char *const NAMES[] = {"red", "green", "blue"};
    int64_t count[3][256] = {{0}};
    const int c = im->channels;
    const int64_t n = (int64_t)im->height * im->width;
    for (int64_t i = 0; i < n * c; i++) count[i % c][im->pixels[i]]++;
    *plot = (cue_plot){.title = "Levels", .x = "level", .y = "pixels, %", .series = c, .n = 256};
    for (int k = 0; k < c; k++) {
        plot->name[k] = c == 3 ? NAMES[k] : NULL;
        for (int v = 0; v < 256; v++) {
            plot->at[v] = v;
            plot->value[k][v] = 100 * (double)count[k][v] / (double)n;
        }
    }
}

static foil_status measure(const cue_scene *s, double *value, cue_plot *plot, arena *scratch) {
    (void)scratch;
    levels l = {0};
    for (int i = 0; i < CUE_NUMBERS; i++) value[i] = NAN;
    count_levels(s, &l);
    judge_levels(&l, value);
    if (s->picture->channels == 3) judge_colours(s->picture, value);
    if (plot) draw(s->picture, plot);
    return FOIL_OK;
}

static void words(const cue_scene *s, const double *value, text *out) {
    if (s->picture->channels == 3)
        text_format(out, "Colourfulness %.0f, saturation %.0f %%; ", value[COLOURFULNESS], value[SATURATION]);
    else
        text_add(out, "A grey picture; ");
    text_format(out, "%.1f %% of the pixels are black and %.1f %% white to the limit. ", value[DARK], value[BRIGHT]);
    if (value[GAPS] >= 10)
        text_format(out, "%.0f %% of the levels in between are empty: contrast was changed after the picture had 8 bits. ", value[GAPS]);
    text_add(out, "Light, subject and taste decide these numbers far more than where the picture comes from.");
}

const cue CUE_COLOUR = {"colour",
                        "how brightness and colours are distributed",
                        "Hasler, Suesstrunk 2003; McCloskey, Albright 2019",
                        {[BRIGHTNESS] = {"brightness", "grey levels", "mean", true},
                         [CONTRAST] = {"contrast", "grey levels", "deviation of brightness", true},
                         [DARK] = {"dark", "%", "pixels at level 0 or 1", true},
                         [BRIGHT] = {"bright", "%", "pixels at level 254 or 255", true},
                         [GAPS] = {"gaps", "%", "levels that no pixel has, between the 5 % and 95 % quantiles", true},
                         [COLOURFULNESS] = {"colourfulness", "", "Hasler's and Suesstrunk's M3", true},
                         [SATURATION] = {"saturation", "%", "mean of (max - min) / max of red, green and blue", true},
                         [FINE_COLOUR] = {"fine colour", "dB", "energy of Cr's differences between neighbours over that of brightness", true}},
                        measure,
                        words};
