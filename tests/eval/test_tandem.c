// t-DCF of 2019 and 2021 against values made from the published formulas (tdcf_values.py), and score files of speaker verification that are wrong.
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eval/tandem.h"
#include "tests/cmocka.h"

static const char PATH[] = "test_tandem.txt";

static double value(const json_t *c, const char *key) {
    return json_number_value(json_object_get(c, key));
}

static void assert_value(const json_t *c, const char *key, double ours) {
    if (!(fabs(ours - value(c, key)) <= 1e-12))
        fail_msg("%s of '%s': %.17g is not %.17g", key, json_string_value(json_object_get(c, "name")), ours, value(c, key));
}

static void write_asv(const json_t *asv) {
    FILE *f = fopen(PATH, "w");
    const char *kind;
    json_t *scores, *score;
    size_t i;
    json_object_foreach((json_t *)asv, kind, scores) json_array_foreach(scores, i, score)
        fprintf(f, "%s %s %.17g\n", strcmp(kind, "spoof") != 0 ? "bonafide" : "A07", kind, json_number_value(score));
    fclose(f);
}

// The countermeasure's scores, turned so that higher is fake.
static int64_t read_scores(const json_t *c, double *score, bool *fake) {
    int64_t n = 0;
    for (int f = 0; f < 2; f++) {
        const json_t *scores = json_object_get(c, f ? "spoof" : "bonafide"), *s;
        size_t i;
        json_array_foreach(scores, i, s) {
            score[n] = -json_number_value(s);
            fake[n++] = f;
        }
    }
    return n;
}

static void test_published_formulas(void **state) {
    (void)state;
    json_t *cases = json_load_file(SOURCE_DIR "/tests/eval/tdcf_values.json", 0, NULL), *c;
    size_t at;
    assert_true(json_array_size(cases) >= 4);
    json_array_foreach(cases, at, c) {
        double score[1000];
        bool fake[1000];
        tandem t;
        interval all[METRICS_ALL];
        write_asv(json_object_get(c, "asv"));
        assert_int_equal(tandem_read(PATH, &t), FOIL_OK);
        assert_value(c, "threshold", t.threshold);
        assert_value(c, "miss", t.miss);
        assert_value(c, "false_alarm", t.false_alarm);
        assert_value(c, "spoof_accepted", t.spoof_accepted);
        metric_input in = {.score = score, .fake = fake, .threshold = NAN, .tandem = t.cost};
        in.n = read_scores(c, score, fake);
        assert_int_equal(metric_draws(&in, NULL, 50, 1, all, NULL), FOIL_OK);
        assert_value(c, "tdcf_2019", all[METRIC_TDCF_2019].value);
        assert_value(c, "tdcf_2021", all[METRIC_TDCF_2021].value);
        const interval *of = &all[METRIC_TDCF_2019];
        if (json_array_size(json_object_get(c, "bonafide")) < INTERVAL_CLIPS)
            assert_true(isnan(of->low) && isnan(of->high));
        else
            assert_true(of->low < of->value && of->value < of->high);
        // A countermeasure that says nothing costs 1, one that errs never what verification alone costs
        for (int64_t i = 0; i < in.n; i++) score[i] = 3;
        assert_int_equal(metric_draws(&in, NULL, 0, 1, all, NULL), FOIL_OK);
        assert_true(fabs(all[METRIC_TDCF_2019].value - 1) < 1e-12 && fabs(all[METRIC_TDCF_2021].value - 1) < 1e-12);
        for (int64_t i = 0; i < in.n; i++) score[i] = fake[i];
        assert_int_equal(metric_draws(&in, NULL, 0, 1, all, NULL), FOIL_OK);
        assert_true(all[METRIC_TDCF_2019].value == 0 && fabs(all[METRIC_TDCF_2021].value - t.cost[1].constant) < 1e-12);
        in.tandem = NULL;
        assert_int_equal(metric_draws(&in, NULL, 0, 1, all, NULL), FOIL_OK);
        assert_true(isnan(all[METRIC_TDCF_2019].value) && isnan(all[METRIC_TDCF_2021].value));
    }
    json_decref(cases);
}

static void test_wrong_files(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } WRONG[] = {
        {"- target 1\n- nontarget 0\nA07 spoof nan\n", "test_tandem.txt:3: score 'nan'; a finite number was expected"},
        {"- target 1\n- impostor 0\n", "test_tandem.txt:2: key 'impostor'; target, nontarget or spoof was expected"},
        {"- target 1 2\n", "test_tandem.txt:1: three words were expected: source target|nontarget|spoof score"},
        {"target,1\n", "test_tandem.txt:1: three words were expected: source target|nontarget|spoof score"},
        {"- target 1\n- nontarget 0\n", "test_tandem.txt has 1 targets, 1 nontargets and 0 spoofs: a tandem needs all three"},
        {"", "test_tandem.txt has 0 targets, 0 nontargets and 0 spoofs: a tandem needs all three"},
        {"- target 1\n- nontarget 0\nA07 spoof -2\n", "test_tandem.txt: at its equal error rate this ASV rejects 0 of targets and accepts 1 of "
                                                      "nontargets and 0 of spoofs: a tandem with it cannot be judged; "
                                                      "scores that are higher for targets were expected"},
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        tandem t;
        FILE *f = fopen(PATH, "w");
        fputs(WRONG[i].text, f);
        fclose(f);
        assert_int_equal(tandem_read(PATH, &t), FOIL_INVALID);
        assert_string_equal(foil_error(), WRONG[i].message);
    }
}

static int clean(void **state) {
    (void)state;
    unlink(PATH);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_published_formulas), cmocka_unit_test(test_wrong_files)};
    return cmocka_run_group_tests(tests, NULL, clean);
}
