#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>

#include "base/file.h"
#include "base/text.h"
#include "data/image.h"

// JPEG. `manager` comes first: libjpeg hands back its address.
typedef struct jpeg_writer {
    struct jpeg_error_mgr manager;
    struct jpeg_compress_struct jpeg;
    jmp_buf back;
    unsigned char *bytes;
    unsigned long n;
} jpeg_writer;

static void on_jpeg_error(j_common_ptr jpeg) {
    longjmp(((jpeg_writer *)jpeg->err)->back, 1);
}

static void on_jpeg_message(j_common_ptr jpeg, int level) {
    (void)jpeg;
    (void)level;
}

static foil_status encode_jpeg(jpeg_writer *w, const image *im, int quality) {
    struct jpeg_compress_struct *j = &w->jpeg;
    j->err = jpeg_std_error(&w->manager);
    w->manager.error_exit = on_jpeg_error;
    w->manager.emit_message = on_jpeg_message;
    if (setjmp(w->back)) {
        char why[JMSG_LENGTH_MAX];
        w->manager.format_message((j_common_ptr)j, why);
        return foil_fail(FOIL_UNSUPPORTED, "cannot code a %d x %d picture as JPEG (%s)", im->width, im->height, why);
    }
    jpeg_create_compress(j);
    jpeg_mem_dest(j, &w->bytes, &w->n);
    j->image_width = (JDIMENSION)im->width;
    j->image_height = (JDIMENSION)im->height;
    j->input_components = im->channels;
    j->in_color_space = im->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(j); // 4:2:0, ISLOW
    jpeg_set_quality(j, quality, TRUE);
    jpeg_start_compress(j, TRUE);
    size_t stride = (size_t)im->width * (size_t)im->channels;
    while (j->next_scanline < j->image_height) {
        JSAMPROW row = im->pixels + j->next_scanline * stride;
        jpeg_write_scanlines(j, &row, 1);
    }
    jpeg_finish_compress(j);
    return FOIL_OK;
}

foil_status image_encode_jpeg(const image *im, int quality, uint8_t **bytes, size_t *n) {
    jpeg_writer w = {0};
    foil_status s = encode_jpeg(&w, im, quality);
    jpeg_destroy_compress(&w.jpeg);
    if (s != FOIL_OK) {
        free(w.bytes);
        return s;
    }
    *bytes = w.bytes;
    *n = w.n;
    return FOIL_OK;
}

void image_jpeg_library(text *out) {
#define WORD(x) #x
#define TEXT(x) WORD(x)
    text_add(out, "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION));
}

// WebP.
static int put_webp(const uint8_t *bytes, size_t n, const WebPPicture *p) {
    text *to = p->custom_ptr;
    text_add_bytes(to, bytes, n);
    return !to->failed;
}

static foil_status encode_webp(WebPPicture *p, const image *rgb, const WebPConfig *how, text *to) {
    p->width = rgb->width;
    p->height = rgb->height;
    p->use_argb = 1; // WebPEncode makes YUV of it
    p->writer = put_webp;
    p->custom_ptr = to;
    if (WebPPictureImportRGB(p, rgb->pixels, 3 * rgb->width) && WebPEncode(how, p)) return FOIL_OK;
    if (to->failed || p->error_code == VP8_ENC_ERROR_OUT_OF_MEMORY) return foil_fail_memory(image_bytes(rgb), "a WebP");
    return foil_fail(FOIL_UNSUPPORTED, "cannot code a %d x %d picture as WebP (libwebp's error %d)", rgb->width, rgb->height, (int)p->error_code);
}

foil_status image_encode_webp(const image *im, double quality, uint8_t **bytes, size_t *n) {
    WebPConfig how;
    WebPPicture p;
    if (!WebPConfigPreset(&how, WEBP_PRESET_DEFAULT, (float)quality) || !WebPPictureInit(&p))
        return foil_fail(FOIL_UNSUPPORTED, "libwebp is older than the headers that Foil was built with");
    image rgb;
    TRY(image_copy(im, &rgb));
    foil_status s = image_to_channels(&rgb, 3);
    text to = {0};
    if (s == FOIL_OK) s = encode_webp(&p, &rgb, &how, &to);
    WebPPictureFree(&p);
    image_free(&rgb);
    if (s != FOIL_OK) {
        text_free(&to);
        return s;
    }
    *bytes = (uint8_t *)to.data;
    *n = to.length;
    return FOIL_OK;
}

void image_webp_library(text *out) {
    unsigned v = (unsigned)WebPGetEncoderVersion();
    text_format(out, "libwebp %u.%u.%u", v >> 16, v >> 8 & 255, v & 255);
}

// PNG.
static void png_put(png_structp png, png_bytep from, size_t n) {
    text_add_bytes(png_get_io_ptr(png), from, n);
}

static void png_flush_nothing(png_structp png) {
    (void)png;
}

static void on_png_error(png_structp png, png_const_charp message) {
    foil_fail(FOIL_UNSUPPORTED, "cannot write PNG (%s)", message);
    png_longjmp(png, 1);
}

static void on_png_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static foil_status encode_png(png_structp png, png_infop info, const image *im, text *to) {
    if (setjmp(png_jmpbuf(png))) return FOIL_UNSUPPORTED;
    png_set_write_fn(png, to, png_put, png_flush_nothing);
    png_set_IHDR(png, info, (png_uint_32)im->width, (png_uint_32)im->height, 8, im->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    size_t stride = (size_t)im->width * (size_t)im->channels;
    for (int y = 0; y < im->height; y++) png_write_row(png, im->pixels + (size_t)y * stride);
    png_write_end(png, info);
    return FOIL_OK;
}

foil_status image_encode_png(const image *im, uint8_t **bytes, size_t *n) {
    text to = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_png_error, on_png_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    foil_status s = info ? encode_png(png, info, im, &to) : foil_fail_memory(1 << 10, "libpng");
    png_destroy_write_struct(&png, &info);
    if (s == FOIL_OK && to.failed) s = foil_fail_memory(image_bytes(im), "a PNG");
    if (s != FOIL_OK) {
        text_free(&to);
        return s;
    }
    *bytes = (uint8_t *)to.data;
    *n = to.length;
    return FOIL_OK;
}

foil_status image_write_png(const char *path, const image *im) {
    uint8_t *bytes;
    size_t n;
    TRY(image_encode_png(im, &bytes, &n));
    foil_status s = file_save(path, bytes, n);
    free(bytes);
    return s;
}

foil_status image_grid(const image *const *pictures, int n, int columns, image *out) {
    const int gap = 2;
    *out = (image){0};
    if (n < 1 || columns < 1) return foil_fail(FOIL_INVALID, "a grid of %d pictures in %d columns", n, columns);
    int h = pictures[0]->height, w = pictures[0]->width, c = pictures[0]->channels;
    for (int i = 1; i < n; i++)
        if (pictures[i]->height != h || pictures[i]->width != w || pictures[i]->channels != c)
            return foil_fail(FOIL_INVALID, "a grid needs pictures of one size, got %d x %d x %d and %d x %d x %d", h, w, c, pictures[i]->height,
                             pictures[i]->width, pictures[i]->channels);
    if (columns > n) columns = n;
    int rows = (n + columns - 1) / columns;
    TRY(image_new(rows * (h + gap) - gap, columns * (w + gap) - gap, c, out));
    size_t stride = (size_t)w * (size_t)c;
    for (int i = 0; i < n; i++)
        for (int y = 0; y < h; y++) {
            size_t to = (size_t)(i / columns * (h + gap) + y) * (size_t)out->width + (size_t)(i % columns * (w + gap));
            memcpy(out->pixels + to * (size_t)c, pictures[i]->pixels + (size_t)y * stride, stride);
        }
    return FOIL_OK;
}
