// Published trees: each made as it is published, small, and what is refused.
#include "tests/datasets/sources.h"

typedef struct expected {
    const char *path;
    bool fake;
    const char *method;
    int split;
} expected;

static int make_folder(void **state) {
    (void)state;
    folder("trees");
    return 0;
}

// Makes the pictures, which are sorted by path, and expects them to be found as they are described, with the layout named and by looking.
static void check(const char *layout, const char *source, const expected *want, int n) {
    char path[256];
    folder("trees/t");
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "trees/t/%s", want[i].path);
        write_picture(path, (uint64_t)i);
    }
    write_words("trees/t/readme.txt", "words");
    for (int looking = 0; looking < 2; looking++) {
        import_list *l = listed(source, &(import_options){looking ? NULL : layout, -1, NULL});
        assert_int_equal(import_count(l), n);
        for (int i = 0; i < n; i++) {
            snprintf(path, sizeof path, "trees/t/%s", want[i].path);
            const char *found = import_at(l, i)->path;
            assert_string_equal(file_name(found), file_name(path));
            assert_int_equal(import_at(l, i)->fake, want[i].fake);
            assert_string_equal(import_at(l, i)->method, want[i].method);
            assert_int_equal(import_at(l, i)->split, want[i].split);
            assert_string_equal(import_at(l, i)->subject, "");
            assert_string_equal(import_at(l, i)->clip, "");
        }
        import_free(l);
    }
}
#define CHECK(layout, source, want) check(layout, source, want, (int)(sizeof(want) / sizeof *(want)))

static void test_forensynths(void **state) {
    (void)state;
    static const expected WHOLE[] = {{"test/biggan/0_real/1.png", false, "biggan-reals", SPLIT_TEST},
                                     {"test/biggan/1_fake/2.png", true, "biggan", SPLIT_TEST},
                                     {"test/progan/airplane/0_real/3.png", false, "progan-reals", SPLIT_TEST},
                                     {"test/progan/airplane/1_fake/4.png", true, "progan", SPLIT_TEST},
                                     {"train/airplane/0_real/5.png", false, "progan-reals", SPLIT_TRAIN},
                                     {"train/airplane/1_fake/6.png", true, "progan", SPLIT_TRAIN},
                                     {"val/car/1_fake/7.png", true, "progan", SPLIT_VAL}};
    static const expected TRAINS[] = {{"test/progan/train/1_fake/1.png", true, "progan", SPLIT_TEST}, // one of ProGAN's objects
                                      {"train/train/0_real/2.png", false, "progan-reals", SPLIT_TRAIN},
                                      {"val/train/1_fake/3.png", true, "progan", SPLIT_VAL}};
    static const expected TRAINS_OF_ARCHIVE[] = {{"progan/car/0_real/1.png", false, "progan-reals", SPLIT_TEST},
                                                 {"progan/train/0_real/2.png", false, "progan-reals", SPLIT_TEST}};
    static const expected ARCHIVE[] = {{"biggan/0_real/1.png", false, "biggan-reals", SPLIT_TEST},
                                       {"stylegan/car/1_fake/2.png", true, "stylegan", SPLIT_TEST}};
    static const expected ONE[] = {{"0_real/1.png", false, "t-reals", SPLIT_TEST}, {"1_fake/2.png", true, "t", SPLIT_TEST}};
    CHECK("forensynths", "trees/t", WHOLE);
    CHECK("forensynths", "trees/t", TRAINS);
    CHECK("forensynths", "trees/t", TRAINS_OF_ARCHIVE);
    CHECK("forensynths", "trees/t/", ARCHIVE);
    CHECK("forensynths", "trees/t/", ONE);
    CHECK("forensynths", "trees/t/.", ONE); // named as the folder is, not as the way to it
    CHECK("forensynths", "trees/t/0_real/..", ONE);
    static const expected TRAIN[] = {{"train/airplane/0_real/1.png", false, "progan-reals", SPLIT_TRAIN},
                                     {"train/airplane/1_fake/2.png", true, "progan", SPLIT_TRAIN}};
    static const expected VAL[] = {{"val/train/1_fake/1.png", true, "progan", SPLIT_VAL}};
    static const expected TEST[] = {{"test/biggan/0_real/1.png", false, "biggan-reals", SPLIT_TEST}};
    CHECK("forensynths", "trees/t/train", TRAIN); // one split alone
    CHECK("forensynths", "trees/t/train/airplane/..", TRAIN);
    CHECK("forensynths", "trees/t/val/", VAL);
    CHECK("forensynths", "trees/t/test", TEST);
}

static void test_cifake(void **state) {
    (void)state;
    static const expected WANT[] = {{"test/FAKE/0 (10).png", true, "stable-diffusion-1.4", SPLIT_TEST},
                                    {"test/REAL/0001 (2).png", false, "cifar-10", SPLIT_TEST},
                                    {"train/FAKE/1000.png", true, "stable-diffusion-1.4", SPLIT_TRAIN},
                                    {"train/REAL/0002.png", false, "cifar-10", SPLIT_TRAIN}};
    CHECK("cifake", "trees/t", WANT);
}

static void test_genimage(void **state) {
    (void)state;
    static const expected WHOLE[] = {{"BigGAN/imagenet_ai_0419_biggan/train/ai/0.png", true, "imagenet_ai_0419_biggan", SPLIT_TRAIN},
                                     {"BigGAN/imagenet_ai_0419_biggan/val/nature/1.png", false, "imagenet_ai_0419_biggan-reals", SPLIT_VAL},
                                     {"Midjourney/val/ai/2.png", true, "Midjourney", SPLIT_VAL}};
    static const expected ONE[] = {{"train/ai/0.png", true, "t", SPLIT_TRAIN}, {"train/nature/n01440764_10026.png", false, "t-reals", SPLIT_TRAIN}};
    CHECK("genimage", "trees/t", WHOLE);
    CHECK("genimage", "trees/t/", ONE);
}

static void test_splits(void **state) {
    (void)state;
    static const expected WANT[] = {{"real_vs_fake/real-vs-fake/test/fake/00A.png", true, "fake", SPLIT_TEST},
                                    {"real_vs_fake/real-vs-fake/test/real/00001.png", false, "real", SPLIT_TEST},
                                    {"real_vs_fake/real-vs-fake/train/fake/stylegan/1.png", true, "stylegan", SPLIT_TRAIN},
                                    {"real_vs_fake/real-vs-fake/valid/real/00002.png", false, "real", SPLIT_VAL}};
    static const expected ODD[] = {{"train/fake/real/1.png", true, "real", SPLIT_TRAIN}, {"valid/fake/test/2.png", true, "test", SPLIT_VAL}};
    CHECK("splits", "trees/t", WANT);
    CHECK("splits", "trees/t", ODD);
}

static void test_options_go_first(void **state) {
    (void)state;
    folder("trees/o");
    write_picture("trees/o/test/REAL/1.png", 1);
    import_list *l = listed("trees/o", &(import_options){"cifake", 1, "named"});
    assert_item(l, 0, "trees/o/test/REAL/1.png", true, "named");
    assert_int_equal(import_at(l, 0)->split, SPLIT_TEST);
    import_free(l);
}

static void test_refused(void **state) {
    (void)state;
    folder("trees/bad");
    write_picture("trees/bad/train/REAL/1.png", 1);
    write_picture("trees/bad/train/other/2.png", 2);
    not_listed("trees/bad", &(import_options){"cifake", -1, NULL},
               "train/other/2.png: not where the layout cifake has pictures: {train,test}/{REAL,FAKE}/");
    not_listed("trees/bad", &(import_options){"genimage", -1, NULL}, "train/REAL/1.png: not where the layout genimage has pictures");
    not_listed("trees/bad/train/REAL/1.png", &(import_options){"cifake", -1, NULL}, "the layout cifake is a folder");
    folder("trees/bad");
    write_picture("trees/bad/REAL/1.png", 1);
    not_listed("trees/bad", &(import_options){"cifake", -1, NULL}, "REAL/1.png: not where the layout cifake has pictures");
    folder("trees/bad");
    not_listed("trees/bad", &(import_options){"splits", -1, NULL}, "trees/bad: no pictures found (layout splits)");
    not_listed("trees/bad", &(import_options){"genimages", -1, NULL}, "unknown layout 'genimages' (did you mean 'genimage'?); known are csv, idx,");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forensynths), cmocka_unit_test(test_cifake),           cmocka_unit_test(test_genimage),
                                       cmocka_unit_test(test_splits),      cmocka_unit_test(test_options_go_first), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests_name("published trees", tests, make_folder, NULL);
}
