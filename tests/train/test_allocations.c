// A training step allocates nothing from the second one on: convolutions, batch norm, spectral norm, penalties, the detect head and the optimizers included.
//
// The linker gives our objects' calls of the allocator to the counters below (tests/CMakeLists.txt); what oneDNN does inside is its own affair.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/cmocka.h"
#include "train/game.h"

static atomic_int allocations;

#define COUNTED(type, name, parameters, arguments)                                                                                                   \
    type __real_##name parameters;                                                                                                                   \
    type __wrap_##name parameters;                                                                                                                   \
    type __wrap_##name parameters {                                                                                                                  \
        allocations++;                                                                                                                               \
        return __real_##name arguments;                                                                                                              \
    }
COUNTED(void *, malloc, (size_t bytes), (bytes))
COUNTED(void *, calloc, (size_t n, size_t bytes), (n, bytes))
COUNTED(void *, realloc, (void *p, size_t bytes), (p, bytes))
COUNTED(int, posix_memalign, (void **p, size_t align, size_t bytes), (p, align, bytes))
COUNTED(void *, aligned_alloc, (size_t align, size_t bytes), (align, bytes))

static void ok(foil_status s) {
    if (s != FOIL_OK) fail_msg("%s", foil_error());
}

static net *open_player(const char *path, const optimizer_options *o, player *p) {
    net *n;
    ok(net_read(path, 0, &n));
    p->net = n;
    assert_non_null(p->store = store_new());
    ok(net_declare(n, p->store));
    ok(store_allocate(p->store));
    store_initialize(p->store, 1);
    ok(optimizer_new(o, p->store, &p->optimizer));
    return n;
}

static void steps_allocate_nothing(const char *name, bool detects) {
    config c;
    char path[1024];
    player g = {0}, d = {0};
    game *play;
    game_report r;
    snprintf(path, sizeof path, "%s/configs/train/%s.yaml", SOURCE_DIR, name);
    ok(config_read(path, (const char *const[]){"run.batch=4"}, 1, &c));
    net *generator = open_player(c.generator, &c.generator_optimizer, &g),
        *discriminator = open_player(c.discriminator, &c.discriminator_optimizer, &d);
    workspace *w = workspace_new();
    assert_non_null(w);
    ok(game_new(&c, g, d, detects, w, &play));
    static uint8_t pixels[4 * 64 * 64 * 3];
    const float labels[] = {0, 1, 0, 1};
    const game_batch batch = {pixels, detects ? pixels : NULL, detects ? labels : NULL};
    int first = 0;
    for (uint64_t step = 0; step < 3; step++) {
        int before = allocations;
        game_step_discriminator(play, step, 3, &batch, &r);
        game_step_generator(play, step, 3, &r);
        if (step > 0) assert_int_equal(allocations - before, 0);
        first = step == 0 ? before : first;
    }
    assert_true(first > 100); // the counters count
    game_free(play);
    workspace_free(w);
    optimizer_free(g.optimizer), optimizer_free(d.optimizer);
    store_free(g.store), store_free(d.store);
    net_free(generator), net_free(discriminator);
    config_free(&c);
}

static void test_batch_norm_and_the_detect_head(void **state) {
    (void)state;
    steps_allocate_nothing("dcgan64", true);
}

static void test_spectral_norm(void **state) {
    (void)state;
    steps_allocate_nothing("sngan32", false);
}

static void test_second_order(void **state) {
    (void)state;
    steps_allocate_nothing("r1_32", false);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_batch_norm_and_the_detect_head), cmocka_unit_test(test_spectral_norm),
                                       cmocka_unit_test(test_second_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
