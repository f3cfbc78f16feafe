// MNIST-style idx files, gzip or not: u8 [N,H,W] or [N,H,W,3] (http://yann.lecun.com/exdb/mnist, "The IDX file format").
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/text.h"
#include "datasets/importer.h"

enum { MAX_BYTES = 1 << 30 };

// The whole file, unpacked if it is gzip.
static foil_status unpack(const char *path, uint8_t **out, size_t *n) {
    if (file_is_folder(path)) return foil_fail(FOIL_INVALID, "%s: is a folder, expected a file", path);
    gzFile f = gzopen(path, "rb");
    if (!f) return foil_fail(FOIL_IO, "%s: cannot be opened", path);
    size_t used = 0, capacity = (size_t)1 << 20;
    uint8_t *bytes = malloc(capacity);
    foil_status s = bytes ? FOIL_OK : foil_fail_memory(capacity, path);
    for (int got = 1; s == FOIL_OK && got > 0; used += (size_t)(got > 0 ? got : 0)) {
        if (used == capacity) {
            uint8_t *more = capacity < MAX_BYTES ? realloc(bytes, 2 * capacity) : NULL;
            if (!more)
                s = capacity < MAX_BYTES ? foil_fail_memory(2 * capacity, path)
                                         : foil_fail(FOIL_INVALID, "%s: more than the %d MB that are read", path, MAX_BYTES >> 20);
            if (!more) break;
            bytes = more;
            capacity *= 2;
        }
        got = gzread(f, bytes + used, (unsigned)(capacity - used));
        if (got < 0) s = foil_fail(FOIL_INVALID, "%s: the gzip data is corrupt", path);
    }
    if (gzclose(f) != Z_OK && s == FOIL_OK) s = foil_fail(FOIL_INVALID, "%s: the gzip data is truncated", path);
    if (s != FOIL_OK) {
        free(bytes);
        return s;
    }
    *out = bytes;
    *n = used;
    return FOIL_OK;
}

static int64_t big_endian(const uint8_t *b) {
    return (int64_t)b[0] << 24 | (int64_t)b[1] << 16 | (int64_t)b[2] << 8 | b[3];
}

static foil_status describe(const char *path, const uint8_t *b, size_t n, import_archive *a) {
    int rank = n >= 4 ? b[3] : 0;
    if (n < 4 || b[0] || b[1] || b[2] != 8 || rank < 3 || rank > 4 || n < 4 + 4 * (size_t)rank)
        return foil_fail(FOIL_INVALID, "%s: not an idx file of pictures: bytes [N,H,W] or [N,H,W,3] were expected", path);
    int64_t size[4] = {0, 0, 0, 1};
    for (int i = 0; i < rank; i++) size[i] = big_endian(b + 4 + (size_t)4 * (size_t)i);
    if (size[1] < 1 || size[1] > 65535 || size[2] < 1 || size[2] > 65535 || (size[3] != 1 && size[3] != 3))
        return foil_fail(FOIL_INVALID, "%s: pictures of %lld x %lld x %lld", path, (long long)size[1], (long long)size[2], (long long)size[3]);
    *a = (import_archive){.skip = 4 + 4 * (size_t)rank, .records = size[0], .height = (int)size[1], .width = (int)size[2], .channels = (int)size[3]};
    int64_t record = size[1] * size[2] * size[3], given = (int64_t)(n - a->skip);
    if (given % record == 0 && given / record == size[0]) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: %lld bytes of pixels; its header announces %lld pictures of %lld", path, (long long)given, (long long)size[0],
                     (long long)record);
}

static foil_status list_idx(const char *source, const import_options *o, import_list *into) {
    uint8_t *bytes = NULL;
    size_t n = 0;
    import_archive a;
    TRY(unpack(source, &bytes, &n));
    foil_status s = describe(source, bytes, n, &a);
    if (s != FOIL_OK) {
        free(bytes);
        return s;
    }
    a.bytes = bytes;
    return import_add_archive(into, source, &a, o);
}

static bool sniff_idx(const char *source) {
    return text_ends(source, "-ubyte") || text_ends(source, "-ubyte.gz") || text_ends(source, ".idx") || text_ends(source, ".idx.gz");
}

extern const importer IMPORT_IDX;
const importer IMPORT_IDX = {"idx", "MNIST-style files of bytes, gzip or not; reals unless --label fake", sniff_idx, list_idx};
