// Which way up: cameras store the sensor's rows and a tag.
#include <string.h>

#include "data/decode.h"

typedef struct tiff {
    const uint8_t *bytes;
    size_t n;
    bool little;
} tiff;

// Bytes beyond the end read as zero.
static uint32_t number(const tiff *t, size_t at, size_t width) {
    uint32_t v = 0;
    if (at > t->n || t->n - at < width) return 0;
    for (size_t i = 0; i < width; i++) v = v << 8 | t->bytes[at + (t->little ? width - 1 - i : i)];
    return v;
}

int exif_orientation(const uint8_t *bytes, size_t n) {
    enum { ORIENTATION = 0x0112, SHORT = 3, ENTRY = 12 };
    if (n < 8 || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0)) return 1;
    tiff t = {bytes, n, bytes[0] == 'I'};
    size_t folder = number(&t, 4, 4);
    uint32_t entries = number(&t, folder, 2);
    for (uint32_t i = 0; i < entries; i++) {
        size_t at = folder + 2 + (size_t)i * ENTRY;
        if (number(&t, at, 2) != ORIENTATION || number(&t, at + 2, 2) != SHORT) continue;
        uint32_t v = number(&t, at + 8, 2);
        return v >= 1 && v <= 8 ? (int)v : 1;
    }
    return 1;
}

foil_status image_orient(image *im, int orientation) {
    // Of the upright picture: are x and y swapped in the stored one, and which of its axes run backwards?
    static const struct {
        bool swap, back_x, back_y;
    } HOW[9] = {[2] = {0, 1, 0}, [3] = {0, 1, 1}, [4] = {0, 0, 1}, [5] = {1, 0, 0}, [6] = {1, 0, 1}, [7] = {1, 1, 1}, [8] = {1, 1, 0}};
    if (orientation < 2 || orientation > 8) return FOIL_OK;
    bool swap = HOW[orientation].swap;
    image to;
    TRY(image_new(swap ? im->width : im->height, swap ? im->height : im->width, im->channels, &to));
    size_t c = (size_t)im->channels;
    uint8_t *p = to.pixels;
    for (int y = 0; y < to.height; y++)
        for (int x = 0; x < to.width; x++, p += c) {
            int sx = swap ? y : x, sy = swap ? x : y;
            if (HOW[orientation].back_x) sx = im->width - 1 - sx;
            if (HOW[orientation].back_y) sy = im->height - 1 - sy;
            memcpy(p, im->pixels + ((size_t)sy * (size_t)im->width + (size_t)sx) * c, c);
        }
    image_free(im);
    *im = to;
    return FOIL_OK;
}
