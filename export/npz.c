// NumPy archives: a zip of .npy files, stored without compression, so that np.load(mmap_mode) and everything else opens them.
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "export/export.h"

// Zip (PKWARE's APPNOTE 6.3.x), the part of it that NumPy writes. Everything is little-endian.
enum { LOCAL_HEADER = 30, DIRECTORY_ENTRY = 46, DIRECTORY_END = 22 };
enum { JANUARY_1980 = 0x21 }; // archives of the same tensors are the same bytes

static uint32_t crc32_more(uint32_t crc, const void *bytes, size_t n) {
    static const uint32_t NIBBLE[] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                      0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    const uint8_t *p = bytes;
    for (crc = ~crc; n--; p++) {
        crc = NIBBLE[(crc ^ *p) & 15] ^ (crc >> 4);
        crc = NIBBLE[(crc ^ (*p >> 4)) & 15] ^ (crc >> 4);
    }
    return ~crc;
}

static uint8_t *put(uint8_t *p, int bytes, uint64_t value) {
    for (int i = 0; i < bytes; i++) *p++ = (uint8_t)(value >> (8 * i));
    return p;
}

// From "version needed" to "extra length": what local headers and directory entries share.
static uint8_t *put_common(uint8_t *p, uint32_t crc, uint64_t size, size_t name_length) {
    p = put(p, 2, 20); // version needed
    p = put(p, 2, 0);  // flags
    p = put(p, 2, 0);  // stored
    p = put(p, 2, 0);  // time
    p = put(p, 2, JANUARY_1980);
    p = put(p, 4, crc);
    p = put(p, 4, size);
    p = put(p, 4, size);
    p = put(p, 2, name_length);
    return put(p, 2, 0); // extra
}

typedef struct archive {
    file_writer *file;
    text directory;
    uint64_t at;
    int entries;
} archive;

static void emit(archive *a, const void *bytes, size_t n) {
    file_write(a->file, bytes, n);
    a->at += n;
}

static void add_directory_entry(archive *a, const char *name, uint32_t crc, uint64_t size, uint64_t offset) {
    uint8_t entry[DIRECTORY_ENTRY] = {0}, *p = put(entry, 4, 0x02014b50);
    p = put(p, 2, 20); // version made by
    p = put_common(p, crc, size, strlen(name));
    p = put(p, 6, 0);                // comment, disk, internal attributes
    p = put(p, 4, 0100644ULL << 16); // external attributes: a plain file
    put(p, 4, offset);
    text_add_bytes(&a->directory, entry, sizeof entry);
    text_add(&a->directory, name);
    a->entries++;
}

// "\x93NUMPY", version 1.0, and a dictionary that ends at a multiple of 64.
static void npy_header(shape s, text *out) {
    text dict = {0};
    text_add(&dict, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < s.n; i++) text_format(&dict, "%lld,%s", (long long)s.d[i], i + 1 < s.n ? " " : "");
    text_add(&dict, "), }");
    while ((10 + dict.length + 1) % 64 && !dict.failed) text_add(&dict, " ");
    text_add(&dict, "\n");
    text_add_bytes(out, "\x93NUMPY\x01", 8); // with its NUL: minor version 0
    text_add_bytes(out, (uint8_t[]){(uint8_t)dict.length, (uint8_t)(dict.length >> 8)}, 2);
    text_add_bytes(out, dict.data, dict.length);
    out->failed = out->failed || dict.failed;
    text_free(&dict);
}

static foil_status add_tensor(archive *a, const store *s, int index) {
    const store_tensor *t = &s->tensor[index];
    const size_t bytes = (size_t)shape_count(t->shape) * sizeof(float);
    text header = {0}, name = {0};
    npy_header(t->shape, &header);
    text_format(&name, "%s.npy", t->name);
    foil_status status = header.failed || name.failed ? foil_fail_memory(1024, "a NumPy archive") : FOIL_OK;
    if (a->at + bytes + 4096 > UINT32_MAX) status = foil_fail(FOIL_UNSUPPORTED, "a NumPy archive of more than 4 GB");
    if (status == FOIL_OK) {
        const uint64_t offset = a->at, size = header.length + bytes;
        uint32_t crc = crc32_more(crc32_more(0, header.data, header.length), store_data(s, index), bytes);
        uint8_t local[LOCAL_HEADER];
        put_common(put(local, 4, 0x04034b50), crc, size, name.length);
        emit(a, local, sizeof local);
        emit(a, name.data, name.length);
        emit(a, header.data, header.length);
        emit(a, store_data(s, index), bytes);
        add_directory_entry(a, name.data, crc, size, offset);
    }
    text_free(&header);
    text_free(&name);
    return status;
}

static foil_status add_directory(archive *a) {
    if (a->directory.failed) return foil_fail_memory(a->directory.length, "a NumPy archive");
    if (a->entries > UINT16_MAX) return foil_fail(FOIL_UNSUPPORTED, "a NumPy archive of more than 65535 tensors");
    const uint64_t offset = a->at;
    emit(a, a->directory.data, a->directory.length);
    uint8_t end[DIRECTORY_END] = {0}, *p = put(put(end, 4, 0x06054b50), 4, 0);
    p = put(p, 2, (uint64_t)a->entries);
    p = put(p, 2, (uint64_t)a->entries);
    p = put(p, 4, a->directory.length);
    p = put(p, 4, offset);
    put(p, 2, 0);
    emit(a, end, sizeof end);
    return FOIL_OK;
}

foil_status export_npz(const char *path, const store *s) {
    archive a = {0};
    TRY(file_create(path, &a.file));
    foil_status status = FOIL_OK;
    for (int i = 0; i < s->n && status == FOIL_OK; i++) status = add_tensor(&a, s, i);
    if (status == FOIL_OK) status = add_directory(&a);
    text_free(&a.directory);
    if (status == FOIL_OK) return file_commit(a.file);
    file_abort(a.file);
    return status;
}
