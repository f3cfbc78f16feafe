// A training step allocates nothing from the second one on: convolutions, batch norm, spectral norm, penalties, the detect head and the optimizers included.
// And the norms that it reports are those of the gradients, though fast convolutions sum up their part of them; and all state of the discriminator advances.
//
// The linker gives our objects' calls of the allocator to the counters below (tests/CMakeLists.txt); what oneDNN does inside is its own affair.
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void norm_is_of_gradient(const player *p, double norm) {
    const float *g = optimizer_gradient(p->optimizer);
    double sum = 0;
    for (size_t i = 0; i < p->store->value_count; i++) sum += (double)g[i] * (double)g[i];
    if (!(fabs(norm - sqrt(sum)) <= 1e-6 * sqrt(sum))) fail_msg("the norm is %.9g, not %.9g", norm, sqrt(sum));
}

// Adam goes through the gradient, and twice through values and both moments; and once more through those gradients that nobody summed up.
static bool sums_were_used(const player *p) {
    return optimizer_traffic(p->optimizer) < 8 * p->store->value_count * sizeof(float);
}

// Running statistics and vectors of the spectral norm: with a detect pass, the game head's have only the game to advance them.
static void state_advances(const store *s, const store *initial, bool detects) {
    for (int i = 0; i < s->n; i++) {
        const store_tensor *t = &s->tensor[i];
        const size_t n = (size_t)shape_count(t->shape);
        if (t->trainable || n == 1 || (!detects && strncmp(t->name, "heads.detect.", 13) == 0)) continue;
        if (memcmp(store_data(s, i), store_data(initial, i), n * sizeof(float)) == 0) fail_msg("%s stays as it was", t->name);
    }
}

static void steps_allocate_nothing(const char *name, const char *setting, bool detects) {
    config c;
    char path[1024];
    player g = {0}, d = {0};
    game *play;
    game_report r;
    snprintf(path, sizeof path, "%s/configs/train/%s.yaml", SOURCE_DIR, name);
    ok(config_read(path, (const char *const[]){"run.batch=4", setting}, setting ? 2 : 1, &c));
    net *generator = open_player(c.generator, &c.generator_optimizer, &g),
        *discriminator = open_player(c.discriminator, &c.discriminator_optimizer, &d);
    workspace *w = workspace_new();
    store *initial = store_clone(d.store);
    assert_true(w && initial);
    ok(game_new(&c, g, d, detects, w, &play));
    static uint8_t pixels[4 * 64 * 64 * 3];
    const float labels[] = {0, 1, 0, 1};
    const game_batch batch = {pixels, detects ? pixels : NULL, detects ? labels : NULL};
    int first = 0;
    for (uint64_t step = 0; step < 3; step++) {
        int before = allocations;
        game_step_discriminator(play, step, 3, &batch, &r);
        norm_is_of_gradient(&d, r.norm_d);
        game_step_generator(play, step, 3, &r);
        norm_is_of_gradient(&g, r.norm_g);
        assert_true(step > 0 || (r.norm_d > 0 && r.norm_g > 0)); // hinge losses may be 0 later
        if (step > 0) assert_int_equal(allocations - before, 0);
        first = step == 0 ? before : first;
    }
    assert_true(first > 100); // the counters count
    assert_true(sums_were_used(&g));
    state_advances(d.store, initial, detects);
    game_free(play);
    workspace_free(w);
    optimizer_free(g.optimizer), optimizer_free(d.optimizer);
    store_free(g.store), store_free(d.store), store_free(initial);
    net_free(generator), net_free(discriminator);
    config_free(&c);
}

static void test_batch_norm_and_the_detect_head(void **state) {
    (void)state;
    steps_allocate_nothing("dcgan64", NULL, true);
}

static void test_spectral_norm(void **state) {
    (void)state;
    steps_allocate_nothing("sngan32", NULL, true);
}

static void test_second_order(void **state) {
    (void)state;
    steps_allocate_nothing("r1_32", NULL, false);
    steps_allocate_nothing("r1_32", "game.penalty.r1.every=2", false); // two plans in turns
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_batch_norm_and_the_detect_head), cmocka_unit_test(test_spectral_norm),
                                       cmocka_unit_test(test_second_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
