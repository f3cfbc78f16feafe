#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "nn/safetensors.h"
#include "tests/cmocka.h"

static char folder[64], path[80], other[80];

static int enter(void **state) {
    (void)state;
    strcpy(folder, "/tmp/foil-test-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%.40s/a", folder);
    snprintf(other, sizeof other, "%.40s/b", folder);
    return 0;
}

static int leave(void **state) {
    (void)state;
    unlink(path);
    unlink(other);
    return rmdir(folder); // nothing half-written stays
}

static void put(const char *to, const void *bytes, size_t n) {
    file_writer *w;
    assert_int_equal(file_create(to, &w), FOIL_OK);
    file_write(w, bytes, n);
    assert_int_equal(file_commit(w), FOIL_OK);
}

// A file with this header (its length is put before it) and `data` bytes of zeros.
static void put_parts(const char *header, size_t data) {
    unsigned char bytes[4096] = {0};
    size_t n = strlen(header);
    assert_true(8 + n + data <= sizeof bytes);
    bytes[0] = (unsigned char)n;
    bytes[1] = (unsigned char)(n >> 8);
    memcpy(bytes + 8, header, n); // NOLINT(bugprone-not-null-terminated-result): a file, not a string
    put(path, bytes, 8 + n + data);
}

static void write_example(const char *to, bool reversed) {
    static const float floats[6] = {1, 2, 3, 4, 5, 6};
    static const unsigned char bytes[3] = {7, 8, 9};
    static const int64_t longs[1] = {-1};
    safetensors_writer *w = safetensors_writer_new();
    assert_non_null(w);
    for (int k = 0; k < 4; k++) {
        switch (reversed ? 3 - k : k) {
        case 0:
            safetensors_add(w, "layers.0.weight", "F32", SHAPE(2, 3), floats);
            safetensors_set(w, "format", "pt");
            break;
        case 1:
            safetensors_add(w, "b\"\xc3\xa9", "U8", SHAPE(3), bytes);
            break;
        case 2:
            safetensors_add(w, "steps", "I64", SCALAR, longs);
            safetensors_set(w, "a", "line\nline");
            break;
        default:
            safetensors_add(w, "a", "F32", SHAPE(0, 4), floats);
        }
    }
    if (safetensors_write(w, to) != FOIL_OK) fail_msg("%s", foil_error());
    safetensors_writer_free(w);
}

static void what_is_written_reads_back(void **state) {
    (void)state;
    write_example(path, false);
    safetensors *s;
    if (safetensors_open(path, &s) != FOIL_OK) fail_msg("%s", foil_error());
    assert_int_equal(safetensors_count(s), 4);
    static const char *const order[] = {"steps", "a", "layers.0.weight", "b\"\xc3\xa9"}; // widest first, then by name
    for (int i = 0; i < 4; i++) assert_string_equal(safetensors_at(s, i).name, order[i]);
    safetensors_entry e;
    assert_true(safetensors_find(s, "layers.0.weight", &e));
    assert_string_equal(e.type, "F32");
    assert_true(shape_equal(e.shape, SHAPE(2, 3)) && e.bytes == 24);
    assert_int_equal((uintptr_t)e.data % 8, 0);
    assert_true(((const float *)e.data)[5] == 6);
    assert_true(safetensors_find(s, "steps", &e) && e.shape.n == 0 && e.bytes == 8);
    assert_true(safetensors_find(s, "a", &e) && e.bytes == 0);
    assert_false(safetensors_find(s, "none", &e));
    assert_string_equal(safetensors_metadata(s, "a"), "line\nline");
    assert_null(safetensors_metadata(s, "none"));
    assert_int_equal(safetensors_metadata_count(s), 2);
    const char *key, *value;
    safetensors_metadata_at(s, 1, &key, &value);
    assert_string_equal(key, "format");
    assert_string_equal(value, "pt");
    safetensors_close(s);
}

static void bytes_depend_on_the_content_alone(void **state) {
    (void)state;
    write_example(path, false);
    write_example(other, true);
    char *a, *b;
    size_t n, m;
    assert_int_equal(file_read(path, 0, &a, &n), FOIL_OK);
    assert_int_equal(file_read(other, 0, &b, &m), FOIL_OK);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    write_example(path, false);
    char *bytes;
    size_t n;
    assert_int_equal(file_read(path, 0, &bytes, &n), FOIL_OK);
    for (size_t cut = 0; cut <= n; cut++) {
        put(other, bytes, cut);
        safetensors *s;
        assert_int_equal(safetensors_open(other, &s), cut < n ? FOIL_INVALID : FOIL_OK);
        if (cut < n) assert_non_null(strstr(foil_error(), other));
        safetensors_close(s);
    }
    char *longer = malloc(n + 1);
    assert_non_null(longer);
    memcpy(longer, bytes, n);
    longer[n] = 0;
    put(other, longer, n + 1);
    safetensors *s;
    assert_int_equal(safetensors_open(other, &s), FOIL_INVALID);
    assert_non_null(strstr(foil_error(), "1 bytes after the last tensor"));
    free(longer);
    free(bytes);
}

// No flipped byte may crash; what is still accepted must be consistent.
static void flipped_bytes(void **state) {
    (void)state;
    write_example(path, false);
    char *bytes;
    size_t n;
    assert_int_equal(file_read(path, 0, &bytes, &n), FOIL_OK);
    for (size_t i = 0; i < n - 35; i++) {
        bytes[i] ^= 0x11;
        put(other, bytes, n);
        bytes[i] ^= 0x11;
        safetensors *s;
        if (safetensors_open(other, &s) != FOIL_OK) continue;
        size_t total = 0;
        for (int k = 0; k < safetensors_count(s); k++) total += safetensors_at(s, k).bytes;
        assert_int_equal(total, 35);
        safetensors_close(s);
    }
    free(bytes);
}

static void broken_headers(void **state) {
    (void)state;
#define T(offsets) "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":" offsets "}"
    static const struct {
        const char *header;
        size_t data;
        const char *word;
    } broken[] = {
        {"{\"a\":" T("[0,8]") ",\"b\":" T("[4,12]") "}", 12, "'b': overlaps"},
        {"{\"a\":" T("[0,8]") ",\"b\":" T("[12,20]") "}", 20, "'b': a hole"},
        {"{\"a\":" T("[4,12]") "}", 12, "'a': a hole"},
        {"{\"a\":" T("[0,8]") ",\"a\":" T("[8,16]") "}", 16, "duplicate"},
        {"{\"a\":" T("[0,8]") "}", 9, "1 bytes after"},
        {"{\"a\":" T("[0,8]") "}", 4, "outside"},
        {"{\"a\":" T("[8,0]") "}", 8, "outside"},
        {"{\"a\":" T("[-8,0]") "}", 8, "outside"},
        {"{\"a\":" T("[0,4]") "}", 4, "does not fit"},
        {"{\"a\":" T("[0]") "}", 4, "no pair"},
        {"{\"a\":" T("[0.0,8.0]") "}", 8, "no pair"},
        {"{\"a\":" T("[0,18446744073709551616]") "}", 8, "header: "},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "not a whole number"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0, "too large"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, "no list"},
        {"{\"a\":{\"dtype\":\"F31\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "unknown type"},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "expected the keys"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8, "expected the keys"},
        {"{\"a\":3}", 0, "expected the keys"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "not text"},
        {"{\"__metadata__\":[]}", 0, "not a map"},
        {"[]", 0, "no JSON map"},
        {"{\"a\":", 0, "header: "},
        {"{} x", 0, "header: "},
        {"{\"\xff\":1}", 0, "header: "},
        {"", 0, "not a safetensors file"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        put_parts(broken[i].header, broken[i].data);
        safetensors *s;
        if (safetensors_open(path, &s) != FOIL_INVALID) fail_msg("%s: accepted", broken[i].header);
        assert_null(s);
        if (!strstr(foil_error(), broken[i].word)) fail_msg("%s: %s", broken[i].header, foil_error());
    }
    put_parts("{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1);
    safetensors *s;
    assert_int_equal(safetensors_open(path, &s), FOIL_UNSUPPORTED);
    unsigned char huge[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{', '}'};
    put(path, huge, sizeof huge);
    assert_int_equal(safetensors_open(path, &s), FOIL_INVALID);
    assert_int_equal(safetensors_open("/nowhere/x", &s), FOIL_IO);
    put_parts("{}  ", 0);
    assert_int_equal(safetensors_open(path, &s), FOIL_OK);
    assert_int_equal(safetensors_count(s), 0);
    safetensors_close(s);
}

static void writer_errors(void **state) {
    (void)state;
    static const float one = 1;
    static const char *const cases[][4] = {
        {"a", "F32", "a", "twice"}, {"a", "F33", "b", "F33"}, {"\xff", "F32", "b", "UTF-8"}, {"__metadata__", "F32", "b", "can hold"}};
    for (size_t i = 0; i < 4; i++) {
        safetensors_writer *w = safetensors_writer_new();
        safetensors_add(w, cases[i][0], cases[i][1], SHAPE(1), &one);
        safetensors_add(w, cases[i][2], "F32", SHAPE(1), &one);
        assert_int_equal(safetensors_write(w, path), FOIL_INVALID);
        assert_non_null(strstr(foil_error(), cases[i][3]));
        assert_non_null(strstr(foil_error(), path));
        assert_false(file_exists(path));
        safetensors_writer_free(w);
    }
    safetensors_writer *w = safetensors_writer_new();
    assert_int_equal(safetensors_write(w, "/nowhere/x"), FOIL_IO);
    safetensors_writer_free(w);
}

static store *example_store(int64_t width) {
    store *s = store_new();
    assert_non_null(s);
    store_declare(s, "layers.0.weight", SHAPE(3, width), (init){INIT_NORMAL, 1, 0, 0}, true);
    store_declare(s, "layers.1.running_mean", SHAPE(5), (init){INIT_UNIFORM, 1, 0, 0}, false);
    store_declare(s, "layers.1.weight", SHAPE(5), (init){INIT_NORMAL_ONE, 0.1f, 0, 0}, true);
    assert_int_equal(store_allocate(s), FOIL_OK);
    store_initialize(s, 3);
    return s;
}

static foil_status load(const char *prefix, store *s) {
    safetensors *f;
    if (safetensors_open(path, &f) != FOIL_OK) fail_msg("%s", foil_error());
    foil_status status = safetensors_load_store(f, prefix, s);
    safetensors_close(f);
    return status;
}

static void save(const char *prefix, const store *s) {
    safetensors_writer *w = safetensors_writer_new();
    safetensors_add_store(w, prefix, s);
    if (safetensors_write(w, path) != FOIL_OK) fail_msg("%s", foil_error());
    safetensors_writer_free(w);
}

static void stores(void **state) {
    (void)state;
    store *a = example_store(4), *b = example_store(4), *wider = example_store(5);
    store_initialize(b, 4);
    assert_memory_not_equal(a->values, b->values, a->value_count * sizeof *a->values);
    save("generator.", a);
    assert_int_equal(load("generator.", b), FOIL_OK);
    assert_memory_equal(a->values, b->values, a->value_count * sizeof *a->values);
    assert_memory_equal(a->buffers, b->buffers, a->buffer_count * sizeof *a->buffers);

    assert_int_equal(load("discriminator.", b), FOIL_INVALID);
    assert_non_null(strstr(foil_error(), "no tensor 'discriminator.layers.0.weight'"));
    assert_int_equal(load("generator.", wider), FOIL_INVALID);
    assert_non_null(strstr(foil_error(), "'generator.layers.0.weight' is [3, 4], expected [3, 5]"));
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        a->buffers[2] = bad[i];
        save("", a);
        assert_int_equal(load("", b), FOIL_INVALID);
        assert_non_null(strstr(foil_error(), "'layers.1.running_mean' holds a value that is not finite"));
    }
    store_free(a);
    store_free(b);
    store_free(wider);
}

// `test_safetensors IN OUT`: reads a file and writes it anew, for check_safetensors.py.
static int copy(const char *from, const char *to) {
    safetensors *s;
    safetensors_writer *w = safetensors_writer_new();
    foil_status status = safetensors_open(from, &s);
    for (int i = 0; status == FOIL_OK && i < safetensors_count(s); i++) {
        safetensors_entry e = safetensors_at(s, i);
        safetensors_add(w, e.name, e.type, e.shape, e.data);
    }
    for (int i = 0; status == FOIL_OK && i < safetensors_metadata_count(s); i++) {
        const char *key, *value;
        safetensors_metadata_at(s, i, &key, &value);
        safetensors_set(w, key, value);
    }
    if (status == FOIL_OK) status = safetensors_write(w, to);
    if (status != FOIL_OK) fprintf(stderr, "%s\n", foil_error());
    safetensors_writer_free(w);
    safetensors_close(s);
    return status != FOIL_OK;
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(int argc, char **argv) {
    if (argc == 3) return copy(argv[1], argv[2]);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_is_written_reads_back),
        IN_FOLDER(bytes_depend_on_the_content_alone),
        IN_FOLDER(every_truncation_is_refused),
        IN_FOLDER(flipped_bytes),
        IN_FOLDER(broken_headers),
        IN_FOLDER(writer_errors),
        IN_FOLDER(stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
