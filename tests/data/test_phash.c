// Copies are found, however they were coded or resized; other pictures are not.
#include <math.h>

#include "data/phash.h"
#include "data/resize.h"
#include "tests/data/pictures.h"

// A few soft waves, different for each seed.
static image scene(int height, int width, uint64_t seed) {
    image im;
    OK(image_new(height, width, 3, &im));
    philox_key k = {seed, 98, 0};
    for (size_t i = 0; i < image_bytes(&im); i++) {
        size_t row = i / (size_t)(3 * width), column = i / 3 % (size_t)width;
        double y = (double)row / height, x = (double)column / width, v = 128;
        for (uint64_t wave = 0; wave < 6; wave++)
            v += 20 * cos(6.28 * ((double)philox_uniform(k, 3 * wave) * 5 * x + (double)philox_uniform(k, 3 * wave + 1) * 5 * y +
                                  (double)philox_uniform(k, 3 * wave + 2)));
        im.pixels[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    return im;
}

static void test_copies_are_alike(void **state) {
    (void)state;
    int other = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        image im = scene(64, 80, seed), next = scene(64, 80, seed + 1000), coded, large;
        uint8_t *bytes;
        size_t n;
        OK(image_encode_jpeg(&im, 60, &bytes, &n));
        OK(image_decode(bytes, n, "p", &coded));
        OK(image_resize(&im, 128, 160, RESIZE_LANCZOS, &large));
        phash a, b, c, d;
        phash_of(&im, &a), phash_of(&coded, &b), phash_of(&large, &c), phash_of(&next, &d);
        assert_true(phash_alike(&a, &a));
        assert_true(phash_alike(&a, &b));
        assert_true(phash_alike(&a, &c));
        other += phash_alike(&a, &d);
        free(bytes);
        image_free(&im), image_free(&next), image_free(&coded), image_free(&large);
    }
    assert_int_equal(other, 0);
}

static void test_any_size_and_flat_pictures(void **state) {
    (void)state;
    for (int side = 1; side < 40; side += 3) {
        image flat;
        OK(image_new(side, 41 - side, side % 2 ? 1 : 3, &flat));
        phash a;
        phash_of(&flat, &a);
        assert_false(phash_alike(&a, &a));
        image_free(&flat);
    }
}

enum { N = 3000 };
static uint8_t found[N][N / 8 + 1];

static void on_pair(int64_t i, int64_t j, void *context) {
    assert_true(i < j);
    phash *h = context;
    assert_true(phash_alike(&h[i], &h[j]));
    found[i][j / 8] |= (uint8_t)(1 << j % 8);
}

// As comparing all with all.
static void test_no_pair_is_missed(void **state) {
    (void)state;
    phash *h = calloc(N, sizeof *h);
    assert_non_null(h);
    philox_key k = {3, 97, 0};
    for (size_t i = 0; i < N; i++) { // families of five, some bits apart
        h[i].bits = (uint64_t)philox_below(k, i / 5, UINT32_MAX) << 32 | philox_below(k, N + i / 5, UINT32_MAX);
        for (uint64_t flip = 0; flip < i % 5; flip++) h[i].bits ^= (uint64_t)1 << philox_below(k, 2 * N + 8 * i + flip, 64);
        for (size_t p = 0; p < sizeof h[i].thumb; p++) h[i].thumb[p] = (uint8_t)(p * 37);
    }
    OK(phash_pairs(h, N, on_pair, h));
    int pairs = 0;
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++) {
            bool is = phash_alike(&h[i], &h[j]);
            assert_int_equal(found[i][j / 8] >> j % 8 & 1, is);
            pairs += is;
        }
    assert_true(pairs > N / 2);
    free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_copies_are_alike), cmocka_unit_test(test_any_size_and_flat_pictures),
                                       cmocka_unit_test(test_no_pair_is_missed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
