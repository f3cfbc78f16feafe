#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "data/decode.h"

// All that lives across a longjmp of libpng.
typedef struct reader {
    const uint8_t *bytes;
    size_t n, at;
    bool truncated;
    char why[128];
    png_structp png;
    png_infop info;
    png_bytep *rows;
    image im;
    int orientation;
    foil_status status;
} reader;

static void take(png_structp png, png_bytep to, size_t n) {
    reader *r = png_get_io_ptr(png);
    if (n > r->n - r->at) {
        r->truncated = true;
        png_error(png, "truncated");
    }
    memcpy(to, r->bytes + r->at, n);
    r->at += n;
}

static void on_error(png_structp png, png_const_charp message) {
    reader *r = png_get_error_ptr(png);
    snprintf(r->why, sizeof r->why, "%s", message);
    png_longjmp(png, 1);
}

// What libpng repairs without touching pixels (colour profiles, text chunks) is nobody's loss.
static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void read_header(reader *r, const char *name) {
    png_read_info(r->png, r->info);
    png_uint_32 width = png_get_image_width(r->png, r->info), height = png_get_image_height(r->png, r->info);
    r->status = decode_check_size(height, width, name);
    if (r->status != FOIL_OK) return;
    png_set_expand(r->png); // palettes, few bits, tRNS
    png_set_strip_16(r->png);
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    r->status = image_new((int)height, (int)width, png_get_channels(r->png, r->info), &r->im);
    if (r->status != FOIL_OK) return;
    r->rows = malloc(height * sizeof *r->rows);
    if (!r->rows) r->status = foil_fail_memory(height * sizeof *r->rows, "the rows of a PNG");
}

static void read_pixels(reader *r) {
    size_t stride = (size_t)r->im.width * (size_t)r->im.channels;
    for (size_t y = 0; y < (size_t)r->im.height; y++) r->rows[y] = r->im.pixels + y * stride;
    png_read_image(r->png, r->rows);
    png_read_end(r->png, r->info);
    png_bytep exif = NULL;
    png_uint_32 n = 0;
    if (png_get_eXIf_1(r->png, r->info, &n, &exif)) r->orientation = exif_orientation(exif, n);
}

static const png_byte UNREAD[] = "tEXt\0zTXt\0iTXt\0iCCP";

static foil_status decode(reader *r, const char *name) {
    r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, on_error, on_warning);
    r->info = r->png ? png_create_info_struct(r->png) : NULL;
    if (!r->info) return foil_fail_memory(1 << 10, "libpng");
    if (setjmp(png_jmpbuf(r->png))) return foil_fail(FOIL_INVALID, r->truncated ? "%s: truncated PNG" : "%s: corrupt PNG (%s)", name, r->why);
    png_set_read_fn(r->png, r, take);
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, UNREAD, sizeof UNREAD / 5); // they need not be inflated
    read_header(r, name);
    if (r->status != FOIL_OK) return r->status;
    read_pixels(r);
    return FOIL_OK;
}

foil_status decode_png(const uint8_t *bytes, size_t n, const char *name, image *out) {
    reader r = {.bytes = bytes, .n = n, .orientation = 1};
    foil_status s = decode(&r, name);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    free(r.rows);
    if (s == FOIL_OK && r.im.channels % 2 == 0) s = decode_flatten(&r.im);
    if (s == FOIL_OK) s = image_orient(&r.im, r.orientation);
    if (s != FOIL_OK) {
        image_free(&r.im);
        return s;
    }
    *out = r.im;
    return FOIL_OK;
}
