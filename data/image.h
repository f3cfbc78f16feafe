// Pictures in memory and how they get there.
#ifndef FOIL_DATA_IMAGE_H
#define FOIL_DATA_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct text; // base/text.h

// u8 [height, width, channels], channels 1 (grey) or 3 (RGB), rows without padding. `pixels` from malloc, owned by the holder; zero-initialise, image_free.
typedef struct image {
    int height, width, channels;
    uint8_t *pixels;
} image;

foil_status image_new(int height, int width, int channels, image *out); // zeroed pixels
foil_status image_copy(const image *im, image *out);
void image_free(image *im);
size_t image_bytes(const image *im);
// Replaces `im` by its grey (ITU-R 601-2 luma as Pillow's convert("L"): (19595 R + 38470 G + 7471 B + 32768) >> 16) or RGB form.
foil_status image_to_channels(image *im, int channels);

// Decoding (decode.c). By content, not by suffix: PNG (libpng), JPEG (libjpeg-turbo, ISLOW and fancy upsampling), WebP (libwebp), both bit-equal
// to Pillow, BMP, TGA, GIF (first frame), PSD (stb_image), binary PGM and PPM, whose maximum becomes 255.
// 16 bits keep their upper 8 (PGM, PPM: are rounded); alpha is composed over white; palettes are expanded; CMYK JPEG becomes RGB; EXIF orientation is obeyed.
// Truncated or corrupt files are errors, not half pictures, naming `name`.
foil_status image_decode(const void *bytes, size_t n, const char *name, image *out);
foil_status image_read(const char *path, image *out);
// Whether a file's name is that of a picture, be it of a format that is not read: it is an error then, not passed over as other files are.
bool image_has_known_suffix(const char *path);

// What the file of a picture was, whatever became of the picture (probe.c): what gives a class away without a look at the content. As sets store it.
typedef enum file_format { FILE_UNKNOWN, FILE_PNG, FILE_JPEG, FILE_BMP, FILE_GIF, FILE_OTHER, FILE_RAW, FILE_WEBP, FILE_FORMAT_COUNT } file_format;
typedef enum file_colour { FILE_GREY = 1, FILE_COLOUR, FILE_INDEXED, FILE_GREY_ALPHA, FILE_COLOUR_ALPHA, FILE_CMYK, FILE_COLOUR_COUNT } file_colour;
extern const char *const FILE_FORMATS[], *const FILE_COLOURS[];
typedef struct image_file {
    int32_t format, colours; // 0 = unknown
    int32_t width, height;   // upright
    int32_t quality;         // JPEG, 1 to 100: libjpeg's whose luminance table is nearest; 0 = none
    int32_t bytes;
} image_file;
// Of a file that could be decoded.
void image_probe(const void *bytes, size_t n, const image *decoded, image_file *out);

// Coding (encode.c).
foil_status image_encode_jpeg(const image *im, int quality, uint8_t **bytes, size_t *n);    // 4:2:0, as Pillow's default; the caller frees
foil_status image_encode_webp(const image *im, double quality, uint8_t **bytes, size_t *n); // lossy, method 4, as Pillow's default; the caller frees
foil_status image_encode_png(const image *im, uint8_t **bytes, size_t *n);
// The library and its version: "libjpeg-turbo 2.1.5", of the headers that Foil was built with (it tells none), and "libwebp 1.2.4", of the library that runs.
void image_jpeg_library(struct text *out);
void image_webp_library(struct text *out);
foil_status image_write_png(const char *path, const image *im); // whole or not at all
// n pictures of one size side by side, `columns` per row, 2 pixels apart.
foil_status image_grid(const image *const *pictures, int n, int columns, image *out);

#endif
