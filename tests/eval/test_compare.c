// Differences of judges over the same items: against the definition by hand, against what identical and independent scores must give, and Holm's correction.
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "eval/compare.h"
#include "tests/cmocka.h"

enum { ITEMS = 400, DRAWS = 500 };

static double score[3][ITEMS];
static bool fake[ITEMS];
static int clip[ITEMS];

static void assert_near(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.17g is not %.17g", a, b);
}

// Judge 0 sees the class under noise, judge 1 the same under the same noise and more of its own, judge 2 is judge 0.
static int make(void **state) {
    (void)state;
    float noise[2 * ITEMS];
    philox_fill_normal((philox_key){.seed = 7, .stream = STREAM_LATENT}, 0, noise, 2 * ITEMS);
    for (int i = 0; i < ITEMS; i++) {
        fake[i] = i % 3 == 0;
        clip[i] = i / 5;
        score[0][i] = score[2][i] = fake[i] + noise[i];
        score[1][i] = score[0][i] + 1.5 * noise[ITEMS + i];
    }
    return 0;
}

static void test_definition(void **state) {
    (void)state;
    const double a[] = {.5, .7, .8, .9}, b[] = {.6, .6, .6, .6};
    difference d = {.a = 0, .b = 1};
    assert_int_equal(difference_of(.7, a, .6, b, 4, &d), FOIL_OK);
    assert_near(d.value, .1, 1e-15);
    assert_near(d.p, 2. * (1 + 1) / 5, 0);      // -.1 is not above 0
    assert_near(d.low, -.1 + .075 * .2, 1e-12); // NumPy's percentile of -.1, .1, .2, .3
    assert_near(d.high, .2 + .925 * .1, 1e-12);
    const double better[] = {.9, .9, .9, .9};
    assert_int_equal(difference_of(.9, better, .6, b, 4, &d), FOIL_OK);
    assert_near(d.p, 2. / 5, 0); // never less of four draws
    const double unknown[] = {.9, NAN, .9, .9};
    assert_int_equal(difference_of(.9, unknown, .6, b, 4, &d), FOIL_OK);
    assert_true(isnan(d.p) && isnan(d.low) && d.value > 0);
}

// Of the AUCs of two judges.
static difference compare(const double *a, const double *b, const int *clips, int n, int draws) {
    static double drawn[2][METRICS_ALL * DRAWS];
    const double *judge[] = {a, b};
    double *auc[2], value[2];
    for (int i = 0; i < 2; i++) {
        interval all[METRICS_ALL];
        assert_int_equal(metric_draws(&(metric_input){.score = judge[i], .fake = fake, .n = n, .threshold = NAN}, clips, draws, 1, all, drawn[i]), 0);
        value[i] = all[METRIC_AUC].value;
        auc[i] = drawn[i] + METRIC_AUC * draws;
    }
    difference d = {.metric = METRIC_AUC};
    assert_int_equal(difference_of(value[0], auc[0], value[1], auc[1], draws, &d), FOIL_OK);
    return d;
}

static void test_pairs(void **state) {
    (void)state;
    difference d[3];
    for (int i = 0; i < 3; i++) d[i] = compare(score[i == 2], score[i == 0 ? 1 : 2], clip, ITEMS, DRAWS); // 0 and 1, 0 and 2, 1 and 2
    assert_int_equal(holm(d, 3, METRIC_AUC), FOIL_OK);
    assert_true(d[0].low > 0 && d[0].low < d[0].value && d[0].value < d[0].high);
    assert_near(d[0].p, 2. / (DRAWS + 1), 1e-15);
    assert_near(d[0].p_holm, 3 * d[0].p, 1e-15);
    assert_true(d[1].value == 0 && d[1].low == 0 && d[1].high == 0 && d[1].p == 1); // the same scores, to the bit, in every draw
    assert_near(d[2].value, -d[0].value, 0);
    assert_near(d[2].low, -d[0].high, 1e-12);

    // The draws are those of the intervals, and paired: the interval is narrower than that of judges who saw other clips.
    interval one[METRICS], two[METRICS];
    assert_int_equal(metric_intervals(&(metric_input){.score = score[0], .fake = fake, .n = ITEMS, .threshold = NAN}, clip, DRAWS, 1, one), FOIL_OK);
    assert_int_equal(metric_intervals(&(metric_input){.score = score[1], .fake = fake, .n = ITEMS, .threshold = NAN}, clip, DRAWS, 1, two), FOIL_OK);
    assert_near(d[0].value, one[METRIC_AUC].value - two[METRIC_AUC].value, 0);
    double apart = hypot(one[METRIC_AUC].high - one[METRIC_AUC].low, two[METRIC_AUC].high - two[METRIC_AUC].low);
    assert_true(d[0].high - d[0].low < .9 * apart);
}

// Which items a draw holds is no matter of their scores, with clips or without: of a judge and his opposite, the AUCs of every draw add up to 1.
static void test_same_draws(void **state) {
    (void)state;
    const int *clips[] = {clip, NULL};
    static double opposite[ITEMS], one[METRICS_ALL][DRAWS], two[METRICS_ALL][DRAWS];
    interval all[METRICS_ALL];
    for (int i = 0; i < ITEMS; i++) opposite[i] = -score[0][i];
    for (int c = 0; c < 2; c++) {
        assert_int_equal(
            metric_draws(&(metric_input){.score = score[0], .fake = fake, .n = ITEMS, .threshold = NAN}, clips[c], DRAWS, 1, all, one[0]), 0);
        assert_int_equal(
            metric_draws(&(metric_input){.score = opposite, .fake = fake, .n = ITEMS, .threshold = NAN}, clips[c], DRAWS, 1, all, two[0]), 0);
        for (int d = 0; d < DRAWS; d++) assert_near(one[METRIC_AUC][d] + two[METRIC_AUC][d], 1, 1e-12);
    }
}

// Under "no difference" p is about uniform: two judges of the same quality, in 200 little worlds.
static void test_p_is_calibrated(void **state) {
    (void)state;
    enum { WORLDS = 200, FEW = 120 };
    int below = 0;
    for (int world = 0; world < WORLDS; world++) {
        float noise[2 * FEW];
        double x[FEW], y[FEW];
        philox_fill_normal((philox_key){.seed = 11, .stream = STREAM_LATENT, .step = (uint64_t)world}, 0, noise, 2 * FEW);
        for (int i = 0; i < FEW; i++) {
            x[i] = fake[i] + noise[i];
            y[i] = fake[i] + noise[FEW + i];
        }
        below += compare(x, y, NULL, FEW, 200).p < .1;
    }
    if (below < 8 || below > 36) fail_msg("p < .1 in %d of %d worlds without a difference; about 20 were expected", below, WORLDS);
}

static void test_holm(void **state) {
    (void)state;
    difference d[] = {{.p = .01}, {.p = .04}, {.p = .03}, {.p = NAN}, {.p = .005}, {.metric = METRIC_EER, .p = .02}};
    assert_int_equal(holm(d, 6, METRIC_AUC), FOIL_OK);
    // R: p.adjust(c(.01, .04, .03, .005), "holm")
    assert_near(d[0].p_holm, .03, 1e-15);
    assert_near(d[1].p_holm, .06, 1e-15);
    assert_near(d[2].p_holm, .06, 1e-15);
    assert_near(d[4].p_holm, .02, 1e-15);
    assert_true(d[5].p_holm == 0); // another family
}

static void test_roc_band(void **state) {
    (void)state;
    // F(.9) R(.8) F(.7)+R(.7) R(.1): (0,½) (⅓,½) (⅔,1) (1,1)
    const double few[] = {.7, .9, .8, .7, .1}, grid[] = {0, .2, .5, 2. / 3, 1};
    const bool of[] = {true, true, false, false, false};
    interval tpr[5], all[METRICS];
    assert_int_equal(roc_band(&(metric_input){.score = few, .fake = of, .n = 5}, NULL, 50, 1, grid, 5, tpr), FOIL_OK);
    const double wanted[] = {.5, .5, .75, 1, 1};
    for (int i = 0; i < 5; i++) assert_near(tpr[i].value, wanted[i], 1e-12);

    // The area below the curve is the AUC, and the band holds the curve
    enum { POINTS = 2001 };
    static double fine[POINTS];
    static interval curve[POINTS];
    for (int i = 0; i < POINTS; i++) fine[i] = i / (POINTS - 1.);
    metric_input in = {.score = score[0], .fake = fake, .n = ITEMS, .threshold = NAN};
    assert_int_equal(roc_band(&in, clip, 200, 1, fine, POINTS, curve), FOIL_OK);
    assert_int_equal(metric_intervals(&in, clip, 200, 1, all), FOIL_OK);
    double area = 0;
    for (int i = 0; i < POINTS; i++) {
        area += curve[i].value / POINTS;
        assert_true(curve[i].low <= curve[i].value + 1e-12 && curve[i].value <= curve[i].high + 1e-12);
        assert_true(!i || curve[i].value >= curve[i - 1].value);
    }
    assert_near(area, all[METRIC_AUC].value, 2e-3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_definition),      cmocka_unit_test(test_pairs), cmocka_unit_test(test_same_draws),
                                       cmocka_unit_test(test_p_is_calibrated), cmocka_unit_test(test_holm),  cmocka_unit_test(test_roc_band)};
    return cmocka_run_group_tests(tests, make, NULL);
}
