// Forgers: shares, determinism, snapshots and what is refused.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/philox.h"
#include "gan/forger.h"
#include "tests/cmocka.h"

enum { SIDE = 8, BATCH = 16, PER = SIDE * SIDE * 3, LATENT = 4 };

// Names of layers may be as long as they like.
#define LONG "a_part_of_a_name_that_no_buffer_would_be_thought_to_hold_"
static const char GENERATOR[] = "input: {latent: 4}\nlayers: [{linear: {out: 192, name: " LONG LONG LONG LONG LONG LONG LONG LONG "}}, "
                                "{reshape: [3, 8, 8]}, tanh]\n";

typedef struct fixture {
    char path[32];
    net *net;
    store *store;
    set *set;
    workspace *workspace;
    forger_world world;
} fixture;

// Reals of source "photo", fakes of methods "cats" (value 100) and "dogs" (value 200); the training split only, but for one fake of value 50.
static void make_set(const char *path) {
    set_writer *w;
    image im;
    assert_int_equal(set_create(path, &(set_description){SIDE, SIDE, 3, FIT_RESIZE, RESIZE_BICUBIC, 1, 13, "test", "none"}, &w), FOIL_OK);
    assert_int_equal(image_new(SIDE, SIDE, 3, &im), FOIL_OK);
    static const char *const METHODS[] = {"photo", "cats", "dogs"};
    for (int i = 0; i < 13; i++) {
        unsigned char digest[32] = {(unsigned char)i};
        int method = i % 3;
        memset(im.pixels, i == 12 ? 50 : 100 * method, image_bytes(&im));
        assert_int_equal(
            set_add(w, &im, i == 12 || method > 0, METHODS[i == 12 ? 1 : method], NULL, -1, i == 12 ? SPLIT_TEST : SPLIT_TRAIN, "p", digest),
            FOIL_OK);
    }
    image_free(&im);
    assert_int_equal(set_commit(w), FOIL_OK);
}

static int open_fixture(void **state) {
    fixture *f = calloc(1, sizeof *f);
    strcpy(f->path, "/tmp/foil-forger-XXXXXX");
    close(mkstemp(f->path));
    make_set(f->path);
    assert_int_equal(set_open(f->path, &f->set), FOIL_OK);
    assert_int_equal(net_parse(GENERATOR, "g", 3, &f->net), FOIL_OK);
    f->store = store_new();
    assert_int_equal(net_declare(f->net, f->store), FOIL_OK);
    assert_int_equal(store_allocate(f->store), FOIL_OK);
    store_initialize(f->store, 1);
    f->workspace = workspace_new();
    f->world = (forger_world){.generator = f->net,
                              .generator_store = f->store,
                              .workspace = f->workspace,
                              .set = f->set,
                              .height = SIDE,
                              .width = SIDE,
                              .channels = 3,
                              .fit = FIT_RESIZE,
                              .batch = BATCH,
                              .together = BATCH,
                              .seed = 3,
                              .compute = F32};
    *state = f;
    return 0;
}

static int close_fixture(void **state) {
    fixture *f = *state;
    workspace_free(f->workspace);
    store_free(f->store);
    net_free(f->net);
    set_close(f->set);
    unlink(f->path);
    free(f);
    return 0;
}

static forgery *open_list(const fixture *f, const char *list) {
    yaml *document;
    forgery *out;
    assert_int_equal(yaml_parse(list, "test", &document), FOIL_OK);
    if (forgery_open(yaml_root(document), &f->world, &out) != FOIL_OK) fail_msg("%s", foil_error());
    yaml_free(document);
    return out;
}

static void make(forgery *g, uint64_t step, int n, uint8_t pixels[BATCH * PER], const char *methods[BATCH]) {
    if (forgery_make(g, step, n, 0, n, pixels, methods) != FOIL_OK) fail_msg("%s", foil_error());
}

// Every batch is full, and over many steps each forger made its share.
static void test_shares(void **state) {
    forgery *g = open_list(*state, "[{generator: {share: 0.6}}, {dataset: {share: 0.33, methods: [cats]}}, {dataset: {share: 0.07, methods: dogs}}]");
    uint8_t pixels[BATCH * PER];
    const char *methods[BATCH];
    int made[3] = {0};
    enum { STEPS = 1000, N = 7 };
    for (uint64_t step = 0; step < STEPS; step++) {
        make(g, step, N, pixels, methods);
        for (int i = 0; i < N; i++) made[strcmp(methods[i], "generator") == 0 ? 0 : strcmp(methods[i], "cats") == 0 ? 1 : 2]++;
    }
    assert_int_equal(made[0] + made[1] + made[2], STEPS * N);
    assert_in_range(made[0], 0.6 * STEPS * N - 5, 0.6 * STEPS * N + 5);
    assert_in_range(made[1], 0.33 * STEPS * N - 5, 0.33 * STEPS * N + 5);
    assert_in_range(made[2], 0.07 * STEPS * N - 5, 0.07 * STEPS * N + 5);
    forgery_close(g);
}

// Shares that sum to not quite 1: the last forger makes no more than it is prepared for.
static void test_rounded_shares(void **state) {
    fixture *f = *state;
    enum { TOGETHER = 3000, STEPS = 1000 };
    f->world.together = TOGETHER;
    forgery *g = open_list(f, "[{dataset: {share: .333333, methods: cats}}, {dataset: {share: .333333, methods: cats}}, "
                              "{dataset: {share: .3333332, methods: dogs}}]");
    uint8_t pixels[PER];
    const char *method;
    const int most = (int)(forgery_at(g, 2)->share * TOGETHER) + 1;
    for (uint64_t step = 0; step < STEPS; step++) {
        assert_int_equal(forgery_make(g, step, TOGETHER, TOGETHER - most - 1, 1, pixels, &method), FOIL_OK);
        assert_string_equal(method, "cats");
    }
    forgery_close(g);
}

static void test_dataset_draws_training_fakes(void **state) {
    forgery *g = open_list(*state, "[dataset]");
    uint8_t pixels[BATCH * PER], again[BATCH * PER];
    const char *methods[BATCH];
    int seen[2] = {0};
    for (uint64_t step = 0; step < 20; step++) {
        make(g, step, BATCH, pixels, methods);
        for (int i = 0; i < BATCH; i++) {
            assert_string_equal(methods[i], pixels[i * PER] == 100 ? "cats" : "dogs"); // never a real, never one of the test split
            seen[pixels[i * PER] == 100]++;
        }
    }
    assert_true(seen[0] > 50 && seen[1] > 50);
    make(g, 19, BATCH, again, methods);
    assert_memory_equal(pixels, again, sizeof pixels); // a pure function of the step
    make(g, 20, BATCH, again, methods);
    forgery_close(g);
}

static void test_generator_follows_its_weights(void **state) {
    fixture *f = *state;
    forgery *g = open_list(f, "[generator]");
    uint8_t first[BATCH * PER], second[BATCH * PER];
    const char *methods[BATCH];
    make(g, 5, BATCH, first, methods);
    make(g, 5, BATCH, second, methods);
    assert_memory_equal(first, second, sizeof first);
    make(g, 6, BATCH, second, methods);
    assert_memory_not_equal(first, second, sizeof first);
    store_initialize(f->store, 2);
    make(g, 5, BATCH, second, methods);
    assert_memory_not_equal(first, second, sizeof first);
    forgery_close(g);
}

// What is replayed is the past: the weights at a snapshot, however the generator moves on; and it survives a checkpoint.
static void test_replay(void **state) {
    fixture *f = *state;
    static const char LIST[] = "[replay: {share: 1, keep: 1, every: 10}]";
    forgery *g = open_list(f, LIST), *other = open_list(f, LIST);
    uint8_t past[BATCH * PER], now[BATCH * PER];
    const char *methods[BATCH];
    make(g, 1, BATCH, past, methods); // no snapshot yet: the generator as it is
    assert_int_equal(forgery_after_step(g, 10), FOIL_OK);
    store_initialize(f->store, 7);
    assert_int_equal(forgery_after_step(g, 11), FOIL_OK); // not due
    make(g, 1, BATCH, now, methods);
    assert_memory_equal(past, now, sizeof now);
    assert_string_equal(methods[0], "replay");

    safetensors_writer *w = safetensors_writer_new();
    safetensors *s;
    forgery_save(g, w);
    assert_int_equal(safetensors_write(w, f->path), FOIL_OK);
    safetensors_writer_free(w);
    assert_int_equal(safetensors_open(f->path, &s), FOIL_OK);
    make(other, 1, BATCH, now, methods);
    assert_memory_not_equal(past, now, sizeof now);
    assert_int_equal(forgery_load(other, s), FOIL_OK);
    make(other, 1, BATCH, now, methods);
    assert_memory_equal(past, now, sizeof now);
    safetensors_close(s);

    assert_int_equal(forgery_after_step(g, 20), FOIL_OK); // keep: 1 drops the old one
    make(g, 1, BATCH, now, methods);
    assert_memory_not_equal(past, now, sizeof now);
    forgery_close(other);
    forgery_close(g);
}

static const struct {
    const char *list, *expected;
    bool without_generator;
} BROKEN[] = {
    {"[{generator: {share: 0.5}}]", "sum to 0.5", false},
    {"[{generater: {share: 1}}]", "did you mean 'generator'?", false},
    {"[{xyz: {share: 1}}]", "known: generator, replay, dataset", false},
    {"[{generator: {shares: 1}}]", "share", false},
    {"[{generator: {share: 2}}]", "share", false},
    {"[{dataset: {methods: [cats, birds]}}]", "no method 'birds' (it has: photo, cats, dogs)", false},
    {"[{dataset: {methods: photo}}]", "no fakes of these methods", false},
    {"[replay: {keep: 0}]", "keep", false},
    {"{generator: {}}", "list of forgers", false},
    {"[]", "list of forgers", false},
    {"[[generator]]", "expected one forger", false},
    {"[generator]", "needs a generator", true},
    {"[replay]", "needs a generator", true},
};

static void test_broken_lists(void **state) {
    fixture *f = *state;
    for (size_t i = 0; i < sizeof BROKEN / sizeof *BROKEN; i++) {
        forger_world world = f->world;
        if (BROKEN[i].without_generator) world.generator = NULL;
        yaml *document;
        forgery *g;
        assert_int_equal(yaml_parse(BROKEN[i].list, "test", &document), FOIL_OK);
        if (forgery_open(yaml_root(document), &world, &g) == FOIL_OK) fail_msg("accepted %s", BROKEN[i].list);
        if (!strstr(foil_error(), BROKEN[i].expected)) fail_msg("'%s' does not say '%s'", foil_error(), BROKEN[i].expected);
        assert_null(g);
        yaml_free(document);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_shares), TEST(test_rounded_shares), TEST(test_dataset_draws_training_fakes), TEST(test_generator_follows_its_weights),
        TEST(test_replay), TEST(test_broken_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
