#include <stdbool.h>
#include <string.h>

#include "base/keys.h"
#include "tests/cmocka.h"

typedef struct settings {
    int64_t out, kernel[2];
    double lr, range[2];
    bool bias;
    const char *name, *optional;
    int mode;
    key_ints sizes;
    key_floats rates;
    key_texts words;
    const yaml_node *node;
} settings;

static const char *const MODES[] = {"mean", "sum", "max", NULL};

#define AT(field) offsetof(settings, field)
static const key KEYS[] = {{"out", KEY_INT, AT(out), .min = 1, .max = 100, .doc = "channels"},
                           {"kernel", KEY_PAIR, AT(kernel), "3", .min = 1, .max = 9, .doc = "size"},
                           {"lr", KEY_FLOAT, AT(lr), "2e-4", .doc = "rate"},
                           {"range", KEY_RANGE, AT(range), "[60, 100]", .doc = "quality"},
                           {"bias", KEY_BOOL, AT(bias), "true", .doc = "add a bias"},
                           {"name", KEY_TEXT, AT(name), "x", .doc = "name"},
                           {"optional", KEY_TEXT, AT(optional), "", .doc = "maybe"},
                           {"mode", KEY_CHOICE, AT(mode), "sum", .choices = MODES, .doc = "how"},
                           {"sizes", KEY_INTS, AT(sizes), "[1, 2]", .doc = "sizes"},
                           {"rates", KEY_FLOATS, AT(rates), "[0.1, 0.001]", .min = 1e-6, .max = .5, .doc = "rates"},
                           {"words", KEY_TEXTS, AT(words), "", .doc = "words"},
                           {"node", KEY_NODE, AT(node), "", .doc = "anything"},
                           {0}};

static foil_status read(const char *source, settings *s, yaml **doc) {
    if (yaml_parse(source, "f.yaml", doc) != FOIL_OK) fail_msg("%s", foil_error());
    return keys_read(yaml_root(*doc), KEYS, s, "thing");
}

static void defaults(void **state) {
    (void)state;
    settings s;
    yaml *doc;
    assert_int_equal(read("out: 8", &s, &doc), FOIL_OK);
    yaml_free(doc);
    assert_int_equal(s.out, 8);
    assert_true(s.kernel[0] == 3 && s.kernel[1] == 3);
    assert_true(s.lr == 2e-4 && s.range[0] == 60 && s.range[1] == 100);
    assert_true(s.bias);
    assert_string_equal(s.name, "x");
    assert_null(s.optional);
    assert_int_equal(s.mode, 1);
    assert_true(s.sizes.n == 2 && s.sizes.at[1] == 2);
    assert_true(s.rates.n == 2 && s.rates.at[0] == .1 && s.rates.at[1] == .001);
    assert_int_equal(s.words.n, 0);
    assert_null(s.node);
}

static void every_type(void **state) {
    (void)state;
    settings s;
    yaml *doc;
    assert_int_equal(read("{out: 1, kernel: [2, 5], lr: -1.5, range: 7, bias: false, name: n, optional: o, mode: max, sizes: 4, rates: [], "
                          "words: [a, b], node: {x: 1}}",
                          &s, &doc),
                     FOIL_OK);
    assert_true(s.kernel[0] == 2 && s.kernel[1] == 5 && s.lr == -1.5 && s.range[0] == 7 && s.range[1] == 7);
    assert_false(s.bias);
    assert_string_equal(s.optional, "o");
    assert_int_equal(s.mode, 2);
    assert_true(s.sizes.n == 1 && s.sizes.at[0] == 4);
    assert_int_equal(s.rates.n, 0);
    assert_string_equal(s.words.at[1], "b");
    assert_int_equal(yaml_kind_of(s.node), YAML_MAP);
    yaml_free(doc);
}

static void a_scalar_is_the_first_key(void **state) {
    (void)state;
    settings s;
    yaml *doc;
    assert_int_equal(read("12", &s, &doc), FOIL_OK);
    assert_int_equal(s.out, 12);
    yaml_free(doc);
    static const key none[] = {{0}};
    assert_int_equal(yaml_parse("12", "f.yaml", &doc), FOIL_OK);
    assert_int_equal(keys_read(yaml_root(doc), none, &s, "tanh"), FOIL_INVALID);
    assert_string_equal(foil_error(), "f.yaml:1:1: tanh takes no value");
    yaml_free(doc);
}

static void mistakes(void **state) {
    (void)state;
    static const struct {
        const char *source, *message;
    } wrong[] = {
        {"{}", "f.yaml:1:1: thing lacks the key 'out' (channels)"},
        {"out: 1\nkernl: 3\n", "f.yaml:2:1: unknown key 'kernl' in thing (did you mean 'kernel'?); known: out, kernel, lr, "},
        {"out: 1\nzzzzz: 3\n", "f.yaml:2:1: unknown key 'zzzzz' in thing; known: out, "},
        {"out: x", "f.yaml:1:6: 'out' is 'x', expected a whole number"},
        {"out: 1.5", "f.yaml:1:6: 'out' is '1.5', expected a whole number"},
        {"out: 99999999999999999999", "f.yaml:1:6: 'out' is '99999999999999999999', expected a whole number"},
        {"out: 0", "f.yaml:1:6: 'out' is 0, expected 1 to 100"},
        {"out: [1]", "f.yaml:1:6: 'out' is a list, expected a whole number"},
        {"{out: 1, lr: nan}", "f.yaml:1:14: 'lr' is 'nan', expected a number"},
        {"{out: 1, kernel: [1, 2, 3]}", "f.yaml:1:18: 'kernel' has 3 items, expected a whole number or a pair of them"},
        {"{out: 1, kernel: [1, 10]}", "f.yaml:1:22: 'kernel' is 10, expected 1 to 9"},
        {"{out: 1, kernel: {a: 1}}", "f.yaml:1:18: 'kernel' is a map, expected"},
        {"{out: 1, range: [2, 1]}", "f.yaml:1:17: 'range' is [2, 1], expected [low, high]"},
        {"{out: 1, bias: yes}", "f.yaml:1:16: 'bias' is 'yes', expected true or false"},
        {"{out: 1, mode: men}", "f.yaml:1:16: 'mode' is 'men', expected one of mean, sum, max (did you mean 'mean'?)"},
        {"{out: 1, name: [a]}", "f.yaml:1:16: 'name' is a list, expected text"},
        {"{out: 1, sizes: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}", "f.yaml:1:17: 'sizes' has 17 items, expected"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        settings s;
        yaml *doc;
        assert_int_equal(read(wrong[i].source, &s, &doc), FOIL_INVALID);
        if (strncmp(foil_error(), wrong[i].message, strlen(wrong[i].message)) != 0) fail_msg("%s\nexpected %s", foil_error(), wrong[i].message);
        yaml_free(doc);
    }
}

static void documentation(void **state) {
    (void)state;
    text t = {0};
    keys_document(KEYS, &t);
    assert_non_null(strstr(t.data, "| `out` | whole number, 1 to 100 | required | channels |\n"));
    assert_non_null(strstr(t.data, "| `mode` | mean, sum, max | `sum` | how |\n"));
    text_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults), cmocka_unit_test(every_type),    cmocka_unit_test(a_scalar_is_the_first_key),
        cmocka_unit_test(mistakes), cmocka_unit_test(documentation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
