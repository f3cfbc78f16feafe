// Resizing is Pillow's, value by value, and fits do what their names say.
#include "data/resize.h"
#include "tests/data/pictures.h"
#include "tests/data/resize_values.h"

static image scene(int height, int width, int channels) {
    image im;
    OK(image_new(height, width, channels, &im));
    uint8_t *p = im.pixels;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++) *p++ = (uint8_t)(y * 37 + x * 91 + c * 53 + x * y % 17 * 11);
    return im;
}

static void test_values_of_pillow(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
        image in = scene(VALUES[i].height, VALUES[i].width, VALUES[i].channels), out;
        OK(image_resize(&in, VALUES[i].to_height, VALUES[i].to_width, VALUES[i].filter, &out));
        assert_int_equal(out.height, VALUES[i].to_height);
        assert_int_equal(out.width, VALUES[i].to_width);
        assert_int_equal(out.channels, VALUES[i].channels);
        assert_memory_equal(out.pixels, VALUES[i].want, image_bytes(&out));
        image_free(&in), image_free(&out);
    }
}

static void test_the_same_size_and_one_colour_stay(void **state) {
    (void)state;
    for (int f = 0; f < RESIZE_FILTERS; f++) {
        image in = picture(9, 14, 3, 1), out;
        OK(image_resize(&in, 9, 14, (resize_filter)f, &out));
        assert_same(&in, &out);
        image_free(&out);
        for (int value = 0; value < 256; value += 51) {
            memset(in.pixels, value, image_bytes(&in));
            OK(image_resize(&in, 4, 33, (resize_filter)f, &out));
            for (size_t i = 0; i < image_bytes(&out); i++) assert_int_equal(out.pixels[i], value);
            image_free(&out);
        }
        image_free(&in);
    }
}

static void test_fits(void **state) {
    (void)state;
    image in = picture(20, 30, 3, 1), out, want, part;
    OK(image_fitted(&in, 10, 10, 3, FIT_CROP, RESIZE_BICUBIC, &out)); // 10 x 15, then columns 2 to 11
    OK(image_resize(&in, 10, 15, RESIZE_BICUBIC, &want));
    for (size_t y = 0; y < 10; y++) assert_memory_equal(out.pixels + y * 30, want.pixels + y * 45 + 6, 30);
    image_free(&out), image_free(&want);
    OK(image_fitted(&in, 10, 10, 3, FIT_RESIZE, RESIZE_BICUBIC, &out));
    OK(image_resize(&in, 10, 10, RESIZE_BICUBIC, &want));
    assert_same(&out, &want);
    image_free(&out), image_free(&want);
    OK(image_fitted(&in, 0, 0, 3, FIT_NATIVE, RESIZE_BICUBIC, &out));
    assert_same(&out, &in);
    image_free(&out);
    OK(image_fitted(&in, 8, 8, 3, FIT_NATIVE, RESIZE_BICUBIC, &out)); // the centre, unscaled
    for (size_t y = 0; y < 8; y++) assert_memory_equal(out.pixels + y * 24, in.pixels + (6 + y) * 90 + 33, 24);
    image_free(&out);
    OK(image_fitted(&in, 40, 40, 3, FIT_NATIVE, RESIZE_LANCZOS, &out)); // too small: scaled up
    OK(image_fitted(&in, 40, 40, 3, FIT_CROP, RESIZE_LANCZOS, &want));
    assert_same(&out, &want);
    image_free(&out), image_free(&want);
    OK(image_fitted(&in, 10, 10, 1, FIT_RESIZE, RESIZE_BILINEAR, &out)); // grey before it is resized
    OK(image_new(20, 30, 3, &part));
    memcpy(part.pixels, in.pixels, image_bytes(&in));
    OK(image_to_channels(&part, 1));
    OK(image_resize(&part, 10, 10, RESIZE_BILINEAR, &want));
    assert_same(&out, &want);
    image_free(&out), image_free(&want), image_free(&part), image_free(&in);
}

// A part is what cutting it out of the whole would give, where its rows and columns are scaled and where they stay.
static void test_parts(void **state) {
    (void)state;
    const int sizes[][2] = {{20, 31}, {7, 31}, {20, 12}, {45, 12}, {45, 70}, {1, 1}};
    for (int channels = 1; channels <= 3; channels += 2)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int f = 0; f < RESIZE_FILTERS; f++) {
                image in = picture(20, 31, channels, i), whole, part;
                const int h = sizes[i][0], w = sizes[i][1], top = h / 3, left = w / 4, rows = (h - top + 1) / 2, columns = (w - left + 1) / 2;
                OK(image_resize(&in, h, w, (resize_filter)f, &whole));
                OK(image_resize_part(&in, (resize_axis){20, h, top, rows}, (resize_axis){31, w, left, columns}, (resize_filter)f, &part));
                for (int y = 0; y < rows; y++)
                    assert_memory_equal(part.pixels + y * columns * channels, whole.pixels + ((top + y) * w + left) * channels,
                                        (size_t)(columns * channels));
                image_free(&in), image_free(&whole), image_free(&part);
            }
}

static void test_what_cannot_be(void **state) {
    (void)state;
    image in = picture(4, 5, 1, 1), strip = picture(1, 5000, 1, 1), out;
    REFUSED(image_resize(&in, 0, 5, RESIZE_BICUBIC, &out), "cannot resize 5 x 4 pixels to 5 x 0");
    REFUSED(image_resize(&in, 5, -1, RESIZE_BICUBIC, &out), "to -1 x 5");
    REFUSED(image_fitted(&strip, 4096, 4096, 1, FIT_CROP, RESIZE_BICUBIC, &out), "5000 x 1 pixels are too narrow to cover 4096 x 4096");
    assert_null(out.pixels);
    image_free(&in), image_free(&strip);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values_of_pillow), cmocka_unit_test(test_the_same_size_and_one_colour_stay),
                                       cmocka_unit_test(test_fits), cmocka_unit_test(test_parts), cmocka_unit_test(test_what_cannot_be)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
