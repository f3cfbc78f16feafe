// Frames of FaceForensics++, Celeb-DF and DFDC with their official splits: as published, small, and what is refused.
#include "tests/datasets/sources.h"

static int make_folder(void **state) {
    (void)state;
    folder("videos");
    return 0;
}

static void check_item(const import_list *l, int64_t i, const char *path, bool fake, const char *method, const char *subject, int split) {
    char clip[256];
    assert_item(l, i, path, fake, method);
    assert_string_equal(import_at(l, i)->subject, subject);
    assert_int_equal(import_at(l, i)->split, split);
    snprintf(clip, sizeof clip, "%.*s", (int)(file_name(path) - path), path);
    assert_string_equal(import_at(l, i)->clip, clip);
}

static void make_faceforensics(void) {
    folder("videos/ff");
    OK(file_make_folder("videos/ff/splits"));
    write_words("videos/ff/splits/train.json", "[[\"071\", \"054\"], [\"087\", \"081\"]]");
    write_words("videos/ff/splits/val.json", "[[\"720\", \"672\"]]");
    write_words("videos/ff/splits/test.json", "[[\"953\", \"974\"]]");
    write_picture("videos/ff/original_sequences/youtube/c23/images/071/0000.png", 1);
    write_picture("videos/ff/original_sequences/youtube/c23/images/953/0000.png", 2);
    write_picture("videos/ff/manipulated_sequences/Deepfakes/c40/images/071_054/0000.png", 3);
    write_picture("videos/ff/manipulated_sequences/Deepfakes/c40/images/071_054/0001.png", 4);
    write_picture("videos/ff/manipulated_sequences/Face2Face/raw/672_720/0000.png", 5);
    write_picture("videos/ff/manipulated_sequences/Face2Face/raw/masks/672_720/0000.png", 7); // where DeepfakeBench has them
    write_picture("videos/ff/manipulated_sequences/Face2Face/masks/images/672_720/0000.png", 8);
    write_picture("videos/ff/manipulated_sequences/DeepFakeDetection/c23/images/01_02__exit_phone_room__YVGY8LOK/0000.png", 6);
}

static void test_faceforensics(void **state) {
    (void)state;
    make_faceforensics();
    for (int looking = 0; looking < 2; looking++) {
        import_list *l = listed("videos/ff", &(import_options){looking ? NULL : "faceforensics", -1, NULL});
        assert_int_equal(import_count(l), 6);
        check_item(l, 0, "videos/ff/manipulated_sequences/DeepFakeDetection/c23/images/01_02__exit_phone_room__YVGY8LOK/0000.png", true,
                   "DeepFakeDetection/c23", "actor/01", -1);
        check_item(l, 1, "videos/ff/manipulated_sequences/Deepfakes/c40/images/071_054/0000.png", true, "Deepfakes/c40", "faceforensics/071",
                   SPLIT_TRAIN);
        check_item(l, 2, "videos/ff/manipulated_sequences/Deepfakes/c40/images/071_054/0001.png", true, "Deepfakes/c40", "faceforensics/071",
                   SPLIT_TRAIN);
        check_item(l, 3, "videos/ff/manipulated_sequences/Face2Face/raw/672_720/0000.png", true, "Face2Face/raw", "faceforensics/672", SPLIT_VAL);
        check_item(l, 4, "videos/ff/original_sequences/youtube/c23/images/071/0000.png", false, "youtube/c23", "faceforensics/071", SPLIT_TRAIN);
        check_item(l, 5, "videos/ff/original_sequences/youtube/c23/images/953/0000.png", false, "youtube/c23", "faceforensics/953", SPLIT_TEST);
        import_free(l);
    }
}

static void refuse_faceforensics(const char *splits, const char *words) {
    write_words("videos/ff/splits/val.json", splits);
    not_listed("videos/ff", &BY_LOOKING, words);
    make_faceforensics();
}

static void test_broken_faceforensics(void **state) {
    (void)state;
    make_faceforensics();
    refuse_faceforensics("[[\"720\", \"672\"", "videos/ff/splits/val.json:1: not JSON: ");
    refuse_faceforensics("{\"720\": \"672\"}", "videos/ff/splits/val.json: a list of pairs of videos was expected");
    refuse_faceforensics("[[\"720\", \"672\"], [\"1\"]]", "videos/ff/splits/val.json: pair 2 is not two names of videos");
    refuse_faceforensics("[[720, 672]]", "pair 1 is not two names");
    refuse_faceforensics("[[\"720\", \"071\"]]", "videos/ff/splits/val.json: video 071 is in a pair already, in split train");
    refuse_faceforensics("[]", "672_720/0000.png: video 672_720 is in none of the official splits");
    refuse_faceforensics("[[\"672\", \"100\"]]", "video 672_720 is no pair of the official splits; 672_100 was expected");
    assert_int_equal(unlink("videos/ff/splits/test.json"), 0);
    not_listed("videos/ff", &BY_LOOKING, "videos/ff/splits/test.json: no such file; FaceForensics++'s official splits were expected there");
    make_faceforensics();
    write_picture("videos/ff/manipulated_sequences/FaceSwap/1.png", 9);
    not_listed("videos/ff", &BY_LOOKING, "FaceSwap/1.png: not where FaceForensics++ has frames");
    make_faceforensics();
    write_picture("videos/ff/manipulated_sequences/FaceSwap/c23/071/1.png", 9);
    not_listed("videos/ff", &BY_LOOKING, "video 071 is no pair of the official splits; 071_054 was expected");
}

static void make_celebdf(const char *list) {
    folder("videos/celeb");
    write_words("videos/celeb/List_of_testing_videos.txt", list);
    write_picture("videos/celeb/Celeb-real/id0_0000/1.png", 1);
    write_picture("videos/celeb/Celeb-real/id0_0001/1.png", 2);
    write_picture("videos/celeb/Celeb-synthesis/frames/id0_id1_0000/1.png", 3);
    write_picture("videos/celeb/YouTube-real/00170/1.png", 4);
}

static void test_celebdf(void **state) {
    (void)state;
    make_celebdf("1 YouTube-real/00170.mp4\r\n1 Celeb-real/id0_0001.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n");
    for (int looking = 0; looking < 2; looking++) {
        import_list *l = listed("videos/celeb", &(import_options){looking ? NULL : "celebdf", -1, NULL});
        assert_int_equal(import_count(l), 4);
        check_item(l, 0, "videos/celeb/Celeb-real/id0_0000/1.png", false, "Celeb-real", "celebdf/train/id0", SPLIT_TRAIN);
        check_item(l, 1, "videos/celeb/Celeb-real/id0_0001/1.png", false, "Celeb-real", "celebdf/test/id0", SPLIT_TEST);
        check_item(l, 2, "videos/celeb/Celeb-synthesis/frames/id0_id1_0000/1.png", true, "Celeb-synthesis", "celebdf/test/id0", SPLIT_TEST);
        check_item(l, 3, "videos/celeb/YouTube-real/00170/1.png", false, "YouTube-real", "celebdf/test/00170", SPLIT_TEST);
        import_free(l);
    }
}

static void test_broken_celebdf(void **state) {
    (void)state;
    static const struct {
        const char *list, *words;
    } WRONG[] = {{"1 YouTube-real/00170.mp4\n1 Celeb-synthesis/id0_id1_0000.mp4\n",
                  "List_of_testing_videos.txt:2: Celeb-synthesis/id0_id1_0000.mp4 is listed as real (1)"},
                 {"0 Celeb-real/id0_0001.mp4", "List_of_testing_videos.txt:1: Celeb-real/id0_0001.mp4 is listed as fake (0)"},
                 {"YouTube-real/00170.mp4\n", "List_of_testing_videos.txt:1: 'YouTube-real/00170.mp4'; a line such as"},
                 {"1 Elsewhere/00170.mp4\n", "'1 Elsewhere/00170.mp4'; a line such as"},
                 {"1 YouTube-real/00170\n", "a line such as"},
                 {"2 YouTube-real/00170.mp4\n", "a line such as"},
                 {"\n", "List_of_testing_videos.txt: no videos are listed"}};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        make_celebdf(WRONG[i].list);
        not_listed("videos/celeb", &BY_LOOKING, WRONG[i].words);
    }
    make_celebdf("1 YouTube-real/00170.mp4\n");
    write_picture("videos/celeb/Celeb-real/1.png", 9);
    not_listed("videos/celeb", &BY_LOOKING, "Celeb-real/1.png: not where Celeb-DF has frames");
    assert_int_equal(unlink("videos/celeb/List_of_testing_videos.txt"), 0);
    not_listed("videos/celeb", &BY_LOOKING, "List_of_testing_videos.txt: no such file; Celeb-DF's list of test videos was expected there");
}

static void make_dfdc(const char *metadata) {
    folder("videos/dfdc");
    write_words("videos/dfdc/metadata.json", metadata);
    write_picture("videos/dfdc/aa/0.png", 1);
    write_picture("videos/dfdc/frames/bb/0.png", 2);
}

#define BB "\"bb.mp4\": {\"label\": \"REAL\", \"split\": \"train\", \"original\": null}"
static void test_dfdc(void **state) {
    (void)state;
    make_dfdc("{\"aa.mp4\": {\"label\": \"FAKE\", \"split\": \"train\", \"original\": \"bb.mp4\"}, " BB "}");
    for (int looking = 0; looking < 2; looking++) {
        import_list *l = listed("videos/dfdc", &(import_options){looking ? NULL : "dfdc", -1, NULL});
        assert_int_equal(import_count(l), 2);
        check_item(l, 0, "videos/dfdc/aa/0.png", true, "dfdc", "dfdc/bb.mp4", SPLIT_TRAIN);
        check_item(l, 1, "videos/dfdc/frames/bb/0.png", false, "dfdc-reals", "dfdc/bb.mp4", SPLIT_TRAIN);
        import_free(l);
    }
    static const struct {
        const char *metadata, *words;
    } WRONG[] = {{"{" BB "}", "aa/0.png: video aa.mp4 is not in videos/dfdc/metadata.json"},
                 {"{\"aa.mp4\": {\"label\": \"fake\"}}", "metadata.json: aa.mp4: label 'fake'; REAL or FAKE was expected"},
                 {"{\"aa.mp4\": {\"label\": \"FAKE\", \"split\": \"all\"}}", "aa.mp4: split 'all'; train, validation or test"},
                 {"{\"aa.mp4\": {\"label\": \"FAKE\", \"split\": \"test\"}}", "aa.mp4: a fake video without its original"},
                 {"{\"aa.mp4\": {\"label\": \"REAL\", \"split\": \"test\", \"original\": \"b.mp4\"}}", "aa.mp4: a real video with an original"},
                 {"[]", "metadata.json: videos by name were expected"},
                 {"{" BB ", " BB "}", "metadata.json:1: not JSON: duplicate"}};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        make_dfdc(WRONG[i].metadata);
        not_listed("videos/dfdc", &BY_LOOKING, WRONG[i].words);
    }
    assert_int_equal(unlink("videos/dfdc/metadata.json"), 0);
    not_listed("videos/dfdc", &(import_options){"dfdc", -1, NULL}, "videos/dfdc/metadata.json: no such file; the metadata of a part of DFDC");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dfdc), cmocka_unit_test(test_faceforensics), cmocka_unit_test(test_broken_faceforensics),
                                       cmocka_unit_test(test_celebdf), cmocka_unit_test(test_broken_celebdf)};
    return cmocka_run_group_tests_name("frames of videos", tests, make_folder, NULL);
}
