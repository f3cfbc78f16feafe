// BMP, TGA, GIF (first frame) and PSD, through stb_image.
#include <stdlib.h>
#include <string.h>

#include "data/decode.h"

#pragma GCC diagnostic ignored "-Wunused-function" // said at the end of the file, hence for all of it
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#ifndef __clang_analyzer__ // not our code to mend
#define STB_IMAGE_IMPLEMENTATION
#endif
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_NO_PNG
#define STBI_NO_JPEG
#define STBI_NO_HDR
#define STBI_NO_PIC
#define STBI_NO_PNM // it takes every maximum for 255, and the lower of two bytes
#define STBI_NO_LINEAR
#include <stb/stb_image.h> // NOLINT: not our code
#pragma GCC diagnostic pop

// stb_image takes missing bytes for zeros. Feeding it through callbacks shows whether it asked for any.
typedef struct source {
    const uint8_t *bytes;
    size_t n, at;
    size_t blank;       // where a byte is read as 0; 0 = nowhere
    const char *buffer; // stb_image's own, filled first and ahead of its needs; into any other place it reads what it needs
    bool past_end;
} source;

static int take(void *user, char *to, int wanted) {
    source *s = user;
    if (!s->buffer) s->buffer = to;
    size_t left = s->n - s->at, n = (size_t)wanted < left ? (size_t)wanted : left;
    if (n == 0 || (n < (size_t)wanted && to != s->buffer)) s->past_end = true;
    memcpy(to, s->bytes + s->at, n);
    if (s->blank > s->at && s->blank - s->at < n) to[s->blank - s->at] = 0;
    s->at += n;
    return (int)n;
}

static void skip(void *user, int n) {
    source *s = user;
    if (n < 0) {
        s->at -= (size_t)-n < s->at ? (size_t)-n : s->at;
        return;
    }
    size_t left = s->n - s->at;
    if ((size_t)n > left) s->past_end = true;
    s->at += (size_t)n < left ? (size_t)n : left;
}

static int at_end(void *user) {
    const source *s = user;
    return s->at == s->n;
}

static bool begins(const uint8_t *bytes, size_t n, const char *mark) {
    return n >= strlen(mark) && memcmp(bytes, mark, strlen(mark)) == 0;
}

// In a BMP of 32 bits the fourth byte is alpha only if masks say so; stb_image takes it for alpha without.
static bool lacks_alpha(const uint8_t *bytes, size_t n) {
    const size_t header = 14, bits = 28, compression = 30;
    return begins(bytes, n, "BM") && n >= compression + 4 && bytes[header] >= 40 && bytes[bits] == 32 && !memcmp(bytes + compression, "\0\0\0\0", 4);
}

// A TGA, which has no mark, whose rows go from right to left.
static bool is_mirrored(const uint8_t *bytes, size_t n) {
    const size_t descriptor = 17;
    return !begins(bytes, n, "BM") && !begins(bytes, n, "GIF") && !begins(bytes, n, "8BPS") && n > descriptor && bytes[descriptor] & 0x10;
}

static foil_status unknown(const uint8_t *bytes, size_t n, const char *name) {
    const size_t mode = 25;
    if (begins(bytes, n, "8BPS") && n > mode && bytes[mode] != 3)
        return foil_fail(FOIL_UNSUPPORTED, "%s: a PSD that is not RGB is not supported, convert it to PNG", name);
    return foil_fail(FOIL_INVALID, "%s: not a picture of a known format (PNG, JPEG, WebP, BMP, TGA, GIF, PSD, PNM)", name);
}

foil_status decode_stb(const uint8_t *bytes, size_t n, const char *name, image *out) {
    static const stbi_io_callbacks CALLBACKS = {take, skip, at_end};
    int width = 0, height = 0, channels = 0;
    source s = {.bytes = bytes, .n = n};
    if (!stbi_info_from_callbacks(&CALLBACKS, &s, &width, &height, &channels)) return unknown(bytes, n, name);
    const uint64_t rows = (uint64_t)llabs(height); // of a BMP it is below 0 if the first row is the top one
    TRY(decode_check_size(rows, (uint64_t)width, name));
    // What the first frame of a GIF leaves free is transparent, as in browsers: stb_image would paint it, if the background's number, byte 11, isn't 0.
    s = (source){.bytes = bytes, .n = n, .blank = begins(bytes, n, "GIF") ? 11 : 0};
    const bool opaque = lacks_alpha(bytes, n);
    uint8_t *pixels = stbi_load_from_callbacks(&CALLBACKS, &s, &width, &height, &channels, opaque ? 3 : 0);
    if (opaque) channels = 3;
    foil_status status = FOIL_OK;
    image im = {0};
    if (s.past_end)
        status = foil_fail(FOIL_INVALID, "%s: truncated picture", name);
    else if (!pixels)
        status = foil_fail(FOIL_INVALID, "%s: corrupt picture (%s)", name, stbi_failure_reason());
    else
        status = image_new(height, width, channels, &im);
    if (status == FOIL_OK) {
        memcpy(im.pixels, pixels, image_bytes(&im));
        if (channels % 2 == 0) status = decode_flatten(&im);
        if (status == FOIL_OK && is_mirrored(bytes, n)) status = image_orient(&im, 2);
    }
    stbi_image_free(pixels);
    if (status != FOIL_OK) {
        image_free(&im);
        return status;
    }
    *out = im;
    return FOIL_OK;
}
