// Calibration: scikit-learn's values; parameters recovered where they are known, bounded where they would run away; ranking kept;
// priors; the detector's metadata.
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "eval/calibrate.h"
#include "eval/calibrate_fit.h"
#include "eval/metric.h"
#include "tests/cmocka.h"

enum { N = 20000, LARGEST = 1000 };
static double logit[N];
static bool fake[N];
static arena memory;

static const calibration_method METHODS[] = {CALIBRATION_TEMPERATURE, CALIBRATION_PLATT, CALIBRATION_ISOTONIC};
enum { N_METHODS = sizeof METHODS / sizeof *METHODS };

static void assert_near(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.17g is not %.17g", a, b);
}

static calibration calibrated(calibration_method method, const double *z, const bool *f, int64_t n) {
    calibration c;
    if (calibrate(&(calibrate_options){.method = method}, z, f, n, &memory, &c) != FOIL_OK) fail_msg("%s", foil_error());
    return c;
}

// Labels drawn with the probability that (logit - offset) / temperature claims.
static void honest_labels(double temperature, double offset) {
    static float x[N];
    philox_fill_normal((philox_key){.seed = 5, .stream = STREAM_INIT}, 0, x, N);
    for (int i = 0; i < N; i++) {
        logit[i] = temperature * 2 * x[i] + offset;
        fake[i] = philox_uniform((philox_key){.seed = 6, .stream = STREAM_INIT}, (uint64_t)i) < 1 / (1 + exp(-2. * x[i]));
    }
}

// Peers. ----------------------------------------------------------------------------------------------------------------------------------------

static int read_numbers(const json_t *list, double *out) {
    size_t n = json_array_size(list);
    assert_true(n <= LARGEST);
    for (size_t i = 0; i < n; i++) out[i] = json_number_value(json_array_get(list, i));
    return (int)n;
}

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) fail_msg("no number '%s'", key);
    return json_number_value(value);
}

static void compare_isotonic(const json_t *one, const calibration *c) {
    double wanted[2][LARGEST];
    for (int i = 0; i < 2; i++) assert_int_equal(read_numbers(json_array_get(json_object_get(one, "knots"), (size_t)i), wanted[i]), c->knots.n);
    for (int i = 0; i < c->knots.n; i++) {
        assert_true(c->knots.x[i] == wanted[0][i]);
        assert_near(c->knots.y[i], wanted[1][i], 1e-12);
    }
    int n = read_numbers(json_array_get(json_object_get(one, "grid"), 0), wanted[0]);
    read_numbers(json_array_get(json_object_get(one, "grid"), 1), wanted[1]);
    for (int i = 0; i < n; i++) {
        assert_near(isotonic_at(&c->knots, wanted[0][i]), wanted[1][i], 1e-12);
        assert_near(calibrated_score(c, wanted[0][i]), .999 * wanted[1][i] + .001 * sigmoid(wanted[0][i] / c->temperature), 1e-12);
    }
}

static void test_scikit_learn(void **state) {
    (void)state;
    json_t *root = json_load_file(SOURCE_DIR "/tests/eval/calibration_values.json", 0, NULL), *one;
    const json_t *cases = json_object_get(root, "cases");
    size_t at;
    assert_true(json_array_size(cases) >= 5);
    json_array_foreach(cases, at, one) {
        double z[LARGEST], label[LARGEST];
        bool f[LARGEST];
        int n = read_numbers(json_object_get(one, "logit"), z);
        assert_int_equal(read_numbers(json_object_get(one, "fake"), label), n);
        for (int i = 0; i < n; i++) f[i] = label[i] > 0;
        double sharpness = number(one, "sharpness"), largest = 0;
        for (int i = 0; i < n; i++) largest = fmax(largest, fabs(z[i]));
        calibration c = calibrated(CALIBRATION_TEMPERATURE, z, f, n);
        assert_near(1 / c.temperature, fmax(sharpness, .01 / largest), 1e-9);

        c = calibrated(CALIBRATION_PLATT, z, f, n);
        assert_near(1 / c.temperature, number(one, "slope"), 1e-8);
        assert_near(c.bias, number(one, "bias"), 1e-7 * fmax(1, fabs(c.bias)));
        assert_near(1 / c.temperature, json_number_value(json_array_get(json_object_get(one, "sigmoid"), 0)), 1e-5); // L-BFGS stops earlier
        c = calibrated(CALIBRATION_ISOTONIC, z, f, n);
        compare_isotonic(one, &c);
    }
    json_decref(root);
}

static void test_limits_are_clopper_pearson(void **state) {
    (void)state;
    json_t *root = json_load_file(SOURCE_DIR "/tests/eval/calibration_values.json", 0, NULL), *one;
    const json_t *limits = json_object_get(root, "limits");
    size_t at;
    assert_true(json_array_size(limits) >= 10);
    json_array_foreach(limits, at, one) {
        double v[LARGEST] = {0};
        assert_int_equal(read_numbers(one, v), 3);
        assert_near(proportion_limit((int64_t)v[0], (int64_t)v[1]), v[2], 1e-9);
    }
    json_decref(root);
    assert_true(proportion_limit(5, 5) == 1);
    for (int n = 1; n < 500; n++) assert_near(proportion_limit(0, n), 1 - pow(.05, 1. / n), 1e-12);
}

// Fits. -----------------------------------------------------------------------------------------------------------------------------------------

static void test_parameters_are_recovered(void **state) {
    (void)state;
    const double temperatures[] = {.05, 1, 3, 40};
    for (int t = 0; t < 4; t++) {
        honest_labels(temperatures[t], 0);
        calibration c = calibrated(CALIBRATION_TEMPERATURE, logit, fake, N);
        assert_true(fabs(c.temperature / temperatures[t] - 1) < .05);
        assert_int_equal(c.reals + c.fakes, N);
        honest_labels(temperatures[t], 7);
        c = calibrated(CALIBRATION_PLATT, logit, fake, N);
        assert_true(fabs(c.temperature / temperatures[t] - 1) < .05);
        assert_near(c.bias * c.temperature, -7, .1 * temperatures[t]);
        c = calibrated(CALIBRATION_ISOTONIC, logit, fake, N);
        for (int z = -6; z <= 6; z++) assert_near(calibrated_score(&c, z / 2. * temperatures[t] + 7), sigmoid(z / 2.), .06);
    }
}

static double log_loss(double temperature) {
    double loss = 0;
    for (int i = 0; i < N; i++) loss += log1p(exp((fake[i] ? -logit[i] : logit[i]) / temperature));
    return loss;
}

static void test_temperature_is_the_minimum(void **state) {
    (void)state;
    honest_labels(3, 0);
    calibration c = calibrated(CALIBRATION_TEMPERATURE, logit, fake, N);
    assert_true(log_loss(c.temperature) < log_loss(c.temperature * 1.001));
    assert_true(log_loss(c.temperature) < log_loss(c.temperature * .999));
}

// What the squared error can't be improved on by: any other function that does not fall. Here: one block's value a little up or down.
static void test_isotonic_is_the_minimum(void **state) {
    (void)state;
    const double x[] = {3, 1, 2, 2, 5, 4, 6}, y[] = {.1, .4, .2, .6, .5, .9, .7}; // by x: .4 | .4 (mean) | .1 | .9 .5 | .7
    isotonic f;
    assert_int_equal(isotonic_fit(x, y, 7, &memory, &f), FOIL_OK);
    assert_int_equal(f.n, 4); // 1..3 and 4..6
    const double at[] = {1, 3, 4, 6}, value[] = {1.3 / 4, 1.3 / 4, .7, .7};
    for (int i = 0; i < 4; i++) {
        assert_true(f.x[i] == at[i]);
        assert_near(f.y[i], value[i], 1e-15);
    }
    assert_near(isotonic_at(&f, 0), 1.3 / 4, 1e-15);
    assert_near(isotonic_at(&f, 3.5), (1.3 / 4 + .7) / 2, 1e-15);
    assert_near(isotonic_at(&f, 100), .7, 1e-15);
}

static void test_ranking_is_kept(void **state) {
    (void)state;
    honest_labels(3, 1);
    double auc = 0;
    for (int m = 0; m < N_METHODS; m++) {
        static double score[N];
        double value[METRICS];
        calibration c = calibrated(METHODS[m], logit, fake, N);
        for (int i = 0; i < N; i++) {
            score[i] = calibrated_score(&c, logit[i]);
            assert_true(score[i] > 0 && score[i] < 1);
        }
        assert_int_equal(metrics(&(metric_input){.score = score, .fake = fake, .n = N, .threshold = .5}, value), FOIL_OK);
        if (m == 0) auc = value[METRIC_AUC];
        assert_true(value[METRIC_AUC] == auc);
        assert_true(value[METRIC_ECE] < (METHODS[m] == CALIBRATION_TEMPERATURE ? .1 : .015));
    }
}

static void test_separable_is_bounded(void **state) {
    (void)state;
    const double z[] = {-60, -3, 1, 90};
    const bool f[] = {false, false, true, true};
    calibration c = calibrated(CALIBRATION_TEMPERATURE, z, f, 4);
    assert_near(c.temperature, 3, 1e-12); // 90 / 3 = 30
    assert_true(calibrated_score(&c, 90) < 1);
    assert_near(c.threshold[0].score, calibrated_score(&c, -1), 1e-15); // halfway between -3 and 1
    assert_int_equal(c.threshold[0].false_alarms, 0);
    c = calibrated(CALIBRATION_PLATT, z, f, 4);
    double scale = 90 - 7; // from the mean
    assert_true(scale / c.temperature <= 30 * (1 + 1e-12) && scale / c.temperature >= .01);
    c = calibrated(CALIBRATION_ISOTONIC, z, f, 4);
    assert_near(c.knots.y[0], .25, 1e-15); // Platt's targets
    assert_near(c.knots.y[3], .75, 1e-15);
    for (int m = 0; m < N_METHODS; m++) {
        c = calibrated(METHODS[m], z, f, 4);
        for (int i = 0; i < 4; i++) assert_int_equal(calibrated_score(&c, z[i]) >= c.threshold[0].score, f[i]);
    }
}

static void test_useless_logits(void **state) {
    (void)state;
    const double same[] = {2, 2, 2, 2}, zero[] = {0, 0, 0, 0}, inverted[] = {-1, -2, 3, 4}, far[] = {1e6, 1e6 + 1, 1e6 + 2, 1e6 + 1};
    const bool f[] = {true, true, false, false}, third[] = {false, true, true, true};
    calibration c = calibrated(CALIBRATION_TEMPERATURE, same, f, 4);
    assert_near(c.temperature, 200, 1e-9);
    c = calibrated(CALIBRATION_TEMPERATURE, zero, f, 4);
    assert_near(c.temperature, 1, 0);
    c = calibrated(CALIBRATION_TEMPERATURE, inverted, f, 4);
    assert_near(c.temperature, 400, 1e-9);
    c = calibrated(CALIBRATION_PLATT, inverted, f, 4);
    assert_near(c.temperature, 300, 1e-9); // 3 from the mean
    c = calibrated(CALIBRATION_PLATT, same, third, 4);
    assert_near(calibrated_score(&c, 2), (3 * .8 + 1. / 3) / 4, 1e-9); // the mean of the targets
    c = calibrated(CALIBRATION_PLATT, far, third, 4);
    assert_true(calibrated_score(&c, 1e6) < .5 && calibrated_score(&c, 1e6 + 2) > .8);
    c = calibrated(CALIBRATION_ISOTONIC, inverted, f, 4); // one block
    assert_int_equal(c.knots.n, 2);
    assert_near(c.knots.y[0], .5, 1e-15);
    assert_true(calibrated_score(&c, 3) > calibrated_score(&c, 2.999));
    c = calibrated(CALIBRATION_ISOTONIC, zero, f, 4); // and one logit
    assert_int_equal(c.knots.n, 1);
    assert_near(calibrated_score(&c, 0), .5, 1e-12);
    assert_near(calibrated_score(&c, 9), .5, 1e-3);
}

static void test_tiny_sets(void **state) {
    (void)state;
    const double z[] = {-.5, .25};
    const bool f[] = {false, true};
    for (int m = 0; m < N_METHODS; m++) {
        calibration c = calibrated(METHODS[m], z, f, 2);
        assert_int_equal(c.thresholds, 1); // one real backs none but eer
        assert_true(c.prior == .5 && c.shift == 0);
        assert_true(calibrated_score(&c, -.5) < c.threshold[0].score && calibrated_score(&c, .25) >= c.threshold[0].score);
    }
}

static void test_bad_input(void **state) {
    (void)state;
    const double z[] = {1, NAN}, infinite[] = {-INFINITY, 1};
    const bool f[] = {true, true}, both[] = {false, true};
    for (int m = 0; m < N_METHODS; m++) {
        calibration c;
        const calibrate_options o = {.method = METHODS[m]};
        assert_int_equal(calibrate(&o, z, f, 1, &memory, &c), FOIL_INVALID);
        assert_string_equal(foil_error(), "calibration needs both classes, but there are 0 reals and 1 fakes");
        assert_int_equal(calibrate(&o, z, f, 2, &memory, &c), FOIL_INVALID);
        assert_string_equal(foil_error(), "calibration: logit 2 is not finite");
        assert_int_equal(calibrate(&o, infinite, both, 2, &memory, &c), FOIL_INVALID);
        assert_string_equal(foil_error(), "calibration: logit 1 is not finite");
        assert_int_equal(calibrate(&o, z, f, 0, &memory, &c), FOIL_INVALID);
    }
}

// Logits of any finite size: what comes of them can be kept in a file.
static void test_extreme_logits(void **state) {
    (void)state;
    const bool both[] = {false, false, true, true};
    for (int e = -44; e <= 38; e++)
        for (int m = 0; m < N_METHODS; m++) {
            const double s = pow(10, e), z[] = {-s, -s / 3, s / 2, s};
            calibration c = calibrated(METHODS[m], z, both, 4);
            assert_true(c.temperature >= TEMPERATURE_LEAST && c.temperature <= TEMPERATURE_MOST && fabs(c.bias) <= 1e30);
            assert_true(isfinite(calibrated_score(&c, z[0])) && calibrated_score(&c, z[0]) <= calibrated_score(&c, z[3]));
        }
}

// No item's score depends on its own label; and what is fitted to few does worse on the unseen than on itself.
static void test_crosswise(void **state) {
    (void)state;
    enum { FEW = 300 };
    double cross[FEW], again[FEW], own[FEW], a[METRICS], b[METRICS];
    int clip[FEW];
    honest_labels(2, 1);
    for (int i = 0; i < FEW; i++) clip[i] = i / 3;
    for (int m = 0; m < N_METHODS; m++) {
        const calibrate_options o = {.method = METHODS[m]};
        calibration c = calibrated(METHODS[m], logit, fake, FEW);
        for (int i = 0; i < FEW; i++) own[i] = calibrated_score(&c, logit[i]);
        assert_int_equal(calibrate_crosswise(&o, logit, fake, clip, FEW, cross), FOIL_OK);
        assert_int_equal(metrics(&(metric_input){.score = own, .fake = fake, .n = FEW, .threshold = .5}, a), FOIL_OK);
        assert_int_equal(metrics(&(metric_input){.score = cross, .fake = fake, .n = FEW, .threshold = .5}, b), FOIL_OK);
        assert_true(b[METRIC_LOG_LOSS] > a[METRIC_LOG_LOSS] && b[METRIC_LOG_LOSS] < a[METRIC_LOG_LOSS] + .1);
        for (int i = 0; i < 3; i++) fake[i] = !fake[i]; // clip 0
        assert_int_equal(calibrate_crosswise(&o, logit, fake, clip, FEW, again), FOIL_OK);
        for (int i = 0; i < 3; i++) {
            assert_true(again[i] == cross[i]);
            fake[i] = !fake[i];
        }
        assert_memory_not_equal(again, cross, sizeof again);
    }
    const int alone[] = {-1, -1};
    const double z[] = {0, 1};
    const bool f[] = {false, true};
    assert_int_equal(calibrate_crosswise(&(calibrate_options){0}, z, f, alone, 2, cross), FOIL_INVALID);
}

// Thresholds. -----------------------------------------------------------------------------------------------------------------------------------

static int64_t passing(const calibration *c, double score, bool of_fakes) {
    int64_t n = 0;
    for (int i = 0; i < N; i++) n += fake[i] == of_fakes && calibrated_score(c, logit[i]) >= score;
    return n;
}

static void test_thresholds_do_what_they_say(void **state) {
    (void)state;
    honest_labels(3, 0);
    for (int m = 0; m < N_METHODS; m++) {
        calibration c = calibrated(METHODS[m], logit, fake, N);
        assert_int_equal(c.thresholds, 4);
        assert_near((double)passing(&c, c.threshold[0].score, false) / (double)c.reals,
                    1 - (double)passing(&c, c.threshold[0].score, true) / (double)c.fakes, 2e-4);
        for (int t = 0; t < c.thresholds; t++) {
            int64_t n = passing(&c, c.threshold[t].score, false);
            assert_int_equal(n, c.threshold[t].false_alarms);
            if (t == 0) continue;
            assert_true(c.threshold[t].fpr == STANDARD_FPR[t - 1]);
            assert_true((double)n / (double)c.reals <= c.threshold[t].fpr);
            assert_true((double)(n + 1) / (double)c.reals > c.threshold[t].fpr); // and not one real less than allowed
        }
    }
}

// 300 reals, of which ten share the highest logit: at 1 % (three reals) they can't be parted.
static void test_ties_and_thresholds(void **state) {
    (void)state;
    const double fpr[] = {.01, .05};
    double z[400];
    bool f[400];
    for (int i = 0; i < 400; i++) {
        f[i] = i >= 300;
        z[i] = i < 290 ? i / 100. : i < 300 ? 5 : 4 + (i - 300) / 50.;
    }
    for (int m = 0; m < N_METHODS; m++) {
        calibration c;
        assert_int_equal(calibrate(&(calibrate_options){METHODS[m], fpr, 2}, z, f, 400, &memory, &c), FOIL_OK);
        assert_int_equal(c.thresholds, 3);
        assert_int_equal(c.threshold[1].false_alarms, 0);
        assert_true(c.threshold[1].score > calibrated_score(&c, 5));
        assert_true(c.threshold[2].false_alarms == 15);
    }
}

static void test_what_reals_back(void **state) {
    (void)state;
    assert_int_equal(reals_needed(.1), 29);
    assert_int_equal(reals_needed(.01), 299);
    assert_int_equal(reals_needed(.001), 2995);
    for (int i = 0; i < STANDARD_FPRS; i++) {
        int64_t n = reals_needed(STANDARD_FPR[i]);
        assert_true(proportion_limit(0, n) <= STANDARD_FPR[i] && proportion_limit(0, n - 1) > STANDARD_FPR[i]);
    }
    honest_labels(1, 0);
    int reals = 0, n = 0;
    while (reals < 400) reals += !fake[n++];
    calibration c = calibrated(CALIBRATION_PLATT, logit, fake, n);
    double score;
    assert_int_equal(calibration_threshold(&c, "fpr=0.001", &score), FOIL_INVALID);
    assert_string_equal(foil_error(), "FPR 0.1 % can't be set from 400 reals: at least 2995 are needed");
    assert_int_equal(calibration_threshold(&c, "fpr=0.05", &score), FOIL_INVALID);
    assert_string_equal(foil_error(), "no threshold 'fpr=0.05': this detector has eer, fpr=0.1, fpr=0.01; 'foil calibrate' can set others");
    for (const char *const *name = (const char *const[]){"EER", "", "fpr", "fpr=", "fpr=0", "fpr=1", "fpr=nan", "fpr=0.1x", NULL}; *name; name++) {
        assert_int_equal(calibration_threshold(&c, *name, &score), FOIL_INVALID);
        assert_non_null(strstr(foil_error(), "no threshold"));
    }
    assert_int_equal(calibration_threshold(&c, "fpr=0.010", &score), FOIL_OK); // the number counts
    assert_true(score == c.threshold[2].score);
}

// Priors. ---------------------------------------------------------------------------------------------------------------------------------------

static void test_priors(void **state) {
    (void)state;
    honest_labels(2, 0);
    for (int m = 0; m < N_METHODS; m++) {
        const calibration c = calibrated(METHODS[m], logit, fake, N);
        calibration moved = c;
        assert_int_equal(calibration_set_prior(&moved, .01), FOIL_OK);
        assert_true(moved.prior == .01);
        for (int i = 0; i < N; i++) { // Bayes with the densities' ratio that the scores imply
            double p = calibrated_score(&c, logit[i]), ratio = p / (1 - p) * (double)c.reals / (double)c.fakes;
            assert_near(calibrated_score(&moved, logit[i]), .01 * ratio / (.01 * ratio + .99), 1e-12);
            for (int t = 0; t < c.thresholds; t++)
                assert_int_equal(calibrated_score(&moved, logit[i]) >= moved.threshold[t].score, p >= c.threshold[t].score);
        }
        assert_int_equal(calibration_set_prior(&moved, .999), FOIL_OK); // from the data's, not from the last
        assert_int_equal(calibration_set_prior(&moved, c.prior), FOIL_OK);
        for (int i = 0; i < N; i++) assert_near(calibrated_score(&moved, logit[i]), calibrated_score(&c, logit[i]), 1e-14);
        for (int t = 0; t < c.thresholds; t++) assert_near(moved.threshold[t].score, c.threshold[t].score, 1e-12);
    }
}

static void test_bad_priors(void **state) {
    (void)state;
    calibration none = {.temperature = 1}, c = {.temperature = 1, .reals = 4, .fakes = 4};
    assert_int_equal(calibration_set_prior(&none, .5), FOIL_INVALID);
    assert_non_null(strstr(foil_error(), "not calibrated"));
    const double bad[] = {0, 1, -1, 2, 1e-9, NAN};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(calibration_set_prior(&c, bad[i]), FOIL_INVALID);
    assert_true(c.shift == 0);
}

static int free_memory(void **state) {
    (void)state;
    arena_free(&memory);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scikit_learn),
                                       cmocka_unit_test(test_limits_are_clopper_pearson),
                                       cmocka_unit_test(test_parameters_are_recovered),
                                       cmocka_unit_test(test_temperature_is_the_minimum),
                                       cmocka_unit_test(test_isotonic_is_the_minimum),
                                       cmocka_unit_test(test_ranking_is_kept),
                                       cmocka_unit_test(test_separable_is_bounded),
                                       cmocka_unit_test(test_useless_logits),
                                       cmocka_unit_test(test_tiny_sets),
                                       cmocka_unit_test(test_bad_input),
                                       cmocka_unit_test(test_extreme_logits),
                                       cmocka_unit_test(test_crosswise),
                                       cmocka_unit_test(test_thresholds_do_what_they_say),
                                       cmocka_unit_test(test_ties_and_thresholds),
                                       cmocka_unit_test(test_what_reals_back),
                                       cmocka_unit_test(test_priors),
                                       cmocka_unit_test(test_bad_priors)};
    return cmocka_run_group_tests(tests, NULL, free_memory);
}
