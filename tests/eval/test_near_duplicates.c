// Copies across splits are counted, each once; copies within a split, and other pictures, are not.
#include "eval/near_duplicates.h"
#include "tests/data/pictures.h"

enum { N = 60, SIDE = 32 };

// `copies`: the last of these are JPEG copies of the first ones.
static near_duplicates found(int copies, const set_split split[N]) {
    set_writer *w;
    OK(set_create("near.h5", &(set_description){SIDE, SIDE, 3, FIT_CROP, RESIZE_LANCZOS, 1, N, "", ""}, &w));
    for (int i = 0; i < N; i++) {
        image im = {0}, noise = picture(8, 8, 3, (uint64_t)(i < N - copies ? i : i - (N - copies)) + 500), coded;
        for (size_t k = 0; k < image_bytes(&noise); k++) noise.pixels[k] = (uint8_t)philox_below((philox_key){noise.pixels[k], 96, 0}, k, 256);
        OK(image_fitted(&noise, SIDE, SIDE, 3, FIT_RESIZE, RESIZE_BICUBIC, &im));
        if (i >= N - copies) {
            uint8_t *bytes;
            size_t n;
            OK(image_encode_jpeg(&im, 85, &bytes, &n));
            OK(image_decode(bytes, n, "p", &coded));
            free(bytes);
            image_free(&im);
            im = coded;
        }
        OK(set_add(w, &im, i % 2, "m", "", -1, split[i], "x", (unsigned char[32]){0}));
        image_free(&im);
        image_free(&noise);
    }
    OK(set_commit(w));
    set *s;
    near_duplicates d;
    OK(set_open("near.h5", &s));
    OK(near_duplicates_find(s, &d));
    set_close(s);
    return d;
}

static void test_copies_across_splits(void **state) {
    (void)state;
    set_split split[N];
    for (int i = 0; i < N; i++) split[i] = i < 40 ? SPLIT_TRAIN : i < 50 ? SPLIT_VAL : SPLIT_TEST;
    near_duplicates d = found(12, split); // 48, 49: val; 50 … 59: test; their first forms: train
    assert_int_equal(d.looked, N);
    assert_int_equal(d.of_val, 10);
    assert_int_equal(d.of_test, 10);
    assert_int_equal(d.val, 2);
    assert_int_equal(d.test, 10);
    assert_int_equal(d.shown, NEAR_SHOWN);
    for (int k = 0; k < NEAR_SHOWN; k++) {
        assert_int_equal(d.example[k][0], 48 + k);
        assert_int_equal(d.example[k][1], k);
    }
    d = found(0, split);
    assert_int_equal(d.val + d.test, 0);
    assert_int_equal(d.shown, 0);
}

static void test_copies_within_a_split(void **state) {
    (void)state;
    set_split split[N];
    for (int i = 0; i < N; i++) split[i] = i % 12 < 8 ? SPLIT_TRAIN : i % 12 < 10 ? SPLIT_VAL : SPLIT_TEST;
    near_duplicates d = found(12, split); // 48 places apart: of one split
    assert_int_equal(d.val + d.test, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_copies_across_splits), cmocka_unit_test(test_copies_within_a_split)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
