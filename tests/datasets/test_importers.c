// Folders, single pictures, idx files and CIFAR batches: what is found in them, and what is refused.
#include <zlib.h>

#include "tests/datasets/sources.h"

static int make_folder(void **state) {
    (void)state;
    folder("importers");
    return 0;
}

static void test_real_and_fake(void **state) {
    (void)state;
    folder("importers/f");
    static const char *const FILES[] = {"f/real/camera/deep/er/2.png", "f/real/camera/1.png", "f/real/phone/3.png",
                                        "f/real/direct.png",           "f/fake/gan/b.png",    "f/fake/gan/a.png",
                                        "f/fake/direct.png",           "f/other/x.png"};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        char path[64];
        snprintf(path, sizeof path, "importers/%s", FILES[i]);
        write_picture(path, i);
    }
    write_words("importers/f/real/camera/notes.txt", "words");
    write_words("importers/f/fake/gan/.hidden.png", "words");
    for (int slash = 0; slash < 2; slash++) {
        import_list *l = listed(slash ? "importers/f/" : "importers/f", &BY_LOOKING);
        assert_int_equal(import_count(l), 7);
        for (int i = 0; i < 7; i++) {
            const import_item *it = import_at(l, i);
            const char *in = strstr(it->path, it->fake ? "fake/" : "real/");
            assert_non_null(in);
            const char *method = strstr(it->path, "direct") ? it->fake ? "fake" : "real" : it->method;
            assert_string_equal(it->method, method);
            if (!strstr(it->path, "direct")) assert_memory_equal(in + 5, it->method, strlen(it->method));
            assert_int_equal(it->split, -1);
            if (i > 0 && it->fake == import_at(l, i - 1)->fake) assert_true(strcmp(import_at(l, i - 1)->path, it->path) < 0);
        }
        import_free(l);
    }
    import_list *l = listed("importers/f", &(import_options){"folders", -1, "named"});
    for (int i = 0; i < 7; i++) assert_string_equal(import_at(l, i)->method, "named");
    import_free(l);
}

static void test_labelled_trees_and_files(void **state) {
    (void)state;
    folder("importers/t");
    write_picture("importers/t/a/b/1.png", 1);
    write_picture("importers/t/c/2.png", 2);
    write_picture("importers/t/3.png", 3);
    import_list *l = listed("importers/t", &AS_FAKE);
    assert_int_equal(import_count(l), 3);
    assert_item(l, 0, "importers/t/3.png", true, "fake");
    assert_item(l, 1, "importers/t/a/b/1.png", true, "a");
    assert_item(l, 2, "importers/t/c/2.png", true, "c");
    import_free(l);
    l = listed("importers/t/3.png", &AS_REAL);
    assert_int_equal(import_count(l), 1);
    assert_item(l, 0, "importers/t/3.png", false, "real");
    import_free(l);
    const char *both[] = {"importers/t/c/2.png", "importers/t/a"};
    OK(import_sources(both, 2, &(import_options){NULL, 1, "gan"}, &l));
    assert_int_equal(import_count(l), 2);
    assert_item(l, 0, "importers/t/c/2.png", true, "gan");
    assert_item(l, 1, "importers/t/a/b/1.png", true, "gan");
    import_free(l);
    not_listed("importers/t", &BY_LOOKING, "importers/t: no pictures under real/ or fake/");
    not_listed("importers/t/3.png", &BY_LOOKING, "importers/t/3.png: a picture without a label");
    not_listed("importers/none", &AS_REAL, "importers/none: no such file or folder");
    folder("importers/empty");
    not_listed("importers/empty", &AS_REAL, "importers/empty: no pictures found");
    not_listed("importers/t", &(import_options){"foldrs", 0, NULL}, "unknown layout 'foldrs' (did you mean 'folders'?)");
}

// An idx file of rank 3 or 4 whose pixels count up.
enum { IDX_N = 3, IDX_H = 4, IDX_W = 5 };
static size_t idx_bytes(uint8_t *to, int channels) {
    uint8_t header[20] = {0, 0, 8, 3, 0, 0, 0, IDX_N, 0, 0, 0, IDX_H, 0, 0, 0, IDX_W, 0, 0, 0, 3};
    header[3] = channels == 3 ? 4 : 3;
    size_t skip = channels == 3 ? 20 : 16, n = (size_t)(IDX_N * IDX_H * IDX_W * channels);
    memcpy(to, header, skip);
    for (size_t i = 0; i < n; i++) to[skip + i] = (uint8_t)(i * 7);
    return skip + n;
}

static void check_idx(const char *path, int channels) {
    import_list *l = listed(path, &BY_LOOKING);
    assert_int_equal(import_count(l), IDX_N);
    for (int r = 0; r < IDX_N; r++) {
        char name[80];
        snprintf(name, sizeof name, "%s#%d", path, r);
        assert_item(l, r, name, false, file_name(path));
        image im;
        unsigned char sha[32], want[32];
        OK(import_read(import_at(l, r), &im, sha, NULL));
        assert_int_equal(im.height, IDX_H);
        assert_int_equal(im.width, IDX_W);
        assert_int_equal(im.channels, channels);
        size_t n = image_bytes(&im);
        for (size_t i = 0; i < n; i++) assert_int_equal(im.pixels[i], (uint8_t)(((size_t)r * n + i) * 7));
        sha256(im.pixels, n, want);
        assert_memory_equal(sha, want, 32);
        image_free(&im);
    }
    import_free(l);
}

static void test_idx(void **state) {
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        uint8_t bytes[256];
        size_t n = idx_bytes(bytes, channels);
        write_bytes("importers/train-images-idx3-ubyte", bytes, n);
        check_idx("importers/train-images-idx3-ubyte", channels);
        gzFile f = gzopen("importers/a.idx.gz", "wb");
        assert_int_equal(gzwrite(f, bytes, (unsigned)n), (int)n);
        assert_int_equal(gzclose(f), Z_OK);
        check_idx("importers/a.idx.gz", channels);
        import_list *l = listed("importers/a.idx.gz", &(import_options){NULL, 1, "vae"});
        assert_item(l, 2, "importers/a.idx.gz#2", true, "vae");
        import_free(l);
    }
}

static void test_broken_idx(void **state) {
    (void)state;
    uint8_t good[256], bytes[257];
    size_t n = idx_bytes(good, 1);
    for (size_t cut = 0; cut < n; cut++) {
        write_bytes("importers/cut.idx", good, cut);
        not_listed("importers/cut.idx", &BY_LOOKING, "importers/cut.idx: ");
    }
    memcpy(bytes, good, n);
    bytes[n] = 0;
    not_listed("importers", &(import_options){"idx", -1, NULL}, "importers: is a folder, expected a file");
    write_bytes("importers/long.idx", bytes, n + 1);
    not_listed("importers/long.idx", &BY_LOOKING, "61 bytes of pixels; its header announces 3 pictures of 20");
    static const struct {
        size_t at;
        uint8_t value;
        const char *words;
    } CHANGES[] = {{0, 1, "not an idx file"}, {2, 0x0d, "not an idx file"}, {3, 1, "not an idx file"},   {3, 5, "not an idx file"},
                   {7, 0, "announces 0"},     {11, 0, "pictures of 0 x 5"}, {12, 255, "pictures of 4 x"}};
    for (size_t i = 0; i < sizeof CHANGES / sizeof *CHANGES; i++) {
        memcpy(bytes, good, n);
        bytes[CHANGES[i].at] = CHANGES[i].value;
        write_bytes("importers/bad.idx", bytes, n);
        not_listed("importers/bad.idx", &BY_LOOKING, CHANGES[i].words);
    }
    // 2^32-1 pictures of 65535 x 65535 x 3: more bytes than 64 bits count
    memset(bytes + 4, 0xff, 4);
    memcpy(bytes + 8, "\0\0\xff\xff\0\0\xff\xff\0\0\0\3", 12);
    bytes[3] = 4;
    write_bytes("importers/huge.idx", bytes, 20);
    not_listed("importers/huge.idx", &BY_LOOKING, "importers/huge.idx: 0 bytes of pixels");
}

static void test_truncated_gzip(void **state) {
    (void)state;
    uint8_t bytes[256];
    size_t n = idx_bytes(bytes, 3), packed;
    gzFile f = gzopen("importers/a.idx.gz", "wb");
    assert_int_equal(gzwrite(f, bytes, (unsigned)n), (int)n);
    assert_int_equal(gzclose(f), Z_OK);
    char *all;
    OK(file_read("importers/a.idx.gz", 0, &all, &packed));
    for (size_t cut = 0; cut < packed; cut++) {
        write_bytes("importers/cut.idx.gz", all, cut);
        not_listed("importers/cut.idx.gz", &BY_LOOKING, "importers/cut.idx.gz: ");
    }
    all[packed - 6] ^= 1; // the checksum
    write_bytes("importers/cut.idx.gz", all, packed);
    not_listed("importers/cut.idx.gz", &BY_LOOKING, "importers/cut.idx.gz: the gzip data is");
    free(all);
}

static void test_cifar(void **state) {
    (void)state;
    enum { RECORDS = 3, PIXELS = 3072 };
    for (size_t before = 1; before <= 2; before++) {
        size_t n = RECORDS * (before + PIXELS);
        uint8_t *bytes = malloc(n);
        assert_non_null(bytes);
        for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(i * i >> 7);
        write_bytes("importers/data_batch_1.bin", bytes, n);
        import_list *l = listed("importers/data_batch_1.bin", &BY_LOOKING);
        assert_int_equal(import_count(l), RECORDS);
        assert_item(l, 1, "importers/data_batch_1.bin#1", false, "data_batch_1.bin");
        for (size_t r = 0; r < RECORDS; r++) {
            image im;
            OK(import_read(import_at(l, (int64_t)r), &im, NULL, NULL));
            const uint8_t *planes = bytes + r * (before + PIXELS) + before;
            for (size_t i = 0; i < PIXELS; i++) assert_int_equal(im.pixels[i], planes[i % 3 * 1024 + i / 3]);
            image_free(&im);
        }
        import_free(l);
        write_bytes("importers/cut.bin", bytes, n - 1);
        not_listed("importers/cut.bin", &BY_LOOKING, "are no CIFAR batch; a multiple of 3073 or 3074 was expected");
        free(bytes);
    }
    write_bytes("importers/none.bin", "", 0);
    not_listed("importers/none.bin", &BY_LOOKING, "importers/none.bin: 0 bytes are no CIFAR batch");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_and_fake), cmocka_unit_test(test_labelled_trees_and_files), cmocka_unit_test(test_idx),
        cmocka_unit_test(test_broken_idx),    cmocka_unit_test(test_truncated_gzip),           cmocka_unit_test(test_cifar)};
    return cmocka_run_group_tests(tests, make_folder, NULL);
}
