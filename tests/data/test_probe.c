// What a file says of itself in its header.
#include "tests/data/pictures.h"

static image_file probed(const uint8_t *bytes, size_t n, const char *name) {
    image im;
    image_file file;
    if (image_decode(bytes, n, name, &im) != FOIL_OK) fail_msg("%s", foil_error());
    image_probe(bytes, n, &im, &file);
    image_free(&im);
    return file;
}

static void test_jpeg_qualities(void **state) {
    (void)state;
    for (int quality = 1; quality <= 100; quality++) {
        image im = picture(13, 21, quality % 2 ? 3 : 1, (uint64_t)quality);
        uint8_t *bytes;
        size_t n;
        OK(image_encode_jpeg(&im, quality, &bytes, &n));
        image_file file = probed(bytes, n, "p.jpg");
        assert_int_equal(file.format, FILE_JPEG);
        assert_int_equal(file.quality, quality);
        assert_int_equal(file.colours, quality % 2 ? FILE_COLOUR : FILE_GREY);
        assert_int_equal(file.width, 21);
        assert_int_equal(file.height, 13);
        assert_int_equal(file.bytes, n);
        free(bytes);
        image_free(&im);
    }
}

static void test_other_tables_are_nearest_to_some_quality(void **state) {
    (void)state;
    image im = picture(16, 16, 3, 1);
    uint8_t *bytes;
    size_t n, at = 0;
    OK(image_encode_jpeg(&im, 80, &bytes, &n));
    while (bytes[at] != 0xff || bytes[at + 1] != 0xdb) at++;
    bytes[at + 5] += 1; // one step of the luminance table is no longer libjpeg's
    assert_int_equal(probed(bytes, n, "p.jpg").quality, 80);
    free(bytes);
    image_free(&im);
}

static void test_png_and_others(void **state) {
    (void)state;
    static const uint8_t GIF[] = "GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;";
    for (int channels = 1; channels <= 3; channels += 2) {
        image im = picture(5, 8, channels, 1);
        uint8_t *bytes;
        size_t n;
        OK(image_encode_png(&im, &bytes, &n));
        image_file file = probed(bytes, n, "p.png");
        assert_int_equal(file.format, FILE_PNG);
        assert_int_equal(file.colours, channels == 1 ? FILE_GREY : FILE_COLOUR);
        assert_int_equal(file.quality, 0);
        static const int TYPES[][2] = {{3, FILE_INDEXED}, {4, FILE_GREY_ALPHA}, {6, FILE_COLOUR_ALPHA}};
        for (int k = 0; k < 3; k++) { // a probe looks at the header alone
            bytes[25] = (uint8_t)TYPES[k][0];
            image_probe(bytes, n, &im, &file);
            assert_int_equal(file.colours, TYPES[k][1]);
        }
        free(bytes);
        image_free(&im);
    }
    image_file gif = probed(GIF, sizeof GIF - 1, "p.gif"), pnm = probed((const uint8_t *)"P5\n1 1\n255\nx", 12, "p.pgm");
    assert_int_equal(gif.format, FILE_GIF);
    assert_int_equal(gif.colours, FILE_INDEXED);
    assert_int_equal(pnm.format, FILE_OTHER);
    assert_int_equal(pnm.colours, FILE_GREY);
}

static void test_webp(void **state) {
    (void)state;
    image im = picture(5, 8, 3, 1);
    uint8_t *bytes;
    size_t n;
    OK(image_encode_webp(&im, 50, &bytes, &n));
    image_file file = probed(bytes, n, "p.webp");
    assert_int_equal(file.format, FILE_WEBP);
    assert_int_equal(file.colours, FILE_COLOUR);
    assert_int_equal(file.width, 8);
    assert_string_equal(FILE_FORMATS[file.format], "WebP");
    memcpy(bytes + 12, "VP8X\x0a\0\0", 8); // name and size
    bytes[20] = 0x10;
    image_probe(bytes, n, &im, &file);
    assert_int_equal(file.colours, FILE_COLOUR_ALPHA);
    image_probe(bytes, 20, &im, &file);
    assert_int_equal(file.colours, FILE_COLOUR);
    free(bytes);
    image_free(&im);
}

// Headers cut anywhere, and with wrong bytes: nothing is read beyond the end (under the sanitizers), and what is found is in range.
static void test_broken_headers(void **state) {
    (void)state;
    image im = picture(9, 9, 3, 2);
    uint8_t *bytes;
    size_t n;
    OK(image_encode_jpeg(&im, 50, &bytes, &n));
    philox_key key = {1, 7, 0};
    for (size_t i = 0; i < 4 * n; i++) {
        size_t length = i < n ? i : n;
        uint8_t *some = malloc(length + 1);
        assert_non_null(some);
        memcpy(some, bytes, length);
        if (i >= n) some[philox_below(key, 2 * i, (uint32_t)(n < 700 ? n : 700))] = (uint8_t)philox_below(key, 2 * i + 1, 256);
        uint8_t *exact = realloc(some, length ? length : 1);
        image_file file;
        image_probe(exact, length, &im, &file);
        assert_in_range(file.quality, 0, 100);
        assert_in_range(file.colours, FILE_GREY, FILE_COLOUR_COUNT - 1);
        assert_in_range(file.format, FILE_PNG, FILE_OTHER);
        free(exact);
    }
    free(bytes);
    image_free(&im);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_jpeg_qualities), cmocka_unit_test(test_other_tables_are_nearest_to_some_quality),
                                       cmocka_unit_test(test_png_and_others), cmocka_unit_test(test_webp), cmocka_unit_test(test_broken_headers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
