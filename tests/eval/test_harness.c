// `foil eval` and `foil detect`'s ground: a set and a folder, judged per method, written down.
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "eval/harness.h"
#include "tests/cmocka.h"
#include "tests/eval/small_detector.h"

static const char DETECTOR[] = "test_harness.safetensors", SET[] = "test_harness.h5", FOLDER[] = "test_harness", CSV[] = "test_harness.csv";
enum { REALS = 20, FAKES = 15 }; // of each of two methods

static void grey(int level, image *out) {
    small_check(image_new(8, 8, 3, out));
    memset(out->pixels, level, image_bytes(out));
}

// Reals are dark, "bright" fakes are bright, "odd" ones are half and half.
static int level_of(int kind, int i) {
    return kind == 0 ? 10 + i : kind == 1 ? 200 + i : i % 2 ? 220 + i : i;
}
static const char *const METHODS[] = {"camera", "bright", "odd, \"one\""};

static void write_set(void) {
    set_writer *w;
    const unsigned char sha256[32] = {0};
    small_check(set_create(
        SET, &(set_description){.height = 8, .width = 8, .channels = 3, .count = 2 * (REALS + 2 * FAKES), .source = "", .licence = ""}, &w));
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split += SPLIT_TEST)
        for (int kind = 0, clip = 0; kind < 3; kind++)
            for (int i = 0; i < (kind ? FAKES : REALS); i++, clip++) {
                char path[64];
                image picture;
                grey(level_of(kind, i), &picture);
                snprintf(path, sizeof path, "%d/%s/%d.png", split, METHODS[kind], i);
                small_check(set_add(w, &picture, kind > 0, METHODS[kind], "", clip / 2, (set_split)split, path, sha256));
                image_free(&picture);
            }
    small_check(set_commit(w));
}

static const evaluation_options OPTIONS = {.draws = 200, .seed = 1, .rows = 1 << ROW_METHOD, .clip_rule = -1};

static foil_status evaluate_at(foil_detector *d, const char *path, set_split split, evaluation *out) {
    pictures *p;
    TRY(pictures_open(path, split, &p));
    foil_status status = evaluate(p, &(contestant){.name = DETECTOR, .detector = d}, 1, &OPTIONS, out);
    pictures_close(p);
    return status;
}

static void check_rows(const evaluation *e) {
    assert_int_equal(e->n, REALS + 2 * FAKES);
    assert_int_equal(e->rows, 3);
    assert_string_equal(e->row[0].name, "overall");
    assert_string_equal(e->row[1].name, "bright");
    assert_int_equal(e->row[0].fakes, 2 * FAKES);
    assert_int_equal(e->row[1].fakes, FAKES);
    for (int r = 0; r < 3; r++) assert_int_equal(e->row[r].reals, REALS);
    assert_float_equal(e->judge->metric[1][METRIC_AUC].value, 1, 0);
    // "odd": 7 above all reals; the others at 0, 2 … 14 against reals at 10 … 29: wins 12 > {10, 11}: 2, 14: 4, and ties at 10, 12, 14
    double odd = (7. * REALS + 2 + 4 + 1.5) / (FAKES * REALS);
    assert_float_equal(e->judge->metric[2][METRIC_AUC].value, odd, 1e-12);
    assert_float_equal(e->judge->metric[0][METRIC_AUC].value, (1 + odd) / 2, 1e-12);
    assert_true(e->judge->metric[0][METRIC_AUC].low < e->judge->metric[0][METRIC_AUC].value);
    assert_true(e->judge->threshold == .5);
}

static void test_set(void **state) {
    (void)state;
    foil_detector *d;
    evaluation e, again;
    small_check(foil_detector_load(DETECTOR, &d));
    small_check(evaluate_at(d, SET, SPLIT_TEST, &e));
    check_rows(&e);
    small_check(evaluate_at(d, SET, SPLIT_TEST, &again));
    assert_int_equal(again.rows, e.rows);
    for (int r = 0; r < e.rows; r++) assert_memory_equal(e.judge->metric[r], again.judge->metric[r], sizeof *e.judge->metric);
    assert_string_equal(e.item[0].path, "2/camera/0.png"); // texts outlive the set
    evaluation_free(&e);
    evaluation_free(&again);
    foil_detector_free(d);
}

static void test_scores_file(void **state) {
    (void)state;
    foil_detector *d;
    evaluation e;
    char *bytes;
    small_check(foil_detector_load(DETECTOR, &d));
    small_check(evaluate_at(d, SET, SPLIT_TEST, &e));
    assert_int_equal(evaluation_write_scores(&e, e.judge, CSV), FOIL_OK);
    small_check(file_read(CSV, 0, &bytes, NULL));
    assert_int_equal(strncmp(bytes, "path,score,fake,method,subject,clip\n2/camera/0.png,", 51), 0);
    const char *quoted = strstr(bytes, "\"2/odd, \"\"one\"\"/0.png\",");
    assert_non_null(quoted);
    double score = strtod(strchr(quoted, '/') + strlen("/odd, \"\"one\"\"/0.png\","), NULL);
    assert_true(score == e.judge->score[REALS + FAKES]); // all digits
    assert_non_null(strstr(quoted, ",1,\"odd, \"\"one\"\"\",,"));
    free(bytes);
    evaluation_free(&e);
    foil_detector_free(d);
}

static foil_status evaluate_scores(const char *path, score_file **f, evaluation *out) {
    TRY(scores_open(path, f));
    foil_status status = evaluate(NULL, &(contestant){.name = path, .scores = *f}, 1, &OPTIONS, out);
    if (status != FOIL_OK) scores_close(*f);
    return status;
}

// What evaluation_write_scores wrote is judged as it was; ASVspoof's lines, too, with their sign turned.
static void test_scores_come_back(void **state) {
    (void)state;
    foil_detector *d;
    evaluation e, judged;
    score_file *f;
    small_check(foil_detector_load(DETECTOR, &d));
    small_check(evaluate_at(d, SET, SPLIT_TEST, &e));
    small_check(evaluation_write_scores(&e, e.judge, CSV));
    small_check(evaluate_scores(CSV, &f, &judged));
    assert_int_equal(judged.n, e.n);
    assert_int_equal(judged.rows, e.rows);
    for (int r = 0; r < e.rows; r++) assert_memory_equal(judged.judge->metric[r], e.judge->metric[r], sizeof *e.judge->metric);
    evaluation_free(&judged);
    scores_close(f);

    FILE *lines = fopen(CSV, "w");
    for (int64_t i = 0; i < e.n; i++)
        fprintf(lines, "%lld %s %s %.17g\n", (long long)i, e.item[i].fake ? "A07" : "-", e.item[i].fake ? "spoof" : "bonafide",
                -e.judge->score[i] - 5);
    fclose(lines);
    small_check(evaluate_scores(CSV, &f, &judged));
    assert_int_equal(judged.rows, 2);
    assert_float_equal(judged.judge->metric[0][METRIC_AUC].value, e.judge->metric[0][METRIC_AUC].value, 1e-12);
    assert_true(isnan(judged.judge->metric[0][METRIC_ACCURACY].value) &&
                isnan(judged.judge->metric[0][METRIC_BRIER].value)); // no probabilities, no threshold
    evaluation_free(&judged);
    scores_close(f);
    evaluation_free(&e);
    foil_detector_free(d);
}

static void test_json_and_table(void **state) {
    (void)state;
    foil_detector *d;
    evaluation e;
    text out = {0};
    small_check(foil_detector_load(DETECTOR, &d));
    small_check(evaluate_at(d, SET, SPLIT_TEST, &e));
    assert_int_equal(evaluations_json(&e, 1, &out), FOIL_OK);
    json_t *json = json_loads(out.data, 0, NULL);
    json_t *overall = json_object_get(json, "overall"), *bright = json_object_get(json_object_get(json, "methods"), "bright");
    assert_true(json_number_value(json_object_get(json_object_get(overall, "auc"), "value")) == e.judge->metric[0][METRIC_AUC].value);
    assert_true(json_number_value(json_object_get(json_object_get(overall, "tpr@fpr=0.01"), "high")) == e.judge->metric[0][METRIC_TPR_FPR1].high);
    assert_true(json_is_null(json_object_get(json_object_get(bright, "ece"), "low")));
    assert_int_equal(json_integer_value(json_object_get(bright, "real_clips")), REALS / 2);
    assert_int_equal(json_integer_value(json_object_get(bright, "fake_clips")), (FAKES + 1) / 2);
    assert_int_equal(json_object_size(json_object_get(json, "methods")), 2);
    json_decref(json);
    text_free(&out);

    evaluations_table(&e, 1, &out);
    size_t line = strcspn(out.data, "\n"), lines = 0;
    for (const char *p = out.data; *p != '\n'; p += line + 1, lines++) assert_int_equal(strcspn(p, "\n"), line); // aligned
    assert_int_equal(lines, 4);
    assert_non_null(strstr(out.data, "\nbright      1.0000 [     -,      -]")); // 8 clips of fakes; said once
    assert_string_equal(strstr(out.data, "\n\n"),
                        "\n\nNo interval where a class has fewer than 10 clips; where fewer than 30 it is often too narrow.\n"
                        "tpr@1% against fewer than 299 clips of reals is often too high, and so is its interval.\n");
    text_free(&out);
    evaluation_free(&e);
    foil_detector_free(d);
}

static void test_one_class(void **state) {
    (void)state;
    foil_detector *d;
    evaluation e;
    small_check(foil_detector_load(DETECTOR, &d));
    assert_int_equal(evaluate_at(d, SET, SPLIT_VAL, &e), FOIL_INVALID);
    assert_string_equal(foil_error(), "split 'val' of test_harness.h5 has 0 reals and 0 fakes: an evaluation needs both");
    foil_detector_free(d);
}

static void write_folder(void) {
    for (int kind = 0; kind < 3; kind++)
        for (int i = 0; i < (kind ? FAKES : REALS); i++) {
            char path[256];
            image picture;
            snprintf(path, sizeof path, "%s/%s/%s", FOLDER, kind ? "fake" : "real", METHODS[kind]);
            small_check(file_make_folder(path));
            snprintf(path + strlen(path), sizeof path - strlen(path), "/%02d.png", i);
            grey(level_of(kind, i), &picture);
            small_check(image_write_png(path, &picture));
            image_free(&picture);
        }
}

static void test_folder(void **state) {
    (void)state;
    foil_detector *d;
    evaluation e;
    write_folder();
    small_check(foil_detector_load(DETECTOR, &d));
    small_check(evaluate_at(d, FOLDER, SPLIT_ALL, &e));
    check_rows(&e);
    evaluation_free(&e);

    // A file that is no picture stops it, by name
    FILE *f = fopen("test_harness/real/camera/99.png", "w");
    fputs("not a picture", f);
    fclose(f);
    assert_int_not_equal(evaluate_at(d, FOLDER, SPLIT_ALL, &e), FOIL_OK);
    assert_non_null(strstr(foil_error(), "99.png"));
    unlink("test_harness/real/camera/99.png");
    assert_int_equal(evaluate_at(d, "test_harness/real", SPLIT_ALL, &e), FOIL_INVALID);
    foil_detector_free(d);
}

static int make_files(void **state) {
    (void)state;
    small_detector(DETECTOR);
    write_set();
    return 0;
}

static foil_status remove_file(const char *path, void *context) {
    (void)context;
    unlink(path);
    return FOIL_OK;
}

static int remove_files(void **state) {
    (void)state;
    file_walk(FOLDER, remove_file, NULL);
    unlink(DETECTOR);
    unlink(SET);
    unlink(CSV);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_set),
                                       cmocka_unit_test(test_scores_file),
                                       cmocka_unit_test(test_scores_come_back),
                                       cmocka_unit_test(test_json_and_table),
                                       cmocka_unit_test(test_one_class),
                                       cmocka_unit_test(test_folder)};
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
