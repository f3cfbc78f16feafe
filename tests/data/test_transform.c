// Transforms are pure functions of picture and key, do what they say, and their files are checked.
#include <math.h>

#include "data/transform.h"
#include "tests/data/pictures.h"

static transform *parsed(const char *yaml_list, yaml **doc) {
    transform *t;
    OK(yaml_parse(yaml_list, "t.yaml", doc));
    OK(transform_parse(yaml_root(*doc), &t));
    return t;
}

static image applied(const char *list, const image *im, uint64_t seed) {
    yaml *doc;
    transform *t = parsed(list, &doc);
    image out;
    OK(image_new(im->height, im->width, im->channels, &out));
    memcpy(out.pixels, im->pixels, image_bytes(im));
    OK(transform_apply(t, &out, (philox_key){seed, STREAM_AUGMENT, 3}));
    transform_free(t);
    yaml_free(doc);
    return out;
}

static bool same(const image *a, const image *b) {
    return image_bytes(a) == image_bytes(b) && memcmp(a->pixels, b->pixels, image_bytes(a)) == 0;
}

static void test_pure_and_of_the_same_size(void **state) {
    (void)state;
    static const char *const LISTS[] = {
        "[flip]", "[crop: 4]", "[colour]", "[jpeg: [10, 90]]", "[blur: [0.3, 2]]", "[scale]", "[flip, crop, colour, jpeg, blur, scale]"};
    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++)
        for (int channels = 1; channels <= 3; channels += 2) {
            image im = picture(20, 33, channels, 4);
            int differ = 0;
            for (uint64_t seed = 0; seed < 12; seed++) {
                image a = applied(LISTS[i], &im, seed), b = applied(LISTS[i], &im, seed);
                assert_same(&a, &b);
                assert_int_equal(a.height, 20);
                assert_int_equal(a.width, 33);
                assert_int_equal(a.channels, channels);
                differ += !same(&a, &im);
                image_free(&a);
                image_free(&b);
            }
            assert_in_range(differ, 2, 12);
            image_free(&im);
        }
}

static void test_share(void **state) {
    (void)state;
    image im = picture(6, 7, 3, 1);
    int flipped = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        image a = applied("[flip: {p: 0.25}]", &im, seed);
        flipped += !same(&a, &im);
        image_free(&a);
    }
    assert_in_range(flipped, 70, 130); // 100 expected, deviation 8.7
    image_free(&im);
}

static void test_flip_mirrors(void **state) {
    (void)state;
    image im = picture(5, 8, 3, 1), once = applied("[flip: 1]", &im, 0);
    for (int y = 0; y < 5; y++)
        for (int x = 0; x < 8; x++) assert_memory_equal(once.pixels + (y * 8 + x) * 3, im.pixels + (y * 8 + 7 - x) * 3, 3);
    image_free(&im);
    image_free(&once);
}

static void test_crop_shifts_and_mirrors(void **state) {
    (void)state;
    image im = picture(9, 9, 1, 2);
    for (uint64_t seed = 0; seed < 50; seed++) {
        image a = applied("[crop: 30]", &im, seed); // farther than the picture is wide
        for (size_t i = 0; i < image_bytes(&a); i++) assert_non_null(memchr(im.pixels, a.pixels[i], image_bytes(&im)));
        image_free(&a);
    }
    bool found[3][3] = {0};
    for (uint64_t seed = 0; seed < 100; seed++) {
        image a = applied("[crop: 1]", &im, seed);
        int fits = 0;
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                bool is = true;
                for (int y = 1; y < 8 && is; y++)
                    for (int x = 1; x < 8 && is; x++) is = a.pixels[y * 9 + x] == im.pixels[(y - dy) * 9 + x - dx];
                if (is) found[dy + 1][dx + 1] = true;
                fits += is;
            }
        assert_int_equal(fits, 1);
        image_free(&a);
    }
    for (int i = 0; i < 9; i++) assert_true(found[i / 3][i % 3]);
    image_free(&im);
}

static double roughness(const image *im) {
    double sum = 0;
    for (size_t i = (size_t)im->channels; i < image_bytes(im); i++) sum += abs(im->pixels[i] - im->pixels[i - (size_t)im->channels]);
    return sum;
}

static void test_blur_keeps_the_mean_and_loses_detail(void **state) {
    (void)state;
    image im = picture(32, 32, 3, 2), a = applied("[blur: 1.5]", &im, 0), tiny = picture(1, 2, 3, 1), b = applied("[blur: 16]", &tiny, 0);
    double before = 0, after = 0;
    for (size_t i = 0; i < image_bytes(&im); i++) before += im.pixels[i], after += a.pixels[i];
    assert_true(fabs(before - after) < 0.02 * before);
    assert_true(roughness(&a) < 0.6 * roughness(&im));
    image flat;
    OK(image_new(8, 8, 3, &flat));
    memset(flat.pixels, 77, image_bytes(&flat));
    image c = applied("[blur: 3]", &flat, 0);
    assert_same(&c, &flat);
    image_free(&im), image_free(&a), image_free(&tiny), image_free(&b), image_free(&flat), image_free(&c);
}

static void test_colour_by_hand(void **state) {
    (void)state;
    image im = picture(8, 8, 3, 2), none = applied("[colour: {brightness: 0, contrast: 0, saturation: 0}]", &im, 5);
    assert_same(&none, &im);
    image bright = applied("[colour: {brightness: 0.5, contrast: 0, saturation: 0}]", &im, 5);
    double ratio = 0;
    for (size_t i = 0; i < image_bytes(&im); i++)
        if (im.pixels[i] > 50 && bright.pixels[i] < 255) ratio = (double)bright.pixels[i] / im.pixels[i];
    assert_true(ratio > 0.49 && ratio < 1.51);
    for (size_t i = 0; i < image_bytes(&im); i++)
        if (bright.pixels[i] < 255) assert_true(fabs(bright.pixels[i] - ratio * im.pixels[i]) < 4);
    image_free(&im), image_free(&none), image_free(&bright);
}

static void refused(const char *list, const char *words) {
    yaml *doc;
    transform *t;
    OK(yaml_parse(list, "t.yaml", &doc));
    REFUSED(transform_parse(yaml_root(doc), &t), words);
    assert_null(t);
    yaml_free(doc);
}

static void test_wrong_lists(void **state) {
    (void)state;
    refused("[flop]", "t.yaml:1:2: unknown transform 'flop' (did you mean 'flip'?)");
    refused("[whirl]", "unknown transform 'whirl'; known: flip, crop");
    refused("[flip, {jpeg: {qualty: 3}}]", "unknown key 'qualty'");
    refused("[jpeg: {quality: [0, 50]}]", "quality");
    refused("[jpeg: {quality: [90, 50]}]", "quality");
    refused("[flip: {p: 1.5}]", "p");
    refused("[{flip: 1, crop: 2}]", "expected a transform");
    refused("[[flip]]", "expected a transform");
    refused("flip", "expected a list of transforms");
    transform *t;
    OK(transform_parse(NULL, &t));
    transform_free(t);
    text doc = {0};
    transform_document(&doc);
    assert_non_null(strstr(doc.data, "### `blur`"));
    assert_non_null(strstr(doc.data, "`sigma`"));
    text_free(&doc);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pure_and_of_the_same_size),
                                       cmocka_unit_test(test_share),
                                       cmocka_unit_test(test_flip_mirrors),
                                       cmocka_unit_test(test_crop_shifts_and_mirrors),
                                       cmocka_unit_test(test_blur_keeps_the_mean_and_loses_detail),
                                       cmocka_unit_test(test_colour_by_hand),
                                       cmocka_unit_test(test_wrong_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
