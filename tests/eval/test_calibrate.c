// Temperature and thresholds: recovered where they are known, bounded where they would run away.
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "eval/calibrate.h"
#include "tests/cmocka.h"

enum { N = 20000 };
static double logit[N];
static bool fake[N];

// Labels drawn with the probability that the logit, divided by `temperature`, claims.
static void honest_labels(double temperature) {
    static float x[N];
    philox_fill_normal((philox_key){.seed = 5, .stream = STREAM_INIT}, 0, x, N);
    for (int i = 0; i < N; i++) {
        logit[i] = temperature * 2 * x[i];
        fake[i] = philox_uniform((philox_key){.seed = 6, .stream = STREAM_INIT}, (uint64_t)i) < 1 / (1 + exp(-2. * x[i]));
    }
}

static void test_temperature_is_recovered(void **state) {
    (void)state;
    const double temperatures[] = {.05, 1, 3, 40};
    for (int t = 0; t < 4; t++) {
        calibration c;
        honest_labels(temperatures[t]);
        assert_int_equal(calibrate(logit, fake, N, &c), FOIL_OK);
        assert_true(fabs(c.temperature / temperatures[t] - 1) < .05);
        assert_int_equal(c.reals + c.fakes, N);
    }
}

static double log_loss(double temperature) {
    double loss = 0;
    for (int i = 0; i < N; i++) loss += log1p(exp((fake[i] ? -logit[i] : logit[i]) / temperature));
    return loss;
}

static void test_temperature_is_the_minimum(void **state) {
    (void)state;
    calibration c;
    honest_labels(3);
    assert_int_equal(calibrate(logit, fake, N, &c), FOIL_OK);
    assert_true(log_loss(c.temperature) < log_loss(c.temperature * 1.001));
    assert_true(log_loss(c.temperature) < log_loss(c.temperature * .999));
}

static void test_thresholds_do_what_they_say(void **state) {
    (void)state;
    calibration c;
    honest_labels(3);
    assert_int_equal(calibrate(logit, fake, N, &c), FOIL_OK);
    double flagged[2][2] = {{0}}; // [threshold][fake]
    for (int i = 0; i < N; i++) {
        double score = calibrated_score(logit[i], c.temperature);
        flagged[0][fake[i]] += score >= c.eer;
        flagged[1][fake[i]] += score >= c.fpr01;
    }
    assert_true(fabs(flagged[0][0] / (double)c.reals - (1 - flagged[0][1] / (double)c.fakes)) < 2e-4);
    assert_true(flagged[1][0] / (double)c.reals <= .01);
    assert_true((flagged[1][0] + 1) / (double)c.reals > .01); // and not one real less than allowed
}

static void test_separable_is_bounded(void **state) {
    (void)state;
    const double z[] = {-60, -3, 1, 90};
    const bool f[] = {false, false, true, true};
    calibration c;
    assert_int_equal(calibrate(z, f, 4, &c), FOIL_OK);
    assert_float_equal(c.temperature, 3, 1e-12); // 90 / 3 = 30
    assert_true(calibrated_score(90, c.temperature) < 1);
    assert_float_equal(c.eer, calibrated_score(-1, c.temperature), 1e-15); // halfway between -3 and 1
    assert_float_equal(c.fpr01, c.eer, 0);
}

static void test_useless_logits(void **state) {
    (void)state;
    const double same[] = {2, 2, 2, 2}, zero[] = {0, 0, 0, 0}, inverted[] = {-1, -2, 3, 4};
    const bool f[] = {true, true, false, false};
    calibration c;
    assert_int_equal(calibrate(same, f, 4, &c), FOIL_OK);
    assert_float_equal(c.temperature, 200, 1e-9);
    assert_true(c.fpr01 > calibrated_score(2, c.temperature)); // nothing may be called fake
    assert_int_equal(calibrate(zero, f, 4, &c), FOIL_OK);
    assert_float_equal(c.temperature, 1, 0);
    assert_int_equal(calibrate(inverted, f, 4, &c), FOIL_OK);
    assert_float_equal(c.temperature, 400, 1e-9);
    assert_true(c.fpr01 > calibrated_score(4, c.temperature));
}

static void test_bad_input(void **state) {
    (void)state;
    const double z[] = {1, NAN};
    const bool f[] = {true, true};
    calibration c;
    assert_int_equal(calibrate(z, f, 1, &c), FOIL_INVALID);
    assert_string_equal(foil_error(), "calibration needs both classes, but there are 0 reals and 1 fakes");
    assert_int_equal(calibrate(z, f, 2, &c), FOIL_INVALID);
    assert_string_equal(foil_error(), "calibration: logit 2 is not finite");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_temperature_is_recovered),
                                       cmocka_unit_test(test_temperature_is_the_minimum),
                                       cmocka_unit_test(test_thresholds_do_what_they_say),
                                       cmocka_unit_test(test_separable_is_bounded),
                                       cmocka_unit_test(test_useless_logits),
                                       cmocka_unit_test(test_bad_input)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
