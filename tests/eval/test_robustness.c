// What is left of the AUC: against AUCs computed apart, paired draws, and pictures that went through the same codec on the disk.
#include <math.h>

#include "base/thread.h"
#include "eval/harness.h"
#include "tests/data/pictures.h"
#include "tests/eval/small_detector.h"

enum { N = 300, DRAWS = 200 };

typedef struct judged {
    bool fake[N];
    int clip[N];
    double (*score)(const struct judged *j, int variant, int i);
} judged;

static double drawn(int i, int variant) {
    return (double)philox_uniform((philox_key){7, 96, (uint64_t)variant}, (uint64_t)i);
}

static double clean_score(int i, bool fake) {
    return .7 * drawn(i, 99) + .3 * fake;
}

// The perturbed scores lose a part of what tells fakes, more at each strength.
static double fading(const judged *j, int variant, int i) {
    return clean_score(i, j->fake[i]) + (variant ? .1 * (1 + (variant - 1) % STRENGTHS) * (drawn(i, variant) - j->fake[i] * .5) : 0);
}

static double unmoved(const judged *j, int variant, int i) {
    (void)variant;
    return clean_score(i, j->fake[i]);
}

static double constant(const judged *j, int variant, int i) {
    return variant ? .5 : clean_score(i, j->fake[i]);
}

static foil_status scores(const void *context, int variant, double *out) {
    const judged *j = context;
    for (int i = 0; i < N; i++) out[i] = j->score(j, variant, i);
    return FOIL_OK;
}

static robustness measured(double (*score)(const judged *, int, int), const char *names, arena *memory, judged *j) {
    perturbation_list list;
    robustness r;
    j->score = score;
    for (int i = 0; i < N; i++) {
        j->fake[i] = i % 3 != 0;
        j->clip[i] = i < 200 ? i / 4 : -1;
    }
    OK(perturbation_parse(names, &list));
    OK(robustness_measure(&list, scores, j, j->fake, j->clip, N, DRAWS, 5, memory, &r));
    assert_int_equal(r.rows, list.n);
    return r;
}

static double auc_of(const judged *j, int variant) {
    double wins = 0, pairs = 0;
    for (int a = 0; a < N; a++)
        for (int b = 0; b < N; b++) {
            if (!j->fake[a] || j->fake[b]) continue;
            double x = j->score(j, variant, a), y = j->score(j, variant, b);
            wins += x > y ? 1 : x == y ? .5 : 0;
            pairs++;
        }
    return wins / pairs;
}

static void test_values(void **state) {
    (void)state;
    arena memory = {0};
    judged j;
    robustness r = measured(fading, "noise,jpeg,crop", &memory, &j);
    double sum = 0, clean = auc_of(&j, 0);
    assert_true(fabs(r.clean.value - clean) < 1e-12);
    for (int p = 0; p < 3; p++)
        for (int s = 0; s < STRENGTHS; s++) {
            double auc = auc_of(&j, 1 + STRENGTHS * p + s), loss = (clean - auc) / clean;
            assert_true(fabs(r.row[p].strength[s].auc.value - auc) < 1e-12);
            assert_true(fabs(r.row[p].strength[s].loss.value - loss) < 1e-12);
            assert_true(r.row[p].strength[s].loss.low < loss && loss < r.row[p].strength[s].loss.high);
            assert_true(r.row[p].strength[s].auc.low < auc && auc < r.row[p].strength[s].auc.high);
            sum += auc;
        }
    assert_true(fabs(r.mean_loss.value - (1 - sum / 15 / clean)) < 1e-12); // 1 - rPC
    assert_true(r.mean_loss.low < r.mean_loss.value && r.mean_loss.value < r.mean_loss.high);
    assert_string_equal(r.row[0].name, "noise");
    assert_string_equal(r.row[1].parameter, "quality");
    assert_non_null(strstr(r.row[1].library, "libjpeg-turbo "));
    assert_true(r.row[1].strength[4].value == 30);
    arena_free(&memory);
}

// Draws are of the same clips: who loses nothing has lost nothing in every draw, though the AUC itself is far from sure.
static void test_losses_are_paired(void **state) {
    (void)state;
    arena memory = {0};
    judged j;
    robustness r = measured(unmoved, "blur", &memory, &j);
    assert_true(r.clean.high - r.clean.low > .05);
    for (int s = 0; s < STRENGTHS; s++) {
        assert_memory_equal(&r.row[0].strength[s].auc, &r.clean, sizeof r.clean);
        assert_true(r.row[0].strength[s].loss.low == 0 && r.row[0].strength[s].loss.high == 0);
    }
    assert_true(r.mean_loss.value == 0 && r.mean_loss.low == 0 && r.mean_loss.high == 0);
    r = measured(constant, "blur", &memory, &j);
    assert_true(fabs(r.mean_loss.value - (1 - .5 / r.clean.value)) < 1e-12);
    assert_true(fabs(r.mean_loss.low - (1 - .5 / r.clean.low)) < 1e-3); // monotone in the clean AUC, up to interpolation between draws
    assert_true(fabs(r.mean_loss.high - (1 - .5 / r.clean.high)) < 1e-3);
    arena_free(&memory);
}

static void test_same_with_any_threads(void **state) {
    (void)state;
    arena memory = {0};
    judged j;
    threads_set(1);
    robustness one = measured(fading, "resize,webp", &memory, &j);
    threads_set(3);
    robustness many = measured(fading, "resize,webp", &memory, &j);
    for (int p = 0; p < 2; p++) assert_memory_equal(one.row[p].strength, many.row[p].strength, sizeof one.row[p].strength);
    assert_memory_equal(&one.mean_loss, &many.mean_loss, sizeof one.mean_loss);
    arena_free(&memory);
}

static void test_for_people(void **state) {
    (void)state;
    arena memory = {0};
    judged j;
    text table = {0};
    robustness r = measured(fading, "standard", &memory, &j);
    robustness_table(&r, &table);
    int lines = 0;
    for (const char *at = table.data; *at; at += strcspn(at, "\n") + 1, lines++) assert_true(strcspn(at, "\n") <= 100);
    assert_int_equal(lines, PERTURBATION_COUNT + 2);
    assert_non_null(strstr(table.data, "screenshot"));
    assert_non_null(strstr(table.data, "mean relative loss"));
    text_free(&table);
    arena_free(&memory);
}

// From files. -------------------------------------------------------------------------------------------------------------------------------------

enum { FILES = 12 }; // of each class
static const char DETECTOR[] = "test_robustness.safetensors", OTHER[] = "test_robustness_other.safetensors";
static const char LOSSLESS[] = "test_robustness_png", CODED[] = "test_robustness_jpeg";

// Fakes are a little redder, reals and fakes overlap: what little JPEG changes swaps some pairs.
static void write_pictures(void) {
    static const char *const CLASSES[] = {"real", "fake/some"};
    folder(LOSSLESS), folder(CODED);
    for (int fake = 0; fake < 2; fake++)
        for (int i = 0; i < FILES; i++) {
            char path[128];
            uint8_t *bytes;
            size_t n;
            image im = picture(24, 30, 3, (uint64_t)(i * 2 + fake));
            for (size_t k = 0; k < image_bytes(&im); k += 3)
                im.pixels[k] =
                    (uint8_t)(96 + (im.pixels[k] % 64) + fake * 2 + (int)philox_below((philox_key){3, 95, (uint64_t)(fake * FILES + i)}, 0, 9));
            snprintf(path, sizeof path, "%s/%s", LOSSLESS, CLASSES[fake]);
            OK(file_make_folder(path));
            snprintf(path, sizeof path, "%s/%s/%02d.png", LOSSLESS, CLASSES[fake], i);
            OK(image_write_png(path, &im));
            snprintf(path, sizeof path, "%s/%s", CODED, CLASSES[fake]);
            OK(file_make_folder(path));
            snprintf(path, sizeof path, "%s/%s/%02d.jpg", CODED, CLASSES[fake], i);
            OK(image_encode_jpeg(&im, 30, &bytes, &n));
            write_bytes(path, bytes, n);
            free(bytes);
            image_free(&im);
        }
}

// What it was evaluated on, for the caller to close after the evaluation.
static pictures *evaluated(const char *path, const contestant *who, int n, const perturbation_list *list, int rule, evaluation *e) {
    pictures *p;
    evaluation_options o = {.draws = 100, .seed = 3, .rows = 1 << ROW_METHOD, .clip_rule = rule, .perturb = list};
    OK(pictures_open(path, SPLIT_ALL, &p));
    OK(evaluate(p, who, n, &o, e));
    return p;
}

// The cell "JPEG 30" of lossless pictures is what a folder of such JPEG files scores; for the second of two detectors, too, and if
// clips of one picture are judged.
static void test_as_files_that_were_perturbed(void **state) {
    (void)state;
    foil_detector *d[2];
    perturbation_list list;
    evaluation coded, lossless, pooled;
    write_pictures();
    small_detector(DETECTOR), small_detector(OTHER);
    OK(foil_detector_load(DETECTOR, &d[0]));
    OK(foil_detector_load(OTHER, &d[1]));
    store *s = (store *)detector_store(d[1]);
    store_data(s, store_find(s, "layers.0.weight"))[1] = 1; // looks at green as well
    const contestant who[] = {{.name = "a", .detector = d[0]}, {.name = "b", .detector = d[1]}};
    OK(perturbation_parse("noise,jpeg", &list));
    pictures *of[] = {evaluated(CODED, who, 2, NULL, -1, &coded), evaluated(LOSSLESS, who, 2, &list, -1, &lossless),
                      evaluated(LOSSLESS, who, 2, &list, CLIP_MEAN, &pooled)};
    for (int k = 0; k < 2; k++) {
        const robustness *r = lossless.judge[k].robustness;
        assert_null(coded.judge[k].robustness);
        assert_memory_equal(&r->clean, &lossless.judge[k].metric[0][METRIC_AUC], sizeof r->clean);
        assert_memory_equal(&r->row[1].strength[4].auc, &coded.judge[k].metric[0][METRIC_AUC], sizeof(interval));
        assert_true(r->row[1].strength[4].loss.value != 0);
        assert_memory_equal(r->row[1].strength, pooled.judge[k].robustness->row[1].strength, sizeof r->row->strength);
    }
    assert_true(lossless.judge[0].robustness->mean_loss.value != lossless.judge[1].robustness->mean_loss.value);
    evaluation_free(&coded), evaluation_free(&lossless), evaluation_free(&pooled);
    for (int i = 0; i < 3; i++) pictures_close(of[i]);
    foil_detector_free(d[0]), foil_detector_free(d[1]);
}

static void test_written_down(void **state) {
    (void)state;
    foil_detector *d;
    perturbation_list list;
    evaluation e;
    text json = {0};
    char *csv;
    OK(foil_detector_load(DETECTOR, &d));
    OK(perturbation_parse("screenshot,jpeg", &list));
    pictures *of = evaluated(LOSSLESS, &(contestant){.name = "small, \"red\"", .detector = d}, 1, &list, -1, &e);
    OK(evaluations_write_robustness(&e, 1, "test_robustness.csv"));
    OK(file_read("test_robustness.csv", 0, &csv, NULL));
    int lines = 0;
    for (const char *at = csv; *at; at += strcspn(at, "\n") + 1) lines++;
    assert_int_equal(lines, 2 + 2 * STRENGTHS);
    assert_non_null(strstr(csv, "test_robustness_png,\"small, \"\"red\"\"\",none,,,,"));
    assert_non_null(strstr(csv, ",screenshot,\"foil "));
    assert_non_null(strstr(csv, ",quality,95,"));
    OK(evaluations_json(&e, 1, &json));
    static const char *const WORDS[] = {"\"robustness\"", "\"clean\"",         "\"perturbations\"",
                                        "\"strengths\"",  "\"relative_loss\"", "\"mean_relative_loss\""};
    for (int i = 0; i < 6; i++) assert_non_null(strstr(json.data, WORDS[i]));
    free(csv), text_free(&json);
    evaluation_free(&e);
    pictures_close(of);
    foil_detector_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_losses_are_paired),
                                       cmocka_unit_test(test_same_with_any_threads),
                                       cmocka_unit_test(test_for_people),
                                       cmocka_unit_test(test_as_files_that_were_perturbed),
                                       cmocka_unit_test(test_written_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
