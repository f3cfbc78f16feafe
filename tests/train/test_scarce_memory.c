// Where memory runs out: each allocation in turn fails, which is told as what it is, and leaves no file.
//
// The linker gives our objects' calls of the allocator to the functions below (tests/CMakeLists.txt); libraries have all they want.
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"
#include "data/set.h"
#include "eval/cues/cue.h"
#include "eval/pages/evaluation.h"
#include "eval/scoring.h"
#include "tests/cmocka.h"
#include "tests/eval/small_detector.h"
#include "train/folder.h"
#include "train/game.h"
#include "train/optimizer.h"

static atomic_int before_failure = INT_MAX; // allocations

#define SCARCE(name, parameters, arguments)                                                                                                          \
    void *__real_##name parameters;                                                                                                                  \
    void *__wrap_##name parameters;                                                                                                                  \
    void *__wrap_##name parameters {                                                                                                                 \
        return before_failure-- == 0 ? NULL : __real_##name arguments;                                                                               \
    }
SCARCE(malloc, (size_t bytes), (bytes))
SCARCE(calloc, (size_t n, size_t bytes), (n, bytes))
SCARCE(realloc, (void *p, size_t bytes), (p, bytes))

static bool maps_fail;
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset) {
    return maps_fail ? MAP_FAILED : __real_mmap(at, bytes, protection, flags, file, offset);
}

static const char FILE_NAME[] = "test_scarce_memory.file", DETECTOR[] = "test_scarce_memory.safetensors";

// Attempts until no allocation is left to fail.
static void fail_each_allocation(foil_status (*attempt)(void)) {
    bool failed = true;
    for (int k = 0; failed; k++) {
        before_failure = k;
        foil_status status = attempt();
        failed = before_failure < 0;
        before_failure = INT_MAX;
        if (status != (failed ? FOIL_MEMORY : FOIL_OK)) fail_msg("allocation %d: status %d: %s", k, (int)status, foil_error());
        if (failed) assert_false(file_exists(FILE_NAME));
        unlink(FILE_NAME);
    }
}

static foil_status describe_pictures(void) {
    uint8_t pixels[12] = {0};
    const image im = {.width = 2, .height = 2, .channels = 3, .pixels = pixels};
    const unsigned char digest[32] = {0};
    set_writer *w;
    TRY(set_create(FILE_NAME, &(set_description){.height = 2, .width = 2, .channels = 3, .fit = FIT_CROP, .count = 1}, &w));
    foil_status status = set_add(w, &im, true, "method", "subject", -1, SPLIT_TRAIN, "path", digest);
    set_abort(w);
    return status;
}

static foil_status read_network(void) {
    net *n;
    TRY(net_parse("input: {image: [4, 4, 3]}\nlayers: [{conv: {out: 2, kernel: 1}}, leaky_relu, flatten, {linear: 1}]\n", "n.yaml", 0, &n));
    net_free(n);
    return FOIL_OK;
}

static foil_status write_baseline(void) {
    cue_model m = {.n = cue_features(), .input = SHAPE(8, 8, 3)};
    detector_card card = SMALL_CARD;
    card.head = NULL;
    return detector_write_cues(FILE_NAME, &m, &card);
}

static store *weights;
static optimizer *adam;

static foil_status write_moments(void) {
    safetensors_writer *w = safetensors_writer_new();
    if (!w) return foil_fail_memory(64, "a writer");
    optimizer_save(adam, w, "adam.");
    foil_status status = safetensors_write(w, FILE_NAME);
    safetensors_writer_free(w);
    return status;
}

static foil_detector *detector;

static foil_status read_grey(const void *from, int64_t i, image *out) {
    (void)from;
    TRY(image_new(9, 9, 3, out));
    memset(out->pixels, (int)i, image_bytes(out));
    return FOIL_OK;
}

static foil_status take_or_fail(void *to, int64_t i, foil_status status, const double *logit) {
    (void)to;
    (void)i;
    (void)logit;
    return status;
}

// More portions than threads: one that could not begin is asked again.
static foil_status score(void) {
    return score_pictures(&(scoring){.detector = &detector, .detectors = 1, .n = 80, .read = read_grey, .take = take_or_fail});
}

static foil_status write_card(void) {
    const judge j = {.name = "caf\xe9", .detector = detector, .kind = JUDGE_NETWORK};
    json_start();
    json_t *card = page_card(&j);
    json_put(card, "name", text_json(j.name));
    foil_status status = page_write(FILE_NAME, PAGE_EVALUATION, card);
    json_decref(card);
    return status;
}

static void test_no_picture_loses_its_labels(void **state) {
    (void)state;
    fail_each_allocation(describe_pictures);
}

static void test_no_layer_is_blamed(void **state) {
    (void)state;
    fail_each_allocation(read_network);
}

static void test_no_file_lacks_what_is_in_it(void **state) {
    (void)state;
    net *n;
    small_network(&n, &weights);
    small_check(optimizer_new(&(optimizer_options){.kind = OPTIMIZER_ADAM, .lr = 1, .beta1 = .5, .beta2 = .9, .epsilon = 1e-8}, weights, &adam));
    fail_each_allocation(write_baseline);
    fail_each_allocation(write_moments);
    optimizer_free(adam);
    store_free(weights);
    net_free(n);
}

// Or a run would begin anew over its checkpoint, and a study's report leave out a cell.
static void test_what_is_there_is_seen(void **state) {
    (void)state;
    small_check(file_save(FILE_NAME, "", 0));
    before_failure = 0;
    assert_true(folder_has(".", FILE_NAME));
    before_failure = INT_MAX;
    unlink(FILE_NAME);
}

static void test_scoring_stops(void **state) {
    (void)state;
    small_detector(DETECTOR);
    small_check(foil_detector_load(DETECTOR, &detector));
    threads_set(2);
    fail_each_allocation(score);
    foil_detector_free(detector);
    unlink(DETECTOR);
}

static void test_no_page_lacks_an_entry(void **state) {
    (void)state;
    small_detector(DETECTOR);
    small_check(foil_detector_load(DETECTOR, &detector));
    fail_each_allocation(write_card);
    foil_detector_free(detector);
    unlink(DETECTOR);
}

// A batch is what one can make smaller.
static void test_a_step_names_its_batch(void **state) {
    (void)state;
    config c;
    net *n;
    player d = {0};
    game *g;
    workspace *w = workspace_new();
    small_check(config_read(SOURCE_DIR "/configs/train/supervised.yaml", (const char *const[]){"data.set=set.h5", "run.batch=6"}, 2, &c));
    small_network(&n, &d.store);
    d.net = n;
    small_check(optimizer_new(&c.discriminator_optimizer, d.store, &d.optimizer));
    maps_fail = true;
    assert_int_equal(game_new(&c, (player){0}, d, true, w, &g), FOIL_MEMORY);
    maps_fail = false;
    assert_string_equal(foil_error(), "a training step with run.batch=6 (a smaller one takes less): out of memory: 2.1 MB for activations");
    optimizer_free(d.optimizer);
    store_free(d.store);
    net_free(n);
    workspace_free(w);
    config_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_picture_loses_its_labels),
                                       cmocka_unit_test(test_no_layer_is_blamed),
                                       cmocka_unit_test(test_no_file_lacks_what_is_in_it),
                                       cmocka_unit_test(test_what_is_there_is_seen),
                                       cmocka_unit_test(test_scoring_stops),
                                       cmocka_unit_test(test_no_page_lacks_an_entry),
                                       cmocka_unit_test(test_a_step_names_its_batch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
