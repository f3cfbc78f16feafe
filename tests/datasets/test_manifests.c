// FakeAVCeleb's frames and ArtiFact's trees by their lists: as published, small, and what is refused.
#include "tests/datasets/sources.h"

static int make_folder(void **state) {
    (void)state;
    folder("manifests");
    return 0;
}

// FakeAVCeleb. ----------------------------------------------------------------------------------------------------------------------------------

#define FAVC "manifests/FakeAVCeleb_v1.2"
#define FAVC_HEADER "source,target1,target2,method,category,type,race,gender,path,\n"
#define FAVC_REAL "id00076,-,-,real,A,RealVideo-RealAudio,African,men,00109.mp4,FakeAVCeleb/RealVideo-RealAudio/African/men/id00076\n"
#define FAVC_FAKE                                                                                                                                    \
    "id00076,id01779,-,faceswap,C,FakeVideo-RealAudio,Asian (East),men,00109_id01779.mp4,FakeAVCeleb/FakeVideo-RealAudio/Asian (East)/men/id00076\n"

static void make_fakeavceleb(const char *list) {
    folder(FAVC);
    write_words(FAVC "/meta_data.csv", list);
    write_picture(FAVC "/RealVideo-RealAudio/African/men/id00076/00109/0000.png", 1);
}

static void test_fakeavceleb(void **state) {
    (void)state;
    static const struct {
        const char *folder, *method;
        bool fake;
    } WANT[] = {{FAVC "/FakeVideo-FakeAudio/African/men/id00076/00109_10_id00476_wavtolip/", "faceswap-wav2lip+wav2lip", true},
                {FAVC "/FakeVideo-RealAudio/Asian (East)/men/id00076/00109_id01779/", "faceswap", true},
                {FAVC "/RealVideo-FakeAudio/African/men/id00076/00109_fake/", "rtvc", false},
                {FAVC "/RealVideo-RealAudio/African/men/id00076/00109/", "real", false}};
    make_fakeavceleb(
        FAVC_HEADER FAVC_REAL
        "id00076,id00476,10,wav2lip,D,FakeVideo-FakeAudio,African,men,00109_10_id00476_wavtolip.mp4,"
        "FakeAVCeleb/FakeVideo-FakeAudio/African/men/id00076\n"
        "id00076,-,-,rtvc,B,RealVideo-FakeAudio,African,men,00109_fake.mp4,FakeAVCeleb/RealVideo-FakeAudio/African/men/id00076\n" FAVC_FAKE
        "id00076,id00476,10,faceswap-wav2lip,D,FakeVideo-FakeAudio,African,men,00109_10_id00476_wavtolip.mp4,"
        "FakeAVCeleb/FakeVideo-FakeAudio/African/men/id00076\n"
        "id00999,-,-,fsgan,C,FakeVideo-RealAudio,African,men,00001_1.mp4,FakeAVCeleb/FakeVideo-RealAudio/African/men/id00999\n");
    write_picture(FAVC "/RealVideo-FakeAudio/African/men/id00076/00109_fake/0000.png", 2);
    write_picture(FAVC "/FakeVideo-RealAudio/Asian (East)/men/id00076/00109_id01779/0000.png", 3);
    write_picture(FAVC "/FakeVideo-FakeAudio/African/men/id00076/00109_10_id00476_wavtolip/0000.png", 4);
    for (int looking = 0; looking < 2; looking++) {
        import_list *l = listed(looking ? FAVC : FAVC "/", &(import_options){looking ? NULL : "fakeavceleb", -1, NULL});
        assert_int_equal(import_count(l), 4);
        for (int i = 0; i < 4 && looking; i++) {
            char path[256];
            snprintf(path, sizeof path, "%s0000.png", WANT[i].folder);
            assert_item(l, i, path, WANT[i].fake, WANT[i].method);
            assert_string_equal(import_at(l, i)->clip, WANT[i].folder);
            assert_string_equal(import_at(l, i)->subject, "fakeavceleb/id00076");
            assert_int_equal(import_at(l, i)->split, -1);
        }
        import_free(l);
    }
}

// A file's methods in the order of their names, whatever that of its rows, and each once.
static void test_methods_of_a_file(void **state) {
    (void)state;
#define ROW(METHOD) "id1,-,-," METHOD ",D,FakeVideo-FakeAudio,African,men,1.mp4,FakeAVCeleb/FakeVideo-FakeAudio/African/men/id1\n"
    static const char *const LISTS[] = {FAVC_HEADER FAVC_REAL ROW("wav2lip") ROW("fsgan") ROW("wav2lip") ROW("fsgan"),
                                        FAVC_HEADER FAVC_REAL ROW("fsgan") ROW("wav2lip"), FAVC_HEADER FAVC_REAL ROW("wav2lip") ROW("fsgan")};
    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++) {
        make_fakeavceleb(LISTS[i]);
        write_picture(FAVC "/FakeVideo-FakeAudio/African/men/id1/1/0.png", 5);
        import_list *l = listed(FAVC, &BY_LOOKING);
        assert_item(l, 0, FAVC "/FakeVideo-FakeAudio/African/men/id1/1/0.png", true, "fsgan+wav2lip");
        import_free(l);
    }
}

static void test_broken_fakeavceleb(void **state) {
    (void)state;
    static const struct {
        const char *list, *words;
    } WRONG[] = {{"", "meta_data.csv:1: FakeAVCeleb's header was expected: source,target1"},
                 {"source,target1,target2,method,category,type,race,gender,path\n", "meta_data.csv:1: FakeAVCeleb's header was expected"},
                 {FAVC_HEADER, "meta_data.csv: no videos are listed"},
                 {FAVC_HEADER "id1,-,-,real,A,RealVideo-Realaudio,African,men,1.mp4,FakeAVCeleb/RealVideo-RealAudio/African/men/id1\n",
                  "meta_data.csv:2: type 'RealVideo-Realaudio'; {Real,Fake}Video-{Real,Fake}Audio was expected"},
                 {FAVC_HEADER "id1,-,-,real,A,RealVideo-RealAudio,African,men,1,FakeAVCeleb/RealVideo-RealAudio/African/men/id1\n",
                  "meta_data.csv:2: path '1'; a video's file name was expected"},
                 {FAVC_HEADER FAVC_REAL "id1,-,-,real,A,RealVideo-RealAudio,African,men,1.mp4\n", "meta_data.csv:3: folder ''; FakeAVCeleb/<type>/"},
                 {FAVC_HEADER "id1,-,-,wav2lip,D,FakeVideo-FakeAudio,African,men,1.mp4,FakeAVCeleb/RealVideo-RealAudio/African/men/id1\n",
                  "meta_data.csv:2: folder 'RealVideo-RealAudio/African/men/id1'; one of its type was expected"},
                 {FAVC_HEADER "id1,-,-,real,D,FakeVideo-FakeAudio,African,men,1.mp4,FakeAVCeleb/FakeVideo-FakeAudio/African/men/id1\n",
                  "meta_data.csv:2: method 'real'; what made the fake was expected"},
                 {FAVC_HEADER "id1,-,-,wav2lip,A,RealVideo-RealAudio,African,men,1.mp4,FakeAVCeleb/RealVideo-RealAudio/African/men/id1\n",
                  "meta_data.csv:2: method 'wav2lip'; real was expected"},
                 {FAVC_HEADER ",-,-,real,A,RealVideo-RealAudio,African,men,1.mp4,FakeAVCeleb/RealVideo-RealAudio/African/men/id1\n",
                  "meta_data.csv:2: source ''; a person was expected"},
                 {FAVC_HEADER FAVC_REAL
                  "id2,-,-,real,A,RealVideo-RealAudio,African,men,00109.mp4,FakeAVCeleb/RealVideo-RealAudio/African/men/id00076\n",
                  "meta_data.csv:3: source 'id2'; id00076 expected"},
                 {FAVC_HEADER "\"id1,-,-\n", "meta_data.csv:2: a quoted field without an end"},
                 {FAVC_HEADER FAVC_FAKE, "RealVideo-RealAudio/African/men/id00076/00109/0000.png: its folder is no video of " FAVC "/meta_data.csv"}};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        make_fakeavceleb(WRONG[i].list);
        not_listed(FAVC, &BY_LOOKING, WRONG[i].words);
    }
    make_fakeavceleb(FAVC_HEADER FAVC_REAL);
    write_picture(FAVC "/1.png", 9);
    not_listed(FAVC, &BY_LOOKING, FAVC "/1.png: not where FakeAVCeleb has frames");
    folder(FAVC);
    not_listed(FAVC, &(import_options){"fakeavceleb", -1, NULL}, "meta_data.csv: no such file; FakeAVCeleb's list of videos was expected there");
}

// ArtiFact. -------------------------------------------------------------------------------------------------------------------------------------

#define ARTIFACT "manifests/artifact"
#define ARTIFACT_HEADER "filename,image_path,target,category\n"

static void make_artifact(const char *list) {
    folder(ARTIFACT);
    write_picture(ARTIFACT "/stylegan2/stylegan2-ffhq/img000000.jpg", 1);
    write_words(ARTIFACT "/stylegan2/metadata.csv", list);
}

static void test_artifact(void **state) {
    (void)state;
    make_artifact(ARTIFACT_HEADER "img000000.jpg,stylegan2-ffhq/img000000.jpg,1,human face\n");
    write_picture(ARTIFACT "/afhq/afhq/train/cat/img000000.jpg", 2);
    write_words(ARTIFACT "/afhq/metadata.csv", ARTIFACT_HEADER "img000000.jpg,afhq/train/cat/img000000.jpg,0,cat\n");
    write_picture(ARTIFACT "/pro_gan/airplane/1_fake/img000000.jpg", 3);
    write_picture(ARTIFACT "/pro_gan/airplane/0_real/img000001.jpg", 4);
    write_words(ARTIFACT "/pro_gan/metadata.csv", ARTIFACT_HEADER "img000000.jpg,airplane/1_fake/img000000.jpg,6,airplane\r\n"
                                                                  "img000001.jpg,airplane/0_real/img000001.jpg,0,airplane\r\n");
    write_picture(ARTIFACT "/not-listed.png", 5);
    for (int looking = 0; looking < 2; looking++) {
        import_list *l = listed(ARTIFACT, &(import_options){looking ? NULL : "artifact", -1, NULL});
        assert_int_equal(import_count(l), 4);
        assert_item(l, 0, ARTIFACT "/afhq/afhq/train/cat/img000000.jpg", false, "afhq-reals");
        assert_item(l, 1, ARTIFACT "/pro_gan/airplane/1_fake/img000000.jpg", true, "pro_gan");
        assert_item(l, 2, ARTIFACT "/pro_gan/airplane/0_real/img000001.jpg", false, "pro_gan-reals");
        assert_item(l, 3, ARTIFACT "/stylegan2/stylegan2-ffhq/img000000.jpg", true, "stylegan2");
        for (int i = 0; i < 4; i++) {
            assert_int_equal(import_at(l, i)->split, -1);
            assert_string_equal(import_at(l, i)->subject, "");
        }
        import_free(l);
    }
    import_list *l = listed(ARTIFACT "/stylegan2", &BY_LOOKING); // one method's folder
    assert_item(l, 0, ARTIFACT "/stylegan2/stylegan2-ffhq/img000000.jpg", true, "stylegan2");
    import_free(l);
    l = listed(ARTIFACT "/afhq/", &(import_options){"artifact", 1, "named"});
    assert_int_equal(import_at(l, 0)->fake, true);
    assert_string_equal(import_at(l, 0)->method, "named");
    import_free(l);
}

static void test_broken_artifact(void **state) {
    (void)state;
    static const struct {
        const char *list, *words;
    } WRONG[] = {{"", "stylegan2/metadata.csv:1: ArtiFact's header was expected: filename,image_path,target,category"},
                 {"file_name,text\n1.jpg,a cat\n", "stylegan2/metadata.csv:1: ArtiFact's header was expected"},
                 {ARTIFACT_HEADER, ARTIFACT ": no pictures found (layout artifact)"},
                 {ARTIFACT_HEADER "img0.jpg,a/img0.jpg,fake,cat\n", "stylegan2/metadata.csv:2: target 'fake'; 0 for real, or 1 and more for fake"},
                 {ARTIFACT_HEADER "img0.jpg,a/img0.jpg,-1,cat\n", "stylegan2/metadata.csv:2: target '-1'"},
                 {ARTIFACT_HEADER "img0.jpg,a/img0.jpg\n", "stylegan2/metadata.csv:2: target ''"},
                 {ARTIFACT_HEADER "img0.jpg,,1,cat\n", "stylegan2/metadata.csv:2: no image_path"},
                 {ARTIFACT_HEADER "img0.jpg,a/img1.jpg,1,cat\n", "stylegan2/metadata.csv:2: filename 'img0.jpg', but image_path 'a/img1.jpg'"},
                 {ARTIFACT_HEADER "img0.jpg,\"a/img0.jpg,1,cat\n", "stylegan2/metadata.csv:2: a quoted field without an end"}};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        make_artifact(WRONG[i].list);
        not_listed(ARTIFACT, &(import_options){"artifact", -1, NULL}, WRONG[i].words);
    }
    not_listed(ARTIFACT "/stylegan2/metadata.csv", &(import_options){"artifact", -1, NULL},
               "the layout artifact is a folder: [<method>/]metadata.csv");
    // A picture that is listed but not there is packing's to report.
    pack_summary summary;
    make_artifact(ARTIFACT_HEADER "img1.jpg,stylegan2-ffhq/img1.jpg,1,cat\n");
    import_list *l = listed(ARTIFACT, &BY_LOOKING);
    REFUSED(pack(l, "manifests/o.h5", &(pack_options){.size = 8, .channels = 3, .split = {1, 0, 0}}, &summary), "stylegan2-ffhq/img1.jpg");
    import_free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fakeavceleb), cmocka_unit_test(test_methods_of_a_file),
                                       cmocka_unit_test(test_broken_fakeavceleb), cmocka_unit_test(test_artifact),
                                       cmocka_unit_test(test_broken_artifact)};
    return cmocka_run_group_tests_name("published lists", tests, make_folder, NULL);
}
