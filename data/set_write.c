#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/names.h"
#include "data/shard.h"

struct set_writer {
    set_description d;
    char *path, *source, *licence;
    file_writer *file, *spool; // native sizes: pictures wait in the spool until their total is known
    hid_t h5, pixels;
    int64_t n;
    bool finished;   // all is in the temporary, which is closed
    int64_t *offset; // native: [count + 1]
    int32_t *shape;  // native: [count, 3]
    uint8_t *fake, *split, *sha256;
    int32_t *method, *subject, *clip;
    image_file *from;  // [count]
    bool files;        // some of them are known
    const char **name; // [count], in `texts`
    arena texts;
    names methods, subjects;
};

// Within h5_lock.
static foil_status unwritten(const set_writer *w) {
    if (h5_errno()) return foil_fail_errno(h5_errno(), "%s: can't be written", w->path);
    return foil_fail(FOIL_IO, "%s: can't be written, is the disk full, or memory?", w->path);
}

// All that is needed while pictures are added.
static void free_labels(set_writer *w) {
    void *all[] = {w->offset, w->shape, w->fake, w->split, w->sha256, w->method, w->subject, w->clip, w->from, (void *)w->name};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    w->offset = NULL;
    w->shape = NULL;
    w->fake = w->split = w->sha256 = NULL;
    w->method = w->subject = w->clip = NULL;
    w->name = NULL;
    w->from = NULL;
    names_free(&w->methods);
    names_free(&w->subjects);
    arena_free(&w->texts);
}

static void writer_free(set_writer *w) {
    h5_lock();
    if (w->pixels >= 0) H5Dclose(w->pixels);
    if (w->h5 >= 0) H5Fclose(w->h5);
    h5_unlock();
    file_abort(w->file);
    file_abort(w->spool);
    free_labels(w);
    free(w->path);
    free(w->source);
    free(w->licence);
    free(w);
}

static foil_status writer_new(const char *path, const set_description *d, set_writer **out) {
    set_writer *w = calloc(1, sizeof *w);
    if (!w) return foil_fail_memory(sizeof *w, "a set");
    w->h5 = w->pixels = -1;
    w->d = *d;
    size_t n = (size_t)d->count;
    w->path = strdup(path);
    w->source = strdup(d->source ? d->source : "");
    w->licence = strdup(d->licence ? d->licence : "");
    w->offset = calloc(n + 1, sizeof *w->offset);
    w->shape = calloc(n + 1, 3 * sizeof *w->shape);
    w->fake = calloc(n + 1, 1);
    w->split = calloc(n + 1, 1);
    w->sha256 = calloc(n + 1, 32);
    w->method = calloc(n + 1, sizeof *w->method);
    w->subject = calloc(n + 1, sizeof *w->subject);
    w->clip = calloc(n + 1, sizeof *w->clip);
    w->name = calloc(n + 1, sizeof *w->name);
    w->from = calloc(n + 1, sizeof *w->from);
    if (!w->path || !w->source || !w->licence || !w->offset || !w->shape || !w->fake || !w->split || !w->sha256 || !w->method || !w->subject ||
        !w->clip || !w->name || !w->from) {
        writer_free(w);
        return foil_fail_memory(n * 124, "a set's labels");
    }
    *out = w;
    return FOIL_OK;
}

// Contiguous, its place in the file fixed at once, no time of day.
static hid_t create_array(hid_t file, const char *name, hid_t type, int rank, const hsize_t *size) {
    hid_t how = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(rank, size, NULL);
    H5Pset_layout(how, H5D_CONTIGUOUS);
    H5Pset_alloc_time(how, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(how, H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(how, false);
    hid_t array = H5Dcreate2(file, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
    H5Sclose(space);
    H5Pclose(how);
    return array;
}

static bool create_folders(hid_t file) {
    static const char *const FOLDERS[] = {"image", "label", "names", "source"};
    hid_t how = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(how, false);
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof FOLDERS / sizeof *FOLDERS; i++) {
        hid_t folder = H5Gcreate2(file, FOLDERS[i], H5P_DEFAULT, how, H5P_DEFAULT);
        ok = folder >= 0 && H5Gclose(folder) >= 0;
    }
    H5Pclose(how);
    return ok;
}

// Pages of pixels are mapped by readers, hence the alignment.
static bool create_file(set_writer *w) {
    hid_t how = H5Pcreate(H5P_FILE_ACCESS), made = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_alignment(how, 4096, 4096);
    H5Pset_obj_track_times(made, false);
    w->h5 = H5Fcreate(file_temporary(w->file), H5F_ACC_TRUNC, made, how);
    H5Pclose(how);
    H5Pclose(made);
    if (w->h5 < 0 || !create_folders(w->h5)) return false;
    if (w->d.height == 0) return true;
    hsize_t size[] = {(hsize_t)w->d.count, (hsize_t)w->d.height, (hsize_t)w->d.width, (hsize_t)w->d.channels};
    w->pixels = create_array(w->h5, "image/pixels", H5T_STD_U8LE, 4, size);
    return w->pixels >= 0;
}

foil_status set_create(const char *path, const set_description *d, set_writer **out) {
    *out = NULL;
    set_writer *w = NULL;
    TRY(writer_new(path, d, &w));
    foil_status s = file_create(path, &w->file);
    if (s == FOIL_OK && d->height == 0) s = file_create(path, &w->spool);
    if (s == FOIL_OK) {
        h5_lock();
        if (!create_file(w)) s = unwritten(w);
        h5_unlock();
    }
    if (s != FOIL_OK) {
        writer_free(w);
        return s;
    }
    *out = w;
    return FOIL_OK;
}

foil_status set_name_method(set_writer *w, const char *method) {
    return names_add(&w->methods, method) < 0 ? foil_fail_memory(strlen(method), "a set's methods") : FOIL_OK;
}

static bool write_part(hid_t array, int rank, const hsize_t *start, const hsize_t *count, const void *bytes) {
    hid_t to = H5Dget_space(array), from = H5Screate_simple(rank, count, NULL);
    bool ok = H5Sselect_hyperslab(to, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
              H5Dwrite(array, H5T_NATIVE_UINT8, from, to, H5P_DEFAULT, bytes) >= 0;
    H5Sclose(from);
    H5Sclose(to);
    return ok;
}

static foil_status add_pixels(set_writer *w, const image *im) {
    const set_description *d = &w->d;
    if (im->channels != d->channels || (d->height != 0 && (im->height != d->height || im->width != d->width)))
        return foil_fail(FOIL_INVALID, "%s: a picture of %d x %d x %d for a set of %d x %d x %d", w->path, im->height, im->width, im->channels,
                         d->height, d->width, d->channels);
    if (d->height == 0) {
        memcpy(w->shape + 3 * w->n, (int32_t[]){im->height, im->width, im->channels}, 3 * sizeof(int32_t));
        w->offset[w->n + 1] = w->offset[w->n] + (int64_t)image_bytes(im);
        file_write(w->spool, im->pixels, image_bytes(im));
        return FOIL_OK;
    }
    hsize_t start[] = {(hsize_t)w->n, 0, 0, 0}, count[] = {1, (hsize_t)d->height, (hsize_t)d->width, (hsize_t)d->channels};
    h5_lock();
    foil_status s = write_part(w->pixels, 4, start, count, im->pixels) ? FOIL_OK : unwritten(w);
    h5_unlock();
    return s;
}

// -1 for none, or ''.
static foil_status take_name(names *in, const char *name, int32_t *number) {
    const bool named = name && *name;
    *number = named ? names_add(in, name) : -1;
    return named && *number < 0 ? foil_fail_memory(strlen(name), "a set's names") : FOIL_OK;
}

foil_status set_add(set_writer *w, const image *im, bool fake, const char *method, const char *subject, int clip, set_split split, const char *path,
                    const unsigned char sha256[32]) {
    if (w->n == w->d.count) return foil_fail(FOIL_INVALID, "%s: more pictures than the %lld announced", w->path, (long long)w->d.count);
    int64_t i = w->n;
    w->fake[i] = fake;
    TRY(take_name(&w->methods, method, &w->method[i]));
    TRY(take_name(&w->subjects, subject, &w->subject[i]));
    w->clip[i] = clip;
    w->split[i] = (uint8_t)split;
    w->name[i] = arena_text(&w->texts, path);
    if (!w->name[i]) return foil_fail_memory(strlen(path), "a set's file names");
    memcpy(w->sha256 + 32 * i, sha256, 32);
    TRY(add_pixels(w, im));
    w->n++;
    return FOIL_OK;
}

void set_add_file(set_writer *w, const image_file *file) {
    w->from[w->n - 1] = *file;
    w->files |= file->format != FILE_UNKNOWN;
}

// What is written at the end: all but the pixels. -----------------------------------------------------------------------------------------------
static bool write_array(hid_t file, const char *name, hid_t stored, h5_type type, int rank, const hsize_t *size, const void *content) {
    hid_t array = create_array(file, name, stored, rank, size);
    if (array < 0) return false;
    bool ok = size[0] == 0 || H5Dwrite(array, h5_native(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, content) >= 0;
    return H5Dclose(array) >= 0 && ok;
}

// As UTF-8 of one width, padded with zeros.
static bool write_texts(hid_t file, const char *name, const char *const *texts, size_t n) {
    size_t width = 1;
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(texts[i]) + 1;
        if (length > width) width = length;
    }
    char *all = calloc(n ? n : 1, width);
    if (!all) return false;
    for (size_t i = 0; i < n; i++) memcpy(all + i * width, texts[i], strlen(texts[i]));
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width);
    H5Tset_cset(type, H5T_CSET_UTF8);
    hsize_t size[] = {n};
    hid_t array = create_array(file, name, type, 1, size);
    bool ok = array >= 0 && (n == 0 || H5Dwrite(array, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0);
    if (array >= 0) ok = H5Dclose(array) >= 0 && ok;
    H5Tclose(type);
    free(all);
    return ok;
}

static bool write_attribute(hid_t file, const char *name, hid_t type, const void *value) {
    hid_t space = H5Screate(H5S_SCALAR), attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return ok;
}

static bool write_attributes(const set_writer *w) {
    const struct {
        const char *name, *value;
    } texts[] = {{"kind", "image"},       {"created_by", "foil " FOIL_VERSION}, {"source", w->source},
                 {"licence", w->licence}, {"fit", FIT_NAMES[w->d.fit]},         {"resize", RESIZE_NAMES[w->d.filter]}};
    hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, H5T_VARIABLE);
    H5Tset_cset(text, H5T_CSET_UTF8);
    bool ok = write_attribute(w->h5, "foil_format", H5T_NATIVE_INT32, &(int32_t){1}) && write_attribute(w->h5, "seed", H5T_NATIVE_UINT64, &w->d.seed);
    for (size_t i = 0; ok && i < sizeof texts / sizeof *texts; i++) ok = write_attribute(w->h5, texts[i].name, text, &texts[i].value);
    H5Tclose(text);
    return ok;
}

static bool write_labels(const set_writer *w) {
    hsize_t n[] = {(hsize_t)w->n, 32};
    hid_t f = w->h5;
    return write_array(f, "label/fake", H5T_STD_U8LE, H5_U8, 1, n, w->fake) &&
           write_array(f, "label/method", H5T_STD_I32LE, H5_I32, 1, n, w->method) &&
           write_array(f, "label/subject", H5T_STD_I32LE, H5_I32, 1, n, w->subject) &&
           write_array(f, "label/clip", H5T_STD_I32LE, H5_I32, 1, n, w->clip) && write_array(f, "split", H5T_STD_U8LE, H5_U8, 1, n, w->split) &&
           write_array(f, "source/sha256", H5T_STD_U8LE, H5_U8, 2, n, w->sha256) &&
           write_texts(f, "names/method", w->methods.at, (size_t)w->methods.count) &&
           write_texts(f, "names/subject", w->subjects.at, (size_t)w->subjects.count) && write_texts(f, "names/split", SPLIT_NAMES, 3) &&
           write_texts(f, "source/path", w->name, (size_t)w->n);
}

static bool write_files(const set_writer *w) {
    hsize_t n[] = {(hsize_t)w->n, sizeof(image_file) / sizeof(int32_t)};
    return !w->files || write_array(w->h5, "source/file", H5T_STD_I32LE, H5_I32, 2, n, w->from);
}

static bool copy_spool(const set_writer *w, hid_t array) {
    enum { BLOCK = 1 << 20 };
    FILE *spool = fflush(file_stream(w->spool)) == 0 ? fopen(file_temporary(w->spool), "rb") : NULL;
    char *block = malloc(BLOCK);
    bool ok = block && spool;
    hsize_t total = (hsize_t)w->offset[w->n];
    for (hsize_t at = 0, n; ok && at < total; at += n) {
        n = total - at < BLOCK ? total - at : BLOCK;
        ok = fread(block, 1, n, spool) == n && write_part(array, 1, &at, &n, block);
    }
    free(block);
    if (spool) fclose(spool);
    return ok;
}

static bool write_native(const set_writer *w) {
    hsize_t bytes[] = {(hsize_t)w->offset[w->n]}, offsets[] = {(hsize_t)w->n + 1}, shapes[] = {(hsize_t)w->n, 3};
    hid_t array = create_array(w->h5, "image/bytes", H5T_STD_U8LE, 1, bytes);
    if (array < 0) return false;
    bool ok = copy_spool(w, array);
    return H5Dclose(array) >= 0 && ok && write_array(w->h5, "image/offset", H5T_STD_I64LE, H5_I64, 1, offsets, w->offset) &&
           write_array(w->h5, "image/shape", H5T_STD_I32LE, H5_I32, 2, shapes, w->shape);
}

static bool write_rest(set_writer *w) {
    bool ok = write_attributes(w) && (w->d.height != 0 || write_native(w)) && write_labels(w) && write_files(w);
    if (w->pixels >= 0) ok = H5Dclose(w->pixels) >= 0 && ok;
    ok = H5Fclose(w->h5) >= 0 && ok;
    w->pixels = w->h5 = -1;
    return ok;
}

// As readers will see it.
static foil_status take_fingerprint(const set_writer *w, char fingerprint[65]) {
    shard *s;
    TRY(shard_open(file_temporary(w->file), &s));
    foil_status status = shard_fingerprint(s, fingerprint);
    shard_close(s);
    return status;
}

static foil_status finish(set_writer *w) {
    if (w->n != w->d.count)
        return foil_fail(FOIL_INVALID, "%s: %lld pictures of the %lld announced", w->path, (long long)w->n, (long long)w->d.count);
    foil_status s = FOIL_OK;
    h5_lock();
    if (!write_rest(w)) s = unwritten(w);
    h5_unlock();
    TRY(s);
    free_labels(w);
    file_abort(w->spool);
    w->spool = NULL;
    w->finished = true;
    return FOIL_OK;
}

foil_status set_finish(set_writer *w, char fingerprint[65], int64_t *bytes) {
    TRY(finish(w));
    TRY(take_fingerprint(w, fingerprint));
    return file_finish(w->file, bytes);
}

foil_status set_commit(set_writer *w) {
    foil_status s = w->finished ? FOIL_OK : finish(w);
    if (s == FOIL_OK) {
        s = file_commit(w->file);
        w->file = NULL;
    }
    writer_free(w);
    return s;
}

void set_abort(set_writer *w) {
    if (w) writer_free(w);
}
