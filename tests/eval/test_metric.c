// Metrics against scikit-learn's values, against their definitions by hand, and their intervals.
#include <jansson.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "eval/ranking.h"
#include "tests/cmocka.h"

enum { LARGEST = 1000 };

static void assert_near(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.17g is not %.17g", a, b);
}

static void test_scikit_learn(void **state) {
    (void)state;
    json_t *cases = json_load_file(SOURCE_DIR "/tests/eval/sklearn_values.json", 0, NULL), *c;
    assert_true(json_array_size(cases) >= 8);
    size_t at;
    json_array_foreach(cases, at, c) {
        double score[LARGEST], out[METRICS];
        bool fake[LARGEST];
        size_t n = json_array_size(json_object_get(c, "score"));
        for (size_t i = 0; i < n; i++) {
            score[i] = json_number_value(json_array_get(json_object_get(c, "score"), i));
            fake[i] = json_integer_value(json_array_get(json_object_get(c, "fake"), i));
        }
        assert_int_equal(metrics(&(metric_input){.score = score, .fake = fake, .n = (int64_t)n, .threshold = .5}, out), FOIL_OK);
        for (int m = 0; m < METRICS; m++) {
            const json_t *wanted = json_object_get(c, METRIC_NAMES[m]);
            if (!json_is_number(wanted)) fail_msg("no value of %s", METRIC_NAMES[m]);
            if (!(fabs(out[m] - json_number_value(wanted)) <= 1e-9))
                fail_msg("%s of '%s': %.17g is not %.17g", METRIC_NAMES[m], json_string_value(json_object_get(c, "name")), out[m],
                         json_number_value(wanted));
        }
    }
    json_decref(cases);
}

static void test_by_hand(void **state) {
    (void)state;
    // Downward: F(.9) R(.8) F(.7)+R(.7) R(.1): ROC (0,½) (⅓,½) (⅔,1) (1,1).
    const double score[] = {.7, .9, .8, .7, .1};
    const bool fake[] = {true, true, false, false, false};
    double out[METRICS];
    assert_int_equal(metrics(&(metric_input){.score = score, .fake = fake, .n = 5, .threshold = .75}, out), FOIL_OK);
    assert_near(out[METRIC_AUC], (3 + 1.5) / 6, 1e-15);
    assert_near(out[METRIC_EER], .4, 1e-15); // from (⅓,½) to (⅔,1): y = 1.5 x, so 1 - x = 1.5 x
    assert_near(out[METRIC_ACCURACY], 3. / 5, 1e-15);
    assert_near(out[METRIC_TPR_FPR1], .5, 1e-15);
    assert_near(out[METRIC_TPR_FPR01], .5, 1e-15);
    // Bins of width 1/15: .9 -> 13, .8 -> 12 (12.000000000000002 or less: alone anyway), .7 -> 10 (both), .1 -> 1.
    assert_near(out[METRIC_ECE], (.1 + .8 + fabs(1.4 - 1) + .1) / 5, 1e-12);
}

static void test_constant_scores(void **state) {
    (void)state;
    const double score[] = {.3, .3, .3};
    const bool fake[] = {true, false, false};
    double out[METRICS];
    assert_int_equal(metrics(&(metric_input){.score = score, .fake = fake, .n = 3, .threshold = .5}, out), FOIL_OK);
    assert_near(out[METRIC_AUC], .5, 0);
    assert_near(out[METRIC_EER], .5, 0);
    assert_near(out[METRIC_EER_ASVSPOOF], 1, 0);
    assert_near(out[METRIC_MCC], 0, 0);
    assert_near(out[METRIC_MIN_DCF], 1, 0);
    assert_near(out[METRIC_TPR_FPR1], 0, 0);
}

static void test_fpr_limit_is_inclusive(void **state) {
    (void)state;
    double score[300], out[METRICS];
    bool fake[300];
    for (int i = 0; i < 300; i++) {
        fake[i] = i >= 200;
        score[i] = i < 3 ? .9 : i < 200 ? .1 : i < 250 ? .95 : i < 270 ? .5 : .05;
    }
    // 3 of 200 reals at .9: 1.5 %. Only what is above them counts.
    assert_int_equal(metrics(&(metric_input){.score = score, .fake = fake, .n = 300, .threshold = .5}, out), FOIL_OK);
    assert_near(out[METRIC_TPR_FPR1], .5, 0);
    score[2] = .1; // 2 of 200: exactly 1 %
    assert_int_equal(metrics(&(metric_input){.score = score, .fake = fake, .n = 300, .threshold = .5}, out), FOIL_OK);
    assert_near(out[METRIC_TPR_FPR1], .7, 0);
    assert_near(out[METRIC_TPR_FPR01], .5, 0);
}

static void test_logits_are_no_probabilities(void **state) {
    (void)state;
    const double score[] = {3, -2, -INFINITY};
    const bool fake[] = {true, false, false};
    double out[METRICS];
    assert_int_equal(metrics(&(metric_input){.score = score, .fake = fake, .n = 3, .threshold = 0}, out), FOIL_OK);
    assert_near(out[METRIC_AUC], 1, 0);
    assert_true(isnan(out[METRIC_BRIER]) && isnan(out[METRIC_ECE]));
}

static void test_weights_repeat_items(void **state) {
    (void)state;
    const double score[] = {.2, .6, .6, .4, .9}, weight[] = {2, 1, 3, 0, 1};
    const bool fake[] = {false, true, false, true, true};
    const double score2[] = {.2, .2, .6, .6, .6, .6, .9};
    const bool fake2[] = {false, false, true, false, false, false, true};
    double a[METRICS], b[METRICS];
    assert_int_equal(metrics(&(metric_input){.score = score, .fake = fake, .weight = weight, .n = 5, .threshold = .5}, a), FOIL_OK);
    assert_int_equal(metrics(&(metric_input){.score = score2, .fake = fake2, .n = 7, .threshold = .5}, b), FOIL_OK);
    for (int m = 0; m < METRICS; m++) assert_near(a[m], b[m], 1e-15);
}

static void test_bad_input(void **state) {
    (void)state;
    const double score[] = {.1, NAN};
    const bool mixed[] = {true, false}, fakes[] = {true, true};
    double out[METRICS];
    assert_int_equal(metrics(&(metric_input){.score = score, .fake = mixed, .n = 2}, out), FOIL_INVALID);
    assert_string_equal(foil_error(), "score 2 is not a number");
    assert_int_equal(metrics(&(metric_input){.score = score, .fake = fakes, .n = 1}, out), FOIL_INVALID);
    assert_string_equal(foil_error(), "metrics need both classes, but there are 0 reals and 1 fakes");
    assert_int_equal(metrics(&(metric_input){.score = score, .fake = fakes, .n = 0}, out), FOIL_INVALID);
}

static void gaussian(int n, uint64_t seed, double *score, bool *fake) {
    float x[LARGEST];
    philox_fill_normal((philox_key){.seed = seed, .stream = STREAM_INIT}, 0, x, (size_t)n);
    for (int i = 0; i < n; i++) {
        fake[i] = i % 2;
        score[i] = 1 / (1 + exp(-x[i] - fake[i]));
    }
}

static void test_intervals_do_not_depend_on_threads(void **state) {
    (void)state;
    double score[400];
    bool fake[400];
    gaussian(400, 1, score, fake);
    metric_input in = {.score = score, .fake = fake, .n = 400, .threshold = .5};
    interval one[METRICS], three[METRICS], other[METRICS];
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    assert_int_equal(metric_intervals(&in, NULL, 500, 7, one), FOIL_OK);
    omp_set_num_threads(3);
    assert_int_equal(metric_intervals(&in, NULL, 500, 7, three), FOIL_OK);
    assert_int_equal(metric_intervals(&in, NULL, 500, 8, other), FOIL_OK);
    omp_set_num_threads(threads);
    assert_memory_equal(one, three, sizeof one);
    assert_memory_not_equal(one, other, sizeof one);
    for (int m = 0; m < METRICS; m++) assert_true(one[m].low <= one[m].value && one[m].value <= one[m].high);
}

// The bootstrap's AUC interval is near DeLong's normal one, by Hanley and McNeil's variance.
static void test_interval_has_the_right_width(void **state) {
    (void)state;
    double score[LARGEST];
    bool fake[LARGEST];
    gaussian(LARGEST, 2, score, fake);
    interval out[METRICS];
    assert_int_equal(metric_intervals(&(metric_input){.score = score, .fake = fake, .n = LARGEST, .threshold = .5}, NULL, 2000, 1, out), FOIL_OK);
    double a = out[METRIC_AUC].value, q1 = a / (2 - a), q2 = 2 * a * a / (1 + a), half = LARGEST / 2.;
    double deviation = sqrt((a * (1 - a) + (half - 1) * (q1 - a * a) + (half - 1) * (q2 - a * a)) / half / half);
    double width = out[METRIC_AUC].high - out[METRIC_AUC].low;
    assert_near(width, 2 * 1.96 * deviation, .12 * width);
}

// Ten copies of every item say nothing new: clustered by clip, the interval stays as wide.
static void test_clips_are_drawn_whole(void **state) {
    (void)state;
    double score[LARGEST];
    bool fake[LARGEST];
    int clip[LARGEST];
    gaussian(100, 3, score, fake);
    for (int i = 0; i < LARGEST; i++) {
        clip[i] = i % 100 * 5;
        score[i] = score[i % 100];
        fake[i] = fake[i % 100];
    }
    metric_input in = {.score = score, .fake = fake, .n = LARGEST, .threshold = .5};
    interval clustered[METRICS], naive[METRICS], small[METRICS];
    assert_int_equal(metric_intervals(&in, clip, 1000, 1, clustered), FOIL_OK);
    assert_int_equal(metric_intervals(&in, NULL, 1000, 1, naive), FOIL_OK);
    in.n = 100;
    assert_int_equal(metric_intervals(&in, clip, 1000, 1, small), FOIL_OK);
    for (int m = 0; m < METRICS; m++) {
        if (m == METRIC_EER_ASVSPOOF) continue; // goes item by item: of ten copies it sees ten steps
        assert_near(clustered[m].low, small[m].low, 1e-12);
        assert_near(clustered[m].high, small[m].high, 1e-12);
    }
    assert_true(clustered[METRIC_AUC].high - clustered[METRIC_AUC].low > 2 * (naive[METRIC_AUC].high - naive[METRIC_AUC].low));
}

static bool count_reals(const ranking *r, const unsigned char *times, const void *context, double *out) {
    (void)context;
    int count[2] = {0};
    for (int64_t i = 0; i < r->n; i++) count[r->kind[i] & RANKED_FAKE] += times[i];
    *out = count[0];
    return count[0] && count[1];
}

static void test_draws_with_one_class_are_redrawn(void **state) {
    (void)state;
    enum { ITEMS = 100, DRAWS = 200000 }; // no real in 2.7 of 100000 draws
    double score[ITEMS], *reals = malloc(DRAWS * sizeof *reals), most = 0;
    bool fake[ITEMS];
    ranking r;
    for (int i = 0; i < ITEMS; i++) {
        score[i] = i;
        fake[i] = i >= INTERVAL_CLIPS;
    }
    assert_int_equal(ranking_new(&(metric_input){.score = score, .fake = fake, .n = ITEMS}, &r), FOIL_OK);
    assert_int_equal(bootstrap(&r, NULL, DRAWS, 1, 1, count_reals, NULL, reals), FOIL_OK);
    for (int d = 0; d < DRAWS; d++) {
        assert_true(reals[d] > 0);
        most = fmax(most, reals[d]);
    }
    assert_true(most > INTERVAL_CLIPS);
    ranking_free(&r);
    free(reals);
}

// Of few clips there is none, however many frames they have.
static void test_few_clips_have_no_interval(void **state) {
    (void)state;
    enum { ITEMS = 200 };
    double score[ITEMS], weight[ITEMS];
    bool fake[ITEMS];
    int clip[ITEMS];
    interval out[METRICS], tpr[1];
    gaussian(ITEMS, 5, score, fake);
    metric_input in = {.score = score, .fake = fake, .n = ITEMS, .threshold = .5};
    for (int clips = INTERVAL_CLIPS - 1; clips <= INTERVAL_CLIPS; clips++)
        for (int forged = 0; forged < 2; forged++) {
            for (int i = 0; i < ITEMS; i++) clip[i] = fake[i] == forged ? i / 2 % clips : -1;
            assert_int_equal(metric_intervals(&in, clip, 50, 1, out), FOIL_OK);
            assert_int_equal(roc_band(&in, clip, 50, 1, (const double[]){.5}, 1, tpr), FOIL_OK);
            for (int m = 0; m < METRICS; m++) {
                assert_true(!isnan(out[m].value));
                assert_true(isnan(out[m].low) == (clips < INTERVAL_CLIPS) && isnan(out[m].high) == (clips < INTERVAL_CLIPS));
            }
            assert_true(!isnan(tpr->value) && isnan(tpr->low) == (clips < INTERVAL_CLIPS));
        }
    for (int i = 0; i < ITEMS; i++) weight[i] = i < 2 * INTERVAL_CLIPS - 1 ? 1 : 0; // what has no weight is not there
    in.weight = weight;
    assert_int_equal(metric_intervals(&in, NULL, 50, 1, out), FOIL_OK);
    assert_true(isnan(out[METRIC_AUC].low));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scikit_learn),
                                       cmocka_unit_test(test_by_hand),
                                       cmocka_unit_test(test_constant_scores),
                                       cmocka_unit_test(test_fpr_limit_is_inclusive),
                                       cmocka_unit_test(test_logits_are_no_probabilities),
                                       cmocka_unit_test(test_weights_repeat_items),
                                       cmocka_unit_test(test_bad_input),
                                       cmocka_unit_test(test_intervals_do_not_depend_on_threads),
                                       cmocka_unit_test(test_interval_has_the_right_width),
                                       cmocka_unit_test(test_clips_are_drawn_whole),
                                       cmocka_unit_test(test_draws_with_one_class_are_redrawn),
                                       cmocka_unit_test(test_few_clips_have_no_interval)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
