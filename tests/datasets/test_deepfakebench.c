// DeepfakeBench's JSON, with and without levels of compression, and where it is wrong.
#include "tests/datasets/sources.h"

static int make_folder(void **state) {
    (void)state;
    folder("bench");
    return 0;
}

static void check_item(const import_list *l, int64_t i, const char *path, const char *method, const char *subject, const char *clip, int split) {
    assert_item(l, i, path, !strstr(method, "real"), method);
    assert_string_equal(import_at(l, i)->subject, subject);
    assert_string_equal(import_at(l, i)->clip, clip);
    assert_int_equal(import_at(l, i)->split, split);
}

static void test_levels(void **state) {
    (void)state;
    write_words(
        "bench/FaceForensics++.json",
        "{\"FaceForensics++\": {\"FF-real\": {\"train\": {\"c23\": {\"071\": {\"label\": \"FF-real\", \"frames\": "
        "[\"FaceForensics++\\\\original_sequences\\\\youtube\\\\c23\\\\frames\\\\071\\\\000.png\"]}}}},"
        "\"FF-DF\": {\"train\": {}, \"test\": {\"c23\": {\"953_974\": {\"label\": \"FF-DF\", \"frames\": [\"a/0.png\", \"/b/1.png\"]}}, \"c40\": "
        "{\"953_974\": {\"label\": \"FF-DF\", \"frames\": [\"c/0.png\"]}}}}}}");
    import_list *l = listed("bench/FaceForensics++.json", &BY_LOOKING);
    assert_int_equal(import_count(l), 4);
    check_item(l, 0, "bench/FaceForensics++/original_sequences/youtube/c23/frames/071/000.png", "FF-real/c23", "faceforensics/071",
               "FaceForensics++/FF-real/c23/071", SPLIT_TRAIN);
    check_item(l, 1, "bench/a/0.png", "FF-DF/c23", "faceforensics/953", "FaceForensics++/FF-DF/c23/953_974", SPLIT_TEST);
    check_item(l, 2, "/b/1.png", "FF-DF/c23", "faceforensics/953", "FaceForensics++/FF-DF/c23/953_974", SPLIT_TEST);
    check_item(l, 3, "bench/c/0.png", "FF-DF/c40", "faceforensics/953", "FaceForensics++/FF-DF/c40/953_974", SPLIT_TEST);
    import_free(l);
}

static void test_a_repeated_test(void **state) {
    (void)state;
    write_words("bench/c.json",
                "{\"Celeb-DF-v2\": {\"CelebDFv2_real\": {\"val\": {\"00170\": {\"label\": \"CelebDFv2_real\", \"frames\": [\"0.png\"]}}, "
                "\"test\": {\"00170\": {\"label\": \"CelebDFv2_real\", \"frames\": [\"0.png\"]}}}}}");
    import_list *l = listed("bench/c.json", &(import_options){"deepfakebench", -1, NULL});
    assert_int_equal(import_count(l), 1);
    check_item(l, 0, "bench/0.png", "CelebDFv2_real", "", "Celeb-DF-v2/CelebDFv2_real/00170", SPLIT_TEST);
    import_free(l);
}

static void test_wrong(void **state) {
    (void)state;
    static const struct {
        const char *json, *words;
    } WRONG[] = {
        {"{\"D\": {", "bench/w.json:1: not JSON: "},
        {"[]", "bench/w.json: an object was expected"},
        {"{\"D\": []}", "D: labels were expected"},
        {"{\"D\": {\"fake\": 3}}", "D, fake: train, val and test were expected"},
        {"{\"D\": {\"fake\": {\"tests\": {}}}}", "D, fake: split 'tests'; train, val or test was expected"},
        {"{\"D\": {\"fake\": {\"test\": []}}}", "D, fake, test: videos by name were expected"},
        {"{\"D\": {\"fake\": {\"test\": {\"v\": {\"label\": \"fake\"}}}}}", "D, fake, test, v: a label and a list of frames were expected"},
        {"{\"D\": {\"fake\": {\"test\": {\"v\": 1}}}}", "D, fake, test, v: a label and a list"},
        {"{\"D\": {\"fake\": {\"test\": {\"c23\": {\"v\": {\"w\": {}}}}}}}", "D, fake, test, v: a label and a list"},
        {"{\"D\": {\"fake\": {\"test\": {\"v\": {\"label\": \"D_Real\", \"frames\": []}}}}}", "D, fake, test, v: its own label says the opposite"},
        {"{\"D\": {\"fake\": {\"test\": {\"v\": {\"label\": \"fake\", \"frames\": [1]}}}}}", "D, fake, test, v: a frame that is not a path"},
        {"{\"D\": {\"fake\": {\"test\": {}}}}", "bench/w.json: no pictures found (layout deepfakebench)"},
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        write_words("bench/w.json", WRONG[i].json);
        not_listed("bench/w.json", &BY_LOOKING, WRONG[i].words);
    }
    not_listed("bench", &(import_options){"deepfakebench", -1, NULL}, "bench: a folder; one of DeepfakeBench's JSON files was expected");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels), cmocka_unit_test(test_a_repeated_test), cmocka_unit_test(test_wrong)};
    return cmocka_run_group_tests_name("DeepfakeBench's lists", tests, make_folder, NULL);
}
