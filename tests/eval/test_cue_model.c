// The cue-only baseline: what it learns, what its file keeps, and that it is a detector like any other.
#include <math.h>

#include "base/thread.h"
#include "data/set.h"
#include "eval/cues/fit.h"
#include "eval/detector.h"
#include "eval/scoring.h"
#include "tests/data/pictures.h"

static const char SET[] = "test_cue_model.h5", PATH[] = "test_cue_model.safetensors", BAD[] = "test_cue_model_bad.safetensors";
enum { SIDE = 40, PER_SPLIT = 60 };

// Fakes are smooth and dark, reals noisy and bright, with some overlap.
static image made(bool fake, uint64_t number) {
    philox_key from = {number, 90, fake};
    image im;
    OK(image_new(SIDE, SIDE, 3, &im));
    uint32_t noise = 4 + philox_below(from, 0, fake ? 20 : 40), level = (fake ? 60 : 80) + philox_below(from, 1, 60);
    for (size_t i = 0; i < image_bytes(&im); i++) im.pixels[i] = (uint8_t)(level + i / (3 * SIDE) + philox_below(from, 2 + i, noise));
    return im;
}

static void make_set(const char *path, bool fakes_in_val) {
    set_writer *w;
    OK(set_create(path, &(set_description){.height = SIDE, .width = SIDE, .channels = 3, .fit = FIT_CROP, .count = 6 * PER_SPLIT, .source = "test"},
                  &w));
    for (int i = 0; i < 6 * PER_SPLIT; i++) {
        bool fake = i % 2;
        set_split split = (set_split)(i / (2 * PER_SPLIT));
        char name[32];
        unsigned char sum[32] = {(unsigned char)i, (unsigned char)(i >> 8)};
        image im = made(fake, (uint64_t)i);
        snprintf(name, sizeof name, "%d.png", i);
        OK(set_add(w, &im, fake && (fakes_in_val || split != SPLIT_VAL), fake ? "dark" : "bright", "", -1, split, name, sum));
        image_free(&im);
    }
    OK(set_commit(w));
}

static cue_fitting fitting(const set *s) {
    return (cue_fitting){.set = s, .input = SHAPE(SIDE, SIDE, 3), .fit = FIT_CROP};
}

static foil_detector *fitted(void) {
    set *s;
    foil_detector *d;
    make_set(SET, true);
    OK(set_open(SET, &s));
    const cue_fitting f = fitting(s);
    OK(cue_detector_fit(&f, PATH));
    set_close(s);
    OK(foil_detector_load(PATH, &d));
    return d;
}

// Of a table in which number 3 tells the classes apart, 5 is always missing, 7 constant and the others noise.
static void fill(cue_table *t, int64_t n, uint64_t seed) {
    const int k = cue_features();
    float *z = malloc((size_t)(n * k) * sizeof *z);
    *t = (cue_table){.x = malloc((size_t)(n * k) * sizeof(double)), .fake = malloc((size_t)n * sizeof(bool)), .n = n};
    assert_true(z && t->x && t->fake);
    philox_fill_normal((philox_key){seed, 91, 0}, 0, z, (size_t)(n * k));
    for (int64_t i = 0; i < n; i++) {
        double *row = t->x + i * k;
        t->fake[i] = i % 3 == 0;
        for (int j = 0; j < k; j++) row[j] = 1000 * j + (j + 1) * (double)z[i * k + j];
        row[3] = 3000 + 4 * (double)z[i * k + 3] + (t->fake[i] ? 8 : 0); // two deviations
        row[5] = NAN;
        row[7] = 42;
        if (i % 5 == 0) row[9] = NAN;
    }
    free(z);
}

static void test_fit(void **state) {
    (void)state;
    cue_table train, val;
    cue_model m;
    double ridge = 0;
    fill(&train, 3000, 1);
    fill(&val, 1500, 2);
    OK(cue_model_fit(&train, &val, &m, &ridge));
    assert_int_equal(m.n, cue_features());
    assert_true(ridge >= .1 && ridge <= 1000);
    assert_true(fabs((double)m.mean[9] - 9000) < 1 && fabs((double)m.scale[9] - 10) < .5); // of those that are there
    assert_true(m.weight[5] == 0 && m.weight[7] == 0 && m.scale[5] == 1 && m.scale[7] == 1);
    for (int i = 0; i < m.n; i++)
        if (i != 3) assert_true(fabs((double)m.weight[i]) < .2 * (double)m.weight[3]);
    // Two normal distributions, two deviations apart, each weighing one half: the logit is 2 deviations' slope of them, 0 half-way.
    double slope = (double)m.weight[3] / (double)m.scale[3], middle[CUE_FEATURES_MOST];
    assert_true(fabs(slope - 2 / 4.) < .06);
    for (int i = 0; i < m.n; i++) middle[i] = 1000 * i + (i == 3 ? 4 : 0);
    middle[5] = NAN;
    middle[7] = 42;
    assert_true(fabs(cue_model_logit(&m, middle)) < .3);
    middle[3] = 1e9; // far out counts as five deviations
    double far = cue_model_logit(&m, middle);
    middle[3] = 1e12;
    assert_true(far == cue_model_logit(&m, middle));
    for (int64_t i = 0; i < val.n; i++) val.fake[i] = false;
    REFUSED(cue_model_fit(&train, &val, &m, &ridge), "the val split has 1500 reals and 0 fakes");
    free(train.x);
    free(train.fake);
    free(val.x);
    free(val.fake);
}

static void test_a_detector_like_any_other(void **state) {
    (void)state;
    foil_detector *d = fitted();
    int height, width, channels, right = 0;
    double threshold, score, logit, value[CUE_FEATURES_MOST];
    assert_null(detector_net(d));
    assert_null(detector_store(d));
    const cue_model *m = detector_cues(d);
    assert_non_null(m);
    foil_detector_input(d, &height, &width, &channels);
    assert_true(height == SIDE && width == SIDE && channels == 3);
    assert_int_equal(detector_card_of(d)->calibration.reals, PER_SPLIT);
    assert_non_null(strstr(detector_card_of(d)->provenance, "\"fitted_on\""));
    OK(foil_detector_threshold(d, "eer", &threshold));
    for (uint64_t i = 1000; i < 1200; i++) {
        image im = made(i % 2, i);
        OK(detector_logit(d, &im, &logit));
        OK(cue_features_measure(&im, value));
        assert_true(logit == (double)(float)cue_model_logit(m, value));
        OK(foil_detector_score_pixels(d, im.pixels, im.height, im.width, im.channels, &score));
        assert_true(score == detector_score(d, logit));
        right += (score >= threshold) == (i % 2);
        image_free(&im);
    }
    assert_true(right > 140); // of 200
    image tiny = picture(8, 8, 1, 1), large = picture(300, 200, 3, 2);
    OK(detector_logit(d, &tiny, &logit));
    OK(detector_logit(d, &large, &logit));
    image_free(&tiny);
    image_free(&large);
    REFUSED(detector_need_network(d, "an export"), "no network, and an export needs one");
    foil_detector_free(d);
}

static void test_the_same_bytes_with_any_number_of_threads(void **state) {
    (void)state;
    char *bytes[2];
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        threads_set(1 + 3 * i);
        foil_detector_free(fitted());
        OK(file_read(PATH, 0, &bytes[i], &n[i]));
    }
    foil_detector *d;
    OK(foil_detector_load(PATH, &d));
    OK(detector_rewrite(BAD, d, detector_card_of(d)));
    foil_detector_free(d);
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
    free(bytes[1]);
    OK(file_read(BAD, 0, &bytes[1], &n[1]));
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]); // written again it is the same file
    free(bytes[0]);
    free(bytes[1]);
}

// Replaces the first `from` in the file by `to`, as long.
static void change(const char *from, const char *to) {
    char *bytes;
    size_t n;
    OK(file_read(PATH, 0, &bytes, &n));
    char *at = memmem(bytes, n, from, strlen(from));
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    for (size_t i = 0; to[i]; i++) at[i] = to[i];
    write_bytes(BAD, bytes, n);
    free(bytes);
}

static void test_what_is_wrong_with_a_file_is_told(void **state) {
    (void)state;
    foil_detector *d = fitted();
    foil_detector_free(d);
    static const struct {
        const char *from, *to, *words;
    } CASES[] = {{"spectrum.slope", "spectrum.slice", "other cues than this version measures"},
                 {"version\\\": 2", "version\\\": 1", "other cues than this version measures (version 2): fit it again"},
                 {"[40, 40, 3]", "[40, 40, 2]", "input is '[40, 40, 2]'"},
                 {"[40, 40, 3]", "[0 , 40, 3]", "expected [height, width, 1 or 3]"},
                 {"[40, 40, 3]", "\\\"a\\\",\\\"b\\\"", "expected [height, width, 1 or 3]"},
                 {"cue.weight", "cue.weighs", "tensor 'cue.weight' is missing"},
                 {"\"cues\"", "\"cuez\"", "a detector without 'network'"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        change(CASES[i].from, CASES[i].to);
        REFUSED(foil_detector_load(BAD, &d), CASES[i].words);
        assert_non_null(strstr(foil_error(), BAD));
        assert_null(d);
    }
    char *bytes;
    size_t n;
    OK(file_read(PATH, 0, &bytes, &n));
    for (size_t cut = 0; cut < n; cut += 7) {
        write_bytes(BAD, bytes, cut);
        assert_int_not_equal(foil_detector_load(BAD, &d), FOIL_OK);
    }
    memset(bytes + n - 4, 0xff, 4); // a value that is no number
    write_bytes(BAD, bytes, n);
    REFUSED(foil_detector_load(BAD, &d), "not finite");
    free(bytes);
}

static void test_sets_that_cannot_be_fitted(void **state) {
    (void)state;
    set *s;
    bool possible = true;
    make_set(SET, false);
    OK(set_open(SET, &s));
    cue_fitting f = fitting(s);
    OK(cue_detector_possible(&f, &possible));
    assert_false(possible);
    REFUSED(cue_detector_fit(&f, BAD), "the val split has");
    set_close(s);
    make_set(SET, true);
    OK(set_open(SET, &s));
    f = fitting(s);
    OK(cue_detector_possible(&f, &possible));
    assert_true(possible);
    set_close(s);
    unlink(SET);
    unlink(PATH);
    unlink(BAD);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fit), cmocka_unit_test(test_a_detector_like_any_other),
                                       cmocka_unit_test(test_the_same_bytes_with_any_number_of_threads),
                                       cmocka_unit_test(test_what_is_wrong_with_a_file_is_told), cmocka_unit_test(test_sets_that_cannot_be_fitted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
