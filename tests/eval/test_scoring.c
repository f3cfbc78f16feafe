// Many pictures: in order, each once, the same whatever the number of threads; what cannot be read is told and harms nobody; the memory is that of few.
#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"
#include "eval/scoring.h"
#include "tests/cmocka.h"
#include "tests/eval/small_detector.h"

static const char PATH[] = "test_scoring.safetensors";
enum { MOST = 300 };

static double logit_of(int level) {
    return 4 * (level / 127.5 - 1) + .5;
}

static bool is_broken(int64_t i, int every) {
    return every && i % every == every - 1;
}

typedef struct pictures {
    int broken; // each so many-th; 0 = none
    int64_t taken, stop_at;
    foil_status status[MOST];
    double logit[MOST];
    atomic_int_fast64_t read;
} pictures;

static foil_status read_picture(const void *from, int64_t i, image *out) {
    pictures *p = (pictures *)from; // counts
    p->read++;
    if (is_broken(i, p->broken)) return foil_fail(FOIL_INVALID, "picture %d is broken", (int)i);
    TRY(image_new(6 + (int)i % 5, 9, 3, out));
    memset(out->pixels, (int)(i * 37 % 256), image_bytes(out));
    return FOIL_OK;
}

static foil_status take(void *to, int64_t i, foil_status status, const double *logit) {
    pictures *p = to;
    assert_int_equal(i, p->taken++);
    p->status[i] = status;
    p->logit[i] = logit ? *logit : NAN;
    if (status != FOIL_OK) {
        char wanted[100];
        if (p->broken)
            snprintf(wanted, sizeof wanted, "picture %d is broken", (int)i);
        else
            snprintf(wanted, sizeof wanted, "the output of the detector %s is not a number", PATH);
        assert_string_equal(foil_error(), wanted);
    }
    return i == p->stop_at ? foil_fail(FOIL_INTERRUPTED, "enough") : FOIL_OK;
}

static foil_status score(foil_detector *d, int n, pictures *p) {
    return score_pictures(&(scoring){.detector = &d, .detectors = 1, .n = n, .read = read_picture, .from = p, .take = take, .to = p});
}

static foil_detector *detector(void) {
    foil_detector *d;
    small_detector(PATH);
    small_check(foil_detector_load(PATH, &d));
    return d;
}

static void test_all_in_order_and_alike(void **state) {
    (void)state;
    foil_detector *d = detector();
    const int counts[] = {0, 1, 2, 7, 8, 9, 63, 64, 65, MOST};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (int broken = 0; broken < 12; broken = broken * 2 + 1) { // none, all, and some in the midst
            static pictures one, many;
            one = many = (pictures){.broken = broken, .stop_at = -1};
            threads_set(1);
            small_check(score(d, counts[c], &one));
            threads_set(3);
            small_check(score(d, counts[c], &many));
            assert_int_equal(one.taken, counts[c]);
            assert_int_equal(many.taken, counts[c]);
            for (int i = 0; i < counts[c]; i++) {
                assert_int_equal(one.status[i], is_broken(i, broken) ? FOIL_INVALID : FOIL_OK);
                assert_int_equal(many.status[i], one.status[i]);
                if (one.status[i] != FOIL_OK) continue;
                assert_true(fabs(one.logit[i] - logit_of(i * 37 % 256)) < 1e-5);
                assert_memory_equal(&one.logit[i], &many.logit[i], sizeof(double)); // to the last bit
            }
        }
    foil_detector_free(d);
}

static void test_one_picture_is_scored_as_by_itself(void **state) {
    (void)state;
    foil_detector *d = detector();
    pictures p = {.stop_at = -1};
    image im = {0};
    double alone;
    small_check(read_picture(&p, 5, &im));
    small_check(detector_logit(d, &im, &alone));
    small_check(score(d, 9, &p));
    assert_true(fabs(p.logit[5] - alone) < 1e-6);
    image_free(&im);
    foil_detector_free(d);
}

// Whoever takes the scores may stop; then only as much has been read as is kept ready.
static void test_stopping(void **state) {
    (void)state;
    foil_detector *d = detector();
    threads_set(2);
    static pictures p;
    p = (pictures){.broken = 10, .stop_at = 20};
    assert_int_equal(score(d, MOST, &p), FOIL_INTERRUPTED);
    assert_string_equal(foil_error(), "enough");
    assert_int_equal(p.taken, 21);
    assert_true(p.read <= 8 * (3 + 2 * 8 + 1));
    foil_detector_free(d);
}

static void test_a_logit_that_is_no_number(void **state) {
    (void)state;
    foil_detector *d = detector();
    store *s = (store *)detector_store(d);
    store_data(s, store_find(s, "layers.0.weight"))[0] = 3e38f;
    static pictures p;
    p = (pictures){.stop_at = -1};
    small_check(score(d, 130, &p));
    assert_int_equal(p.taken, 130);
    assert_int_equal(p.status[0], FOIL_INVALID); // black
    assert_int_equal(p.status[128], FOIL_OK);    // almost grey, the network's 0
    assert_true(isfinite(p.logit[128]));
    foil_detector_free(d);
}

// Several detectors and variants: one reading, every pair scored. ---------------------------------------------------------------------------------

enum { VARIANTS = 11, JUDGES = 2, PICTURES = 21 };
static const char OTHER_PATH[] = "test_scoring_other.safetensors";

static int level_of(int64_t i, int v) {
    return (int)(i * 37 + v * 19) % 256;
}

static bool cannot_vary(int64_t i, int v) {
    return i % 5 == 3 && v == 9;
}

static foil_status vary(const void *from, int64_t i, int v, const image *picture, image *out) {
    (void)from;
    assert_int_equal(picture->pixels[0], level_of(i, 0));
    assert_in_range(v, 1, VARIANTS);
    if (cannot_vary(i, v)) return foil_fail(FOIL_INVALID, "picture %d is broken", (int)i);
    TRY(image_new(5 + v, 9, 3, out)); // of another size
    memset(out->pixels, level_of(i, v), image_bytes(out));
    return FOIL_OK;
}

typedef struct table {
    pictures p;
    double logit[PICTURES][1 + VARIANTS][JUDGES];
    int rows, columns;
} table;

static foil_status read_for_table(const void *from, int64_t i, image *out) {
    return read_picture(&((const table *)from)->p, i, out);
}

static foil_status take_table(void *to, int64_t i, foil_status status, const double *logit) {
    table *t = to;
    TRY(take(&t->p, i, status, logit));
    if (logit) memcpy(t->logit[i], logit, (size_t)(t->rows * t->columns) * sizeof *logit);
    return FOIL_OK;
}

static void test_variants_and_several_detectors(void **state) {
    (void)state;
    foil_detector *d[JUDGES] = {detector()};
    small_detector(OTHER_PATH);
    small_check(foil_detector_load(OTHER_PATH, &d[1]));
    store *s = (store *)detector_store(d[1]);
    store_data(s, store_find(s, "heads.detect.1.bias"))[0] = -2.5f;
    for (int n = 1; n <= PICTURES; n += 4)
        for (int variants = 0; variants <= VARIANTS; variants += 3) { // none, fewer and more than a batch
            static table one, many;
            one = many = (table){.p = {.broken = 7, .stop_at = -1}, .rows = 1 + variants, .columns = JUDGES};
            scoring job = {
                .detector = d, .detectors = JUDGES, .n = n, .read = read_for_table, .vary = vary, .variants = variants, .take = take_table};
            job.from = job.to = &one;
            threads_set(1);
            small_check(score_pictures(&job));
            job.from = job.to = &many;
            threads_set(3);
            small_check(score_pictures(&job));
            assert_int_equal(one.p.read, n); // once each
            assert_int_equal(many.p.read, n);
            assert_int_equal(many.p.taken, n);
            assert_memory_equal(one.logit, many.logit, sizeof one.logit);
            for (int i = 0; i < n; i++) {
                bool broken = is_broken(i, 7) || (variants >= 9 && cannot_vary(i, 9));
                assert_int_equal(one.p.status[i], broken ? FOIL_INVALID : FOIL_OK);
                for (int v = 0; v <= variants && !broken; v++) {
                    const double *logit = &one.logit[0][0][0] + (size_t)i * (1 + VARIANTS) * JUDGES + (size_t)v * JUDGES;
                    assert_true(fabs(logit[0] - logit_of(level_of(i, v))) < 1e-5);
                    assert_true(fabs(logit[1] - logit_of(level_of(i, v)) + 3) < 1e-5);
                }
            }
        }
    for (int k = 0; k < JUDGES; k++) foil_detector_free(d[k]);
}

static int remove_files(void **state) {
    (void)state;
    return unlink(PATH) | unlink(OTHER_PATH);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_in_order_and_alike), cmocka_unit_test(test_one_picture_is_scored_as_by_itself),
                                       cmocka_unit_test(test_stopping), cmocka_unit_test(test_a_logit_that_is_no_number),
                                       cmocka_unit_test(test_variants_and_several_detectors)};
    return cmocka_run_group_tests(tests, NULL, remove_files);
}
