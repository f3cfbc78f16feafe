// Pages: that data stays data, whatever is in it.
#include "eval/pages/page.h"

#include <math.h>
#include <unistd.h>

#include "tests/eval/page_data.h"

static char path[] = "/tmp/foil-page-XXXXXX";

static void test_hostile(void **state) {
    (void)state;
    static const char *const TEXTS[] = {
        "</script><script>alert(1)</script>", "<!--<script>", "\"'\\\n\r\t\x01", "{{data}}", "]]>", "\u2028\u2029 \u202e", ""};
    json_t *in = json_array();
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) json_array_append_new(in, text_json(TEXTS[i]));
    for (int kind = PAGE_EVALUATION; kind <= PAGE_RUN; kind++) {
        assert_int_equal(page_write(path, (page_kind)kind, in), FOIL_OK);
        json_t *out = page_data(path);
        assert_true(json_equal(in, out));
        json_decref(out);
    }
    json_decref(in);
}

static void check_text(const char *in, const char *expected) {
    json_t *json = text_json(in);
    assert_non_null(json);
    assert_string_equal(json_string_value(json), expected);
    json_decref(json);
}

static void test_text(void **state) {
    (void)state;
    check_text("real/ä €\U0001F600.png", "real/ä €\U0001F600.png");
    check_text("caf\xe9.png", "caf\\xe9.png"); // Latin-1
    check_text("\xe2\x82", "\\xe2\\x82");      // half a character
    check_text("a\xc0\xaf"
               "b\xed\xa0\x80",
               "a\\xc0\\xafb\\xed\\xa0\\x80"); // overlong; a surrogate
    json_t *nan = number_json(NAN);
    assert_true(json_is_null(nan));
    json_decref(nan);
}

static unsigned sextet(char c) {
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(DIGITS, c) : NULL;
    assert_non_null(at);
    return (unsigned)(at - DIGITS);
}

// What stands in base64 is what was encoded.
static void check_base64(const char *s, const uint8_t *bytes, size_t n) {
    assert_int_equal(strlen(s), (n + 2) / 3 * 4);
    assert_int_equal(strcspn(s, "="), (8 * n + 5) / 6);
    for (size_t i = 0; i < n; i++) {
        const size_t at = i / 3 * 4 + i % 3;
        const unsigned two = sextet(s[at]) << 6 | sextet(s[at + 1]);
        assert_int_equal(two >> (4 - 2 * (i % 3)) & 0xff, bytes[i]);
    }
}

static void check_picture(int side, bool exact) {
    image im;
    json_t *json;
    uint8_t *bytes;
    size_t n;
    assert_int_equal(image_new(side, side, 3, &im), FOIL_OK);
    for (size_t i = 0; i < image_bytes(&im); i++) im.pixels[i] = (uint8_t)(i * i % 251);
    assert_int_equal(page_picture(&im, &json), FOIL_OK);
    assert_int_equal(exact ? image_encode_png(&im, &bytes, &n) : image_encode_jpeg(&im, 88, &bytes, &n), FOIL_OK);
    const char *uri = json_string_value(json), *head = exact ? "data:image/png;base64," : "data:image/jpeg;base64,";
    assert_memory_equal(uri, head, strlen(head));
    check_base64(uri + strlen(head), bytes, n);
    free(bytes);
    json_decref(json);
    image_free(&im);
}

static void test_picture(void **state) {
    (void)state;
    for (int side = 1; side < 8; side++) check_picture(side, true); // whatever is left over after threes
    check_picture(128, true);
    check_picture(129, false);
}

static void test_unwritable(void **state) {
    (void)state;
    json_t *data = json_object();
    assert_int_equal(page_write("/nonexistent/report.html", PAGE_RUN, data), FOIL_IO);
    assert_non_null(strstr(foil_error(), "/nonexistent"));
    json_decref(data);
}

static int make_file(void **state) {
    (void)state;
    int f = mkstemp(path);
    return f < 0 ? -1 : close(f);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile), cmocka_unit_test(test_text), cmocka_unit_test(test_picture),
                                       cmocka_unit_test(test_unwritable)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
