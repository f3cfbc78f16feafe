#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "data/decode.h"

typedef struct format {
    const char *name;
    size_t at, n; // where its mark is
    const char *mark;
    foil_status (*decode)(const uint8_t *bytes, size_t n, const char *name, image *out); // NULL: known, not read
} format;

static const format FORMATS[] = {
    {"PNG", 0, 8, "\x89PNG\r\n\x1a\n", decode_png},
    {"JPEG", 0, 3, "\xff\xd8\xff", decode_jpeg},
    {"WebP", 8, 4, "WEBP", decode_webp},
    {"PNM", 0, 2, "P5", decode_pnm},
    {"PNM", 0, 2, "P6", decode_pnm},
    {"AVIF or HEIC", 4, 4, "ftyp", NULL},
    {"TIFF", 0, 4, "II*\0", NULL},
    {"TIFF", 0, 4, "MM\0*", NULL},
    {"JPEG XL", 0, 2, "\xff\x0a", NULL},
};

static const char *const SUFFIXES[] = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp",  ".tga",  ".gif", ".psd",
                                       ".pnm", ".ppm", ".pgm",  ".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl"};

foil_status image_decode(const void *bytes, size_t n, const char *name, image *out) {
    *out = (image){0};
    if (n == 0) return foil_fail(FOIL_INVALID, "%s: empty file, expected a picture", name);
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        const format *f = &FORMATS[i];
        if (n < f->at + f->n || memcmp((const char *)bytes + f->at, f->mark, f->n) != 0) continue;
        if (f->decode) return f->decode(bytes, n, name, out);
        return foil_fail(FOIL_UNSUPPORTED, "%s: %s is not supported, convert it to PNG", name, f->name);
    }
    return decode_stb(bytes, n, name, out);
}

foil_status image_read(const char *path, image *out) {
    *out = (image){0};
    file_map m;
    TRY(file_map_open(path, &m));
    foil_status s = image_decode(m.bytes, m.n, path, out);
    file_map_close(&m);
    return s;
}

bool image_has_known_suffix(const char *path) {
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof *SUFFIXES; i++)
        if (text_ends_nocase(path, SUFFIXES[i])) return true;
    return false;
}

foil_status decode_check_size(uint64_t height, uint64_t width, const char *name) {
    const uint64_t limit = (uint64_t)1 << 28;
    if (height == 0 || width == 0) return foil_fail(FOIL_INVALID, "%s: a picture of no pixels", name);
    if (height > limit / width)
        return foil_fail(FOIL_INVALID, "%s: %llu x %llu pixels, more than the %llu million that are read", name, (unsigned long long)width,
                         (unsigned long long)height, (unsigned long long)limit / 1000000);
    return FOIL_OK;
}

foil_status decode_flatten(image *im) {
    int colours = im->channels - 1;
    image flat;
    TRY(image_new(im->height, im->width, colours, &flat));
    size_t n = (size_t)im->height * (size_t)im->width;
    const uint8_t *from = im->pixels;
    uint8_t *to = flat.pixels;
    for (size_t i = 0; i < n; i++, from += colours + 1, to += colours) {
        unsigned alpha = from[colours];
        for (int c = 0; c < colours; c++) to[c] = (uint8_t)((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
    image_free(im);
    *im = flat;
    return FOIL_OK;
}
