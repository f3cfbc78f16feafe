// Sets made so that each warning must appear, and so that none may.
#include <math.h>

#include "eval/logistic.h"
#include "eval/shortcuts.h"
#include "tests/data/pictures.h"

enum { PER_CLASS = 300 };
static const philox_key KEY = {5, 1, 0};

// Files that differ from picture to picture, but not from class to class. `fake`: 0, or the number of its method.
static image_file usual(int i, int fake) {
    uint64_t at = (uint64_t)(8 * (i + PER_CLASS * fake));
    int side = 200 + (int)philox_below(KEY, at, 100), png = philox_below(KEY, at + 1, 3) == 0;
    return (image_file){.format = png ? FILE_PNG : FILE_JPEG,
                        .colours = philox_below(KEY, at + 2, 10) == 0 ? FILE_GREY : FILE_COLOUR,
                        .width = side,
                        .height = side + (int)philox_below(KEY, at + 3, 50),
                        .quality = png ? 0 : 70 + (int)philox_below(KEY, at + 4, 25),
                        .bytes = 20000 + (int)philox_below(KEY, at + 5, 20000)};
}

typedef image_file maker(int i, int fake);
typedef int clip_maker(int i, int fake);

static int no_clip(int i, int fake) {
    (void)i, (void)fake;
    return -1;
}

static shortcut_findings found(maker *make, clip_maker *clip, int methods) {
    static const char *const METHODS[] = {"camera", "gan", "vae"};
    set_writer *w;
    OK(set_create("shortcuts/s.h5", &(set_description){8, 8, 3, FIT_CROP, RESIZE_LANCZOS, 1, (methods + 1) * PER_CLASS, "", ""}, &w));
    for (int fake = 0; fake <= methods; fake++)
        for (int i = 0; i < PER_CLASS; i++) {
            image im = picture(8, 8, 3, (uint64_t)(i + PER_CLASS * fake));
            image_file file = make ? make(i, fake) : (image_file){0};
            unsigned char digest[32] = {0};
            OK(set_add(w, &im, fake > 0, METHODS[fake], "", clip(i, fake), (set_split)(i % 3), "x", digest));
            set_add_file(w, &file);
            image_free(&im);
        }
    OK(set_commit(w));
    set *s;
    shortcut_findings f;
    OK(set_open("shortcuts/s.h5", &s));
    OK(shortcuts_find(s, &f));
    set_close(s);
    return f;
}

static int notable(const shortcut_findings *f) {
    int which = 0;
    for (int by = 0; by < FILE_PROPERTIES; by++) which |= f->difference[by].notable << by;
    return which;
}

static void test_equal_classes_give_no_warning(void **state) {
    (void)state;
    shortcut_findings f = found(usual, no_clip, 2);
    assert_int_equal(f.known, 3 * PER_CLASS);
    assert_int_equal(f.looked, 3 * PER_CLASS);
    assert_true(f.judged);
    assert_int_equal(notable(&f), 0);
    assert_true(f.auc.value > .42 && f.auc.value < .58);
    assert_true(f.auc.low < .55 && f.auc.low <= f.auc.value && f.auc.value <= f.auc.high);
}

static image_file all_png(int i, int fake) {
    image_file f = usual(i, fake);
    if (fake) f.format = FILE_PNG;
    return f;
}

static image_file mostly_indexed(int i, int fake) {
    image_file f = usual(i, fake);
    if (fake && i % 2) f.colours = FILE_INDEXED;
    return f;
}

static image_file better_quality(int i, int fake) {
    image_file f = usual(i, fake);
    if (fake && f.quality) f.quality += 6;
    return f;
}

// Neither narrower nor wider on the whole.
static image_file all_squares(int i, int fake) {
    image_file f = usual(i, fake);
    if (fake) f.height = f.width;
    return f;
}

static image_file larger(int i, int fake) {
    image_file f = usual(i, fake);
    if (fake) f = (image_file){f.format, f.colours, 2 * f.width, 2 * f.height, f.quality, 4 * f.bytes};
    return f;
}

static image_file more_bytes(int i, int fake) {
    image_file f = usual(i, fake);
    if (fake) f.bytes *= 2;
    return f;
}

static void test_each_difference_is_warned_of(void **state) {
    (void)state;
    const struct {
        maker *make;
        int which;
        double least; // AUC
    } CASES[] = {{all_png, 1 << BY_FORMAT, .75},    {mostly_indexed, 1 << BY_COLOURS, .7},         {better_quality, 1 << BY_QUALITY, .55},
                 {all_squares, 1 << BY_ASPECT, .9}, {larger, 1 << BY_WIDTH | 1 << BY_HEIGHT, .97}, {more_bytes, 1 << BY_BYTES, .85}};
    for (size_t k = 0; k < sizeof CASES / sizeof *CASES; k++) {
        shortcut_findings f = found(CASES[k].make, no_clip, 1);
        if ((notable(&f) & CASES[k].which) != CASES[k].which) fail_msg("case %zu: warnings %x", k, (unsigned)notable(&f));
        if (f.auc.low < CASES[k].least) fail_msg("case %zu: AUC %g (%g to %g)", k, f.auc.value, f.auc.low, f.auc.high);
    }
    shortcut_findings f = found(all_png, no_clip, 1);
    const property_difference *d = &f.difference[BY_FORMAT];
    assert_int_equal(d->fake.typical, FILE_PNG);
    assert_true(d->fake.low == 1);
    assert_int_equal(d->real.typical, FILE_JPEG);
    assert_float_equal(d->all, (1 + d->real.low) / 2, 1e-12); // the share of reals that are no PNG, halfway to 1
    f = found(larger, no_clip, 1);
    assert_true(f.difference[BY_WIDTH].all == 1);
    assert_int_equal(notable(&f), 1 << BY_WIDTH | 1 << BY_HEIGHT);
}

static image_file second_is_png(int i, int fake) {
    image_file f = usual(i, fake);
    if (fake == 2) f.format = FILE_PNG;
    return f;
}

static void test_the_method_is_named(void **state) {
    (void)state;
    shortcut_findings f = found(second_is_png, no_clip, 2);
    const property_difference *d = &f.difference[BY_FORMAT];
    assert_true(d->notable);
    assert_int_equal(d->worst, 2);
    assert_int_equal(d->methods, 1);
    assert_true(d->worst_accuracy > d->all + .1);
}

// All of one method's files are PNG, but they are of two clips, which says little; of the other's every third is, each a clip of its own.
static image_file some_are_png(int i, int fake) {
    image_file f = usual(i, fake);
    if (fake == 2 || (fake == 1 && i % 3 == 0)) f.format = FILE_PNG;
    return f;
}

static int second_has_two_clips(int i, int fake) {
    return fake == 2 ? i % 2 : 2 + PER_CLASS * fake + i;
}

static void test_no_method_is_named_for_what_may_be_chance(void **state) {
    (void)state;
    shortcut_findings f = found(some_are_png, second_has_two_clips, 2);
    const property_difference *d = &f.difference[BY_FORMAT];
    assert_true(d->notable);
    assert_int_equal(d->methods, 1);
    assert_int_equal(d->worst, 1);
    assert_true(d->worst_accuracy > .6 && d->worst_accuracy < .7);
}

// Ten files of each clip are alike, and a clip has one class: within clips all can be known, across clips nothing.
static int ten_per_clip(int i, int fake) {
    return fake * 1000 + i / 10;
}

static image_file alike_in_clips(int i, int fake) {
    return usual(i / 10 * 10, fake);
}

static void test_clips_are_not_evidence_many_times(void **state) {
    (void)state;
    shortcut_findings f = found(alike_in_clips, ten_per_clip, 1);
    assert_int_equal(notable(&f), 0);
    assert_true(f.auc.low < .55);
    assert_true(f.auc.high - f.auc.low > .15); // 30 clips of each class, not 300 files
}

static void test_what_is_not_known_is_not_judged(void **state) {
    (void)state;
    shortcut_findings f = found(NULL, no_clip, 1);
    assert_int_equal(f.known, 0);
    assert_int_equal(f.looked, 2 * PER_CLASS);
    assert_false(f.judged);
    f = found(all_png, no_clip, 0);
    assert_int_equal(f.known, PER_CLASS);
    assert_false(f.judged);
}

// The loss has no slope where the fit stops; also where the classes are separable.
static void test_logistic_regression(void **state) {
    (void)state;
    enum { N = 400, K = 4 };
    double x[N * K], weight[N], c[K];
    bool y[N];
    for (int separable = 0; separable < 2; separable++) {
        for (int i = 0; i < N; i++) {
            for (int a = 0; a < K; a++) x[i * K + a] = a == 0 ? 1 : (double)philox_uniform(KEY, (uint64_t)(i * K + a)) * a;
            double z = 3 * x[i * K + 1] - 2 * x[i * K + 2] + .5;
            y[i] = separable ? z > 0 : philox_uniform(KEY, (uint64_t)(9000 + i)) < 1 / (1 + exp(-z));
            weight[i] = i % 3;
        }
        logistic_fit(x, y, weight, N, K, .01, c);
        for (int a = 0; a < K; a++) {
            double slope = .01 * c[a];
            for (int i = 0; i < N; i++) slope += weight[i] * (1 / (1 + exp(-logistic_score(x + i * K, K, c))) - y[i]) * x[i * K + a];
            assert_true(fabs(slope) < .01);
        }
        int right = 0;
        for (int i = 0; i < N; i++) right += (logistic_score(x + i * K, K, c) > 0) == y[i];
        assert_true(right >= (separable ? N * 98 / 100 : N * 65 / 100));
    }
}

static int make_folder(void **state) {
    (void)state;
    folder("shortcuts");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_equal_classes_give_no_warning),
                                       cmocka_unit_test(test_each_difference_is_warned_of),
                                       cmocka_unit_test(test_the_method_is_named),
                                       cmocka_unit_test(test_no_method_is_named_for_what_may_be_chance),
                                       cmocka_unit_test(test_clips_are_not_evidence_many_times),
                                       cmocka_unit_test(test_what_is_not_known_is_not_judged),
                                       cmocka_unit_test(test_logistic_regression)};
    return cmocka_run_group_tests(tests, make_folder, NULL);
}
