// Perturbations do what they say, more at each strength, the same wherever and whenever. perturbations.png shows them; of the picture
// that FOIL_PICTURE names, if any.
#include <math.h>

#include "data/edit.h"
#include "eval/perturb.h"
#include "tests/data/pictures.h"

static const perturbation *named(const char *name) {
    perturbation_list list;
    OK(perturbation_parse(name, &list));
    assert_int_equal(list.n, 1);
    return list.of[0];
}

static image perturbed(const perturbation *p, int strength, int64_t number, const image *im) {
    image out;
    OK(perturb(p, p->strength[strength], 1, number, im, &out));
    return out;
}

static image flat(int height, int width, int channels, int value) {
    image im;
    OK(image_new(height, width, channels, &im));
    memset(im.pixels, value, image_bytes(&im));
    return im;
}

// Waves, edges and a slope: what a photograph has, but no noise.
static image scene(int height, int width) {
    image im = flat(height, width, 3, 0);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                double wave = 50 * sin(x / (4. + c) + y / 9.), edge = 40 * ((x / 37 + y / 29) % 2), slope = 60. * y / height;
                im.pixels[(y * width + x) * 3 + c] = (uint8_t)lrint(80 + wave + edge + slope);
            }
    return im;
}

static double distance(const image *a, const image *b) { // root of the mean square
    double sum = 0;
    assert_int_equal(image_bytes(a), image_bytes(b));
    for (size_t i = 0; i < image_bytes(a); i++) sum += (a->pixels[i] - b->pixels[i]) * (a->pixels[i] - b->pixels[i]);
    return sqrt(sum / (double)image_bytes(a));
}

static double mean(const image *im) {
    double sum = 0;
    for (size_t i = 0; i < image_bytes(im); i++) sum += im->pixels[i];
    return sum / (double)image_bytes(im);
}

static void test_any_size_and_pure(void **state) {
    (void)state;
    static const int SIZES[][2] = {{1, 1}, {2, 40}, {33, 5}, {40, 56}};
    for (int p = 0; p < PERTURBATION_COUNT; p++)
        for (int k = 0; k < STRENGTHS; k++)
            for (int s = 0; s < 4; s++)
                for (int channels = 1; channels <= 3; channels += 2) {
                    image im = picture(SIZES[s][0], SIZES[s][1], channels, 5), before;
                    OK(image_copy(&im, &before));
                    image a = perturbed(&PERTURBATIONS[p], k, 7, &im), b = perturbed(&PERTURBATIONS[p], k, 7, &im);
                    assert_same(&im, &before);
                    assert_same(&a, &b);
                    assert_int_equal(a.channels, channels);
                    assert_in_range(a.height, 1, im.height);
                    assert_in_range(a.width, 1, im.width);
                    if (s == 3 && (a.height != im.height || distance(&a, &im) == 0)) assert_true(a.height < im.height); // it did something
                    image_free(&a), image_free(&b), image_free(&im), image_free(&before);
                }
}

// How far from the original, brought to its size: more at each strength.
static void test_from_mild_to_severe(void **state) {
    (void)state;
    image im = scene(120, 144);
    for (int p = 0; p < PERTURBATION_COUNT; p++) {
        double last = 0;
        for (int k = 0; k < STRENGTHS; k++) {
            double far = 0;
            for (int64_t number = 0; number < 8; number++) { // by the toss of a coin, at a random place
                image a = perturbed(&PERTURBATIONS[p], k, number, &im), back;
                OK(image_resize(&a, im.height, im.width, RESIZE_BICUBIC, &back));
                far += distance(&back, &im) / 8;
                image_free(&a), image_free(&back);
            }
            if (far <= last) fail_msg("%s %g: %g, the strength before %g", PERTURBATIONS[p].name, PERTURBATIONS[p].strength[k], far, last);
            last = far;
        }
    }
    image_free(&im);
}

// Numbers draw anew where something is drawn; another seed, too; and a list's other members change nothing.
static void test_what_is_drawn(void **state) {
    (void)state;
    image im = scene(40, 44);
    for (int p = 0; p < PERTURBATION_COUNT; p++) {
        const char *name = PERTURBATIONS[p].name;
        bool drawn = !strcmp(name, "noise") || !strcmp(name, "crop") || !strcmp(name, "brightness");
        image first = perturbed(&PERTURBATIONS[p], 2, 0, &im);
        int differ = 0;
        for (int64_t number = 1; number < 40; number++) {
            image a = perturbed(&PERTURBATIONS[p], 2, number, &im);
            differ += distance(&a, &first) > 0;
            image_free(&a);
        }
        if (drawn)
            assert_in_range(differ, 8, 39);
        else
            assert_int_equal(differ, 0);
        image_free(&first);
    }
    image a, b;
    OK(perturb(named("noise"), 8, 1, 3, &im, &a));
    OK(perturb(named("noise"), 8, 2, 3, &im, &b));
    assert_true(distance(&a, &b) > 4);
    image_free(&a), image_free(&b), image_free(&im);
}

static void test_codings(void **state) {
    (void)state;
    image im = scene(41, 50);
    for (int k = 0; k < STRENGTHS; k++) {
        uint8_t *bytes;
        size_t n;
        image want, got = perturbed(named("jpeg"), k, 0, &im);
        OK(image_encode_jpeg(&im, (int)named("jpeg")->strength[k], &bytes, &n));
        OK(image_decode(bytes, n, "p", &want));
        assert_same(&got, &want);
        free(bytes), image_free(&got), image_free(&want);
        got = perturbed(named("webp"), k, 0, &im);
        OK(image_encode_webp(&im, named("webp")->strength[k], &bytes, &n));
        OK(image_decode(bytes, n, "p", &want));
        assert_same(&got, &want);
        free(bytes), image_free(&got), image_free(&want);
    }
    image_free(&im);
}

// Mean jump of brightness across every eighth row and column, from `offset` on.
static double jump(const image *im, int offset) {
    double sum = 0;
    int n = 0;
    for (int y = 8 + offset; y < im->height; y += 8)
        for (int x = 0; x < im->width; x++, n++) sum += abs(im->pixels[y * im->width + x] - im->pixels[(y - 1) * im->width + x]);
    for (int x = 8 + offset; x < im->width; x += 8)
        for (int y = 0; y < im->height; y++, n++) sum += abs(im->pixels[y * im->width + x] - im->pixels[y * im->width + x - 1]);
    return sum / n;
}

// Blocks of the first coding lie 4 pixels off those of the second, and both are seen.
static void test_the_grid_of_double_jpeg(void **state) {
    (void)state;
    image im = scene(160, 160), once, twice;
    OK(image_to_channels(&im, 1));
    OK(perturb(named("double_jpeg"), 10, 1, 0, &im, &twice));
    OK(perturb(named("jpeg"), 10, 1, 0, &im, &once));
    assert_true(jump(&once, 0) > 1.5 * jump(&once, 4));
    assert_true(jump(&twice, 4) > 1.5 * jump(&twice, 2));
    assert_true(jump(&twice, 4) > 1.5 * jump(&twice, 6));
    image_free(&im), image_free(&once), image_free(&twice);
}

static void test_noise_has_its_deviation(void **state) {
    (void)state;
    image im = flat(200, 150, 3, 128);
    for (int k = 0; k < STRENGTHS; k++) {
        image a = perturbed(named("noise"), k, 11, &im);
        double deviation = sqrt(named("noise")->strength[k] * named("noise")->strength[k] + 1 / 12.); // and rounding
        assert_true(fabs(distance(&a, &im) / deviation - 1) < .02);
        assert_true(fabs(mean(&a) - 128) < 4 * deviation / 300);
        image_free(&a);
    }
    image_free(&im);
}

static void test_crop_is_a_part(void **state) {
    (void)state;
    image im = picture(40, 60, 3, 9);
    for (int k = 0; k < STRENGTHS; k++)
        for (int64_t number = 0; number < 20; number++) {
            image a = perturbed(named("crop"), k, number, &im);
            assert_int_equal(a.height, (int)round(40 * (1 - named("crop")->strength[k])));
            assert_int_equal(a.width, (int)round(60 * (1 - named("crop")->strength[k])));
            bool found = false;
            for (int top = 0; top <= 40 - a.height && !found; top++)
                for (int left = 0; left <= 60 - a.width && !found; left++) {
                    found = true;
                    for (int y = 0; y < a.height && found; y++)
                        found = !memcmp(a.pixels + (size_t)(y * a.width) * 3, im.pixels + ((top + y) * 60 + left) * 3, (size_t)a.width * 3);
                }
            assert_true(found);
            image_free(&a);
        }
    image_free(&im);
}

static void test_flat_pictures(void **state) {
    (void)state;
    image im = flat(24, 32, 3, 100);
    int brighter = 0;
    for (int k = 0; k < STRENGTHS; k++) {
        static const char *const STAY[] = {"blur", "resize", "contrast", "crop", "jpeg"};
        for (int i = 0; i < 5; i++) {
            image a = perturbed(named(STAY[i]), k, 0, &im);
            for (size_t j = 0; j < image_bytes(&a); j++) assert_in_range(a.pixels[j], 100, i == 4 ? 101 : 100); // JPEG rounds the mean
            image_free(&a);
        }
        for (int64_t number = 0; number < 20; number++) {
            image a = perturbed(named("brightness"), k, number, &im);
            int change = (int)lrint(100 * named("brightness")->strength[k]);
            assert_int_equal(abs(a.pixels[0] - 100), change);
            brighter += a.pixels[0] > 100;
            image_free(&a);
        }
        image a = perturbed(named("screenshot"), k, 0, &im);
        assert_int_equal(a.width, (int)round(32 * named("screenshot")->strength[k]));
        assert_in_range(a.pixels[0], 107, 110); // 255 (100/255)^(1/1.1) = 108.9
        image_free(&a);
    }
    assert_in_range(brighter, 30, 70); // of 100
    image_free(&im);
}

static void test_names(void **state) {
    (void)state;
    perturbation_list list;
    OK(perturbation_parse("standard", &list));
    assert_int_equal(list.n, PERTURBATION_COUNT);
    OK(perturbation_parse("noise,jpeg", &list));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.of[0]->name, "noise");
    assert_string_equal(list.of[1]->name, "jpeg");
    REFUSED(perturbation_parse("jepg", &list), "unknown perturbation 'jepg' (did you mean 'jpeg'?)");
    REFUSED(perturbation_parse("jpeg,,blur", &list), "unknown perturbation ''");
    REFUSED(perturbation_parse("", &list), "unknown perturbation ''");
    REFUSED(perturbation_parse("rotation", &list), "expected standard or names");
    REFUSED(perturbation_parse("blur,blur", &list), "'blur' is named twice");
    for (int p = 0; p < PERTURBATION_COUNT; p++) {
        text library = {0};
        PERTURBATIONS[p].library(&library);
        bool coded = strstr(PERTURBATIONS[p].name, "jpeg") || strstr(PERTURBATIONS[p].name, "webp");
        assert_non_null(strstr(library.data, coded ? "lib" : "foil"));
        assert_non_null(strpbrk(library.data, "0123456789"));
        text_free(&library);
    }
}

static void test_a_strip_to_look_at(void **state) {
    (void)state;
    const char *path = getenv("FOIL_PICTURE");
    image im, cell[PERTURBATION_COUNT * (STRENGTHS + 1)], grid;
    const image *all[PERTURBATION_COUNT * (STRENGTHS + 1)];
    int n = 0;
    if (path)
        OK(image_read(path, &im));
    else
        im = scene(96, 96);
    for (int p = 0; p < PERTURBATION_COUNT; p++)
        for (int k = -1; k < STRENGTHS; k++, n++) {
            image a = {0};
            if (k < 0)
                OK(image_copy(&im, &a));
            else
                a = perturbed(&PERTURBATIONS[p], k, 0, &im);
            OK(image_fitted(&a, im.height, im.width, im.channels, FIT_RESIZE, RESIZE_BICUBIC, &cell[n]));
            all[n] = &cell[n];
            image_free(&a);
        }
    OK(image_grid(all, n, STRENGTHS + 1, &grid));
    OK(image_write_png("perturbations.png", &grid));
    image_free(&grid), image_free(&im);
    for (int i = 0; i < n; i++) image_free(&cell[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_size_and_pure), cmocka_unit_test(test_from_mild_to_severe),     cmocka_unit_test(test_what_is_drawn),
        cmocka_unit_test(test_codings),           cmocka_unit_test(test_the_grid_of_double_jpeg), cmocka_unit_test(test_noise_has_its_deviation),
        cmocka_unit_test(test_crop_is_a_part),    cmocka_unit_test(test_flat_pictures),           cmocka_unit_test(test_names),
        cmocka_unit_test(test_a_strip_to_look_at)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
