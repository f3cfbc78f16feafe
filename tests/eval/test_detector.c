// A detector's file: everything in it survives, nothing that is wrong with it passes; pictures of any size and number are scored alike.
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/cmocka.h"
#include "tests/eval/small_detector.h"

static const char PATH[] = "test_detector.safetensors", BAD[] = "test_detector_bad.safetensors";

static void grey(int height, int width, int channels, int level, image *out) {
    small_check(image_new(height, width, channels, out));
    memset(out->pixels, level, image_bytes(out));
}

static double logit_of(int level) {
    return 4 * (level / 127.5 - 1) + .5;
}

static void test_everything_survives(void **state) {
    (void)state;
    foil_detector *d;
    small_detector(PATH);
    assert_int_equal(foil_detector_load(PATH, &d), FOIL_OK);
    const detector_card *card = detector_card_of(d);
    assert_memory_equal(&card->calibration, &SMALL_CARD.calibration, sizeof card->calibration);
    assert_int_equal(card->fit, FIT_CROP);
    assert_int_equal(card->filter, RESIZE_BICUBIC);
    assert_string_equal(card->head, "detect");
    assert_string_equal(card->provenance, SMALL_CARD.provenance);
    double threshold;
    assert_int_equal(foil_detector_threshold(d, "fpr=0.01", &threshold), FOIL_OK);
    assert_true(threshold == .1 + .2);
    assert_int_equal(foil_detector_threshold(d, "fpr=0.02", &threshold), FOIL_INVALID);
    int height, width, channels;
    foil_detector_input(d, &height, &width, &channels);
    assert_true(height == 8 && width == 8 && channels == 3);

    // Written again it is the same file.
    char *a, *b;
    size_t n_a, n_b;
    small_check(detector_write(BAD, detector_net(d), detector_store(d), card));
    small_check(file_read(PATH, 0, &a, &n_a));
    small_check(file_read(BAD, 0, &b, &n_b));
    assert_int_equal(n_a, n_b);
    assert_memory_equal(a, b, n_a);
    free(a);
    free(b);
    foil_detector_free(d);
    foil_detector_free(NULL);
}

static void test_scores(void **state) {
    (void)state;
    foil_detector *d;
    small_detector(PATH);
    small_check(foil_detector_load(PATH, &d));
    const int sizes[][2] = {{8, 8}, {20, 30}, {3, 5}, {8, 1}, {1, 200}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int channels = 1; channels <= 3; channels += 2) {
            image picture;
            double score;
            grey(sizes[i][0], sizes[i][1], channels, 200, &picture);
            assert_int_equal(foil_detector_score_pixels(d, picture.pixels, picture.height, picture.width, channels, &score), FOIL_OK);
            assert_true(fabs(score - 1 / (1 + exp(-logit_of(200) / SMALL_CARD.calibration.temperature))) < 1e-6);
            image_free(&picture);
        }
    double score;
    assert_int_equal(foil_detector_score_pixels(d, (const unsigned char *)"abcd", 2, 2, 4, &score), FOIL_INVALID);
    assert_int_equal(foil_detector_score_pixels(d, (const unsigned char *)"abcd", 0, 2, 1, &score), FOIL_INVALID);
    assert_int_equal(foil_detector_score_pixels(d, NULL, 2, 2, 1, &score), FOIL_INVALID);
    assert_non_null(strstr(foil_error(), "NULL"));
    assert_int_equal(foil_detector_score_file(d, "no-such-picture.png", &score), FOIL_IO);
    assert_non_null(strstr(foil_error(), "no-such-picture.png"));
    foil_detector_free(d);
}

// Broken files. ---------------------------------------------------------------------------------------------------------------------------------

typedef struct change {
    const char *key, *value; // NULL value: left out
} change;

// Writes a detector, with pieces of its metadata changed and tensors as in `s`.
static void write_changed(const store *s, const change *changes, size_t n) {
    safetensors *good;
    small_detector(PATH);
    small_check(safetensors_open(PATH, &good));
    safetensors_writer *w = safetensors_writer_new();
    for (int i = 0; i < safetensors_metadata_count(good); i++) {
        const char *key, *value;
        safetensors_metadata_at(good, i, &key, &value);
        for (size_t c = 0; c < n; c++)
            if (!strcmp(key, changes[c].key)) value = changes[c].value;
        if (value) safetensors_set(w, key, value);
    }
    safetensors_add_store(w, "", s);
    small_check(safetensors_write(w, BAD));
    safetensors_writer_free(w);
    safetensors_close(good);
}

static void write_with(const store *s, const char *key, const char *value) {
    write_changed(s, &(change){key, value}, key ? 1 : 0);
}

static void assert_rejected(const char *why) {
    foil_detector *d = (foil_detector *)1;
    assert_int_equal(foil_detector_load(BAD, &d), FOIL_INVALID);
    assert_null(d);
    if (!strstr(foil_error(), BAD) || !strstr(foil_error(), why)) fail_msg("'%s' lacks '%s'", foil_error(), why);
}

#define ISOTONIC(logits, scores)                                                                                                                     \
    "{\"method\": \"isotonic\", \"bias\": 0, \"prior\": 0.5, \"shift\": 0, \"logit\": [" logits "], \"score\": [" scores "]}"

static void test_metadata_is_checked(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"foil_detector", NULL, "not a detector"},
        {"foil_detector", "3", "format '3', but this version reads '1' and '2'"},
        {"network", NULL, "without 'network'"},
        {"network", "input: {image: [8, 8, 3]}\nlayers: [{konv: {out: 2}}]\n", "konv"},
        {"network", "input: {latent: 8}\nlayers: [{linear: {out: 2}}]\n", ""},
        {"head", "game", "no head 'game'"},
        {"temperature", "warm", "temperature is 'warm'"},
        {"temperature", "-1", "temperature is '-1'"},
        {"temperature", "nan", "temperature"},
        {"temperature", NULL, "without 'temperature'"},
        {"thresholds", NULL, "without 'thresholds'"},
        {"thresholds", "0.5", "thresholds is '0.5': expected a JSON object"},
        {"thresholds", "{\"eer\": 0.5", "expected a JSON object"},
        {"thresholds", "{\"eer\": 0.5, \"eer\": 0.6}", "expected a JSON object"},
        {"thresholds", "{\"fpr=0.01\": 0.5}", "a number for \"eer\""},
        {"thresholds", "{\"eer\": \"high\"}", "expected numbers for \"eer\", \"fpr=0.01\" …"},
        {"thresholds", "{\"eer\": 0.5, \"fpr=2\": 0.5}", "expected numbers for"},
        {"thresholds", "{\"eer\": 0.5, \"best\": 0.5}", "expected numbers for"},
        {"calibrated_on", NULL, "without 'calibrated_on'"},
        {"calibrated_on", "[1, 2]", "expected a JSON object"},
        {"calibrated_on", "{\"reals\": 5}", "a number from 0 to 1e+15 for \"fakes\""},
        {"calibrated_on", "{\"reals\": -5, \"fakes\": 1}", "a number from 0 to 1e+15 for \"reals\""},
        {"calibrated_on", "{\"reals\": 5, \"fakes\": 6, \"false_alarms\": {\"eer\": 6}}", "\"false_alarms\" to be whole numbers"},
        {"calibrated_on", "{\"reals\": 5, \"fakes\": 6, \"false_alarms\": {\"eer\": 0.5}}", "\"false_alarms\" to be whole numbers"},
        {"calibration", "platt", "calibration is 'platt': expected a JSON object"},
        {"calibration", "{\"method\": \"plat\"}", "a \"method\" that this version knows"},
        {"calibration", "{\"bias\": 1}", "a \"method\" that this version knows"},
        {"calibration", "{\"method\": \"platt\"}", "for \"bias\""},
        {"calibration", "{\"method\": \"platt\", \"bias\": \"0\"}", "for \"bias\""},
        {"calibration", "{\"method\": \"platt\", \"bias\": 0, \"prior\": 2}", "a number from 0 to 1 for \"prior\""},
        {"calibration", "{\"method\": \"platt\", \"bias\": 0, \"prior\": 0.5, \"shift\": 1e9}", "for \"shift\""},
        {"calibration", ISOTONIC("", ""), "isotonic with 0 logits and 0 scores"},
        {"calibration", ISOTONIC("1, 2", "0.5"), "isotonic with 2 logits and 1 scores"},
        {"calibration", ISOTONIC("1, \"2\"", "0.5, 0.6"), "\"logit\" has something else than numbers"},
        {"calibration", ISOTONIC("1, 1", "0.5, 0.6"), "knot 2 of 2 (logit 1, score 0.6): expected rising logits"},
        {"calibration", ISOTONIC("1, 2", "0.5, 0.4"), "knot 2 of 2"},
        {"calibration", ISOTONIC("1, 2", "0, 0.4"), "knot 1 of 2"},
        {"fit", "stretch", "fit 'stretch'"},
        {"resize", NULL, "without 'resize'"},
        {"channels", "many", "channels is 'many'"},
    };
    net *n;
    store *s;
    small_network(&n, &s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_with(s, cases[i][0], cases[i][1]);
        assert_rejected(cases[i][2]);
    }
    store_free(s);
    net_free(n);
}

// No picture has two channels, or four: what was decoded could not become the network's.
static void test_pictures_are_grey_or_rgb(void **state) {
    (void)state;
    static const char *const others[] = {"2", "4"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        text file = {0}, why = {0};
        net *n;
        text_format(&file, "input: {image: [8, 8, %s]}\nlayers: [flatten]\nheads: {detect: {layers: [{linear: 1}]}}\n", others[i]);
        text_format(&why, "pictures of %s channels: a detector's have 1 (grey) or 3 (RGB)", others[i]);
        small_check(net_parse(file.data, "other.yaml", 0, &n));
        store *s = store_new();
        small_check(net_declare(n, s));
        small_check(store_allocate(s));
        small_check(detector_write(BAD, n, s, &SMALL_CARD));
        assert_rejected(why.data);
        store_free(s);
        net_free(n);
        text_free(&file);
        text_free(&why);
    }
}

// As files of format 1 had it.
static void test_older_files_open(void **state) {
    (void)state;
    static const change old[] = {{"foil_detector", "1"},
                                 {"calibration", NULL},
                                 {"thresholds", "{\"eer\": 0.40000000000000002, \"fpr=0.01\": 0.90000000000000002}"},
                                 {"calibrated_on", "{\"reals\": 30, \"fakes\": 10}"}};
    net *n;
    store *s;
    foil_detector *d;
    double threshold;
    small_network(&n, &s);
    write_changed(s, old, sizeof old / sizeof *old);
    small_check(foil_detector_load(BAD, &d));
    const calibration *c = &detector_card_of(d)->calibration;
    assert_true(c->method == CALIBRATION_TEMPERATURE && c->temperature == SMALL_CARD.calibration.temperature && c->bias == 0 && c->shift == 0);
    assert_true(c->reals == 30 && c->fakes == 10 && c->prior == .25);
    assert_true(c->thresholds == 2 && c->threshold[0].false_alarms == -1 && c->threshold[1].false_alarms == -1);
    assert_int_equal(foil_detector_threshold(d, "fpr=0.01", &threshold), FOIL_OK);
    assert_true(threshold == .9);
    assert_int_equal(foil_detector_threshold(d, "eer", &threshold), FOIL_OK);
    assert_true(threshold == .4);
    assert_true(detector_score(d, 1.5) == 1 / (1 + exp(-1.5 / SMALL_CARD.calibration.temperature)));
    foil_detector_free(d);
    store_free(s);
    net_free(n);
}

// Every method's parameters, thresholds and prior come back to the bit.
static void test_calibrations_survive(void **state) {
    (void)state;
    double logit[700];
    bool fake[700];
    net *n;
    store *s;
    small_network(&n, &s);
    for (int i = 0; i < 700; i++) {
        fake[i] = i % 7 > 3;
        logit[i] = sin(i) + fake[i] / 3.;
    }
    for (int method = 0; CALIBRATION_NAMES[method]; method++) {
        arena memory = {0};
        detector_card card = SMALL_CARD;
        foil_detector *d;
        const double fpr[] = {.3, .01, .123456789};
        small_check(calibrate(&(calibrate_options){(calibration_method)method, fpr, 3}, logit, fake, 700, &memory, &card.calibration));
        small_check(calibration_set_prior(&card.calibration, 1. / 7));
        small_check(detector_write(BAD, n, s, &card));
        small_check(detector_open(BAD, &d));
        const calibration *a = &card.calibration, *b = &detector_card_of(d)->calibration;
        assert_int_equal(b->method, method);
        assert_true(a->prior == b->prior && a->shift == b->shift && a->reals == b->reals && a->fakes == b->fakes);
        for (int i = 0; i < 700; i++) assert_true(calibrated_score(a, logit[i]) == calibrated_score(b, logit[i]));
        assert_int_equal(b->thresholds, 4);
        assert_memory_equal(a->threshold, b->threshold, sizeof a->threshold);
        foil_detector_free(d);
        arena_free(&memory);
    }
    store_free(s);
    net_free(n);
}

static void test_weights_are_checked(void **state) {
    (void)state;
    net *n;
    store *s;
    small_network(&n, &s);
    store_data(s, store_find(s, "heads.detect.1.weight"))[1] = NAN;
    write_with(s, NULL, NULL);
    assert_rejected("heads.detect.1.weight");
    store_free(s);

    s = store_new(); // as if of another network
    store_declare(s, "layers.0.weight", SHAPE(2, 3, 1, 1), (init){0}, true);
    small_check(store_allocate(s));
    write_with(s, NULL, NULL);
    assert_rejected("layers.0.bias");
    store_free(s);

    s = store_new();
    small_check(net_declare(n, s));
    store_declare(s, "layers.1.weight", SHAPE(2), (init){0}, true);
    small_check(store_allocate(s));
    write_with(s, NULL, NULL);
    assert_rejected("tensor 'layers.1.weight' is none of the network's 4");
    store_free(s);
    net_free(n);
}

static void test_network_without_one_logit_is_rejected(void **state) {
    (void)state;
    static const char file[] = "input: {image: [8, 8, 3]}\n"
                               "layers: [{conv: {out: 2, kernel: 1}}]\n"
                               "heads: {detect: {layers: [{global_pool: mean}, {linear: {out: 2}}]}}\n";
    net *n;
    small_check(net_parse(file, "two.yaml", 0, &n));
    store *s = store_new();
    small_check(net_declare(n, s));
    small_check(store_allocate(s));
    small_check(detector_write(BAD, n, s, &SMALL_CARD));
    assert_rejected("one number");
    store_free(s);
    net_free(n);
}

static int remove_files(void **state) {
    (void)state;
    unlink(PATH);
    unlink(BAD);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_everything_survives), cmocka_unit_test(test_scores),
                                       cmocka_unit_test(test_metadata_is_checked), cmocka_unit_test(test_pictures_are_grey_or_rgb),
                                       cmocka_unit_test(test_older_files_open),    cmocka_unit_test(test_calibrations_survive),
                                       cmocka_unit_test(test_weights_are_checked), cmocka_unit_test(test_network_without_one_logit_is_rejected)};
    return cmocka_run_group_tests(tests, NULL, remove_files);
}
