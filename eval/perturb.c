#include "eval/perturb.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/edit.h"

// Libraries. ------------------------------------------------------------------------------------------------------------------------------------

static void by_foil(text *out) {
    text_add(out, "foil " FOIL_VERSION);
}

static void by_foil_and_jpeg(text *out) {
    by_foil(out);
    text_add(out, ", ");
    image_jpeg_library(out);
}

// Coding. ---------------------------------------------------------------------------------------------------------------------------------------

static foil_status jpeg(image *im, double quality, philox_key key) {
    (void)key;
    return image_through_jpeg(im, (int)quality);
}

static foil_status webp(image *im, double quality, philox_key key) {
    (void)key;
    return image_through_webp(im, quality);
}

static foil_status cut(image *im, int top, int left, int height, int width) {
    image part;
    TRY(image_resize_part(im, (resize_axis){im->height, im->height, top, height}, (resize_axis){im->width, im->width, left, width}, RESIZE_BICUBIC,
                          &part));
    image_free(im);
    *im = part;
    return FOIL_OK;
}

// `n` rows above and `n` columns to the left, mirrored.
static foil_status extend(image *im, int n) {
    image more;
    TRY(image_new(im->height + n, im->width + n, im->channels, &more));
    size_t c = (size_t)im->channels;
    uint8_t *to = more.pixels;
    for (int y = 0; y < more.height; y++) {
        const uint8_t *row = im->pixels + (size_t)image_mirrored(y - n, im->height) * (size_t)im->width * c;
        for (int x = 0; x < more.width; x++, to += c) memcpy(to, row + (size_t)image_mirrored(x - n, im->width) * c, c);
    }
    image_free(im);
    *im = more;
    return FOIL_OK;
}

static foil_status double_jpeg(image *im, double quality, philox_key key) {
    (void)key;
    const int shift = 4, last = 75;
    int height = im->height, width = im->width;
    TRY(extend(im, shift));
    TRY(image_through_jpeg(im, (int)quality));
    TRY(cut(im, shift, shift, height, width));
    return image_through_jpeg(im, last);
}

static void gamma_corrected(image *im, double exponent) {
    uint8_t to[256];
    for (int i = 0; i < 256; i++) to[i] = (uint8_t)lrint(255 * pow(i / 255., exponent));
    for (size_t i = 0; i < image_bytes(im); i++) im->pixels[i] = to[im->pixels[i]];
}

static foil_status screenshot(image *im, double scale, philox_key key) {
    (void)key;
    TRY(image_scale(im, scale, RESIZE_BILINEAR));
    gamma_corrected(im, 1 / 1.1);
    return image_through_jpeg(im, 85);
}

// Detail. ---------------------------------------------------------------------------------------------------------------------------------------

static foil_status resize(image *im, double factor, philox_key key) {
    (void)key;
    return image_shrink_and_enlarge(im, factor, RESIZE_BICUBIC, RESIZE_BICUBIC);
}

static foil_status blur(image *im, double sigma, philox_key key) {
    (void)key;
    return image_blur(im, sigma);
}

static foil_status noise(image *im, double deviation, philox_key key) {
    enum { AT_ONCE = 1024 };
    float drawn[AT_ONCE];
    size_t n = image_bytes(im);
    for (size_t i = 0; i < n; i += AT_ONCE) {
        size_t some = n - i < AT_ONCE ? n - i : AT_ONCE;
        philox_fill_normal(key, i, drawn, some);
        for (size_t k = 0; k < some; k++) {
            double v = im->pixels[i + k] + deviation * (double)drawn[k];
            im->pixels[i + k] = (uint8_t)lrint(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
    return FOIL_OK;
}

// Places and colours. ---------------------------------------------------------------------------------------------------------------------------

static foil_status crop(image *im, double share, philox_key key) {
    int height = (int)fmax(1, round(im->height * (1 - share))), width = (int)fmax(1, round(im->width * (1 - share)));
    int top = (int)philox_below(key, 0, (uint32_t)(im->height - height + 1)), left = (int)philox_below(key, 1, (uint32_t)(im->width - width + 1));
    return cut(im, top, left, height, width);
}

static foil_status brightness(image *im, double change, philox_key key) {
    image_brightness(im, philox_below(key, 0, 2) ? 1 + change : 1 - change);
    return FOIL_OK;
}

static foil_status contrast(image *im, double factor, philox_key key) {
    (void)key;
    image_contrast(im, factor);
    return FOIL_OK;
}

// The table. ------------------------------------------------------------------------------------------------------------------------------------

const perturbation PERTURBATIONS[PERTURBATION_COUNT] = {
    {"jpeg", "quality", "JPEG, 4:2:0, libjpeg-turbo's accurate integer DCT", image_jpeg_library, {95, 80, 65, 50, 30}, jpeg},
    {"webp", "quality", "lossy WebP, libwebp's default preset and method 4", image_webp_library, {95, 80, 65, 50, 30}, webp},
    {"double_jpeg",
     "first quality",
     "JPEG at this quality, then at 75 with its 8 x 8 grid 4 pixels off in both directions; both 4:2:0",
     image_jpeg_library,
     {95, 80, 65, 50, 30},
     double_jpeg},
    {"resize", "factor", "to this share of both sides and back, bicubic and antialiased as Pillow's", by_foil, {.75, .6, .5, .4, .25}, resize},
    {"blur", "sigma", "Gaussian of this many pixels, mirrored borders", by_foil, {.5, 1, 1.5, 2, 3}, blur},
    {"noise", "deviation", "Gaussian noise of this many grey levels, independent in each value", by_foil, {2, 4, 8, 16, 32}, noise},
    {"crop", "share cut off", "a part at a random place: this share of both sides is gone", by_foil, {.05, .1, .2, .3, .5}, crop},
    {"brightness", "change", "all values times 1 plus or 1 minus this, by the toss of a coin", by_foil, {.1, .2, .3, .4, .5}, brightness},
    {"contrast", "factor", "differences from the mean grey times this", by_foil, {.85, .725, .6, .475, .35}, contrast},
    {"screenshot",
     "scale",
     "scaled by this (bilinear, antialiased), gamma 1.1 rounded to 8 bits, JPEG 85 4:2:0; the picture stays smaller",
     by_foil_and_jpeg,
     {.95, .85, .75, .6, .45},
     screenshot},
};

static foil_status find(const char *name, const perturbation **out) {
    const char *known[PERTURBATION_COUNT + 1] = {0};
    for (int i = 0; i < PERTURBATION_COUNT; i++) {
        known[i] = PERTURBATIONS[i].name;
        *out = &PERTURBATIONS[i];
        if (strcmp(name, known[i]) == 0) return FOIL_OK;
    }
    const char *near = text_nearest(name, known);
    if (near) return foil_fail(FOIL_INVALID, "unknown perturbation '%s' (did you mean '%s'?)", name, near);
    return foil_fail(FOIL_INVALID, "unknown perturbation '%s', expected standard or names with commas; '--perturb list' shows them", name);
}

static foil_status add(perturbation_list *list, const char *name) {
    const perturbation *p;
    TRY(find(name, &p));
    for (int i = 0; i < list->n; i++)
        if (list->of[i] == p) return foil_fail(FOIL_INVALID, "perturbation '%s' is named twice", name);
    list->of[list->n++] = p;
    return FOIL_OK;
}

foil_status perturbation_parse(const char *names, perturbation_list *out) {
    *out = (perturbation_list){0};
    if (strcmp(names, "standard") == 0) {
        for (int i = 0; i < PERTURBATION_COUNT; i++) out->of[out->n++] = &PERTURBATIONS[i];
        return FOIL_OK;
    }
    char *copy = strdup(names), *rest = copy;
    if (!copy) return foil_fail_memory(strlen(names), "names of perturbations");
    foil_status status = FOIL_OK;
    for (char *name; status == FOIL_OK && (name = strsep(&rest, ","));) status = add(out, name);
    free(copy);
    return status;
}

foil_status perturb(const perturbation *p, double strength, uint64_t seed, int64_t number, const image *im, image *out) {
    uint32_t stream = STREAM_PERTURB | (uint32_t)(p - PERTURBATIONS + 1) << 16;
    TRY(image_copy(im, out));
    foil_status status = p->apply(out, strength, (philox_key){seed, stream, (uint64_t)number});
    if (status != FOIL_OK) image_free(out);
    return status;
}

void perturbation_document(text *out) {
    text_add(out, "| name | strengths | of | what is done |\n|---|---|---|---|\n");
    for (int i = 0; i < PERTURBATION_COUNT; i++) {
        const perturbation *p = &PERTURBATIONS[i];
        text_format(out, "| `%s` |", p->name);
        for (int k = 0; k < STRENGTHS; k++) text_format(out, "%s %g", k ? "," : "", p->strength[k]);
        text_format(out, " | %s | %s |\n", p->parameter, p->how);
    }
}
