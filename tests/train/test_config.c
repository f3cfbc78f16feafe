// Training files: what is read, what is written out, and what is refused with which words.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/cmocka.h"
#include "train/config.h"

static char folder[] = "/tmp/foil-config-XXXXXX";
static char path[64];

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/run.yaml", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(const char *document) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(document, f);
    fclose(f);
}

static const char GOOD[] = "run: {steps: 100}\n"
                           "data: {set: sub/set.h5}\n"
                           "generator: g.yaml\n"
                           "discriminator: /nets/d.yaml\n"
                           "game: {loss: hinge, penalty: {r1: {weight: 2, every: 16}}}\n"
                           "optimizer: {adam: {lr: 2e-4, beta1: 0.5}}\n"
                           "forgers: [{generator: {share: 1}}]\n";

static void read_good(const char *const *overrides, int n, config *c) {
    write_file(GOOD);
    if (config_read(path, overrides, n, c) != FOIL_OK) fail_msg("%s", foil_error());
}

static void test_values_and_defaults(void **state) {
    (void)state;
    config c;
    char expected[128];
    read_good(NULL, 0, &c);
    assert_int_equal(c.run.steps, 100);
    assert_int_equal(c.run.batch, 64);
    assert_int_equal(c.game.loss, LOSS_HINGE);
    assert_true(c.game.r1_weight == 2 && c.game.r1_every == 16 && c.game.gradient_weight == 0);
    assert_true(c.game.ema_decay == 0.999);
    assert_true(c.generator_optimizer.lr == 2e-4 && c.generator_optimizer.beta1 == 0.5 && c.generator_optimizer.beta2 == 0.999);
    assert_true(c.discriminator_optimizer.lr == 2e-4);
    assert_int_equal(c.evaluate.split, SPLIT_VAL);
    snprintf(expected, sizeof expected, "%s/sub/set.h5", folder); // relative to the file
    assert_string_equal(c.data.set, expected);
    assert_string_equal(c.discriminator, "/nets/d.yaml");
    assert_non_null(c.forgers);
    config_free(&c);
}

static void test_overrides(void **state) {
    (void)state;
    config c;
    char expected[4200], *here = getcwd(NULL, 0);
    const char *const overrides[] = {"run.steps=5", "optimizer.adam.lr=1e-3", "data.set=other.h5", "game.ema.decay=0",
                                     "discriminator_optimizer={sgd: {lr: 0.5}}"};
    read_good(overrides, 5, &c);
    assert_int_equal(c.run.steps, 5);
    assert_true(c.generator_optimizer.lr == 1e-3);
    assert_true(c.game.ema_decay == 0);
    assert_int_equal(c.discriminator_optimizer.kind, OPTIMIZER_SGD);
    assert_true(c.discriminator_optimizer.lr == 0.5);
    assert_non_null(here);
    snprintf(expected, sizeof expected, "%s/other.h5", here); // relative to the current directory
    assert_string_equal(c.data.set, expected);
    free(here);
    config_free(&c);
}

// A value where a section was expected is its first key's; all others have their defaults, and paths are beside the file.
static void test_sections_of_one_value(void **state) {
    (void)state;
    config c;
    char *document;
    write_file("run: {steps: 1}\ndata: /sets/a.h5\ngenerator: g.yaml\ndiscriminator: d.yaml\ngame: hinge\noptimizer: {adam: 2e-4}\n");
    const char *const more[] = {"game.d_steps=2", "data=/sets/b.h5", "game.ema=0.5"};
    for (int n = 0; n <= 3; n += 3) {
        if (config_read(path, more, n, &c) != FOIL_OK) fail_msg("%s", foil_error());
        assert_int_equal(c.game.loss, 1);
        assert_int_equal(c.game.d_steps, n ? 2 : 1);
        assert_true(c.game.ema_decay == (n ? 0.5 : 0.999));
        assert_int_equal(c.game.ema_start, 500);
        assert_string_equal(c.data.set, n ? "/sets/b.h5" : "/sets/a.h5");
        assert_int_equal(config_emit(&c, &document), FOIL_OK);
        if (!strstr(document, n ? "ema: {decay: 0.5, start: 500}" : "{loss: hinge, d_steps: 1") || !strstr(document, "{lr: 2e-4, beta1"))
            fail_msg("not in full:\n%s", document);
        free(document);
        config_free(&c);
    }
}

// What the run folder keeps says everything, and reading it gives the same again.
static void test_resolved_file(void **state) {
    (void)state;
    config c, again;
    char *document, *second;
    read_good(NULL, 0, &c);
    assert_int_equal(config_emit(&c, &document), FOIL_OK);
    const char *const told[] = {"beta2: 0.999", "precision: f32", "d_steps: 1", "samples: 500", "metric: auc", "schedule: constant"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        if (!strstr(document, told[i])) fail_msg("'%s' is not in:\n%s", told[i], document);
    }
    write_file(document);
    assert_int_equal(config_read(path, NULL, 0, &again), FOIL_OK);
    assert_int_equal(config_emit(&again, &second), FOIL_OK);
    assert_string_equal(document, second);
    assert_int_equal(config_same(&c, &again), FOIL_OK);
    free(document);
    free(second);
    config_free(&again);
    config_free(&c);
}

// A shipped detector tells no folder of the machine that it was trained on.
static void test_portable_file(void **state) {
    (void)state;
    config c;
    char *document;
    read_good((const char *const[]){"data.set=/home/someone/it's.h5"}, 1, &c);
    assert_int_equal(config_emit_portable(&c, &document), FOIL_OK);
    if (strstr(document, "/")) fail_msg("a folder in:\n%s", document);
    assert_non_null(strstr(document, "it's.h5"));
    free(document);
    config_free(&c);
}

static void assert_differs(const char *override, const char *expected) {
    config c, other;
    read_good(NULL, 0, &c);
    read_good(&override, 1, &other);
    assert_int_equal(config_same(&other, &c), FOIL_INVALID);
    if (!strstr(foil_error(), expected)) fail_msg("'%s' does not say '%s'", foil_error(), expected);
    config_free(&other);
    config_free(&c);
}

static void test_differences(void **state) {
    (void)state;
    config c, longer;
    const char *more = "run.steps=200";
    read_good(NULL, 0, &c);
    read_good(&more, 1, &longer);
    assert_int_equal(config_same(&longer, &c), FOIL_OK);
    config_free(&longer);
    config_free(&c);
    assert_differs("optimizer.adam.lr=1e-3", "optimizer.adam.lr is '1e-3', but the run began with '2e-4'");
    assert_differs("game.penalty.gradient.weight=0", "game.penalty.gradient");
    assert_differs("forgers=[{replay: {share: 1}}]", "forgers[0]");
}

// Items of a list that the file leaves to its default.
static void test_overrides_in_default_lists(void **state) {
    (void)state;
    config c;
    read_good((const char *const[]){"data.augment.0=colour", "evaluate.fpr.1=0.05", "data.fit=resize"}, 3, &c);
    assert_string_equal(yaml_text(yaml_item(c.data.augment, 0)), "colour");
    assert_int_equal(c.evaluate.fpr.n, 3);
    assert_true(c.evaluate.fpr.at[0] == 0.1 && c.evaluate.fpr.at[1] == 0.05);
    config_free(&c);
    const char *const empty = "data.augment.0=";
    write_file(GOOD);
    assert_int_equal(config_read(path, &empty, 1, &c), FOIL_INVALID);
    assert_string_equal(foil_error(), "data.augment.0=: expected a transform: its name, or one name with its settings");
}

static void test_supervised(void **state) {
    (void)state;
    config c;
    write_file("run: {steps: 1}\ndata: {set: a.h5}\ndiscriminator: d.yaml\noptimizer: {sgd: {}}\n");
    if (config_read(path, NULL, 0, &c) != FOIL_OK) fail_msg("%s", foil_error());
    assert_null(c.generator);
    assert_non_null(c.forgers);
    assert_string_equal(yaml_text(yaml_item(c.forgers, 0)), "dataset");
    config_free(&c);
}

static const struct {
    const char *document, *expected;
} BROKEN[] = {
    {"", "run"},
    {"run: {steps: 1}\ndata: {set: a.h5}\ndiscriminator: d.yaml\noptimiser: {adam: {}}\n",
     "run.yaml:4:1: unknown key 'optimiser' in a training file (did you mean 'optimizer'?)"},
    {"run: {steps: 1}\ndata: {set: a.h5}\noptimizer: {adam: {}}\n", "discriminator"},
    {"run: {step: 1}\ndata: {set: a.h5}\ndiscriminator: d.yaml\noptimizer: {adam: {}}\n", "did you mean 'steps'?"},
    {"run: {steps: many}\ndata: {set: a.h5}\ndiscriminator: d.yaml\noptimizer: {adam: {}}\n", "steps"},
    {"run: {steps: -1}\ndata: {set: a.h5}\ndiscriminator: d.yaml\noptimizer: {adam: {}}\n", "steps"},
    {"run: {steps: 1}\ndata: {set: a.h5}\ndiscriminator: d.yaml\noptimizer: {adam: {}}\ngame: {loss: hing}\n", "hinge"},
    {"run: {steps: 1}\ndata: {set: a.h5}\ndiscriminator: d.yaml\noptimizer: {adam: {}}\ngame: 3\n", "run.yaml:5"},
    {"run: {steps: 1}\ndata: {set: a.h5}\ndiscriminator: d.yaml\noptimizer: {adam: {}}\nevaluate: {split: test}\n", "split"},
    {"run: {steps: 1}\ndata: {set: a.h5}\ndiscriminator: d.yaml\noptimizer: {adam: {}}\ngame: {penalty: {r2: {}}}\n", "r2"},
    {"run: {steps: 1}\ndata: {set: a.h5}\ndiscriminator: d.yaml\noptimizer: {adam: {}}\ngame: {penalty: {r1: {}}}\n", "no"},
    {"run: {steps: 1}\ndata: {set: a.h5}\ngenerator: g.yaml\ndiscriminator: d.yaml\noptimizer: {adam: {}}\ngame: {penalty: {r1: {}, gradient: {}}}\n",
     "expected one penalty"},
    {"run: {steps: 1}\ndata: {set: a.h5}\ngenerator: g.yaml\ndiscriminator: d.yaml\noptimizer: {adam: {}}\ngame: {penalty: r1}\n",
     "run.yaml:6:17: expected one penalty with its keys"},
    {"run: {steps: 1}\nrun: {steps: 2}\n", "run"},
    {"- a\n- b\n", "run.yaml:1:1"},
    {"run: {steps: 1\n", "run.yaml"},
};

static void test_broken_files(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof BROKEN / sizeof *BROKEN; i++) {
        config c;
        write_file(BROKEN[i].document);
        if (config_read(path, NULL, 0, &c) == FOIL_OK) fail_msg("accepted:\n%s", BROKEN[i].document);
        if (!strstr(foil_error(), BROKEN[i].expected)) fail_msg("'%s' does not say '%s'", foil_error(), BROKEN[i].expected);
        assert_null(c.document);
    }
}

static void test_broken_overrides(void **state) {
    (void)state;
    config c;
    static const char *const OVERRIDES[] = {"run.steps", "=5", "run.stepz=5", "run.steps=x", "optimizer.adam.lrr=1"};
    write_file(GOOD);
    for (size_t i = 0; i < sizeof OVERRIDES / sizeof *OVERRIDES; i++) assert_int_equal(config_read(path, &OVERRIDES[i], 1, &c), FOIL_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_defaults),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_sections_of_one_value),
        cmocka_unit_test(test_resolved_file),
        cmocka_unit_test(test_portable_file),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_overrides_in_default_lists),
        cmocka_unit_test(test_supervised),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_broken_overrides),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
