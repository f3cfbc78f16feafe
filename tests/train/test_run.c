// A run that begins with the networks of another.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/data/pictures.h"
#include "train/run.h"

static char run_folder[] = "/tmp/foil-run-XXXXXX";
static char set_path[64], checkpoint[64];

static int make_set(void **state) {
    (void)state;
    if (!mkdtemp(run_folder)) return -1;
    snprintf(set_path, sizeof set_path, "%s/set.h5", run_folder);
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint.safetensors", run_folder);
    set_description d = {32, 32, 3, FIT_CROP, RESIZE_LANCZOS, 5, 8, "tests", "CC0"};
    set_writer *w;
    OK(set_create(set_path, &d, &w));
    for (int i = 0; i < 8; i++) {
        image im = picture(32, 32, 3, (uint64_t)i);
        unsigned char digest[32] = {(unsigned char)i};
        OK(set_add(w, &im, i % 2, i % 2 ? "gan" : "camera", "", -1, SPLIT_TRAIN, "a.png", digest));
        image_free(&im);
    }
    OK(set_commit(w));
    return 0;
}

static int remove_set(void **state) {
    (void)state;
    unlink(checkpoint);
    unlink(set_path);
    return rmdir(run_folder);
}

static void open_run(const char *seed, const char *from, config *c, run *r) {
    char data[128], begin[128];
    snprintf(data, sizeof data, "data.set=%s", set_path);
    snprintf(begin, sizeof begin, "run.from=%s", from);
    OK(config_read(SOURCE_DIR "/tests/train/tiny/run.yaml", (const char *const[]){data, seed, begin}, *from ? 3 : 2, c));
    OK(run_open(c, r));
}

static void test_begins_with_the_weights_of_another(void **state) {
    (void)state;
    config c[3];
    run r[3];
    open_run("run.seed=1", "", &c[0], &r[0]);
    OK(run_save(&r[0], run_folder));
    open_run("run.seed=2", run_folder, &c[1], &r[1]); // a run
    open_run("run.seed=3", checkpoint, &c[2], &r[2]); // or its file
    uint64_t mine = run_digest(&r[1]);
    assert_true(mine != run_digest(&r[0]));
    OK(run_begin(&r[0])); // without run.from it stays as it is
    for (int i = 1; i < 3; i++) {
        OK(run_begin(&r[i]));
        assert_true(run_digest(&r[i]) == run_digest(&r[0]));
        assert_int_equal(r[i].step, 0);
    }
    for (int i = 0; i < 3; i++) {
        run_close(&r[i]);
        config_free(&c[i]);
    }
}

static void test_knows_what_is_not_finite(void **state) {
    (void)state;
    config c;
    run r;
    open_run("run.seed=1", "", &c, &r);
    const char *whose;
    assert_null(run_not_finite(&r, &whose));
    store *average = r.average, *generator = r.generator.store, *discriminator = r.discriminator.store;
    int last = average->n - 1;
    store_data(average, last)[shape_count(average->tensor[last].shape) - 1] = NAN;
    assert_string_equal(run_not_finite(&r, &whose), average->tensor[last].name);
    assert_string_equal(whose, "the generator's average's");
    generator->buffers[0] = -INFINITY;
    assert_non_null(strstr(run_not_finite(&r, &whose), "running_mean"));
    assert_string_equal(whose, "the generator's");
    discriminator->values[0] = INFINITY;
    assert_string_equal(run_not_finite(&r, &whose), discriminator->tensor[0].name);
    assert_string_equal(whose, "the discriminator's");
    run_close(&r);
    config_free(&c);
}

static void test_refuses_what_is_no_run(void **state) {
    (void)state;
    config c;
    run r;
    open_run("run.seed=1", set_path, &c, &r);
    assert_int_not_equal(run_begin(&r), FOIL_OK);
    assert_non_null(strstr(foil_error(), "run.from: "));
    run_close(&r);
    config_free(&c);
    open_run("run.seed=1", "/nowhere", &c, &r);
    assert_int_equal(run_begin(&r), FOIL_IO);
    assert_non_null(strstr(foil_error(), "/nowhere"));
    run_close(&r);
    config_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_begins_with_the_weights_of_another), cmocka_unit_test(test_knows_what_is_not_finite),
                                       cmocka_unit_test(test_refuses_what_is_no_run)};
    return cmocka_run_group_tests(tests, make_set, remove_set);
}
