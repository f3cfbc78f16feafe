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

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void test_places_are_a_permutation(void **state) {
    (void)state;
    static const uint64_t LARGER[] = {1000, 1024, 1025, 4095, 65536, 65537, 300007};
    for (uint64_t i = 1; i <= 307; i++) {
        uint64_t n = i <= 300 ? i : LARGER[i - 301];
        uint64_t *at = malloc(n * sizeof *at);
        assert_non_null(at);
        for (uint64_t step = 0; step < 3; step++) {
            uint64_t kept = 0;
            for (uint64_t p = 0; p < n; p++) {
                at[p] = philox_place((philox_key){5, STREAM_SHUFFLE, step}, p, n);
                kept += at[p] == p;
            }
            if (n > 100) assert_true(kept < 10);
            qsort(at, n, sizeof *at, by_value);
            for (uint64_t p = 0; p < n; p++) assert_int_equal(at[p], p);
        }
        free(at);
    }
}

// Every place goes everywhere equally often, and where the first goes says little of where the second does.
static void test_places_are_even(void **state) {
    (void)state;
    enum { DRAWS = 20000 };
    for (uint64_t n = 2; n <= 7; n++) {
        int to[7][7] = {{0}}, pair[7][7] = {{0}};
        for (uint64_t step = 0; step < DRAWS; step++) {
            uint64_t at[7];
            for (uint64_t p = 0; p < n; p++) to[p][at[p] = philox_place((philox_key){1, STREAM_SHUFFLE, step}, p, n)]++;
            pair[at[0]][at[n - 1]]++;
        }
        for (uint64_t a = 0; a < n; a++)
            for (uint64_t b = 0; b < n; b++) {
                assert_true(fabs(to[a][b] - (double)DRAWS / (double)n) < 5 * sqrt(DRAWS / (double)n));
                if (a != b) assert_true(fabs(pair[a][b] - DRAWS / (double)(n * (n - 1))) < 5 * sqrt(DRAWS / (double)(n * (n - 1))));
            }
    }
}

static void test_places_of_many(void **state) {
    (void)state;
    static const uint64_t SIZES[] = {100000000, 300000000, (uint64_t)1 << 32, ((uint64_t)1 << 32) + 1, ((uint64_t)1 << 62) - 1};
    enum { DRAWN = 20000 };
    static uint64_t at[DRAWN];
    for (size_t k = 0; k < sizeof SIZES / sizeof *SIZES; k++) {
        uint64_t n = SIZES[k], low = 0, rising = 0;
        for (uint64_t p = 0; p < DRAWN; p++) {
            at[p] = philox_place((philox_key){3, STREAM_SHUFFLE, 1}, n - 1 - p, n);
            assert_true(at[p] < n);
            low += at[p] < n / 2;
            rising += p > 0 && at[p] > at[p - 1];
        }
        assert_true(low > DRAWN / 2 - 400 && low < DRAWN / 2 + 400);
        assert_true(rising > DRAWN / 2 - 400 && rising < DRAWN / 2 + 400);
        qsort(at, DRAWN, sizeof *at, by_value);
        for (int p = 1; p < DRAWN; p++) assert_true(at[p] > at[p - 1]);
    }
}

static void many_below_are_those_one_by_one(void **state) {
    (void)state;
    static uint32_t out[700];
    const philox_key k = {.seed = 9, .stream = STREAM_BOOTSTRAP, .step = 0x100000002u};
    const uint64_t firsts[] = {0, 3, 0x3fffffff5u}; // the last passes where a counter's word overflows
    for (int f = 0; f < 3; f++) {
        philox_fill_below(k, firsts[f], 1000003, out, 700);
        for (uint64_t i = 0; i < 700; i++) assert_int_equal(out[i], philox_below(k, firsts[f] + i, 1000003));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(elements_do_not_depend_on_the_range),
        cmocka_unit_test(every_part_of_the_key_counts),
        cmocka_unit_test(moments),
        cmocka_unit_test(permutations),
        cmocka_unit_test(integers_below),
        cmocka_unit_test(many_below_are_those_one_by_one),
        cmocka_unit_test(test_places_are_a_permutation),
        cmocka_unit_test(test_places_are_even),
        cmocka_unit_test(test_places_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
