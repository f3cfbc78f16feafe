// A run's page: thinned curves and grids out of a run's folder.
#include "train/page.h"

#include <math.h>
#include <unistd.h>

#include "tests/eval/page_data.h"
#include "train/folder.h"
#include "train/log.h"

static char folder[] = "/tmp/foil-run-page-XXXXXX";
static config tiny;

static void in_folder(const char *name, void (*use)(const char *path)) {
    char *path = folder_path(folder, "%s", name);
    assert_non_null(path);
    use(path);
    free(path);
}

static json_t *loaded;
static void load(const char *path) {
    loaded = page_data(path);
}

static json_t *write_and_load(int64_t step, run_state state, const char *message) {
    assert_int_equal(run_page_write(folder, &tiny, step, state, message), FOIL_OK);
    in_folder("report.html", load);
    return loaded;
}

static const json_t *curve_of(const json_t *page, const char *name) {
    size_t i;
    const json_t *s;
    json_array_foreach(json_object_get(page, "series"), i, s) if (!strcmp(json_string_value(json_object_get(s, "name")), name)) return s;
    return NULL;
}

static double number_at(const json_t *curve, const char *axis, size_t i) {
    return json_number_value(json_array_get(json_object_get(curve, axis), i));
}

static void test_nothing_yet(void **state) {
    (void)state;
    json_t *page = write_and_load(0, RUN_RUNNING, NULL);
    assert_int_equal(json_array_size(json_object_get(page, "series")), 0);
    assert_int_equal(json_array_size(json_object_get(page, "samples")), 0);
    assert_string_equal(json_string_value(json_object_get(page, "metric")), "val/auc");
    json_decref(page);
}

// What a kill leaves of a line is no line.
static void break_off(const char *path) {
    FILE *f = fopen(path, "ab");
    assert_non_null(f);
    fputs("{\"step\": 99999, \"loss/d\": 7", f);
    fclose(f);
}

static void test_thinned(void **state) {
    (void)state;
    enum { LINES = 9999, EVERY = 8 };
    run_log *l;
    assert_int_equal(log_open(folder, 0, &l), FOIL_OK);
    for (int64_t step = 10; step <= 10 * LINES; step += 10) {
        const log_value v[] = {{"loss/d", 1.0 / (double)step}, {"loss/g", step % 160 == 10 ? NAN : 2}};
        assert_int_equal(log_values(l, step, v, 2), FOIL_OK);
    }
    const log_value auc = {"val/auc", 0.75};
    assert_int_equal(log_values(l, 10 * LINES, &auc, 1), FOIL_OK);
    log_close(l);
    in_folder("log.jsonl", break_off);

    json_t *page = write_and_load(10 * LINES, RUN_STOPPED, "</script> interrupted");
    assert_int_equal(json_integer_value(json_object_get(page, "every")), EVERY);
    const json_t *loss = curve_of(page, "loss/d"), *other = curve_of(page, "loss/g"), *best = curve_of(page, "val/auc");
    size_t n = json_array_size(json_object_get(loss, "x"));
    assert_true(n <= RUN_PAGE_POINTS && n > RUN_PAGE_POINTS / 2 && n == json_array_size(json_object_get(loss, "y")));
    for (size_t i = 0; i + 1 < n; i++) {
        assert_true(number_at(loss, "x", i) == 10 + 10.0 * EVERY * (double)i);
        assert_true(fabs(number_at(loss, "y", i) * number_at(loss, "x", i) - 1) < 1e-5);
    }
    assert_true(number_at(loss, "x", n - 1) == 10 * LINES);
    assert_true(json_is_null(json_array_get(json_object_get(other, "y"), 0)));
    assert_true(number_at(other, "y", 1) == 2);
    assert_int_equal(json_array_size(json_object_get(best, "x")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(page, "run"), "message")), "</script> interrupted");
    json_decref(page);
}

static void test_grids(void **state) {
    (void)state;
    enum { GRIDS = 57 };
    image im;
    assert_int_equal(image_new(9, 9, 3, &im), FOIL_OK);
    char *samples = folder_path(folder, "samples");
    assert_int_equal(file_make_folder(samples), FOIL_OK);
    free(samples);
    for (int64_t step = 1; step <= GRIDS + 1; step++) { // beyond the sixth digit too; the last is of a step that was lost
        char *path = folder_path(folder, "samples/step-%06lld.png", (long long)step * 50000);
        assert_int_equal(image_write_png(path, &im), FOIL_OK);
        free(path);
    }
    image_free(&im);
    json_t *page = write_and_load((int64_t)GRIDS * 50000, RUN_FINISHED, NULL), *shown = json_object_get(page, "samples");
    assert_int_equal(json_integer_value(json_object_get(page, "grids")), GRIDS);
    assert_int_equal(json_array_size(shown), RUN_PAGE_GRIDS);
    json_int_t before = 0;
    for (size_t i = 0; i < RUN_PAGE_GRIDS; i++) {
        json_int_t step = json_integer_value(json_object_get(json_array_get(shown, i), "step"));
        assert_true(i == 0 ? step == 50000 : step > before);
        before = step;
    }
    assert_int_equal(before, (json_int_t)GRIDS * 50000);
    json_decref(page);
}

static int begin(void **state) {
    (void)state;
    return mkdtemp(folder) && config_read(SOURCE_DIR "/tests/train/tiny/run.yaml", NULL, 0, &tiny) == FOIL_OK ? 0 : -1;
}

static foil_status remove_one(const char *path, void *context) {
    (void)context;
    unlink(path);
    return FOIL_OK;
}

static void remove_folder(const char *path) {
    rmdir(path);
}

static int end(void **state) {
    (void)state;
    config_free(&tiny);
    file_walk(folder, remove_one, NULL);
    in_folder("samples", remove_folder);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_yet), cmocka_unit_test(test_thinned), cmocka_unit_test(test_grids)};
    return cmocka_run_group_tests(tests, begin, end);
}
