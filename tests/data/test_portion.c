// A part of a set to learn from: methods left out, amounts.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/portion.h"
#include "tests/data/pictures.h"

enum { N = 60 };
static char path[] = "/tmp/foil-portion-XXXXXX";
static set *pictures;

// By turns a photograph, a scan and fakes of two methods; the last 12 are for validation.
static int make_set(void **state) {
    (void)state;
    static const char *const METHODS[] = {"camera", "gan", "scanner", "diffusion"};
    int file = mkstemp(path);
    if (file < 0) return -1;
    close(file);
    set_description d = {2, 2, 3, FIT_CROP, RESIZE_LANCZOS, 5, N, "tests", "CC0"};
    set_writer *w;
    OK(set_create(path, &d, &w));
    for (int i = 0; i < N; i++) {
        image im = picture(2, 2, 3, (uint64_t)i);
        unsigned char digest[32] = {(unsigned char)i};
        OK(set_add(w, &im, i % 2, METHODS[i % 4], "", -1, i < 48 ? SPLIT_TRAIN : SPLIT_VAL, "a.png", digest));
        image_free(&im);
    }
    OK(set_commit(w));
    OK(set_open(path, &pictures));
    return 0;
}

static int remove_set(void **state) {
    (void)state;
    set_close(pictures);
    return unlink(path);
}

// How many there are to learn from, all of the class and in training; of which so many of `method`.
static int64_t count(const portion *p, bool fake, const key_texts *methods, const char *method, int64_t *of_method) {
    selection some;
    OK(portion_select(pictures, p, fake, methods, &some));
    int64_t n = some.n;
    *of_method = 0;
    for (int64_t j = 0; j < n; j++) {
        set_label l = set_label_at(pictures, selection_at(&some, j));
        assert_int_equal(l.fake, fake);
        assert_int_equal(l.split, SPLIT_TRAIN);
        *of_method += strcmp(set_method_name(pictures, l.method), method) == 0;
    }
    selection_free(&some);
    return n;
}

static void test_without(void **state) {
    (void)state;
    int64_t m;
    const portion all = {.amount = 1}, some = {.without = {2, {"gan", "scanner"}}, .amount = 1};
    assert_int_equal(count(NULL, false, NULL, "camera", &m), 24);
    assert_int_equal(count(&all, false, NULL, "camera", &m), 24);
    assert_int_equal(m, 12);
    assert_int_equal(count(&some, false, NULL, "camera", &m), 12);
    assert_int_equal(m, 12);
    assert_int_equal(count(&some, true, NULL, "diffusion", &m), 12);
    assert_int_equal(m, 12);
    // What is asked for by name is left out all the same.
    const key_texts both = {2, {"gan", "diffusion"}}, one = {1, {"gan"}};
    assert_int_equal(count(&some, true, &both, "gan", &m), 12);
    assert_int_equal(m, 0);
    assert_int_equal(count(&some, true, &one, "gan", &m), 0);
    // Validation, too.
    selection chosen;
    OK(set_select(pictures, SPLIT_VAL, portion_has, &some, &chosen));
    assert_int_equal(chosen.n, 6);
    selection_free(&chosen);
}

static void test_amount(void **state) {
    (void)state;
    int64_t m;
    const struct {
        double amount;
        int64_t n;
    } cases[] = {{.5, 12}, {.26, 7}, {1e-9, 1}, {5, 5}, {24, 24}, {1000, 24}, {1, 24}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const portion p = {.amount = cases[i].amount};
        assert_int_equal(count(&p, false, NULL, "camera", &m), cases[i].n);
        assert_int_equal(count(&p, true, NULL, "gan", &m), cases[i].n);
    }
}

static void test_names(void **state) {
    (void)state;
    yaml *doc;
    const key_texts wrong = {2, {"gan", "dall-e"}}, right = {1, {"scanner"}};
    OK(yaml_parse("[gan, dall-e]", "here.yaml", &doc));
    OK(set_check_methods(pictures, &right, yaml_root(doc)));
    assert_int_equal(set_check_methods(pictures, &wrong, yaml_root(doc)), FOIL_INVALID);
    assert_string_equal(foil_error(), "here.yaml:1:1: the set has no method 'dall-e' (it has: camera, gan, scanner, diffusion)");
    yaml_free(doc);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_without), cmocka_unit_test(test_amount), cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, make_set, remove_set);
}
