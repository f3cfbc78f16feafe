// From sources to a set: the pictures in it, what is left out, and that nothing is written when something is wrong.
#include <omp.h>
#include <stdatomic.h>

#include "base/text.h"
#include "datasets/packing.h"
#include "tests/datasets/sources.h"

static pack_options usual(void) {
    return (pack_options){
        .size = 8, .fit = FIT_CROP, .filter = RESIZE_LANCZOS, .channels = 3, .split = {0.8, 0.1, 0.1}, .seed = 1, .patch_scale = 0.5};
}

static foil_status packed(const char *source, const import_options *from, const pack_options *o, pack_summary *sum) {
    import_list *l = listed(source, from);
    foil_status s = pack(l, "pack/o.h5", o, sum);
    import_free(l);
    return s;
}

static set *opened(const char *source, const import_options *from, const pack_options *o, pack_summary *sum) {
    set *s;
    OK(packed(source, from, o, sum));
    OK(set_open("pack/o.h5", &s));
    assert_int_equal(set_count(s), sum->packed);
    return s;
}

static arena texts; // of all sources

static set_source source_of(const set *s, int64_t i) {
    set_source from;
    OK(set_source_at(s, i, &texts, &from));
    return from;
}

static const char *path_of(const set *s, int64_t i) {
    return source_of(s, i).path;
}

enum { REALS = 40, FAKES = 20 };
static int make_sources(void **state) {
    (void)state;
    folder("pack");
    char path[64];
    for (uint64_t i = 0; i < REALS + FAKES; i++) {
        snprintf(path, sizeof path, "pack/f/%s/%02d.png", i < REALS ? "real/camera" : i % 2 ? "fake/gan" : "fake/vae", (int)i);
        write_sized(path, 12 + (int)i % 5, 20 - (int)i % 7, i);
    }
    write_sized("pack/large/a.png", 40, 64, 100);
    write_sized("pack/large/b.png", 64, 40, 101);
    write_sized("pack/large/c.png", 33, 33, 102);
    return 0;
}

static void test_pictures_and_labels(void **state) {
    (void)state;
    static const image_fit FITS[] = {FIT_CROP, FIT_RESIZE, FIT_NATIVE};
    for (int k = 0; k < 6; k++) {
        pack_options o = usual();
        pack_summary sum;
        o.fit = FITS[k % 3];
        o.size = o.fit == FIT_NATIVE ? 0 : 9;
        o.channels = k < 3 ? 3 : 1;
        o.filter = k < 3 ? RESIZE_BICUBIC : RESIZE_BILINEAR;
        set *s = opened("pack/f", &BY_LOOKING, &o, &sum);
        assert_int_equal(sum.packed, REALS + FAKES);
        assert_int_equal(set_channels(s), o.channels);
        assert_int_equal(set_fit(s), o.fit);
        int64_t per[2][3] = {{0}};
        for (int64_t i = 0; i < set_count(s); i++) {
            image is, file, want;
            OK(set_read(s, i, &is));
            OK(image_read(path_of(s, i), &file));
            OK(image_fitted(&file, o.size, o.size, o.channels, o.fit, o.filter, &want));
            assert_same(&is, &want);
            if (o.fit == FIT_NATIVE) assert_int_equal(is.height, file.height);
            image_free(&is), image_free(&file), image_free(&want);
            set_label l = set_label_at(s, i);
            const char *method = strstr(path_of(s, i), "camera") ? "camera" : strstr(path_of(s, i), "gan") ? "gan" : "vae";
            assert_string_equal(set_method_name(s, l.method), method);
            assert_int_equal(l.fake, strcmp(method, "camera") != 0);
            per[l.fake][l.split]++;
        }
        assert_memory_equal(per, sum.per, sizeof per);
        assert_int_equal(per[0][0], 32);
        for (int split = 0; split < 3; split++) assert_true(per[0][split] > 0 && per[1][split] > 0);
        set_close(s);
    }
}

static void keep(const char *path, char **bytes, size_t *n) {
    OK(file_read(path, 0, bytes, n));
}

static void test_runs_and_threads_give_the_same_bytes(void **state) {
    (void)state;
    for (int patches = 0; patches < 2; patches++) {
        pack_options o = usual();
        pack_summary sum;
        o.patches = patches * 3;
        char *first, *again;
        size_t n, m;
        int threads = omp_get_max_threads();
        for (int run = 0; run < 3; run++) {
            omp_set_num_threads(run < 2 ? 1 : 3);
            OK(packed(patches ? "pack/large" : "pack/f", patches ? &AS_REAL : &BY_LOOKING, &o, &sum));
            if (run == 0) {
                keep("pack/o.h5", &first, &n);
                continue;
            }
            keep("pack/o.h5", &again, &m);
            assert_int_equal(n, m);
            assert_memory_equal(first, again, n);
            free(again);
        }
        omp_set_num_threads(threads);
        free(first);
    }
}

static atomic_int waiting, most_waiting; // pictures that are made and not yet written

foil_status __real_packing_make(const packing *p, int64_t i, image *out, image_file *file);
foil_status __wrap_packing_make(const packing *p, int64_t i, image *out, image_file *file);
foil_status __wrap_packing_make(const packing *p, int64_t i, image *out, image_file *file) {
    const int now = ++waiting;
    for (int most = most_waiting; most < now && !atomic_compare_exchange_weak(&most_waiting, &most, now);) {
    }
    return __real_packing_make(p, i, out, file);
}

foil_status __real_set_add(set_writer *w, const image *im, bool fake, const char *method, const char *subject, int clip, set_split split,
                           const char *path, const unsigned char sha256[32]);
foil_status __wrap_set_add(set_writer *w, const image *im, bool fake, const char *method, const char *subject, int clip, set_split split,
                           const char *path, const unsigned char sha256[32]);
foil_status __wrap_set_add(set_writer *w, const image *im, bool fake, const char *method, const char *subject, int clip, set_split split,
                           const char *path, const unsigned char sha256[32]) {
    waiting--;
    return __real_set_add(w, im, fake, method, subject, clip, split, path, sha256);
}

static void test_one_picture_per_thread(void **state) {
    (void)state;
    const int threads = omp_get_max_threads();
    pack_options o = usual();
    pack_summary sum;
    o.fit = FIT_NATIVE;
    o.size = 0;
    omp_set_num_threads(3);
    waiting = most_waiting = 0;
    OK(packed("pack/f", &BY_LOOKING, &o, &sum));
    omp_set_num_threads(threads);
    assert_int_equal(waiting, 0);
    assert_in_range(most_waiting, 1, 3);
}

static void test_at_most(void **state) {
    (void)state;
    pack_options o = usual();
    pack_summary sum;
    char first[30][64];
    o.max = 15;
    for (int run = 0; run < 3; run++) {
        o.seed = run < 2 ? 1 : 2;
        set *s = opened("pack/f", &BY_LOOKING, &o, &sum);
        int64_t per[2] = {0};
        int same = 0;
        assert_int_equal(set_count(s), 30);
        for (int64_t i = 0; i < 30; i++) {
            per[set_label_at(s, i).fake]++;
            if (run == 0) snprintf(first[i], sizeof first[i], "%s", path_of(s, i));
            same += !strcmp(first[i], path_of(s, i));
            if (i % 15 > 0) assert_true(strcmp(path_of(s, i - 1), path_of(s, i)) < 0);
        }
        assert_int_equal(per[0], 15);
        assert_int_equal(per[1], 15);
        assert_true(run == 2 ? same < 30 : same == 30);
        set_close(s);
    }
    o.max = 1000;
    OK(packed("pack/f", &BY_LOOKING, &o, &sum));
    assert_int_equal(sum.packed, REALS + FAKES);
}

// Whether `part` is somewhere in `whole`, on the grid of its size.
static int cell_of(const image *whole, const image *part) {
    int across = whole->width / part->width, down = whole->height / part->height;
    for (int cell = 0; cell < across * down; cell++) {
        bool is = true;
        for (int y = 0; y < part->height && is; y++)
            is = !memcmp(part->pixels + (size_t)(y * part->width * 3),
                         whole->pixels + (size_t)(((cell / across * part->height + y) * whole->width + cell % across * part->width) * 3),
                         (size_t)(part->width * 3));
        if (is) return cell;
    }
    return -1;
}

static void test_patches(void **state) {
    (void)state;
    pack_options o = usual();
    pack_summary sum;
    o.patches = 7; // of the 8, 8 and 4 that there are at half the size
    set *s = opened("pack/large", &AS_REAL, &o, &sum);
    assert_int_equal(sum.packed, 7 + 7 + 4);
    bool used[3][8] = {{false}};
    for (int64_t i = 0; i < set_count(s); i++) {
        int picture_number = i < 7 ? 0 : i < 14 ? 1 : 2, first = picture_number * 7;
        char name[96], source[64];
        snprintf(source, sizeof source, "pack/large/%c.png", 'a' + picture_number);
        snprintf(name, sizeof name, "%s#%d", source, (int)i - first);
        assert_string_equal(path_of(s, i), name);
        assert_int_equal(set_label_at(s, i).split, set_label_at(s, first).split);
        assert_int_equal(source_of(s, i).clip, source_of(s, first).clip);
        if (picture_number > 0) assert_int_not_equal(source_of(s, i).clip, source_of(s, 0).clip);
        image is, file, half;
        OK(set_read(s, i, &is));
        OK(image_read(source, &file));
        OK(image_resize(&file, (file.height + 1) / 2, (file.width + 1) / 2, RESIZE_LANCZOS, &half));
        int cell = cell_of(&half, &is);
        assert_in_range(cell, 0, 7);
        assert_false(used[picture_number][cell]); // no two of them overlap
        used[picture_number][cell] = true;
        image_free(&is), image_free(&file), image_free(&half);
    }
    set_close(s);
    o.size = 18;
    REFUSED(packed("pack/large", &AS_REAL, &o, &sum), "pack/large/c.png: 33 x 33 pixels are too small for a patch of 18 after scaling by 0.5");
    o.skip_bad = true;
    OK(packed("pack/large", &AS_REAL, &o, &sum));
    assert_int_equal(sum.bad, 1);
    assert_int_equal(sum.packed, 2);
}

typedef struct complaints {
    int n;
    char path[8][64], why[8][256];
} complaints;

static void complain(const char *path, const char *why, void *context) {
    complaints *c = context;
    assert_true(c->n < 8);
    snprintf(c->path[c->n], sizeof c->path[0], "%s", path);
    snprintf(c->why[c->n++], sizeof c->why[0], "%s", why);
}

static char *listing(void) {
    FILE *f = popen("ls -lA --time-style=full-iso pack pack/bad", "r"); // NOLINT(cert-env33-c): a fixed command
    assert_non_null(f);
    char *all = calloc(1, 1 << 14);
    assert_non_null(all);
    assert_true(fread(all, 1, (1 << 14) - 1, f) > 0);
    pclose(f);
    return all;
}

static void test_unreadable_files(void **state) {
    (void)state;
    folder("pack/bad");
    for (uint64_t i = 0; i < 6; i++) {
        char path[32];
        snprintf(path, sizeof path, "pack/bad/%d.png", (int)i);
        write_picture(path, i);
    }
    char *bytes;
    size_t n;
    OK(file_read("pack/bad/0.png", 0, &bytes, &n));
    write_bytes("pack/bad/1.png", bytes, n / 2);
    write_words("pack/bad/3.png", "words");
    write_bytes("pack/bad/5.jpg", "", 0);
    free(bytes);
    complaints c = {0};
    pack_options o = usual();
    pack_summary sum;
    o.bad = complain;
    o.context = &c;
    char *before = listing();
    REFUSED(packed("pack/bad", &AS_REAL, &o, &sum), "3 of 7 files can't be read, the first: pack/bad/1.png: truncated PNG");
    char *after = listing();
    assert_string_equal(before, after);
    free(before), free(after);
    assert_int_equal(sum.bad, 3);
    assert_int_equal(c.n, 3);
    assert_string_equal(c.path[0], "pack/bad/1.png");
    assert_string_equal(c.path[1], "pack/bad/3.png");
    assert_string_equal(c.path[2], "pack/bad/5.jpg");
    assert_non_null(strstr(c.why[1], "not a picture"));
    assert_non_null(strstr(c.why[2], "empty"));
    c.n = 0;
    o.skip_bad = true;
    set *s = opened("pack/bad", &AS_REAL, &o, &sum);
    assert_int_equal(c.n, 3);
    assert_int_equal(sum.bad, 3);
    assert_int_equal(set_count(s), 4);
    assert_string_equal(path_of(s, 1), "pack/bad/2.png");
    set_close(s);
    for (int i = 0; i < 6; i += 1) {
        char path[32];
        snprintf(path, sizeof path, "pack/bad/%d.png", i);
        write_words(path, "words");
    }
    c.n = 0;
    REFUSED(packed("pack/bad", &AS_REAL, &o, &sum), "no picture could be read, the first: pack/bad/0.png");
}

static void test_manifests(void **state) {
    (void)state;
    folder("pack/m");
    write_picture("pack/m/a.png", 1);
    write_picture("pack/m/twin.png", 1);
    write_picture("pack/m/b.png", 2);
    write_picture("pack/m/c.png", 3);
    pack_options o = usual();
    pack_summary sum;
    write_words("pack/m.csv", "path,label,method,subject,split,clip\nm/a.png,real,cam,Zoë,val,\nm/b.png,fake,gan,,test,x\nm/c.png,fake,gan,,,x\n"
                              "m/twin.png,real,cam,,,\n");
    set *s = opened("pack/m.csv", &BY_LOOKING, &o, &sum);
    const set_split want[] = {SPLIT_VAL, SPLIT_TEST, SPLIT_TEST, SPLIT_VAL};
    for (int i = 0; i < 4; i++) assert_int_equal(set_label_at(s, i).split, want[i]);
    assert_string_equal(source_of(s, 0).subject, "Zoë");
    assert_int_equal(source_of(s, 1).clip, source_of(s, 2).clip);
    assert_int_equal(source_of(s, 0).clip, source_of(s, 3).clip);
    assert_int_equal(sum.duplicates, 1);
    assert_int_equal(sum.clips, 1);
    assert_int_equal(sum.subjects, 1);
    set_close(s);
    static const char *const WRONG[][3] = {
        {"m/a.png,real,,,train,\nm/twin.png,real,,,test,", "m/a.png", "m/twin.png in test, but they hold the same bytes"},
        {"m/a.png,real,,,train,\nm/twin.png,fake,,,train,", "m/a.png is labelled real", "m/twin.png fake, but they hold the same bytes"},
        {"m/a.png,real,,s,train,\nm/b.png,real,,s,val,", "m/a.png is in split train", "m/b.png in val, but they are of one subject"},
        {"m/a.png,real,,,train,k\nm/b.png,real,,,val,k", "m/a.png is in split train", "m/b.png in val, but they are of one clip"},
        {"m/a.png,real,,,train,k\nm/none.png,real,,,val,k", "1 of 2 files", "m/none.png"}};
    assert_int_equal(unlink("pack/o.h5"), 0);
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        text csv = {0};
        text_format(&csv, "path,label,method,subject,split,clip\n%s\n", WRONG[i][0]);
        write_words("pack/m.csv", csv.data);
        text_free(&csv);
        REFUSED(packed("pack/m.csv", &BY_LOOKING, &o, &sum), WRONG[i][1]);
        assert_non_null(strstr(foil_error(), WRONG[i][2]));
        assert_false(file_exists("pack/o.h5"));
    }
}

static void test_archives(void **state) {
    (void)state;
    uint8_t idx[16 + 2 * 64] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 8};
    for (size_t i = 16; i < sizeof idx; i++) idx[i] = (uint8_t)(i * 3);
    write_bytes("pack/t10k.idx", idx, sizeof idx);
    pack_options o = usual();
    pack_summary sum;
    o.channels = 1;
    set *s = opened("pack/t10k.idx", &BY_LOOKING, &o, &sum);
    for (int i = 0; i < 2; i++) {
        image im;
        OK(set_read(s, i, &im));
        assert_memory_equal(im.pixels, idx + 16 + i * 64, 64);
        image_free(&im);
    }
    assert_string_equal(path_of(s, 1), "pack/t10k.idx#1");
    set_close(s);
}

static void test_too_narrow_to_cover(void **state) {
    (void)state;
    write_sized("pack/strip/s.png", 1, 5000, 1);
    pack_options o = usual();
    pack_summary sum;
    o.size = 8192;
    REFUSED(packed("pack/strip", &AS_REAL, &o, &sum), "pack/strip/s.png: 5000 x 1 pixels are too narrow to cover 8192 x 8192");
}

static void assert_file(const set *s, int64_t i, const image_file *want) {
    image_file is = source_of(s, i).file;
    assert_memory_equal(&is, want, sizeof is);
}

// What the files were, through packing, patches, shards and packing again; a set that never knew it says so.
static void test_files_are_remembered(void **state) {
    (void)state;
    folder("pack/files");
    image_file want[6];
    for (int i = 0; i < 6; i++) {
        image im = picture(30 + i, 40 - i, i % 2 ? 1 : 3, (uint64_t)i);
        uint8_t *bytes;
        size_t n;
        char path[64];
        OK(i < 3 ? image_encode_jpeg(&im, 70 + i, &bytes, &n) : image_encode_png(&im, &bytes, &n));
        snprintf(path, sizeof path, "pack/files/%d.%s", i, i < 3 ? "jpg" : "png");
        write_bytes(path, bytes, n);
        want[i] = (image_file){i < 3 ? FILE_JPEG : FILE_PNG, i % 2 ? FILE_GREY : FILE_COLOUR, 40 - i, 30 + i, i < 3 ? 70 + i : 0, (int32_t)n};
        free(bytes);
        image_free(&im);
    }
    pack_options o = usual();
    pack_summary sum;
    set *s = opened("pack/files", &AS_REAL, &o, &sum);
    for (int i = 0; i < 6; i++) assert_file(s, i, &want[i]);
    set_close(s);
    import_list *l = listed("pack/o.h5", &BY_LOOKING);
    o.shards = 2;
    OK(pack(l, "pack/many.yaml", &o, &sum));
    import_free(l);
    OK(set_open("pack/many.yaml", &s));
    for (int64_t i = 0; i < 6; i++) assert_file(s, i, &want[atoi(strrchr(path_of(s, i), '/') + 1)]); // by paths, which stay as they were
    set_close(s);
    o.shards = 0;
    o.patches = 2;
    s = opened("pack/files", &AS_REAL, &o, &sum);
    for (int64_t i = 0; i < set_count(s); i++) assert_file(s, i, &want[atoi(strrchr(path_of(s, i), '/') + 1)]);
    set_close(s);
}

static int free_texts(void **state) {
    (void)state;
    arena_free(&texts);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pictures_and_labels),
                                       cmocka_unit_test(test_runs_and_threads_give_the_same_bytes),
                                       cmocka_unit_test(test_one_picture_per_thread),
                                       cmocka_unit_test(test_at_most),
                                       cmocka_unit_test(test_patches),
                                       cmocka_unit_test(test_unreadable_files),
                                       cmocka_unit_test(test_manifests),
                                       cmocka_unit_test(test_archives),
                                       cmocka_unit_test(test_files_are_remembered),
                                       cmocka_unit_test(test_too_narrow_to_cover)};
    return cmocka_run_group_tests(tests, make_sources, free_texts);
}
