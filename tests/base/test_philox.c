#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "tests/cmocka.h"

// Random123's kat_vectors, philox4x32 10.
static void published_vectors(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        philox4x32(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

static void elements_do_not_depend_on_the_range(void **state) {
    (void)state;
    const philox_key k = {.seed = 7, .stream = STREAM_LATENT, .step = 3};
    float whole[101], part[101];
    philox_fill_normal(k, 0, whole, 101);
    for (size_t first = 0; first < 9; first++) {
        philox_fill_normal(k, first, part, 101 - first);
        assert_memory_equal(part, whole + first, (101 - first) * sizeof *part);
    }
    philox_fill_uniform(k, 0, whole, 101);
    for (size_t i = 0; i < 101; i++) assert_true(whole[i] == philox_uniform(k, i));
}

static void every_part_of_the_key_counts(void **state) {
    (void)state;
    const philox_key k = {.seed = 7, .stream = STREAM_LATENT, .step = 3};
    philox_key others[] = {k, k, k, k, k};
    others[0].seed ^= (uint64_t)1 << 63;
    others[1].stream++;
    others[2].step++;
    others[3].step ^= (uint64_t)1 << 40;
    others[4].stream |= 1u << 20;
    uint32_t a[4], b[4];
    philox_block(k, 5, a);
    for (size_t i = 0; i < 5; i++) {
        philox_block(others[i], 5, b);
        assert_memory_not_equal(a, b, sizeof a);
    }
    philox_block(k, 5 + ((uint64_t)1 << 40), b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void moments(void **state) {
    (void)state;
    enum { N = 1 << 18 };
    float *x = malloc(N * sizeof *x);
    assert_non_null(x);
    const philox_key k = {.seed = 1, .stream = STREAM_GRAPH};
    double sum = 0, square = 0, fourth = 0;
    philox_fill_normal(k, 0, x, N);
    for (int i = 0; i < N; i++) {
        double v = (double)x[i];
        assert_true(isfinite(v));
        sum += v, square += v * v, fourth += v * v * v * v;
    }
    assert_true(fabs(sum / N) < 0.01); // five standard errors each
    assert_true(fabs(square / N - 1) < 0.014);
    assert_true(fabs(fourth / N - 3) < 0.1);
    sum = 0;
    philox_fill_uniform(k, 0, x, N);
    for (int i = 0; i < N; i++) {
        assert_true(x[i] >= 0 && x[i] < 1);
        sum += (double)x[i];
    }
    assert_true(fabs(sum / N - 0.5) < 0.003);
    free(x);
}

static void permutations(void **state) {
    (void)state;
    int64_t order[1000], again[1000];
    bool seen[1000] = {false};
    philox_permutation((philox_key){.seed = 1, .stream = STREAM_SHUFFLE}, order, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_true(order[i] >= 0 && order[i] < 1000 && !seen[order[i]]);
        seen[order[i]] = true;
    }
    philox_permutation((philox_key){.seed = 1, .stream = STREAM_SHUFFLE}, again, 1000);
    assert_memory_equal(order, again, sizeof order);
    philox_permutation((philox_key){.seed = 1, .stream = STREAM_SHUFFLE, .step = 1}, again, 1000);
    assert_memory_not_equal(order, again, sizeof order);
    philox_permutation((philox_key){0}, order, 0);

    int counts[6] = {0}; // each of the orders of three is as likely
    for (uint64_t step = 0; step < 6000; step++) {
        philox_permutation((philox_key){.seed = 1, .stream = STREAM_SHUFFLE, .step = step}, order, 3);
        counts[order[0] * 2 + (order[1] > order[2])]++;
    }
    for (int i = 0; i < 6; i++) assert_in_range(counts[i], 860, 1140);
}

static void integers_below(void **state) {
    (void)state;
    int counts[5] = {0};
    for (uint64_t i = 0; i < 5000; i++) {
        uint32_t v = philox_below((philox_key){.seed = 2}, i, 5);
        assert_true(v < 5);
        counts[v]++;
    }
    for (int i = 0; i < 5; i++) assert_in_range(counts[i], 860, 1140);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(elements_do_not_depend_on_the_range),
        cmocka_unit_test(every_part_of_the_key_counts),
        cmocka_unit_test(moments),
        cmocka_unit_test(permutations),
        cmocka_unit_test(integers_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
