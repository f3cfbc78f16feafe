// Cues of pictures whose past is known because the test made it: noise of known strength, enlarged by known factors, coded with known qualities.
#include <math.h>

#include "base/thread.h"
#include "data/resize.h"
#include "eval/cues/cue.h"
#include "tests/data/pictures.h"

// Normal noise around a level, the same in all channels.
static image noise(int height, int width, int channels, double level, double sigma, uint64_t seed) {
    image im;
    OK(image_new(height, width, channels, &im));
    size_t n = (size_t)height * (size_t)width;
    float *z = malloc(n * sizeof *z);
    assert_non_null(z);
    philox_fill_normal((philox_key){seed, 98, 0}, 0, z, n);
    for (size_t i = 0; i < n * (size_t)channels; i++)
        im.pixels[i] = (uint8_t)lround(fmax(0, fmin(255, level + sigma * (double)z[i / (size_t)channels])));
    free(z);
    return im;
}

static image resized(image from, int height, int width, resize_filter f) {
    image to;
    OK(image_resize(&from, height, width, f, &to));
    image_free(&from);
    return to;
}

// Adds noise that leaks from pixel to pixel, `keep` of it each time: shapes of some size that nothing resized.
static void add_shapes(image *im, float keep, float sigma, uint64_t seed) {
    size_t n = (size_t)im->height * (size_t)im->width, width = (size_t)im->width;
    float *z = malloc(n * sizeof *z);
    assert_non_null(z);
    philox_fill_normal((philox_key){seed, 97, 0}, 0, z, n);
    for (size_t i = 1; i < n; i++) z[i] += i % width ? keep * (z[i - 1] - z[i]) : 0;
    for (size_t i = width; i < n; i++) z[i] += keep * (z[i - width] - z[i]);
    for (size_t i = 0; i < image_bytes(im); i++) {
        double v = im->pixels[i] + (double)(sigma / (1 - keep) * z[i / (size_t)im->channels]);
        im->pixels[i] = (uint8_t)lround(fmax(0, fmin(255, v)));
    }
    free(z);
}

// Large and small shapes and fine noise, as photographs have.
static image scene(int size, int channels, uint64_t seed) {
    image im = noise(size, size, channels, 128, 2, seed);
    add_shapes(&im, .9F, 25, seed + 100);
    add_shapes(&im, .5F, 12, seed + 200);
    return im;
}

static image coded(image from, int quality) {
    uint8_t *bytes;
    size_t n;
    image to;
    OK(image_encode_jpeg(&from, quality, &bytes, &n));
    OK(image_decode(bytes, n, "test", &to));
    free(bytes);
    image_free(&from);
    return to;
}

static image cropped(image from, int top, int left) {
    image to;
    OK(image_resize_part(&from, (resize_axis){from.height, from.height, top, from.height - top},
                         (resize_axis){from.width, from.width, left, from.width - left}, RESIZE_BICUBIC, &to));
    image_free(&from);
    return to;
}

// Takes the picture.
static double number(const cue *c, image im, const char *name) {
    cue_scene s;
    arena scratch = {0};
    double value[CUE_NUMBERS];
    int at = 0;
    OK(cue_scene_open(&im, NULL, 0, &s));
    OK(c->measure(&s, value, NULL, &scratch));
    arena_free(&scratch);
    cue_scene_close(&s);
    image_free(&im);
    while (c->number[at].name && strcmp(c->number[at].name, name) != 0) at++;
    assert_non_null(c->number[at].name);
    return value[at];
}

static void near(double value, double wanted, double tolerance) {
    if (!(fabs(value - wanted) <= tolerance)) fail_msg("%g is not within %g of %g", value, tolerance, wanted);
}

// E 10 log10 of an exponential variable of mean 1 is -2.51 dB.
static void test_spectrum_of_white_noise_is_flat_at_its_variance(void **state) {
    (void)state;
    for (int size = 64; size <= 256; size *= 2) {
        near(number(&CUE_SPECTRUM, noise(size, size + 9, 1, 128, 10, 1), "high"), 20 - 2.51, .4);
        near(number(&CUE_SPECTRUM, noise(size + 3, size, 3, 128, 10, 2), "slope"), 0, .6);
        assert_true(isnan(number(&CUE_SPECTRUM, noise(size, size, 1, 128, 10, 3), "knee")));
    }
}

// The filter's own slope, and the corners of the square that it keeps, delay the ring's fall.
static void test_spectrum_breaks_off_where_enlarging_ends_it(void **state) {
    (void)state;
    static const int FROM[] = {96, 110, 128, 150};
    for (int i = 0; i < 4; i++) {
        double knee = number(&CUE_SPECTRUM, resized(noise(FROM[i], FROM[i], 1, 128, 25, 4), 256, 256, RESIZE_LANCZOS), "knee");
        double wanted = .5 * FROM[i] / 256;
        if (!(knee > .95 * wanted && knee < 1.25 * wanted)) fail_msg("%d to 256: knee at %g, expected at %g", FROM[i], knee, wanted);
    }
}

// Each pixel of every other row and column raised: a lattice of period 2.
static void test_spectrum_sees_a_lattice(void **state) {
    (void)state;
    image im = noise(128, 128, 1, 128, 5, 5);
    double without = number(&CUE_SPECTRUM, noise(128, 128, 1, 128, 5, 5), "lattice");
    for (int i = 0; i < 128 * 128; i += 2) im.pixels[i] = (uint8_t)(im.pixels[i] + (i / 128 % 2 ? 0 : 4));
    double with = number(&CUE_SPECTRUM, im, "lattice");
    assert_true(without < 12);
    assert_true(with > 25);
}

// Over its diagonal: rows are columns then.
static image turned(image from) {
    image to;
    OK(image_new(from.width, from.height, from.channels, &to));
    for (int i = 0; i < from.height * from.width; i++)
        for (int c = 0; c < from.channels; c++)
            to.pixels[(i % from.width * from.height + i / from.width) * from.channels + c] = from.pixels[i * from.channels + c];
    image_free(&from);
    return to;
}

// Noise blurred along its rows alone: its spectrum along one axis is not that along the other.
static void test_spectrum_counts_all_directions_alike(void **state) {
    (void)state;
    static const char *const NAMES[] = {"slope", "high", "drop"};
    for (int size = 16; size <= 256; size *= 2)
        for (int i = 0; i < 3; i++) {
            double along = number(&CUE_SPECTRUM, resized(noise(size, size / 2, 1, 128, 25, 60), size, size, RESIZE_BICUBIC), NAMES[i]);
            double across = number(&CUE_SPECTRUM, turned(resized(noise(size, size / 2, 1, 128, 25, 60), size, size, RESIZE_BICUBIC)), NAMES[i]);
            if (!isnan(along) || !isnan(across)) near(across, along, 1e-3);
        }
}

static void test_resampling_gives_the_factor(void **state) {
    (void)state;
    static const int TO[] = {240, 250, 300, 360};
    for (int i = 0; i < 4; i++)
        for (int f = 0; f < RESIZE_FILTERS; f++) {
            near(number(&CUE_RESAMPLING, resized(scene(200, 1, 6), TO[i], TO[i], (resize_filter)f), "factor"), TO[i] / 200., .02);
            near(number(&CUE_RESAMPLING, resized(scene(200, 3, 7), TO[i], 200, (resize_filter)f), "frequency"), 1 - 200. / TO[i], .005);
        }
    assert_true(number(&CUE_RESAMPLING, resized(scene(200, 1, 6), 250, 200, RESIZE_BICUBIC), "down") > 20);
    assert_true(number(&CUE_RESAMPLING, resized(scene(200, 1, 6), 250, 200, RESIZE_BICUBIC), "across") < 17);
    for (uint64_t seed = 10; seed < 20; seed++) {
        assert_true(isnan(number(&CUE_RESAMPLING, scene(256, 1, seed), "frequency")));
        assert_true(isnan(number(&CUE_RESAMPLING, coded(scene(256, 3, seed), 50), "frequency"))); // blocks are no resizing
    }
}

static void test_blocks_give_the_grid(void **state) {
    (void)state;
    for (int y = 0; y < 8; y += 3)
        for (int x = 0; x < 8; x += 5) {
            near(number(&CUE_BLOCKS, cropped(coded(scene(160, 3, 8), 60), y, x), "offset x"), (8 - x) % 8, 0);
            near(number(&CUE_BLOCKS, cropped(coded(scene(160, 3, 8), 60), y, x), "offset y"), (8 - y) % 8, 0);
        }
    near(number(&CUE_BLOCKS, cropped(coded(scene(160, 3, 8), 60), 5, 3), "offset x"), 5, 0);
    near(number(&CUE_BLOCKS, cropped(coded(scene(160, 3, 8), 60), 5, 3), "offset y"), 3, 0);
    assert_true(number(&CUE_BLOCKS, coded(scene(160, 3, 8), 60), "aligned") > 10 * number(&CUE_BLOCKS, scene(160, 3, 8), "aligned"));
    for (uint64_t seed = 20; seed < 30; seed++) {
        assert_true(isnan(number(&CUE_BLOCKS, scene(160, 3, seed), "offset x")));
        assert_true(isnan(number(&CUE_BLOCKS, noise(160, 160, 1, 128, 9, seed), "offset x")));
    }
}

static void test_jpeg_gives_the_quality(void **state) {
    (void)state;
    static const int QUALITY[] = {40, 60, 75, 85, 92};
    for (int i = 0; i < 5; i++) {
        near(number(&CUE_JPEG, coded(scene(256, 3, 30), QUALITY[i]), "quality"), QUALITY[i], 1);
        near(number(&CUE_JPEG, cropped(coded(scene(256, 1, 31), QUALITY[i]), 2, 5), "quality"), QUALITY[i], 1); // along its own grid
    }
    assert_true(isnan(number(&CUE_JPEG, scene(256, 3, 30), "quality")));
    assert_true(isnan(number(&CUE_JPEG, resized(coded(scene(256, 3, 30), 75), 240, 240, RESIZE_BICUBIC), "quality")));
}

static void test_jpeg_twice_is_periodic(void **state) {
    (void)state;
    static const int FIRST[] = {50, 60, 70}, SECOND[] = {80, 85, 90};
    for (int i = 0; i < 3; i++)
        for (uint64_t seed = 40; seed < 43; seed++) {
            double once = number(&CUE_JPEG, coded(scene(512, 1, seed), SECOND[i]), "double");
            double twice = number(&CUE_JPEG, coded(coded(scene(512, 1, seed), FIRST[i]), SECOND[i]), "double");
            if (!(once < .3 && twice > .5)) fail_msg("quality %d, then %d: %g, once %g", FIRST[i], SECOND[i], twice, once);
        }
}

static void test_noise_of_known_strength(void **state) {
    (void)state;
    for (int i = 1; i <= 3; i++) {
        const double sigma = 1 << i;
        near(number(&CUE_NOISE, noise(200, 200, 3, 128, sigma, 50), "sigma"), sigma, .05 * sigma);
        near(number(&CUE_NOISE, noise(200, 200, 1, 128, sigma, 51), "whiteness"), 1, .04);
        near(number(&CUE_NOISE, noise(200, 200, 1, 128, sigma, 52), "kurtosis"), 0, .1);
        near(number(&CUE_NOISE, noise(200, 200, 3, 128, sigma, 53), "colours"), 1, 1e-6); // the same in all of them
    }
    assert_true(number(&CUE_NOISE, resized(noise(100, 100, 1, 128, 8, 54), 200, 200, RESIZE_BICUBIC), "whiteness") < .5);
}

// A slope from dark to bright whose noise doubles on the way from 0 to 256.
static void test_noise_that_grows_with_brightness(void **state) {
    (void)state;
    image im = noise(400, 480, 1, 128, 32, 55);
    for (int i = 0; i < 400 * 480; i++) {
        double level = 8 + (i % 480) / 2.;
        im.pixels[i] = (uint8_t)lround(fmin(255, level + (im.pixels[i] - 128) / 32. * 3 * exp2(level / 256)));
    }
    near(number(&CUE_NOISE, im, "trend"), 1, .1);
    near(number(&CUE_NOISE, noise(400, 480, 1, 128, 40, 56), "trend"), 0, .2);
}

static image filled(int r, int g, int b, int r2, int g2, int b2) {
    image im;
    const int colour[6] = {r, g, b, r2, g2, b2};
    OK(image_new(20, 10, 3, &im));
    for (int i = 0; i < 600; i++) im.pixels[i] = (uint8_t)colour[i % 6];
    return im;
}

static void test_colours_in_closed_form(void **state) {
    (void)state;
    near(number(&CUE_COLOUR, filled(0, 0, 0, 255, 255, 255), "brightness"), 127.5, .01);
    near(number(&CUE_COLOUR, filled(0, 0, 0, 255, 255, 255), "contrast"), 127.5, .01);
    near(number(&CUE_COLOUR, filled(0, 0, 0, 255, 255, 255), "dark"), 50, 0);
    near(number(&CUE_COLOUR, filled(0, 0, 0, 255, 255, 255), "bright"), 50, 0);
    near(number(&CUE_COLOUR, filled(0, 0, 0, 255, 255, 255), "colourfulness"), 0, 0);
    near(number(&CUE_COLOUR, filled(255, 0, 0, 255, 0, 0), "saturation"), 100, 1e-9);
    near(number(&CUE_COLOUR, filled(255, 0, 0, 255, 0, 0), "colourfulness"), .3 * hypot(255, 127.5), 1e-9);
    near(number(&CUE_COLOUR, filled(255, 0, 0, 0, 255, 0), "colourfulness"), 255 + .3 * 127.5, 1e-6);
    image stretched = noise(200, 200, 1, 100, 20, 60); // every other level
    for (int i = 0; i < 40000; i++) stretched.pixels[i] &= 0xfe;
    near(number(&CUE_COLOUR, stretched, "gaps"), 50, 2);
    assert_true(isnan(number(&CUE_COLOUR, noise(20, 20, 1, 128, 5, 61), "saturation")));
}

static void look_at_everything(image im) {
    cue_plot plot;
    cue_scene s;
    arena scratch = {0};
    OK(cue_scene_open(&im, NULL, 0, &s));
    for (int c = 0; CUES[c]; c++) {
        double plain[CUE_NUMBERS], value[CUE_NUMBERS];
        text words = {0}, svg = {0};
        memset(&plot, 0, sizeof plot);
        OK(CUES[c]->measure(&s, plain, NULL, &scratch));
        OK(CUES[c]->measure(&s, value, &plot, &scratch));
        assert_memory_equal(plain, value, sizeof plain);
        for (int k = 0; k < CUE_NUMBERS; k++) assert_true(!isinf(value[k]));
        CUES[c]->words(&s, value, &words);
        assert_true(words.length > 20 && !words.failed);
        assert_null(strstr(words.data, "nan"));
        cue_plot_svg(&plot, &svg);
        assert_false(svg.failed);
        assert_int_equal(plot.n > 0, svg.length > 0);
        if (svg.length) {
            assert_true(text_starts(svg.data, "<svg ") && text_ends(svg.data, "</svg>"));
            assert_null(strstr(svg.data, "nan"));
            assert_null(strstr(svg.data, "inf"));
        }
        text_free(&words);
        text_free(&svg);
    }
    arena_free(&scratch);
    cue_scene_close(&s);
    image_free(&im);
}

static void test_any_size_and_content(void **state) {
    (void)state;
    static const int SIZES[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 23, 24, 25, 26, 31, 32, 33, 40, 47, 64, 101};
    enum { N = sizeof SIZES / sizeof *SIZES };
    for (size_t i = 0; i < N; i++)
        for (int channels = 1; channels <= 3; channels += 2) {
            look_at_everything(picture(SIZES[i], SIZES[i], channels, 70));
            look_at_everything(picture(SIZES[i], SIZES[N - 1 - i], channels, 71));
            look_at_everything(noise(SIZES[i], SIZES[i], channels, 0, 0, 72)); // black
            look_at_everything(noise(SIZES[i], SIZES[i], channels, 255, 0, 73));
            look_at_everything(coded(picture(SIZES[i], SIZES[i], channels, 74), 10));
        }
    look_at_everything(picture(1300, 1100, 3, 75));
    look_at_everything(picture(4, 3000, 3, 76));
}

static void test_features(void **state) {
    (void)state;
    double small[CUE_FEATURES_MOST], again[CUE_FEATURES_MOST];
    int missing = 0;
    const int n = cue_features();
    char a[64], b[64];
    assert_true(n >= 15 && n <= CUE_FEATURES_MOST);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) assert_string_not_equal(cue_feature_name(i, a), cue_feature_name(j, b));
    assert_string_equal(cue_feature_name(0, a), "spectrum.slope");
    image im = scene(32, 3, 80), tiny = picture(8, 8, 3, 81);
    OK(cue_features_measure(&im, small));
    OK(cue_features_measure(&im, again));
    assert_memory_equal(small, again, (size_t)n * sizeof *small);
    for (int i = 0; i < n; i++) missing += isnan(small[i]);
    assert_true(missing <= 5);
    OK(cue_features_measure(&tiny, small));
    image_free(&im);
    image_free(&tiny);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_spectrum_of_white_noise_is_flat_at_its_variance),
                                       cmocka_unit_test(test_spectrum_breaks_off_where_enlarging_ends_it),
                                       cmocka_unit_test(test_spectrum_sees_a_lattice),
                                       cmocka_unit_test(test_spectrum_counts_all_directions_alike),
                                       cmocka_unit_test(test_resampling_gives_the_factor),
                                       cmocka_unit_test(test_blocks_give_the_grid),
                                       cmocka_unit_test(test_jpeg_gives_the_quality),
                                       cmocka_unit_test(test_jpeg_twice_is_periodic),
                                       cmocka_unit_test(test_noise_of_known_strength),
                                       cmocka_unit_test(test_noise_that_grows_with_brightness),
                                       cmocka_unit_test(test_colours_in_closed_form),
                                       cmocka_unit_test(test_any_size_and_content),
                                       cmocka_unit_test(test_features)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
