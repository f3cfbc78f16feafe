// Logs: what they hold, and that they are cut back to a step with nothing half-written left.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/cmocka.h"
#include "train/log.h"

static char folder[] = "/tmp/foil-log-XXXXXX";
static char lines_path[64], events_path[64];

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(lines_path, sizeof lines_path, "%s/log.jsonl", folder);
    snprintf(events_path, sizeof events_path, "%s/events.out.tfevents.0.foil", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(lines_path);
    unlink(events_path);
    return rmdir(folder);
}

static void write_steps(int64_t from, int64_t to) {
    run_log *l;
    assert_int_equal(log_open(folder, from, &l), FOIL_OK);
    for (int64_t step = from + 1; step <= to; step++) {
        const log_value v[] = {{"loss/d", 0.5 / (double)step}, {"loss/penalty", NAN}};
        assert_int_equal(log_values(l, step, v, 2), FOIL_OK);
    }
    log_close(l);
}

static size_t bytes_of(const char *path, char **bytes) {
    size_t n;
    assert_int_equal(file_read(path, 0, bytes, &n), FOIL_OK);
    return n;
}

static void append(const char *path, const char *more) {
    FILE *f = fopen(path, "ab");
    assert_non_null(f);
    fputs(more, f);
    fclose(f);
}

static void test_lines(void **state) {
    (void)state;
    char *bytes;
    write_steps(0, 2);
    bytes_of(lines_path, &bytes);
    assert_string_equal(bytes, "{\"step\": 1, \"loss/d\": 0.5, \"loss/penalty\": null}\n{\"step\": 2, \"loss/d\": 0.25, \"loss/penalty\": null}\n");
    free(bytes);
}

static void test_cut_back(void **state) {
    (void)state;
    char *bytes, *again;
    write_steps(0, 5); // from 0 on: what was there is gone
    size_t whole = bytes_of(lines_path, &bytes), events = bytes_of(events_path, &again);
    free(again);
    append(lines_path, "{\"step\": 6, \"lo"); // as a kill leaves them
    append(events_path, "\x20\x01");
    write_steps(3, 5);
    assert_int_equal(bytes_of(lines_path, &again), whole);
    assert_string_equal(again, bytes);
    free(again);
    assert_int_equal(bytes_of(events_path, &again), events);
    free(again);
    free(bytes);
}

static void test_picture(void **state) {
    (void)state;
    run_log *l;
    image im;
    assert_int_equal(image_new(4, 6, 3, &im), FOIL_OK);
    assert_int_equal(log_open(folder, 5, &l), FOIL_OK);
    assert_int_equal(log_image(l, 6, "samples", &im), FOIL_OK);
    log_close(l);
    image_free(&im);
}

static void test_unwritable(void **state) {
    (void)state;
    run_log *l;
    assert_int_equal(log_open("/nonexistent/run", 0, &l), FOIL_IO);
    assert_null(l);
    assert_non_null(strstr(foil_error(), "/nonexistent/run"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_cut_back), cmocka_unit_test(test_picture),
                                       cmocka_unit_test(test_unwritable)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
