// A generator at work: a picture depends on its number alone.
#include "gan/sampler.h"

#include <stdlib.h>
#include <string.h>

#include "nn/store.h"
#include "tests/cmocka.h"

// 4 MB of activations for each picture: a batch is run in parts.
static const char NETWORK[] = "input: {latent: 4}\n"
                              "layers: [{linear: {out: 64}}, {reshape: [1, 8, 8]}, {upsample: {scale: 32}}, {conv: {out: 16, kernel: 3, pad: 1}},\n"
                              "         relu, {conv: {out: 1, kernel: 3, pad: 1}}, tanh]\n";
enum { BATCH = 10, PICTURE = 256 * 256, FIRST = 4, SOME = 5 };

static void check_ok(foil_status status) {
    if (status != FOIL_OK) fail_msg("%s", foil_error());
}

static void test_pictures_depend_on_their_number(void **state) {
    (void)state;
    net *n;
    store *s = store_new();
    sampler *together, *one;
    check_ok(net_parse(NETWORK, "network", 1, &n));
    assert_non_null(s);
    check_ok(net_declare(n, s));
    check_ok(store_allocate(s));
    store_initialize(s, 3);
    check_ok(sampler_new(n, s, BATCH, F32, NULL, &together));
    check_ok(sampler_new(n, s, 1, F32, NULL, &one));
    const philox_key k = {.seed = 9, .stream = STREAM_SAMPLES};
    uint8_t *all = malloc((size_t)(BATCH + 1) * PICTURE), *some = malloc((size_t)SOME * PICTURE);
    assert_non_null(all);
    assert_non_null(some);
    sampler_run(together, k, 0, BATCH + 1, all); // more than a batch at once
    assert_memory_not_equal(all, all + PICTURE, PICTURE);
    sampler_run(together, k, FIRST, SOME, some);
    assert_memory_equal(some, all + (size_t)FIRST * PICTURE, (size_t)SOME * PICTURE);
    sampler_run(one, k, FIRST, SOME, some);
    assert_memory_equal(some, all + (size_t)FIRST * PICTURE, (size_t)SOME * PICTURE);
    free(all);
    free(some);
    sampler_free(together);
    sampler_free(one);
    store_free(s);
    net_free(n);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pictures_depend_on_their_number)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
