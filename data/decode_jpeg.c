// JPEG as Pillow reads it, bit by bit: accurate integer DCT, fancy upsampling.
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "data/decode.h"

// All that lives across a longjmp of libjpeg. `manager` comes first: libjpeg hands back its address.
typedef struct reader {
    struct jpeg_error_mgr manager;
    struct jpeg_decompress_struct jpeg;
    jmp_buf back;
    int message; // libjpeg's code of what stopped it
    int orientation;
    image im;
    foil_status status;
} reader;

static void on_error(j_common_ptr jpeg) {
    reader *r = (reader *)jpeg->err;
    r->message = r->manager.msg_code;
    longjmp(r->back, 1);
}

// libjpeg warns and goes on with made-up pixels; here that is an error. Warnings about bytes that no pixel comes from are none.
static void on_message(j_common_ptr jpeg, int level) {
    if (level >= 0) return;
    int code = jpeg->err->msg_code;
    if (code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR || code == JWRN_EXTRANEOUS_DATA || code == JWRN_TOO_MUCH_DATA) return;
    on_error(jpeg);
}

static void on_output(j_common_ptr jpeg) {
    (void)jpeg;
}

static int orientation(const struct jpeg_decompress_struct *jpeg) {
    for (jpeg_saved_marker_ptr m = jpeg->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > 6 && memcmp(m->data, "Exif\0\0", 6) == 0)
            return exif_orientation(m->data + 6, m->data_length - 6);
    return 1;
}

static void read_header(reader *r, const char *name) {
    struct jpeg_decompress_struct *j = &r->jpeg;
    jpeg_save_markers(j, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(j, TRUE);
    r->orientation = orientation(j); // the markers do not outlive the decompression
    r->status = decode_check_size(j->image_height, j->image_width, name);
    if (r->status != FOIL_OK) return;
    j->dct_method = JDCT_ISLOW;
    j->do_fancy_upsampling = TRUE;
    j->out_color_space = j->num_components == 1 ? JCS_GRAYSCALE : j->num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(j);
    r->status = image_new((int)j->output_height, (int)j->output_width, j->output_components, &r->im);
}

static void read_pixels(reader *r) {
    struct jpeg_decompress_struct *j = &r->jpeg;
    size_t stride = (size_t)r->im.width * (size_t)r->im.channels;
    while (j->output_scanline < j->output_height) {
        JSAMPROW row = r->im.pixels + j->output_scanline * stride;
        jpeg_read_scanlines(j, &row, 1);
    }
    jpeg_finish_decompress(j);
}

static foil_status decode(reader *r, const uint8_t *bytes, size_t n, const char *name) {
    r->jpeg.err = jpeg_std_error(&r->manager);
    r->manager.error_exit = on_error;
    r->manager.emit_message = on_message;
    r->manager.output_message = on_output;
    if (setjmp(r->back)) {
        char why[JMSG_LENGTH_MAX];
        if (r->message == JWRN_JPEG_EOF || r->message == JERR_INPUT_EOF) return foil_fail(FOIL_INVALID, "%s: truncated JPEG", name);
        r->manager.format_message((j_common_ptr)&r->jpeg, why);
        return foil_fail(FOIL_INVALID, "%s: corrupt JPEG (%s)", name, why);
    }
    jpeg_create_decompress(&r->jpeg);
    jpeg_mem_src(&r->jpeg, bytes, n);
    read_header(r, name);
    if (r->status != FOIL_OK) return r->status;
    read_pixels(r);
    return FOIL_OK;
}

// Pillow takes every four-colour JPEG for Adobe's inverted kind, and rounds like this.
static foil_status cmyk_to_rgb(image *im) {
    image rgb;
    TRY(image_new(im->height, im->width, 3, &rgb));
    size_t n = (size_t)im->height * (size_t)im->width;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *ink = im->pixels + 4 * i;
        for (int c = 0; c < 3; c++) {
            unsigned product = (255u - ink[c]) * ink[3] + 128;
            rgb.pixels[3 * i + (size_t)c] = (uint8_t)(ink[3] - (((product >> 8) + product) >> 8));
        }
    }
    image_free(im);
    *im = rgb;
    return FOIL_OK;
}

foil_status decode_jpeg(const uint8_t *bytes, size_t n, const char *name, image *out) {
    reader r = {0};
    foil_status s = decode(&r, bytes, n, name);
    jpeg_destroy_decompress(&r.jpeg);
    if (s == FOIL_OK && r.im.channels == 4) s = cmyk_to_rgb(&r.im);
    if (s == FOIL_OK) s = image_orient(&r.im, r.orientation);
    if (s != FOIL_OK) {
        image_free(&r.im);
        return s;
    }
    *out = r.im;
    return FOIL_OK;
}
