#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/philox.h"
#include "base/text.h"
#include "data/h5.h"
#include "data/set.h"

const char *const SPLIT_NAMES[] = {"train", "val", "test", "all", NULL};

struct set {
    char *path;
    file_map map;
    int64_t count;
    int height, width, channels; // height = 0: native sizes
    image_fit fit;
    resize_filter filter;

    // Where the pictures are: `pixels` in the map if the file has them in one piece, else `array` of `h5`, whose pictures may be [C,H,W].
    const uint8_t *pixels;
    hid_t h5, array;
    bool planar;
    int64_t *offset; // native sizes: [count + 1] and [count, 3]
    int32_t *shape;

    uint8_t *fake, *split, *sha256;
    int32_t *method, *subject, *clip;
    int methods, subjects;
    const char **method_name, **subject_name, **name; // texts in `texts`
    arena texts;
    char fingerprint[65];
};

void set_close(set *s) {
    if (!s) return;
    h5_lock();
    if (s->array >= 0) H5Dclose(s->array);
    if (s->h5 >= 0) H5Fclose(s->h5);
    h5_unlock();
    file_map_close(&s->map);
    void *all[] = {s->path,
                   s->offset,
                   s->shape,
                   s->fake,
                   s->split,
                   s->sha256,
                   s->method,
                   s->subject,
                   s->clip,
                   (void *)s->method_name,
                   (void *)s->subject_name,
                   (void *)s->name};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    arena_free(&s->texts);
    free(s);
}

// Opening: every array against the others. -----------------------------------------------------------------------------------------------------
static foil_status check_range(const set *s, const char *name, const int32_t *value, int least, int below) {
    for (int64_t i = 0; i < s->count; i++)
        if (value[i] < least || value[i] >= below)
            return foil_fail(FOIL_INVALID, "%s: /label/%s has %d at %lld, expected %d to %d", s->path, name, value[i], (long long)i, least,
                             below - 1);
    return FOIL_OK;
}

static foil_status check_labels(const set *s) {
    for (int64_t i = 0; i < s->count; i++) {
        if (s->fake[i] > 1) return foil_fail(FOIL_INVALID, "%s: /label/fake has %d at %lld, expected 0 or 1", s->path, s->fake[i], (long long)i);
        if (s->split[i] > SPLIT_TEST)
            return foil_fail(FOIL_INVALID, "%s: /split has %d at %lld, expected 0 to 2", s->path, s->split[i], (long long)i);
    }
    TRY(check_range(s, "method", s->method, -1, s->methods));
    TRY(check_range(s, "subject", s->subject, -1, s->subjects));
    return check_range(s, "clip", s->clip, -1, INT32_MAX);
}

static foil_status open_labels(set *s) {
    hsize_t n[] = {0, 32}, methods = 0, subjects = 0;
    TRY(h5_read(s->h5, s->path, "label/fake", H5_U8, 1, n, (void **)&s->fake));
    if (n[0] == 0 || n[0] > INT32_MAX) return foil_fail(FOIL_INVALID, "%s: a set of %llu pictures", s->path, (unsigned long long)n[0]);
    s->count = (int64_t)n[0];
    TRY(h5_read(s->h5, s->path, "label/method", H5_I32, 1, n, (void **)&s->method));
    TRY(h5_read(s->h5, s->path, "label/subject", H5_I32, 1, n, (void **)&s->subject));
    TRY(h5_read(s->h5, s->path, "label/clip", H5_I32, 1, n, (void **)&s->clip));
    TRY(h5_read(s->h5, s->path, "split", H5_U8, 1, n, (void **)&s->split));
    TRY(h5_read(s->h5, s->path, "source/sha256", H5_U8, 2, n, (void **)&s->sha256));
    TRY(h5_read_texts(s->h5, s->path, "names/method", &methods, &s->texts, &s->method_name));
    TRY(h5_read_texts(s->h5, s->path, "names/subject", &subjects, &s->texts, &s->subject_name));
    TRY(h5_read_texts(s->h5, s->path, "source/path", n, &s->texts, &s->name));
    if (methods > INT32_MAX || subjects > INT32_MAX) return foil_fail(FOIL_INVALID, "%s: too many names", s->path);
    s->methods = (int)methods;
    s->subjects = (int)subjects;
    return check_labels(s);
}

// Keeps `array`; if its `bytes` lie in one piece, where they are in the map.
static foil_status locate(set *s, const char *name, hid_t array, size_t bytes) {
    s->array = array;
    haddr_t at = H5Dget_offset(array);
    if (at == HADDR_UNDEF) return FOIL_OK; // in chunks, or not written
    if (at > s->map.n || s->map.n - at < bytes)
        return foil_fail(FOIL_INVALID, "%s: truncated: /%s ends at byte %llu of %llu", s->path, name, (unsigned long long)(at + bytes),
                         (unsigned long long)s->map.n);
    s->pixels = s->map.bytes + at;
    return FOIL_OK;
}

static foil_status take_size(set *s, hsize_t height, hsize_t width, hsize_t channels) {
    const hsize_t limit = 1 << 14;
    if ((channels != 1 && channels != 3) || height < 1 || width < 1 || height > limit || width > limit)
        return foil_fail(FOIL_INVALID, "%s: pictures of %llu x %llu x %llu, expected at most %llu x %llu and 1 or 3 channels", s->path,
                         (unsigned long long)height, (unsigned long long)width, (unsigned long long)channels, (unsigned long long)limit,
                         (unsigned long long)limit);
    s->height = (int)height;
    s->width = (int)width;
    s->channels = (int)channels;
    return FOIL_OK;
}

static foil_status open_pixels(set *s) {
    hsize_t size[4] = {(hsize_t)s->count};
    hid_t array;
    TRY(h5_array(s->h5, s->path, "image/pixels", H5_U8, 4, size, &array));
    s->array = array;
    TRY(take_size(s, size[1], size[2], size[3]));
    return locate(s, "image/pixels", array, size[0] * size[1] * size[2] * size[3]);
}

static foil_status check_shapes(set *s, int64_t bytes) {
    s->channels = s->shape[2];
    for (int64_t i = 0; i < s->count; i++) {
        const int32_t *d = s->shape + 3 * i;
        bool fine = d[0] > 0 && d[1] > 0 && (d[2] == 1 || d[2] == 3) && d[2] == s->channels && (int64_t)d[0] * d[1] <= (int64_t)1 << 28;
        if (!fine || s->offset[i] < 0 || s->offset[i] > bytes || s->offset[i + 1] != s->offset[i] + (int64_t)d[0] * d[1] * d[2])
            return foil_fail(FOIL_INVALID, "%s: /image/offset and /image/shape disagree at picture %lld: bytes %lld to %lld for %d x %d x %d",
                             s->path, (long long)i, (long long)s->offset[i], (long long)s->offset[i + 1], d[0], d[1], d[2]);
    }
    if (s->offset[0] != 0 || s->offset[s->count] != bytes)
        return foil_fail(FOIL_INVALID, "%s: /image/offset runs from %lld to %lld, /image/bytes has %lld", s->path, (long long)s->offset[0],
                         (long long)s->offset[s->count], (long long)bytes);
    return FOIL_OK;
}

static foil_status open_native(set *s) {
    hsize_t bytes[1] = {0}, offsets[1] = {(hsize_t)s->count + 1}, shapes[2] = {(hsize_t)s->count, 3};
    hid_t array;
    TRY(h5_read(s->h5, s->path, "image/offset", H5_I64, 1, offsets, (void **)&s->offset));
    TRY(h5_read(s->h5, s->path, "image/shape", H5_I32, 2, shapes, (void **)&s->shape));
    TRY(h5_array(s->h5, s->path, "image/bytes", H5_U8, 1, bytes, &array));
    TRY(locate(s, "image/bytes", array, bytes[0]));
    if (!s->pixels) return foil_fail(FOIL_INVALID, "%s: /image/bytes is stored in chunks, expected one piece", s->path);
    return check_shapes(s, (int64_t)bytes[0]);
}

static foil_status word(const set *s, const char *attribute, const char *const *words, int *out) {
    char value[32];
    if (!h5_attribute_text(s->h5, attribute, value, sizeof value))
        return foil_fail(FOIL_INVALID, "%s: attribute '%s' is missing", s->path, attribute);
    for (*out = 0; words[*out]; ++*out)
        if (strcmp(words[*out], value) == 0) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: attribute '%s' is '%s', which this version does not know", s->path, attribute, value);
}

static foil_status open_ours(set *s) {
    long long format = 0;
    char kind[32] = "";
    int fit, filter;
    h5_attribute_int(s->h5, "foil_format", &format);
    if (format != 1) return foil_fail(FOIL_UNSUPPORTED, "%s: format %lld, this version reads 1", s->path, format);
    if (!h5_attribute_text(s->h5, "kind", kind, sizeof kind) || strcmp(kind, "image") != 0)
        return foil_fail(FOIL_UNSUPPORTED, "%s: a set of kind '%s', expected 'image'", s->path, kind);
    TRY(word(s, "fit", FIT_NAMES, &fit));
    TRY(word(s, "resize", RESIZE_NAMES, &filter));
    s->fit = (image_fit)fit;
    s->filter = (resize_filter)filter;
    TRY(open_labels(s));
    return h5_has(s->h5, "image/pixels") ? open_pixels(s) : open_native(s);
}

// BigGAN-PyTorch's and StudioGAN's files: reals without names or splits. They get splits of .8, .1 and .1 by Philox with seed 0.
static foil_status label_theirs(set *s) {
    size_t n = (size_t)s->count;
    s->fake = calloc(n, 1);
    s->split = calloc(n, 1);
    s->method = calloc(n, sizeof *s->method);
    s->subject = malloc(n * sizeof *s->subject);
    s->clip = malloc(n * sizeof *s->clip);
    s->method_name = calloc(1, sizeof *s->method_name);
    if (s->method_name) s->method_name[0] = arena_text(&s->texts, file_name(s->path));
    if (!s->fake || !s->split || !s->method || !s->subject || !s->clip || !s->method_name || !s->method_name[0])
        return foil_fail_memory(n * 14, "labels");
    s->methods = 1;
    memset(s->subject, -1, n * sizeof *s->subject);
    memset(s->clip, -1, n * sizeof *s->clip);
    philox_key k = {0, STREAM_SPLIT, 0};
    for (size_t i = 0; i < n; i++) {
        float u = philox_uniform(k, i);
        s->split[i] = u < .8f ? SPLIT_TRAIN : u < .9f ? SPLIT_VAL : SPLIT_TEST;
    }
    return FOIL_OK;
}

// Compressed chunks are slow at random: the more of them stay unpacked, the better.
static hid_t reopened_with_cache(hid_t file, const char *name) {
    hid_t how = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_chunk_cache(how, 12421, (size_t)256 << 20, 1);
    hid_t array = H5Dopen2(file, name, how);
    H5Pclose(how);
    return array;
}

static foil_status open_theirs(set *s) {
    hsize_t size[4] = {0};
    hid_t array;
    TRY(h5_array(s->h5, s->path, "imgs", H5_U8, 4, size, &array));
    H5Dclose(array);
    array = reopened_with_cache(s->h5, "imgs");
    s->array = array;
    if (size[0] == 0 || size[0] > INT32_MAX) return foil_fail(FOIL_INVALID, "%s: a set of %llu pictures", s->path, (unsigned long long)size[0]);
    s->count = (int64_t)size[0];
    s->planar = size[1] == 1 || size[1] == 3;
    if (s->planar)
        TRY(take_size(s, size[2], size[3], size[1]));
    else
        TRY(take_size(s, size[1], size[2], size[3]));
    s->fit = FIT_RESIZE;
    TRY(label_theirs(s));
    return locate(s, "imgs", array, size[0] * size[1] * size[2] * size[3]);
}

static foil_status open_file(set *s) {
    if (H5Fis_hdf5(s->path) <= 0) return foil_fail(FOIL_INVALID, "%s: not an HDF5 file, expected a set that 'foil pack' made", s->path);
    s->h5 = H5Fopen(s->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (s->h5 < 0) return foil_fail(FOIL_INVALID, "%s: truncated or damaged HDF5 file", s->path);
    if (H5Aexists(s->h5, "foil_format") > 0) return open_ours(s);
    if (h5_has(s->h5, "imgs") && h5_has(s->h5, "labels")) return open_theirs(s);
    return foil_fail(FOIL_INVALID, "%s: HDF5, but neither a set of Foil (attribute foil_format) nor of BigGAN or StudioGAN (imgs, labels)", s->path);
}

// Files whose pictures have no digests are known by their labels and by 16 pictures from all over.
static foil_status add_digests(const set *s, text *facts) {
    if (s->sha256) {
        text_add_bytes(facts, s->sha256, 32 * (size_t)s->count);
        return FOIL_OK;
    }
    for (int64_t i = 0; i < 16; i++) {
        image im;
        TRY(set_read(s, i * (s->count - 1) / 15, &im));
        text_add_bytes(facts, im.pixels, image_bytes(&im));
        image_free(&im);
    }
    return FOIL_OK;
}

static foil_status take_fingerprint(set *s) {
    size_t n = (size_t)s->count;
    text facts = {0};
    for (int i = 0; i < s->methods; i++) text_add_bytes(&facts, s->method_name[i], strlen(s->method_name[i]) + 1);
    text_add_bytes(&facts, s->fake, n);
    text_add_bytes(&facts, s->split, n);
    text_add_bytes(&facts, s->method, n * sizeof *s->method);
    foil_status status = add_digests(s, &facts);
    if (status == FOIL_OK && facts.failed) status = foil_fail_memory(38 * n, "a fingerprint");
    if (status == FOIL_OK) {
        unsigned char digest[32];
        sha256(facts.data, facts.length, digest);
        for (size_t i = 0; i < sizeof digest; i++) snprintf(s->fingerprint + 2 * i, 3, "%02x", digest[i]);
    }
    text_free(&facts);
    return status;
}

static foil_status open_set(set *s, const char *path) {
    s->path = strdup(path);
    if (!s->path) return foil_fail_memory(strlen(path), "a path");
    TRY(file_map_open(path, &s->map));
    h5_lock();
    foil_status status = open_file(s);
    if (s->pixels || status != FOIL_OK) { // the map is all that is needed
        if (s->array >= 0) H5Dclose(s->array);
        if (s->h5 >= 0) H5Fclose(s->h5);
        s->array = s->h5 = -1;
    }
    h5_unlock();
    return status == FOIL_OK ? take_fingerprint(s) : status;
}

foil_status set_open(const char *path, set **out) {
    *out = NULL;
    set *s = calloc(1, sizeof *s);
    if (!s) return foil_fail_memory(sizeof *s, "a set");
    s->h5 = s->array = -1;
    foil_status status = open_set(s, path);
    if (status != FOIL_OK) {
        set_close(s);
        return status;
    }
    *out = s;
    return FOIL_OK;
}

// What is in it. ---------------------------------------------------------------------------------------------------------------------------------
int64_t set_count(const set *s) {
    return s->count;
}

int set_channels(const set *s) {
    return s->channels;
}

bool set_size(const set *s, int *height, int *width) {
    *height = s->height;
    *width = s->width;
    return s->height != 0;
}

image_fit set_fit(const set *s) {
    return s->fit;
}

resize_filter set_filter(const set *s) {
    return s->filter;
}

set_label set_label_at(const set *s, int64_t i) {
    return (set_label){s->fake[i], s->method[i], s->subject[i], s->clip[i], (set_split)s->split[i]};
}

const char *set_path_at(const set *s, int64_t i) {
    if (s->name) return s->name[i];
    static _Thread_local char number[24];
    snprintf(number, sizeof number, "#%lld", (long long)i);
    return number;
}

const unsigned char *set_sha256_at(const set *s, int64_t i) {
    return s->sha256 ? s->sha256 + 32 * i : NULL;
}

const char *set_method_name(const set *s, int method) {
    return method >= 0 ? s->method_name[method] : "";
}

int set_method_find(const set *s, const char *name) {
    for (int i = 0; i < s->methods; i++)
        if (strcmp(s->method_name[i], name) == 0) return i;
    return -1;
}

int set_methods(const set *s) {
    return s->methods;
}

const char *set_subject_name(const set *s, int subject) {
    return subject >= 0 ? s->subject_name[subject] : "";
}

const char *set_fingerprint(const set *s) {
    return s->fingerprint;
}

// [C,H,W] -> [H,W,C].
static void interleave(const uint8_t *planes, image *im) {
    size_t n = (size_t)im->height * (size_t)im->width, c = (size_t)im->channels;
    for (size_t k = 0; k < c; k++)
        for (size_t i = 0; i < n; i++) im->pixels[i * c + k] = planes[k * n + i];
}

static foil_status read_array(const set *s, int64_t i, uint8_t *to) {
    hsize_t h = (hsize_t)s->height, w = (hsize_t)s->width, c = (hsize_t)s->channels;
    hsize_t start[] = {(hsize_t)i, 0, 0, 0}, nhwc[] = {1, h, w, c}, nchw[] = {1, c, h, w};
    h5_lock();
    hid_t from = H5Dget_space(s->array), into = H5Screate_simple(4, s->planar ? nchw : nhwc, NULL);
    H5Sselect_hyperslab(from, H5S_SELECT_SET, start, NULL, s->planar ? nchw : nhwc, NULL);
    bool ok = H5Dread(s->array, H5T_NATIVE_UINT8, into, from, H5P_DEFAULT, to) >= 0;
    H5Sclose(into);
    H5Sclose(from);
    h5_unlock();
    return ok ? FOIL_OK : foil_fail(FOIL_INVALID, "%s: picture %lld cannot be read, the file is damaged", s->path, (long long)i);
}

foil_status set_read(const set *s, int64_t i, image *out) {
    *out = (image){0};
    if (i < 0 || i >= s->count) return foil_fail(FOIL_INVALID, "%s: picture %lld of %lld", s->path, (long long)i, (long long)s->count);
    const int32_t fixed[] = {s->height, s->width, s->channels}, *d = s->shape ? s->shape + 3 * i : fixed;
    image im, planes = {0};
    TRY(image_new(d[0], d[1], d[2], &im));
    size_t n = image_bytes(&im);
    const uint8_t *from = s->pixels ? s->pixels + (s->offset ? (size_t)s->offset[i] : (size_t)i * n) : NULL;
    foil_status status = FOIL_OK;
    if (!from) {
        status = image_new(d[0], d[1], d[2], &planes);
        if (status == FOIL_OK) status = read_array(s, i, planes.pixels);
        from = planes.pixels;
    }
    if (status != FOIL_OK)
        image_free(&im);
    else if (s->planar)
        interleave(from, &im);
    else
        memcpy(im.pixels, from, n);
    image_free(&planes);
    *out = im;
    return status;
}

foil_status set_select(const set *s, set_split split, bool (*keep)(const set *s, int64_t i, const void *context), const void *context,
                       int64_t **index, int64_t *n) {
    *n = 0;
    *index = malloc((size_t)s->count * sizeof **index);
    if (!*index) return foil_fail_memory((size_t)s->count * sizeof **index, "a selection");
    for (int64_t i = 0; i < s->count; i++)
        if ((split == SPLIT_ALL || s->split[i] == split) && (!keep || keep(s, i, context))) (*index)[(*n)++] = i;
    return FOIL_OK;
}
