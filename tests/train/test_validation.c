// Which detector is the best: where the run's forgers make the fakes, the best so far is judged again on those of the moment.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/data/pictures.h"
#include "train/validation.h"

static char validation_folder[] = "/tmp/foil-validation-XXXXXX";
static char reals_path[64], both_path[64];

static void make_set(const char *path, bool fakes) {
    set_description d = {32, 32, 3, FIT_CROP, RESIZE_LANCZOS, 5, 48, "tests", "CC0"};
    set_writer *w;
    OK(set_create(path, &d, &w));
    for (int i = 0; i < 48; i++) {
        image im = picture(32, 32, 3, (uint64_t)i);
        const bool fake = fakes && i % 2;
        unsigned char digest[32] = {(unsigned char)i};
        OK(set_add(w, &im, fake, fake ? "gan" : "camera", "", -1, i < 24 ? SPLIT_TRAIN : SPLIT_VAL, "a.png", digest));
        image_free(&im);
    }
    OK(set_commit(w));
}

static int make_sets(void **state) {
    (void)state;
    if (!mkdtemp(validation_folder)) return -1;
    snprintf(reals_path, sizeof reals_path, "%s/reals.h5", validation_folder);
    snprintf(both_path, sizeof both_path, "%s/both.h5", validation_folder);
    make_set(reals_path, false);
    make_set(both_path, true);
    return 0;
}

static int remove_sets(void **state) {
    (void)state;
    unlink(reals_path);
    unlink(both_path);
    return rmdir(validation_folder);
}

// Its detect head says the opposite from now on.
static void turn(store *discriminator) {
    const int head = store_find(discriminator, "heads.detect.1.weight");
    float *w = store_data(discriminator, head);
    for (int64_t i = 0; i < shape_count(discriminator->tensor[head].shape); i++) w[i] = -w[i];
}

typedef struct judged_run {
    config config;
    run run;
    validation *validation;
} judged_run;

static void open_all(const char *path, const char *forgers, judged_run *j) {
    char data[128];
    snprintf(data, sizeof data, "data.set=%s", path);
    OK(config_read(SOURCE_DIR "/tests/train/tiny/run.yaml", (const char *const[]){data, forgers, "evaluate.metric=log_loss"}, 3, &j->config));
    OK(run_open(&j->config, &j->run));
    turn(j->run.discriminator.store); // as initialised it is wrong more often than right
    OK(validation_open(&j->run, &j->validation));
}

static void close_all(judged_run *j) {
    validation_close(j->validation);
    run_close(&j->run);
    config_free(&j->config);
}

static double judge(judged_run *j, int64_t step, bool *write) {
    double value[METRICS];
    j->run.step = step;
    OK(validation_run(j->validation, value, write));
    return value[METRIC_LOG_LOSS];
}

static void test_judged_again_on_the_fakes_of_the_moment(void **state) {
    (void)state;
    const char *forgers = "forgers=[{generator: {share: 1}}]";
    enum { LATER = 9 }; // seed of another generator
    judged_run j, alone;
    bool write;
    open_all(reals_path, forgers, &j);
    open_all(reals_path, forgers, &alone);
    const best_detector *best = &j.run.best;
    const store *now = j.run.discriminator.store;
    assert_non_null(best->weights);
    const double first = judge(&j, 1, &write);
    assert_true(write);
    assert_int_equal(best->step, 1);
    assert_true(best->metric == first);

    store_initialize(j.run.generator.store, LATER);
    store_initialize(alone.run.generator.store, LATER);
    const double again = judge(&alone, 1, &write); // of the same detector
    assert_true(again != first);
    turn(j.run.discriminator.store);
    const double turned = judge(&j, 2, &write);
    assert_true(turned > again);
    assert_true(write); // its calibration is of the newest fakes
    assert_int_equal(best->step, 1);
    assert_true(best->metric == again);
    assert_memory_equal(best->weights->values, alone.run.discriminator.store->values, now->value_count * sizeof(float));

    // One that is better takes its place.
    turn(best->weights);
    store_copy(j.run.discriminator.store, alone.run.discriminator.store);
    assert_true(judge(&j, 3, &write) == again);
    assert_true(write);
    assert_int_equal(best->step, 3);
    assert_true(best->metric == again);
    assert_memory_equal(best->weights->values, now->values, now->value_count * sizeof(float));
    close_all(&alone);
    close_all(&j);
}

static void test_the_fakes_of_a_set_stay(void **state) {
    (void)state;
    judged_run j;
    bool write;
    open_all(both_path, "forgers=[{dataset: {share: 1}}]", &j);
    assert_null(j.run.best.weights);
    const double first = judge(&j, 1, &write);
    assert_true(write);
    turn(j.run.discriminator.store);
    assert_true(judge(&j, 2, &write) > first);
    assert_false(write);
    assert_int_equal(j.run.best.step, 1);
    assert_true(j.run.best.metric == first);
    close_all(&j);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_judged_again_on_the_fakes_of_the_moment),
                                       cmocka_unit_test(test_the_fakes_of_a_set_stay)};
    return cmocka_run_group_tests(tests, make_sets, remove_sets);
}
