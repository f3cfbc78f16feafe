// What goes into a set comes out of it; what is not a set is refused with a reason.
#include <fcntl.h>
#include <hdf5.h>
#include <sys/file.h>
#include <unistd.h>

#include "data/set.h"
#include "tests/data/pictures.h"

enum { N = 7 };

static void write_set(const char *path, int height, int width) {
    set_description d = {height, width, 3, FIT_CROP, RESIZE_LANCZOS, 5, N, "tests", "CC0"};
    if (height == 0) d.fit = FIT_NATIVE;
    set_writer *w;
    OK(set_create(path, &d, &w));
    for (int i = 0; i < N; i++) {
        image im = picture(height ? height : 5 + i, width ? width : 9 - i, 3, (uint64_t)i);
        unsigned char digest[32];
        sha256(im.pixels, image_bytes(&im), digest);
        char name[32];
        snprintf(name, sizeof name, "dir/%0*d.png", i + 1, i);
        OK(set_add(w, &im, i % 2, i % 2 ? "gan" : "camera", i == 3 ? "Zoë" : "", i == 3 ? 12 : -1, (set_split)(i % 3), name, digest));
        image_free(&im);
    }
    OK(set_commit(w));
}

static void check_set(const char *path, int height, int width) {
    set *s;
    OK(set_open(path, &s));
    int h, w;
    assert_int_equal(set_count(s), N);
    assert_int_equal(set_channels(s), 3);
    assert_int_equal(set_size(s, &h, &w), height != 0);
    assert_int_equal(set_fit(s), height ? FIT_CROP : FIT_NATIVE);
    assert_int_equal(set_filter(s), RESIZE_LANCZOS);
    for (int i = 0; i < N; i++) {
        image is, want = picture(height ? height : 5 + i, width ? width : 9 - i, 3, (uint64_t)i);
        OK(set_read(s, i, &is));
        assert_same(&is, &want);
        set_label l = set_label_at(s, i);
        assert_int_equal(l.fake, i % 2);
        assert_string_equal(set_method_name(s, l.method), i % 2 ? "gan" : "camera");
        assert_int_equal(l.split, i % 3);
        set_source from;
        arena texts = {0};
        OK(set_source_at(s, i, &texts, &from));
        char name[32];
        snprintf(name, sizeof name, "dir/%0*d.png", i + 1, i);
        assert_string_equal(from.path, name);
        assert_string_equal(from.subject, i == 3 ? "Zoë" : "");
        assert_int_equal(from.clip, i == 3 ? 12 : -1);
        unsigned char digest[32];
        sha256(want.pixels, image_bytes(&want), digest);
        assert_true(from.known);
        assert_memory_equal(from.sha256, digest, 32);
        arena_free(&texts);
        image_free(&is);
        image_free(&want);
    }
    assert_int_equal(set_methods(s), 2);
    assert_int_equal(set_method_find(s, "gan"), 1);
    assert_int_equal(set_method_find(s, "gam"), -1);
    image im;
    REFUSED(set_read(s, N, &im), "picture 7 of 7");
    set_close(s);
}

static void test_pictures_of_one_size(void **state) {
    (void)state;
    folder("sets");
    write_set("sets/a.h5", 40, 32);
    check_set("sets/a.h5", 40, 32);
}

static void test_native_sizes(void **state) {
    (void)state;
    folder("sets");
    write_set("sets/a.h5", 0, 0);
    check_set("sets/a.h5", 0, 0);
}

static void test_same_content_same_bytes(void **state) {
    (void)state;
    folder("sets");
    for (int native = 0; native < 2; native++) {
        write_set("sets/a.h5", native ? 0 : 16, native ? 0 : 16);
        write_set("sets/b.h5", native ? 0 : 16, native ? 0 : 16);
        char *a, *b;
        size_t na, nb;
        OK(file_read("sets/a.h5", 0, &a, &na));
        OK(file_read("sets/b.h5", 0, &b, &nb));
        assert_int_equal(na, nb);
        assert_memory_equal(a, b, na);
        free(a);
        free(b);
    }
}

static bool is_fake(const set *s, set_label label, const void *context) {
    (void)s, (void)context;
    return label.fake;
}

static void test_selection(void **state) {
    (void)state;
    folder("sets");
    write_set("sets/a.h5", 16, 16);
    set *s;
    OK(set_open("sets/a.h5", &s));
    selection some;
    OK(set_select(s, SPLIT_VAL, NULL, NULL, &some));
    assert_int_equal(some.n, 2);
    assert_int_equal(selection_at(&some, 0), 1);
    assert_int_equal(selection_at(&some, 1), 4);
    selection_free(&some);
    OK(set_select(s, SPLIT_ALL, is_fake, NULL, &some));
    assert_int_equal(some.n, 3);
    selection_free(&some);
    OK(set_select(s, SPLIT_ALL, NULL, NULL, &some));
    assert_int_equal(some.ranges, 1);
    for (int i = 0; i < N; i++) assert_int_equal(selection_at(&some, i), i);
    OK(selection_thin(s, &some, 3));
    assert_int_equal(some.n, 3);
    for (int i = 0; i < 3; i++) assert_int_equal(selection_at(&some, i), i * N / 3);
    selection_free(&some);
    set_close(s);
}

static void test_fingerprint_follows_labels_and_pictures(void **state) {
    (void)state;
    folder("sets");
    write_set("sets/a.h5", 16, 16);
    write_set("sets/b.h5", 16, 16);
    set *a, *b;
    OK(set_open("sets/a.h5", &a));
    OK(set_open("sets/b.h5", &b));
    assert_int_equal(strlen(set_fingerprint(a)), 64);
    assert_string_equal(set_fingerprint(a), set_fingerprint(b));
    set_close(b);
    hid_t f = H5Fopen("sets/b.h5", H5F_ACC_RDWR, H5P_DEFAULT), d = H5Dopen2(f, "label/fake", H5P_DEFAULT);
    H5Dwrite(d, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, (uint8_t[N]){1, 1, 1, 1, 1, 1, 1});
    H5Dclose(d);
    H5Fclose(f);
    OK(set_open("sets/b.h5", &b));
    assert_string_not_equal(set_fingerprint(a), set_fingerprint(b));
    set_close(a);
    set_close(b);
}

// Overwrites one array of a good set; it must not open.
static void broken(int height, const char *array, hid_t type, const void *content, const char *words) {
    write_set("sets/a.h5", height, height);
    hid_t f = H5Fopen("sets/a.h5", H5F_ACC_RDWR, H5P_DEFAULT), d = H5Dopen2(f, array, H5P_DEFAULT);
    assert_true(d >= 0);
    assert_true(H5Dwrite(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, content) >= 0);
    H5Dclose(d);
    H5Fclose(f);
    set *s;
    REFUSED(set_open("sets/a.h5", &s), words);
    assert_null(s);
}

static void replaced(const char *array, hid_t type, hsize_t n, const char *words) {
    write_set("sets/a.h5", 16, 16);
    hid_t f = H5Fopen("sets/a.h5", H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Ldelete(f, array, H5P_DEFAULT) >= 0);
    if (n > 0) {
        hid_t space = H5Screate_simple(1, &n, NULL);
        H5Dclose(H5Dcreate2(f, array, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        H5Sclose(space);
    }
    H5Fclose(f);
    set *s;
    REFUSED(set_open("sets/a.h5", &s), words);
    assert_null(s);
}

static void test_wrong_values(void **state) {
    (void)state;
    folder("sets");
    broken(16, "label/fake", H5T_NATIVE_UINT8, (uint8_t[N]){0, 1, 0, 2}, "/label/fake has 2 at 3");
    broken(16, "split", H5T_NATIVE_UINT8, (uint8_t[N]){0, 0, 3}, "/split has 3 at 2");
    broken(16, "label/method", H5T_NATIVE_INT32, (int32_t[N]){0, 0, 0, 0, 0, 0, 2}, "/label/method has 2 at 6, expected -1 to 1");
    broken(16, "label/subject", H5T_NATIVE_INT32, (int32_t[N]){-2}, "/label/subject has -2 at 0");
    broken(0, "image/shape", H5T_NATIVE_INT32, (int32_t[3 * N]){5, 9, 3, -1, 8, 3}, "disagree at picture 1");
    broken(0, "image/shape", H5T_NATIVE_INT32, (int32_t[3 * N]){5, 9, 4}, "disagree at picture 0");
    broken(0, "image/offset", H5T_NATIVE_INT64, (int64_t[N + 1]){0, 135, 100}, "disagree at picture 1");
    broken(0, "image/offset", H5T_NATIVE_INT64, (int64_t[N + 1]){INT64_MAX}, "disagree at picture 0");
}

static void test_wrong_arrays(void **state) {
    (void)state;
    folder("sets");
    replaced("label/fake", H5T_STD_U8LE, 0, "array /label/fake is missing");
    replaced("image/pixels", H5T_STD_U8LE, 0, "/image/offset is missing");
    replaced("label/method", H5T_STD_I32LE, N - 1, "/label/method has size 6 in dimension 0, expected 7");
    replaced("label/method", H5T_IEEE_F32LE, N, "/label/method is not an array of i32");
    replaced("source/sha256", H5T_STD_U8LE, N, "/source/sha256 has 1 dimensions, expected 2");
    replaced("names/method", H5T_STD_U8LE, 2, "/names/method is not a list of texts");
}

static void test_truncated_anywhere(void **state) {
    (void)state;
    folder("sets");
    for (int native = 0; native < 2; native++) {
        write_set("sets/a.h5", native ? 0 : 40, native ? 0 : 32);
        char *bytes;
        size_t n;
        OK(file_read("sets/a.h5", 0, &bytes, &n));
        for (size_t cut = 0; cut < n; cut += n / 23) {
            write_bytes("sets/b.h5", bytes, cut);
            set *s;
            assert_int_not_equal(set_open("sets/b.h5", &s), FOIL_OK);
            assert_non_null(strstr(foil_error(), "sets/b.h5"));
        }
        free(bytes);
    }
}

static void test_not_a_set(void **state) {
    (void)state;
    folder("sets");
    set *s;
    write_bytes("sets/a.h5", "hello", 5);
    REFUSED(set_open("sets/a.h5", &s), "not an HDF5 file");
    REFUSED(set_open("sets/none.h5", &s), "sets/none.h5");
    REFUSED(set_open("sets", &s), "sets");
    H5Fclose(H5Fcreate("sets/c.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    REFUSED(set_open("sets/c.h5", &s), "neither a set of Foil");
}

// Such as the lock of a program that has it open to write, which HDF5 calls a file that it can't open.
static void test_the_system_has_the_last_word(void **state) {
    (void)state;
    folder("sets");
    set *s;
    write_set("sets/a.h5", 8, 8);
    int file = open("sets/a.h5", O_RDWR);
    assert_int_equal(flock(file, LOCK_EX), 0);
    REFUSED(set_open("sets/a.h5", &s), "sets/a.h5: can't be read: Resource temporarily unavailable");
    close(file);
    OK(set_open("sets/a.h5", &s));
    set_close(s);
}

static void test_writer_refuses(void **state) {
    (void)state;
    folder("sets");
    set_description d = {8, 8, 3, FIT_CROP, RESIZE_BICUBIC, 0, 2, "", ""};
    set_writer *w;
    image im = picture(8, 9, 3, 0), good = picture(8, 8, 3, 0);
    unsigned char digest[32] = {0};
    OK(set_create("sets/a.h5", &d, &w));
    REFUSED(set_add(w, &im, false, "", "", -1, SPLIT_TRAIN, "x", digest), "8 x 9 x 3 for a set of 8 x 8 x 3");
    OK(set_add(w, &good, false, "", "", -1, SPLIT_TRAIN, "x", digest));
    REFUSED(set_commit(w), "1 pictures of the 2 announced");
    assert_false(file_exists("sets/a.h5"));
    OK(set_create("sets/a.h5", &d, &w));
    set_abort(w);
    assert_int_equal(system("test -z \"$(ls -A sets)\""), 0); // NOLINT(cert-env33-c): nothing is left behind
    REFUSED(set_create("sets/none/a.h5", &d, &w), "sets/none");
    image_free(&im);
    image_free(&good);
}

// As BigGAN-PyTorch (planes first) and StudioGAN write them, in compressed chunks.
static void theirs(const char *path, bool planar, bool chunked) {
    hsize_t size[] = {N, planar ? 3 : 6, planar ? 6 : 5, planar ? 5 : 3}, n = N, chunk[] = {3, size[1], size[2], size[3]};
    uint8_t *all = malloc(N * 90);
    assert_non_null(all);
    for (int i = 0; i < N; i++) {
        image im = picture(6, 5, 3, (uint64_t)i);
        for (size_t p = 0; p < 30; p++)
            for (size_t c = 0; c < 3; c++) all[(size_t)i * 90 + (planar ? c * 30 + p : p * 3 + c)] = im.pixels[p * 3 + c];
        image_free(&im);
    }
    hid_t f = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate_simple(4, size, NULL), line = H5Screate_simple(1, &n, NULL);
    hid_t how = H5Pcreate(H5P_DATASET_CREATE);
    if (chunked) {
        H5Pset_chunk(how, 4, chunk);
        H5Pset_deflate(how, 4);
    }
    hid_t d = H5Dcreate2(f, "imgs", H5T_STD_U8LE, space, H5P_DEFAULT, how, H5P_DEFAULT);
    assert_true(H5Dwrite(d, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0);
    H5Dclose(d);
    H5Dclose(H5Dcreate2(f, "labels", H5T_STD_I64LE, line, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Pclose(how);
    H5Sclose(line);
    H5Sclose(space);
    H5Fclose(f);
    free(all);
}

static void test_files_of_other_frameworks(void **state) {
    (void)state;
    folder("sets");
    for (int kind = 0; kind < 4; kind++) {
        theirs("sets/ILSVRC.hdf5", kind & 1, kind & 2);
        set *s;
        OK(set_open("sets/ILSVRC.hdf5", &s));
        assert_int_equal(set_count(s), N);
        for (int i = 0; i < N; i++) {
            image is, want = picture(6, 5, 3, (uint64_t)i);
            OK(set_read(s, i, &is));
            assert_same(&is, &want);
            assert_false(set_label_at(s, i).fake);
            image_free(&is);
            image_free(&want);
        }
        assert_string_equal(set_method_name(s, 0), "ILSVRC.hdf5");
        arena texts = {0};
        set_source from;
        OK(set_source_at(s, 5, &texts, &from));
        assert_string_equal(from.path, "#5");
        assert_false(from.known);
        arena_free(&texts);
        assert_int_equal(strlen(set_fingerprint(s)), 64);
        set_close(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pictures_of_one_size),
                                       cmocka_unit_test(test_native_sizes),
                                       cmocka_unit_test(test_same_content_same_bytes),
                                       cmocka_unit_test(test_selection),
                                       cmocka_unit_test(test_fingerprint_follows_labels_and_pictures),
                                       cmocka_unit_test(test_wrong_values),
                                       cmocka_unit_test(test_wrong_arrays),
                                       cmocka_unit_test(test_truncated_anywhere),
                                       cmocka_unit_test(test_not_a_set),
                                       cmocka_unit_test(test_the_system_has_the_last_word),
                                       cmocka_unit_test(test_writer_refuses),
                                       cmocka_unit_test(test_files_of_other_frameworks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
