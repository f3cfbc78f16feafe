// How the strength of detail falls with its fineness: the radial profile of the power spectrum.
//
// Of the centre square, n x n, under a Hann window: S(r) = mean of 10 log10 |F|² over the ring of radius r, scaled so that white noise of variance v has
// |F|² = v on average. A picture that was scaled up from w0 to w pixels holds little above .5 w0 / w cycles per pixel: its profile has a knee there.
// Generators' profiles end otherwise than photographs' (Durall, Keuper, Keuper: Watch your Up-Convolution, CVPR 2020; Dzanic, Shah, Witherden: Fourier Spectrum
// Discrepancies, NeurIPS 2020), and upsampling layers leave their period: peaks at multiples of ¼ (Zhang, Karaman, Chang: WIFS 2019).
#include <math.h>

#include <kiss_fftr.h>

#include "eval/cues/cue.h"

enum { SLOPE, HIGH, KNEE, DROP, LATTICE };
enum { MOST = 1024, LEAST = 16, LEAST_LATTICE = 32 };
static const double DROP_NOTABLE = 4, LATTICE_NOTABLE = 20; // dB
static const double REACH = .06;                            // cycles per pixel: how far to both sides of a knee lines are laid
static const double FLOOR = 1e-3;                           // of |F|²: far below what rounding to 8 bits leaves, 1/12

typedef struct spectrum {
    int n;                   // side
    kiss_fft_cpx *f;         // [n, n / 2 + 1]
    double ring[CUE_POINTS]; // dB, 1 to n / 2
} spectrum;

// A multiple of 8, so that ¼ is a coefficient, which the transform takes apart quickly.
static int side_of(const image *im) {
    int n = im->height < im->width ? im->height : im->width;
    for (n = n < MOST ? n - n % 8 : MOST; n >= LEAST; n -= 8) {
        int rest = n;
        for (int p = 2; p <= 5; p++)
            while (rest % p == 0) rest /= p;
        if (rest == 1) break;
    }
    return n;
}

static void window(const cue_scene *s, int n, const double *hann, float *x) {
    size_t width = (size_t)s->picture->width;
    const float *from = s->luma + (size_t)((s->picture->height - n) / 2) * width + (width - (size_t)n) / 2;
    const double scale = 8 / (3. * n); // one over the root of the window's energy
    double mean = 0;
    for (int y = 0; y < n; y++)
        for (int i = 0; i < n; i++) mean += from[(size_t)y * width + (size_t)i] / ((double)n * n);
    for (int y = 0; y < n; y++)
        for (int i = 0; i < n; i++, x++) *x = (float)((from[(size_t)y * width + (size_t)i] - mean) * hann[y] * hann[i] * scale);
}

// Rows, then columns.
static foil_status transform(const cue_scene *s, spectrum *p, arena *scratch) {
    size_t n = (size_t)p->n, half = n / 2 + 1, row_bytes = 0, column_bytes = 0;
    kiss_fftr_alloc(p->n, 0, NULL, &row_bytes);
    kiss_fft_alloc(p->n, 0, NULL, &column_bytes);
    void *row_plan = arena_alloc(scratch, row_bytes), *column_plan = arena_alloc(scratch, column_bytes);
    float *x = arena_alloc(scratch, n * n * sizeof *x);
    double *hann = arena_alloc(scratch, n * sizeof *hann);
    kiss_fft_cpx *column = arena_alloc(scratch, n * sizeof *column);
    p->f = arena_alloc(scratch, n * half * sizeof *p->f);
    if (!row_plan || !column_plan || !x || !hann || !column || !p->f) return foil_fail_memory(n * n * 2 * sizeof *x, "a spectrum");
    kiss_fftr_cfg rows = kiss_fftr_alloc(p->n, 0, row_plan, &row_bytes);
    kiss_fft_cfg columns = kiss_fft_alloc(p->n, 0, column_plan, &column_bytes);
    for (int i = 0; i < p->n; i++) hann[i] = .5 - .5 * cos(2 * M_PI * (i + .5) / p->n);
    window(s, p->n, hann, x);
    for (size_t y = 0; y < n; y++) kiss_fftr(rows, x + y * n, p->f + y * half);
    for (size_t i = 0; i < half; i++) {
        kiss_fft_stride(columns, p->f + i, column, (int)half);
        for (size_t y = 0; y < n; y++) p->f[y * half + i] = column[y];
    }
    return FOIL_OK;
}

static double level(const spectrum *p, int y, int x) {
    kiss_fft_cpx f = p->f[(size_t)((y + p->n) % p->n) * (size_t)(p->n / 2 + 1) + (size_t)x];
    return 10 * log10((double)f.r * f.r + (double)f.i * f.i + FLOOR);
}

// The half that is left out is the mirror image of the columns that are neither the first nor the last: each of those stands for two.
static void average_rings(spectrum *p) {
    int count[CUE_POINTS] = {0}, half = p->n / 2;
    for (int i = 0; i < CUE_POINTS; i++) p->ring[i] = 0;
    for (int y = -half; y < half; y++)
        for (int x = 0; x <= half; x++) {
            const int r = (int)lround(hypot(y, x)), weight = x == 0 || x == half ? 1 : 2;
            if (r > half) continue;
            p->ring[r] += weight * level(p, y, x);
            count[r] += weight;
        }
    for (int r = 0; r <= half; r++) p->ring[r] /= count[r];
}

// The line through the rings from..to: its value in their middle, and its slope per ring, against log2 r or r.
static void fit_line(const spectrum *p, int from, int to, bool octaves, double *middle, double *slope) {
    double n = to - from + 1, sx = 0, sy = 0, xx = 0, xy = 0;
    for (int r = from; r <= to; r++) {
        double x = octaves ? log2(r) : r;
        sx += x;
        sy += p->ring[r];
        xx += x * x;
        xy += x * p->ring[r];
    }
    *slope = (n * xy - sx * sy) / (n * xx - sx * sx);
    *middle = sy / n;
}

// By how much the profile ends up below the line that it followed until r.
static double drop_at(const spectrum *p, int r, int reach) {
    double before, slope_before, after, slope_after;
    fit_line(p, r - reach, r, false, &before, &slope_before);
    fit_line(p, r, r + reach, false, &after, &slope_after);
    return before + slope_before * 1.5 * reach - (after + slope_after * .5 * reach);
}

// The knee is where the deepest fall is first half as deep. Chance bends the lines through few rings of few coefficients.
static void find_knee(const spectrum *p, double *value) {
    const int reach = (int)fmax(5, round(REACH * p->n)), first = (int)fmax(reach + 1, ceil(.1 * p->n)), last = p->n / 2 - reach;
    int at = first;
    for (int r = first; r <= last; r++)
        if (drop_at(p, r, reach) > drop_at(p, at, reach)) at = r;
    if (first > last) return;
    value[DROP] = drop_at(p, at, reach);
    if (value[DROP] < fmax(DROP_NOTABLE, 80 / sqrt(M_PI * at * reach))) return;
    while (at > first && drop_at(p, at - 1, reach) >= value[DROP] / 2) at--;
    value[KNEE] = (double)at / p->n;
}

// How far (y, x) stands out among its neighbours along x, or, on the axis, along y.
static double excess_at(const spectrum *p, int y, int x) {
    double sum = 0;
    int n = 0;
    for (int d = -6; d <= 6; d++) {
        if (abs(d) < 3 || (x && x + d > p->n / 2)) continue;
        sum += x ? level(p, y, x + d) : level(p, y + d, x);
        n++;
    }
    return level(p, y, x) - sum / n;
}

static void find_lattice(const spectrum *p, double *value) {
    int q = p->n / 4;
    for (int y = -1; y <= 2; y++)
        for (int x = 0; x <= 2; x++)
            if (y || x) value[LATTICE] = fmax(value[LATTICE], excess_at(p, y * q, x * q));
}

static void draw(const spectrum *p, const double *value, cue_plot *plot) {
    *plot = (cue_plot){.title = "Radial spectrum", .x = "cycles per pixel", .y = "power, dB", .series = 1, .n = p->n / 2};
    for (int r = 1; r <= p->n / 2; r++) {
        plot->at[r - 1] = (double)r / p->n;
        plot->value[0][r - 1] = p->ring[r];
    }
    cue_plot_mark(plot, value[KNEE], "knee");
}

static foil_status measure(const cue_scene *s, double *value, cue_plot *plot, arena *scratch) {
    spectrum p = {.n = side_of(s->picture)};
    for (int i = 0; i < CUE_NUMBERS; i++) value[i] = NAN;
    if (p.n < LEAST) return FOIL_OK;
    double middle, low = fmax(2, ceil(.05 * p.n));
    TRY(transform(s, &p, scratch));
    average_rings(&p);
    fit_line(&p, (int)low, p.n / 4, true, &middle, &value[SLOPE]);
    fit_line(&p, (int)ceil(.4 * p.n), p.n / 2, false, &value[HIGH], &middle);
    find_knee(&p, value);
    if (p.n >= LEAST_LATTICE) find_lattice(&p, value);
    if (plot) draw(&p, value, plot);
    return FOIL_OK;
}

static void words(const cue_scene *s, const double *value, text *out) {
    (void)s;
    if (isnan(value[SLOPE])) {
        text_format(out, "The picture is too small for a spectrum: %d pixels each way are needed.", LEAST);
        return;
    }
    text_format(out, "Detail loses %.1f dB with each octave of fineness; photographs often lose about 6. ", -value[SLOPE]);
    if (!isnan(value[KNEE]))
        text_format(out,
                    "It breaks off by %.0f dB at %.3f cycles per pixel: as if the picture had been scaled up by about %.2f, "
                    "or smoothed; strong compression and a soft lens do that too. ",
                    value[DROP], value[KNEE], .5 / value[KNEE]);
    else
        text_add(out, "It breaks off nowhere: no sign of scaling up by a smooth filter; other ways of scaling up leave none. ");
    if (isnan(value[LATTICE])) return;
    if (value[LATTICE] >= LATTICE_NOTABLE)
        text_format(
            out,
            "A pattern that repeats every 4 or 2 pixels stands out by %.0f dB: layers that enlarge pictures leave one, and so do JPEG's blocks, "
            "woven or printed textures and some cameras.",
            value[LATTICE]);
    else
        text_add(out, "No pattern repeats every 2 or 4 pixels.");
}

const cue CUE_SPECTRUM = {
    "spectrum",
    "how the strength of detail falls with its fineness",
    "Durall et al. 2020, Dzanic et al. 2020, Zhang et al. 2019",
    {[SLOPE] = {"slope", "dB per octave", "of the radial profile between 0.05 and 0.25 cycles per pixel", true},
     [HIGH] = {"high", "dB", "mean level from 0.4 to 0.5 cycles per pixel; noise of one grey level has 0 - 2.5", true},
     [KNEE] = {"knee", "cycles per pixel", "where the profile breaks off most; none if by less than 4 dB, or by what chance does", false},
     [DROP] = {"drop", "dB", "by how much it breaks off there", true},
     [LATTICE] = {"lattice", "dB", "how far the multiples of 1/4 stand out among their neighbours, at most", true}},
    measure,
    words};
