#include "data/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/text.h"

void shard_close(shard *s) {
    if (!s) return;
    h5_lock();
    if (s->array >= 0) H5Dclose(s->array);
    if (s->h5 >= 0) H5Fclose(s->h5);
    h5_unlock();
    file_map_close(&s->map);
    arena_free(&s->memory);
    free(s->path);
    free(s);
}

// Opening: every array against the others. -----------------------------------------------------------------------------------------------------
static foil_status check_range(const shard *s, const char *name, const int32_t *value, int least, int below) {
    for (int64_t i = 0; i < s->count; i++)
        if (value[i] < least || value[i] >= below)
            return foil_fail(FOIL_INVALID, "%s: /label/%s has %d at %lld, expected %d to %d", s->path, name, value[i], (long long)i, least,
                             below - 1);
    return FOIL_OK;
}

static foil_status check_labels(const shard *s) {
    for (int64_t i = 0; i < s->count; i++) {
        if (s->fake[i] > 1) return foil_fail(FOIL_INVALID, "%s: /label/fake has %d at %lld, expected 0 or 1", s->path, s->fake[i], (long long)i);
        if (s->split[i] > SPLIT_TEST)
            return foil_fail(FOIL_INVALID, "%s: /split has %d at %lld, expected 0 to 2", s->path, s->split[i], (long long)i);
    }
    TRY(check_range(s, "method", s->method, -1, s->methods));
    TRY(check_range(s, "subject", s->subject, -1, s->subjects));
    return check_range(s, "clip", s->clip, -1, INT32_MAX);
}

static foil_status view(shard *s, const char *name, h5_type type, int rank, hsize_t *size, const void **out) {
    return h5_view(s->h5, s->path, name, type, rank, size, &s->map, &s->memory, out);
}

static foil_status view_texts(shard *s, const char *name, hsize_t *n, h5_texts *out) {
    return h5_view_texts(s->h5, s->path, name, n, &s->map, &s->memory, out);
}

static foil_status open_files(shard *s) {
    hsize_t n[] = {(hsize_t)s->count, sizeof(image_file) / sizeof(int32_t)};
    if (!h5_has(s->h5, "source/file")) return FOIL_OK;
    TRY(view(s, "source/file", H5_I32, 2, n, (const void **)&s->file));
    for (int64_t i = 0; i < s->count; i++) {
        const image_file *f = &s->file[i];
        if (f->format < 0 || f->format >= FILE_FORMAT_COUNT || f->colours < 0 || f->colours >= FILE_COLOUR_COUNT || f->width < 0 || f->height < 0 ||
            f->quality < 0 || f->quality > 100 || f->bytes < 0)
            return foil_fail(FOIL_INVALID, "%s: /source/file is out of range at %lld", s->path, (long long)i);
    }
    return FOIL_OK;
}

static foil_status open_labels(shard *s) {
    hsize_t n[] = {0, 32}, methods = 0, subjects = 0;
    TRY(view(s, "label/fake", H5_U8, 1, n, (const void **)&s->fake));
    if (n[0] == 0 || n[0] > INT32_MAX) return foil_fail(FOIL_INVALID, "%s: a set of %llu pictures", s->path, (unsigned long long)n[0]);
    s->count = (int64_t)n[0];
    TRY(view(s, "label/method", H5_I32, 1, n, (const void **)&s->method));
    TRY(view(s, "label/subject", H5_I32, 1, n, (const void **)&s->subject));
    TRY(view(s, "label/clip", H5_I32, 1, n, (const void **)&s->clip));
    TRY(view(s, "split", H5_U8, 1, n, (const void **)&s->split));
    TRY(view(s, "source/sha256", H5_U8, 2, n, (const void **)&s->sha256));
    TRY(view_texts(s, "names/method", &methods, &s->method_name));
    TRY(view_texts(s, "names/subject", &subjects, &s->subject_name));
    TRY(view_texts(s, "source/path", n, &s->name));
    if (methods > INT32_MAX || subjects > INT32_MAX) return foil_fail(FOIL_INVALID, "%s: too many names", s->path);
    s->methods = (int)methods;
    s->subjects = (int)subjects;
    s->named = true;
    return check_labels(s);
}

// Keeps `array`; if its `bytes` lie in one piece, where they are in the map.
static foil_status locate(shard *s, const char *name, hid_t array, size_t bytes) {
    s->array = array;
    return h5_in_map(array, s->path, name, &s->map, bytes, 1, (const void **)&s->pixels);
}

static foil_status take_size(shard *s, hsize_t height, hsize_t width, hsize_t channels) {
    const hsize_t limit = 1 << 14;
    if ((channels != 1 && channels != 3) || height < 1 || width < 1 || height > limit || width > limit)
        return foil_fail(FOIL_INVALID, "%s: pictures of %llu x %llu x %llu, expected at most %llu x %llu and 1 or 3 channels", s->path,
                         (unsigned long long)height, (unsigned long long)width, (unsigned long long)channels, (unsigned long long)limit,
                         (unsigned long long)limit);
    s->facts.height = (int)height;
    s->facts.width = (int)width;
    s->facts.channels = (int)channels;
    return FOIL_OK;
}

static foil_status open_pixels(shard *s) {
    hsize_t size[4] = {(hsize_t)s->count};
    hid_t array;
    TRY(h5_array(s->h5, s->path, "image/pixels", H5_U8, 4, size, &array));
    s->array = array;
    TRY(take_size(s, size[1], size[2], size[3]));
    return locate(s, "image/pixels", array, size[0] * size[1] * size[2] * size[3]);
}

static foil_status check_shapes(shard *s, int64_t bytes) {
    s->facts.channels = s->shape[2];
    for (int64_t i = 0; i < s->count; i++) {
        const int32_t *d = s->shape + 3 * i;
        bool fine = d[0] > 0 && d[1] > 0 && (d[2] == 1 || d[2] == 3) && d[2] == s->facts.channels && (int64_t)d[0] * d[1] <= (int64_t)1 << 28;
        if (!fine || s->offset[i] < 0 || s->offset[i] > bytes || s->offset[i + 1] != s->offset[i] + (int64_t)d[0] * d[1] * d[2])
            return foil_fail(FOIL_INVALID, "%s: /image/offset and /image/shape disagree at picture %lld: bytes %lld to %lld for %d x %d x %d",
                             s->path, (long long)i, (long long)s->offset[i], (long long)s->offset[i + 1], d[0], d[1], d[2]);
    }
    if (s->offset[0] != 0 || s->offset[s->count] != bytes)
        return foil_fail(FOIL_INVALID, "%s: /image/offset runs from %lld to %lld, /image/bytes has %lld", s->path, (long long)s->offset[0],
                         (long long)s->offset[s->count], (long long)bytes);
    return FOIL_OK;
}

static foil_status open_native(shard *s) {
    hsize_t bytes[1] = {0}, offsets[1] = {(hsize_t)s->count + 1}, shapes[2] = {(hsize_t)s->count, 3};
    hid_t array;
    TRY(view(s, "image/offset", H5_I64, 1, offsets, (const void **)&s->offset));
    TRY(view(s, "image/shape", H5_I32, 2, shapes, (const void **)&s->shape));
    TRY(h5_array(s->h5, s->path, "image/bytes", H5_U8, 1, bytes, &array));
    TRY(locate(s, "image/bytes", array, bytes[0]));
    if (!s->pixels) return foil_fail(FOIL_INVALID, "%s: /image/bytes is stored in chunks, expected one piece", s->path);
    return check_shapes(s, (int64_t)bytes[0]);
}

static foil_status word(const shard *s, const char *attribute, const char *const *words, int *out) {
    char value[32];
    if (!h5_attribute_text(s->h5, attribute, value, sizeof value))
        return foil_fail(FOIL_INVALID, "%s: attribute '%s' is missing", s->path, attribute);
    for (*out = 0; words[*out]; ++*out)
        if (strcmp(words[*out], value) == 0) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: attribute '%s' is '%s', which this version does not know", s->path, attribute, value);
}

// A text for people, of which the first 4,000 bytes are kept; "" if there is none.
static foil_status note(shard *s, const char *attribute, const char **out) {
    char value[4001] = "";
    if (!h5_attribute_text(s->h5, attribute, value, sizeof value)) value[0] = 0;
    *out = arena_text(&s->memory, value);
    return *out ? FOIL_OK : foil_fail_memory(sizeof value, "a set's attributes");
}

static foil_status open_ours(shard *s) {
    long long format = 0;
    char kind[32] = "";
    int fit, filter;
    h5_attribute_int(s->h5, "foil_format", &format);
    if (format != 1) return foil_fail(FOIL_UNSUPPORTED, "%s: format %lld, this version reads 1", s->path, format);
    if (!h5_attribute_text(s->h5, "kind", kind, sizeof kind) || strcmp(kind, "image") != 0)
        return foil_fail(FOIL_UNSUPPORTED, "%s: a set of kind '%s', expected 'image'", s->path, kind);
    TRY(word(s, "fit", FIT_NAMES, &fit));
    TRY(word(s, "resize", RESIZE_NAMES, &filter));
    TRY(note(s, "source", &s->source));
    TRY(note(s, "licence", &s->licence));
    s->facts.fit = (image_fit)fit;
    s->facts.filter = (resize_filter)filter;
    TRY(open_labels(s));
    TRY(open_files(s));
    return h5_has(s->h5, "image/pixels") ? open_pixels(s) : open_native(s);
}

// BigGAN-PyTorch's and StudioGAN's files: reals without names or splits. They get splits of .8, .1 and .1 by Philox with seed 0.
static foil_status label_theirs(shard *s) {
    size_t n = (size_t)s->count;
    uint8_t *fake = arena_alloc(&s->memory, n), *split = arena_alloc(&s->memory, n);
    int32_t *method = arena_alloc(&s->memory, n * sizeof *method), *none = arena_alloc(&s->memory, n * sizeof *none);
    s->method_name.list = arena_alloc(&s->memory, sizeof *s->method_name.list);
    if (s->method_name.list) s->method_name.list[0] = arena_text(&s->memory, file_name(s->path));
    if (!fake || !split || !method || !none || !s->method_name.list || !s->method_name.list[0]) return foil_fail_memory(n * 10, "labels");
    memset(none, -1, n * sizeof *none);
    philox_key k = {0, STREAM_SPLIT, 0};
    for (size_t i = 0; i < n; i++) {
        float u = philox_uniform(k, i);
        split[i] = u < .8f ? SPLIT_TRAIN : u < .9f ? SPLIT_VAL : SPLIT_TEST;
    }
    s->fake = fake;
    s->split = split;
    s->method = method;
    s->subject = s->clip = none;
    s->methods = 1;
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

static foil_status open_theirs(shard *s) {
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
    s->facts.fit = FIT_RESIZE;
    TRY(label_theirs(s));
    return locate(s, "imgs", array, size[0] * size[1] * size[2] * size[3]);
}

static foil_status open_file(shard *s) {
    if (H5Fis_hdf5(s->path) <= 0) return foil_fail(FOIL_INVALID, "%s: not an HDF5 file, expected a set that 'foil pack' made", s->path);
    s->h5 = H5Fopen(s->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (s->h5 < 0) return foil_fail(FOIL_INVALID, "%s: truncated or damaged HDF5 file", s->path);
    if (H5Aexists(s->h5, "foil_format") > 0) return open_ours(s);
    if (h5_has(s->h5, "imgs") && h5_has(s->h5, "labels")) return open_theirs(s);
    return foil_fail(FOIL_INVALID, "%s: HDF5, but neither a set of Foil (attribute foil_format) nor of BigGAN or StudioGAN (imgs, labels)", s->path);
}

static foil_status open_shard(shard *s, const char *path) {
    s->path = strdup(path);
    if (!s->path) return foil_fail_memory(strlen(path), "a path");
    TRY(file_map_open(path, &s->map));
    h5_lock();
    foil_status status = open_file(s);
    if (status != FOIL_OK && h5_errno()) status = foil_fail_errno(h5_errno(), "%s: can't be read", path);
    if (s->pixels || status != FOIL_OK) { // the map is all that is needed
        if (s->array >= 0) H5Dclose(s->array);
        if (s->h5 >= 0) H5Fclose(s->h5);
        s->array = s->h5 = -1;
    }
    h5_unlock();
    return status;
}

foil_status shard_open(const char *path, shard **out) {
    *out = NULL;
    shard *s = calloc(1, sizeof *s);
    if (!s) return foil_fail_memory(sizeof *s, "a set");
    s->h5 = s->array = -1;
    foil_status status = open_shard(s, path);
    if (status == FOIL_OK)
        *out = s;
    else
        shard_close(s);
    return status;
}
