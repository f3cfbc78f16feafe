// The decoders behind image_decode, one per library. Internal to data/.
#ifndef FOIL_DATA_DECODE_H
#define FOIL_DATA_DECODE_H

#include "data/image.h"

foil_status decode_png(const uint8_t *bytes, size_t n, const char *name, image *out);
foil_status decode_jpeg(const uint8_t *bytes, size_t n, const char *name, image *out);
foil_status decode_webp(const uint8_t *bytes, size_t n, const char *name, image *out);
foil_status decode_pnm(const uint8_t *bytes, size_t n, const char *name, image *out);
foil_status decode_stb(const uint8_t *bytes, size_t n, const char *name, image *out);

// Refuses sizes that only a file made to exhaust memory has (more than 2^28 pixels).
foil_status decode_check_size(uint64_t height, uint64_t width, const char *name);

// Replaces pixels of 2 (grey) or 4 (RGB) channels, the last being alpha, by what they look like on white paper.
foil_status decode_flatten(image *im);

// EXIF (TIFF block without the "Exif" prefix): the orientation tag, 1 to 8; 1 if there is none.
int exif_orientation(const uint8_t *tiff, size_t n);
// Turns a stored picture upright, as Pillow's ImageOps.exif_transpose.
foil_status image_orient(image *im, int orientation);

#endif
