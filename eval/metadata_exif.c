// EXIF, with libexif: camera, software, and comments in which generators keep their settings.
#include "eval/metadata_exif.h"

#include <stdlib.h>
#include <string.h>

#include <libexif/exif-data.h>

// libexif wants the block as it is in a JPEG.
static ExifData *load(const uint8_t *tiff, size_t n) {
    enum { PREFIX = 6 };
    unsigned char *block = n < 1 << 16 ? malloc(n + PREFIX) : NULL; // JPEG's segments hold no more
    ExifData *d = block ? exif_data_new() : NULL;
    if (d) {
        memcpy(block, "Exif\0", PREFIX);
        memcpy(block + PREFIX, tiff, n);
        exif_data_unset_option(d, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION); // it would invent missing entries
        exif_data_load_data(d, block, (unsigned)(n + PREFIX));
    }
    free(block);
    return d;
}

// The bytes of a text, without the zeros at its end; n = 0: there is none.
static const char *text_of(ExifData *d, ExifIfd folder, ExifTag tag, size_t *n) {
    ExifEntry *e = exif_content_get_entry(d->ifd[folder], tag);
    *n = e && e->data && e->format == EXIF_FORMAT_ASCII ? e->size : 0;
    while (*n && (e->data[*n - 1] == 0 || e->data[*n - 1] == ' ')) --*n;
    return *n ? (const char *)e->data : "";
}

// UserComment: eight bytes name the characters, most often UTF-16 or ASCII. Of UTF-16 the ASCII part is enough to recognise settings.
static void read_comment(metadata *m, const char *where, ExifData *d) {
    ExifEntry *e = exif_content_get_entry(d->ifd[EXIF_IFD_EXIF], EXIF_TAG_USER_COMMENT);
    if (!e || !e->data || e->size <= 8) return;
    char *plain = malloc(e->size);
    size_t n = 0;
    if (!plain) return;
    bool wide = memcmp(e->data, "UNICODE", 7) == 0;
    for (unsigned i = 8; i < e->size; i++)
        if (e->data[i] && (!wide || e->data[i] < 127)) plain[n++] = (char)e->data[i];
    while (n && plain[n - 1] == ' ') n--;
    if (n) metadata_add(m, metadata_is_recipe(plain, n) ? METADATA_GENERATOR : METADATA_OTHER, where, plain, n);
    free(plain);
}

static void read_camera(metadata *m, const char *where, ExifData *d) {
    size_t make_n, model_n;
    const char *make = text_of(d, EXIF_IFD_0, EXIF_TAG_MAKE, &make_n), *model = text_of(d, EXIF_IFD_0, EXIF_TAG_MODEL, &model_n);
    char both[2 * METADATA_TEXT] = {0};
    if (make_n + model_n == 0) return;
    if (make_n >= METADATA_TEXT) make_n = METADATA_TEXT - 1;
    if (model_n >= METADATA_TEXT) model_n = METADATA_TEXT - 1;
    memcpy(both, make, make_n);
    both[make_n] = ' ';
    memcpy(both + make_n + 1, model, model_n);
    metadata_add(m, METADATA_CAMERA, where, make_n ? both : both + 1, make_n ? make_n + 1 + model_n : model_n);
}

void metadata_read_exif(metadata *m, const char *where, const uint8_t *tiff, size_t n) {
    ExifData *d = load(tiff, n);
    if (!d) return;
    const int before = m->n;
    size_t length;
    read_camera(m, where, d);
    const char *software = text_of(d, EXIF_IFD_0, EXIF_TAG_SOFTWARE, &length);
    if (length) metadata_add_program(m, where, software, length);
    const char *description = text_of(d, EXIF_IFD_0, EXIF_TAG_IMAGE_DESCRIPTION, &length);
    if (length) metadata_add(m, metadata_is_recipe(description, length) ? METADATA_GENERATOR : METADATA_OTHER, where, description, length);
    read_comment(m, where, d);
    if (m->n == before) metadata_add(m, METADATA_OTHER, where, "EXIF without camera or software", 31);
    exif_data_unref(d);
}
