#include <stdio.h>
#include <string.h>

#include "data/shard.h"

// [C,H,W] -> [H,W,C].
static void interleave(const uint8_t *planes, image *im) {
    size_t n = (size_t)im->height * (size_t)im->width, c = (size_t)im->channels;
    for (size_t k = 0; k < c; k++)
        for (size_t i = 0; i < n; i++) im->pixels[i * c + k] = planes[k * n + i];
}

static foil_status read_array(const shard *s, int64_t i, uint8_t *to) {
    hsize_t h = (hsize_t)s->facts.height, w = (hsize_t)s->facts.width, c = (hsize_t)s->facts.channels;
    hsize_t start[] = {(hsize_t)i, 0, 0, 0}, nhwc[] = {1, h, w, c}, nchw[] = {1, c, h, w};
    h5_lock();
    hid_t from = H5Dget_space(s->array), into = H5Screate_simple(4, s->planar ? nchw : nhwc, NULL);
    H5Sselect_hyperslab(from, H5S_SELECT_SET, start, NULL, s->planar ? nchw : nhwc, NULL);
    bool ok = H5Dread(s->array, H5T_NATIVE_UINT8, into, from, H5P_DEFAULT, to) >= 0;
    H5Sclose(into);
    H5Sclose(from);
    const int error = h5_errno();
    h5_unlock();
    if (!ok && error) return foil_fail_errno(error, "%s: picture %lld can't be read", s->path, (long long)i);
    return ok ? FOIL_OK : foil_fail(FOIL_INVALID, "%s: picture %lld cannot be read, the file is damaged", s->path, (long long)i);
}

foil_status shard_read(const shard *s, int64_t i, image *out) {
    *out = (image){0};
    const int32_t fixed[] = {s->facts.height, s->facts.width, s->facts.channels}, *d = s->shape ? s->shape + 3 * i : fixed;
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

foil_status shard_source_at(const shard *s, int64_t i, arena *texts, set_source *out) {
    *out = (set_source){.clip = s->clip[i], .known = s->sha256 != NULL};
    out->path = s->named ? arena_text(texts, h5_text(&s->name, i)) : arena_format(texts, "#%lld", (long long)i);
    out->subject = s->subject[i] < 0 ? "" : arena_text(texts, h5_text(&s->subject_name, s->subject[i]));
    if (s->sha256) memcpy(out->sha256, s->sha256 + 32 * i, 32);
    if (s->file) out->file = s->file[i];
    return out->path && out->subject ? FOIL_OK : foil_fail_memory(64, "the description of a picture");
}

// Files whose pictures have no digests are known by their labels and by 16 pictures from all over.
static foil_status add_digests(const shard *s, sha256_sum *sum) {
    if (s->sha256) {
        sha256_add(sum, s->sha256, 32 * (size_t)s->count);
        return FOIL_OK;
    }
    for (int64_t i = 0; i < 16; i++) {
        image im;
        TRY(shard_read(s, i * (s->count - 1) / 15, &im));
        sha256_add(sum, im.pixels, image_bytes(&im));
        image_free(&im);
    }
    return FOIL_OK;
}

foil_status shard_fingerprint(const shard *s, char hex[65]) {
    size_t n = (size_t)s->count;
    sha256_sum sum;
    unsigned char digest[32];
    sha256_begin(&sum);
    for (int i = 0; i < s->methods; i++) {
        const char *name = h5_text(&s->method_name, i);
        sha256_add(&sum, name, strlen(name) + 1);
    }
    sha256_add(&sum, s->fake, n);
    sha256_add(&sum, s->split, n);
    sha256_add(&sum, s->method, n * sizeof *s->method);
    TRY(add_digests(s, &sum));
    sha256_end(&sum, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return FOIL_OK;
}
