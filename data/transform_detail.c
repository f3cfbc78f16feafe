// How fine pictures are: blurred, made smaller and large again.
#include <math.h>

#include "data/resize.h"
#include "data/transform_type.h"

typedef struct blur {
    double p, sigma[2];
} blur;
static const key BLUR_KEYS[] = {
    {"sigma", KEY_RANGE, offsetof(blur, sigma), "[0, 1.5]", 0, 16, .doc = "of the Gaussian, in pixels"}, TRANSFORM_P(blur, "1"), {0}};

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
                    sum += weight[r] * (line[(size_t)mirrored(i - r, n) * step] + line[(size_t)mirrored(i + r, n) * step]);
                to[(size_t)l * line_step + (size_t)i * step + (size_t)c] = sum;
            }
}

static foil_status apply_blur(const void *settings, image *im, draws *d) {
    const blur *o = settings;
    double sigma = draw(d, o->sigma[0], o->sigma[1]);
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

const transform_type TRANSFORM_BLUR = {"blur", "Blurs with a Gaussian", BLUR_KEYS, sizeof(blur), apply_blur};

typedef struct scale {
    double p, factor[2];
} scale;
static const key SCALE_KEYS[] = {
    {"factor", KEY_RANGE, offsetof(scale, factor), "[0.5, 1]", 0.05, 1, .doc = "size in between"}, TRANSFORM_P(scale, "1"), {0}};

static foil_status apply_scale(const void *settings, image *im, draws *d) {
    const scale *o = settings;
    double factor = draw(d, o->factor[0], o->factor[1]);
    int h = (int)fmax(1, round(im->height * factor)), w = (int)fmax(1, round(im->width * factor));
    resize_filter down = (resize_filter)draw_int(d, 0, RESIZE_FILTERS - 1), up = (resize_filter)draw_int(d, 0, RESIZE_FILTERS - 1);
    image small, back;
    TRY(image_resize(im, h, w, down, &small));
    foil_status s = image_resize(&small, im->height, im->width, up, &back);
    image_free(&small);
    TRY(s);
    image_free(im);
    *im = back;
    return FOIL_OK;
}

const transform_type TRANSFORM_SCALE = {"scale",
                                        "Makes the picture smaller and large again, each with a random filter of bilinear, bicubic and lanczos",
                                        SCALE_KEYS, sizeof(scale), apply_scale};
